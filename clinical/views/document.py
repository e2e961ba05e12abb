"""Files in, and out through a permission, an audit line and a check of their hash."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header

from clinical.chart import open_chart
from clinical.forms.document import Upload
from clinical.models import Document, Patient, Visit
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit

# Whatever is in a file, a browser that opens it here may run, load and frame nothing.
SEALED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@permit("clinical.upload_document", "GET", "POST")
def document_upload(request: Request, pk: UUID) -> HttpResponse:
    return take_in(request, get_object_or_404(Patient, pk=pk), None)


@permit("clinical.upload_document", "GET", "POST")
def visit_upload(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    return take_in(request, visit.patient, visit)


def take_in(request: Request, patient: Patient, visit: Visit | None) -> HttpResponse:
    form = Upload(request.POST or None, request.FILES or None)
    back = (visit or patient).get_absolute_url()
    if request.method == "POST" and form.is_valid():
        documents = form.save(patient, visit, by=request.acting.person)
        messages.success(request, f"{len(documents)} {'file' if len(documents) == 1 else 'files'} received.")
        return answered(request, f"{back}#documents")
    context = {"patient": open_chart(patient, page="upload"), "visit": visit, "form": form, "cancel": back}
    template = "clinical/document/_upload.html" if request.htmx else "clinical/document/upload.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


@permit("clinical.view_document")
def document(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Document, pk=pk)
    content = found.read()
    headers = {**SEALED, "Content-Disposition": content_disposition_header(True, found.name)}
    return HttpResponse(content, content_type=found.content_type, headers=headers)

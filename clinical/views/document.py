"""Files in, and out through a permission, an audit line and a check of their hash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from clinical import filetypes
from clinical.chart import open_chart
from clinical.forms.document import EditDocument, Reassign, Upload
from clinical.models import Document, Patient, Visit
from clinical.models.document import REASSIGN
from clinical.tiffs import as_png
from clinical.views.answers import answered, as_file
from hospital.http import Request
from hospital.permits import permit

# Whatever is in a file, a browser that opens it here may run, load and frame nothing.
SEALED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
# A browser's own reader of PDFs does not run in a sandbox of ours: it is one. What a PDF could do is refused at the door.
SHOWN_PDF = SEALED | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "SAMEORIGIN",
}
PAGE, MOST_EXPORTED = 50, 10_000
HEADINGS = ("Title", "File", "Category", "Tags", "Status", "Bytes", "Filed", "By", "SHA-256")


@permit("clinical.upload_document", "GET", "POST")
def document_upload(request: Request, pk: UUID) -> HttpResponse:
    return take_in(request, get_object_or_404(Patient, pk=pk), None)


@permit("clinical.upload_document", "GET", "POST")
def visit_upload(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    return take_in(request, visit.patient, visit)


@permit("clinical.upload_document", "GET", "POST")
def document_version(request: Request, pk: UUID) -> HttpResponse:
    """A newer version of a document; the former one stays behind it."""
    former = found(request, pk)
    return take_in(request, former.patient, former.visit, former)


def take_in(request: Request, patient: Patient, visit: Visit | None, former: Document | None = None) -> HttpResponse:
    open_chart(patient, page="upload")
    form = Upload(request.POST or None, request.FILES or None, former=former)
    back = (former or visit or patient).get_absolute_url()
    if request.method == "POST" and form.is_valid():
        documents = form.save(patient, visit, by=request.acting.person)
        tell(request, len(documents), form.known)
        return answered(request, documents[0].get_absolute_url() if former and documents else f"{back}#documents")
    context = {"patient": patient, "visit": visit, "form": form, "cancel": back, "former": former}
    template = "clinical/document/_upload.html" if request.htmx else "clinical/document/upload.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def tell(request: Request, filed: int, known: list[str]) -> None:
    """Once for all, also when they are sent one by one: the last one says how many were before it, the others that more come."""
    before = request.POST.get("before", "")
    filed += int(before) if before.isdecimal() and len(before) < 4 else 0
    if filed and not request.POST.get("more"):
        messages.success(request, f"{filed} {'file' if filed == 1 else 'files'} received.")
    if known:
        messages.info(request, f"On file already: {', '.join(known)}.")


# --- finding and reading ----------------------------------------------------------------------


@permit("clinical.view_document")
def documents(request: Request, pk: UUID) -> HttpResponse:
    """All documents of a patient: by category, and by words of the title and the tags."""
    patient = open_chart(pk, page="documents")
    query = words_in(request)
    mine = patient.documents.seen_by(request.acting).newest().containing(query)
    counts = dict(mine.order_by().values_list("category").annotate(Count("pk")))
    context = {
        "patient": patient,
        "page": Paginator(asked_for(request, patient), PAGE).get_page(request.GET.get("page")),
        "query": query,
        "pills": pills(counts),
        "asked": request.GET.urlencode(),
    }
    return render(request, "clinical/document/list.html", context)


def words_in(request: Request) -> str:
    return request.GET.get("q", "").strip()[:100].replace("\0", "")


def asked_for(request: Request, patient: Patient) -> Any:
    mine = patient.documents.seen_by(request.acting).newest().containing(words_in(request))
    category = request.GET.get("category", "")
    shown = mine.filter(category=category) if category in Document.Category.values else mine
    return shown.select_related("patient", "uploaded_by", "for_person")


@permit("clinical.view_document")
def documents_export(request: Request, pk: UUID) -> HttpResponse:
    """What the list says of each; the files stay here."""
    patient = open_chart(pk, page="documents, as a file")
    rows = [exported(one) for one in asked_for(request, patient)[:MOST_EXPORTED]]
    name = f"{patient.number}-documents"
    return as_file(request, name, HEADINGS, rows, table="clinical_document", patient_id=patient.pk)


def exported(one: Document) -> tuple[Any, ...]:
    filed = (f"{timezone.localtime(one.uploaded_at):%Y-%m-%d %H:%M}", str(one.uploaded_by or ""))
    about = (one.get_category_display(), ", ".join(one.tags), one.get_status_display())
    return one.title, one.name, *about, one.size, *filed, one.sha256


def pills(counts: dict[str, int]) -> list[dict[str, Any]]:
    named = [
        {"value": value, "label": label, "count": counts[value]}
        for value, label in Document.Category.choices
        if value in counts
    ]
    return [{"value": "", "label": "All", "count": sum(counts.values())}, *named]


@permit("clinical.view_document")
def document(request: Request, pk: UUID) -> HttpResponse:
    one = found(request, pk)
    mine = one.versions.seen_by(request.acting).select_related("uploaded_by")
    words = one.first_words() if one.is_filed and one.content_type.startswith("text/") else ""
    context = {"patient": one.patient, "document": one, "versions": mine, "words": words}
    return render(request, "clinical/document/page.html", context)


@permit("clinical.view_document")
def document_file(request: Request, pk: UUID) -> FileResponse:
    return sent(found(request, pk), SEALED, attached=True)


@permit("clinical.view_document")
def document_preview(request: Request, pk: UUID) -> HttpResponseBase:
    """For the frame or the picture on the page of the document."""
    one = found(request, pk)
    if not one.has_preview:
        raise Http404
    if one.content_type == filetypes.TIFF.mime:
        return first_page(one)
    return sent(one, SHOWN_PDF if one.content_type == filetypes.PDF.mime else SEALED, attached=False)


def first_page(one: Document) -> HttpResponse:
    with one.open() as file:
        picture = as_png(file)
    if picture is None:
        raise Http404("This picture is too large to be shown here. Download it.")
    return HttpResponse(picture, headers=SEALED, content_type=filetypes.PNG.mime)


def sent(one: Document, headers: dict[str, str], *, attached: bool) -> FileResponse:
    """In pieces: it was compared with its hash before the first of them."""
    named: dict[str, Any] = {"as_attachment": attached, "filename": one.name, "content_type": one.content_type}
    return FileResponse(one.open(), headers=headers, **named)


def found(request: Request, pk: UUID) -> Document:
    """For whom it is not, there is no such document."""
    mine = Document.objects.seen_by(request.acting).select_related("patient", "visit", "uploaded_by", "for_person")
    one = get_object_or_404(mine, pk=pk)
    open_chart(one.patient, page="document", about={"about": str(one.pk)})
    return one


# --- changing ---------------------------------------------------------------------------------


@permit("clinical.upload_document", "GET", "POST")
def document_edit(request: Request, pk: UUID) -> HttpResponse:
    one = found(request, pk)
    form = EditDocument(request.POST or None, instance=found(request, pk))
    if request.method == "POST" and form.is_valid():
        one.change(by=request.acting.person, **form.changes)
        messages.success(request, f"{one.title} is saved.")
        return redirect(one)
    context = {"patient": one.patient, "form": form, "cancel": one.get_absolute_url()}
    return render(request, "clinical/document/edit.html", context, status=form.status if form.is_bound else 200)


@permit(REASSIGN, "GET", "POST")
def document_reassign(request: Request, pk: UUID) -> HttpResponse:
    one = found(request, pk)
    form = Reassign(request.POST or None)
    if request.method == "POST" and form.is_valid() and form.patient:
        open_chart(form.patient, page="document")
        one.reassign(form.patient, form.cleaned_data["reason"], by=request.acting.person)
        messages.success(request, f"{one.title} is filed with {form.patient.number} now.")
        return redirect("clinical:documents", form.patient.pk)
    context = {"patient": one.patient, "form": form, "title": "File with another patient", "submit": "Move it"}
    context |= {"cancel": one.get_absolute_url(), "text": f"{one.title}, with all its versions."}
    return render(request, "clinical/document/reassign.html", context, status=422 if form.is_bound else 200)

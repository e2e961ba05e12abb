"""Files from payers: brought in at one place, with what became of each."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing.forms.remittance import UploadPayerFile
from billing.models import PayerFile
from billing.models.payer_file import TAKE
from billing.payer_inbox import here_already, take_file
from hospital.http import Request
from hospital.permits import permit

PAGE = 25


@permit(TAKE, "GET", "POST")
def payer_files(request: Request) -> HttpResponse:
    form = UploadPayerFile(request.POST or None, request.FILES or None)
    twin = None
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        raw = upload.read()
        twin = here_already(raw)
        if twin is None:
            row = take_file(upload.name, raw, by=request.acting.person)
            messages.success(request, f"{row} is in.")
            return redirect(row)
    rows = PayerFile.objects.select_related("uploaded_by")
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    state = request.GET.get("state", "")
    chosen = rows.filter(state=state) if state in PayerFile.State.values else rows
    context = {
        "form": form,
        "twin": twin,
        "page": Paginator(chosen, PAGE).get_page(request.GET.get("page")),
        "pills": [
            {"value": "", "label": "All", "count": sum(counts.values())},
            *({"value": one.value, "label": one.label, "count": counts.get(one.value, 0)} for one in PayerFile.State),
        ],
    }
    status = 409 if twin else 422 if form.is_bound else 200
    return render(request, "billing/payer_file/list.html", context, status=status)


@permit(TAKE)
def payer_file(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(PayerFile.objects.select_related("uploaded_by"), pk=pk)
    context = {"row": row, "remittances": row.remittances.all(), "lines": row.words.splitlines()}
    return render(request, "billing/payer_file/page.html", context)


@permit(TAKE)
def payer_file_bytes(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(PayerFile, pk=pk)
    return HttpResponse(
        row.download(),
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{row.sha256[:12]}.x12"'},
    )

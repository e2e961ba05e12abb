"""The page of one biopsy, and its order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from clinical.biopsy_opening import open_biopsy
from clinical.biopsy_rows import rows_of
from clinical.chart import open_chart
from clinical.forms.biopsy import OrderBiopsy
from clinical.models import Biopsy, BiopsyPart, Encounter, PathologyLab, Visit
from clinical.models.biopsy import COLLECT, ORDER, VIEW
from clinical.views.answers import answered
from clinical.views.biopsy_result import result_context
from hospital.http import Request
from hospital.permits import permit

PAGE = "biopsy"
FORWARD = {
    Biopsy.Status.COLLECTED: "send",
    Biopsy.Status.SENT: "receive",
    Biopsy.Status.RECEIVED: "process",
}


@permit(VIEW)
def biopsy(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_biopsy(row, at_work=request.acting.may(COLLECT))
    rows = rows_of(row, request.acting)
    lists = [item.manifest for item in rows["listed"] if item.manifest.is_packing]
    context = {
        "biopsy": row,
        "patient": patient,
        "visit": row.visit,
        "parts": tree(rows["parts"]),
        "custody": rows["custody"],
        "photos": rows["photos"],
        "not_arrived": [item for item in rows["listed"] if row.is_missing and not item.manifest.is_packing],
        "task": next(iter(rows["tasks"]), None),
        "is_here": bool(rows["here"]),
        "again": next(iter(rows["again"]), None),
        "listed": next(iter(lists), None),
        "forward": FORWARD.get(Biopsy.Status(row.status), ""),
        "moves": row.moves(),
        "marks": [row],
        **result_context(request, row, rows),
    }
    return render(request, "clinical/biopsy/detail.html", context)


def found(pk: UUID) -> Biopsy:
    people = ("patient", "ordered_by", "identified_by", "time_out_by")
    names = (*people, "visit", "laboratory", "encounter", "rebiopsy_of", "report__biopsy", "report__document")
    return get_object_or_404(Biopsy.objects.select_related(*names), pk=pk)


def tree(parts: list[BiopsyPart]) -> list[BiopsyPart]:
    """Each specimen with its blocks, and each block with its slides, below it."""
    below: dict[UUID | None, list[BiopsyPart]] = {}
    for part in sorted(parts, key=lambda part: part.position):
        below.setdefault(part.parent_id, []).append(part)
    found: list[BiopsyPart] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        part = waiting.pop()
        found.append(part)
        waiting += reversed(below.get(part.pk, []))
    return found


@permit(ORDER, "GET", "POST")
def biopsy_order(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    patient = open_chart(visit.patient, page="order biopsy")
    note = note_of(request, visit)
    files = request.FILES if request.method == "POST" else None
    may_upload = request.acting.may("clinical.upload_document")
    form = OrderBiopsy(request.POST or None, files, visit=visit, may_upload=may_upload, encounter=note)
    if request.method == "POST" and form.is_valid():
        row = form.order(request.acting.person)
        messages.success(request, f"{row.number} is ordered.")
        return answered(request, row.get_absolute_url())
    context: dict[str, Any] = {"visit": visit, "patient": patient, "form": form, "note": note, "marks": []}
    context["has_laboratory"] = PathologyLab.objects.offered().exists()
    return render(request, "clinical/biopsy/order.html", context, status=422 if form.is_bound else 200)


def note_of(request: Request, visit: Visit) -> Encounter | None:
    """The note from which it is ordered, if it is one of this visit."""
    key = request.GET.get("note", "")
    try:
        return visit.encounters.filter(pk=UUID(key)).first() if key else None
    except ValueError:
        return None

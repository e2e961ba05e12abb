"""What came out of a biopsy: the report and its corrections, the review, and the end of the loop."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical.biopsy_opening import open_biopsy
from clinical.biopsy_rows import Rows
from clinical.forms.biopsy_result import ReportForm, ReviewForm
from clinical.models import Biopsy, BiopsyTelling, PathologyNotice
from clinical.models.biopsy import RESULT, REVIEW, VIEW
from clinical.models.biopsy_telling import missing_in
from clinical.models.pathology_report import takes_report
from clinical.views.answers import answered
from clinical.views.biopsy_log import READS_RESULTS
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused, allow

AT_ONCE = 50
ICONS = {"told": "message-2", "attempt": "phone", "letter": "mail"}


def found(pk: UUID) -> Biopsy:
    return get_object_or_404(Biopsy.objects.shown().select_related("report__coded", "report__document"), pk=pk)


def result_context(request: Request, biopsy: Biopsy, rows: Rows) -> dict[str, Any]:
    """For `_result.html`, `_review.html` and `_telling.html`."""
    if biopsy.report_id is None:
        return {"can_result": takes_report(biopsy), "reports": []}
    reports, reviews, tellings = rows["reports"], rows["reviews"], rows["tellings"]
    counts = [one for one in tellings if one.report_id == biopsy.report_id]
    return {
        "report": reports[0],
        "reports": reports,
        "review": next((one for one in reviews if one.report_id == biopsy.report_id), None),
        "former_reviews": [one for one in reviews if one.report_id != biopsy.report_id],
        "tellings": [told(one, request) for one in reversed(tellings)],
        "missing": missing_in(counts) if biopsy.status == Biopsy.Status.REVIEWED else "",
        "notice": next(iter(rows["notices"]), None),
        "can_correct": RESULT in biopsy.MOVES.get(biopsy.status, {}).values() or biopsy.status == "resulted",
    }


def told(one: BiopsyTelling, request: Request) -> dict[str, Any]:
    """As `_timeline.html` wants it. What was said of a report that was corrected since does not count any more."""
    is_letter = one.kind == BiopsyTelling.Kind.LETTER
    pieces = [one.subject if is_letter else f"{one.get_way_display()}, {one.whom}".rstrip(", "), one.words]
    if one.report_id != one.biopsy.report_id:
        pieces.append("Of a former report: it does not count.")
    return {
        "at": one.at,
        "by": one.by,
        "icon": ICONS[one.kind],
        "title": one.get_kind_display(),
        "text": ". ".join(filter(None, pieces)),
        "url": reverse("clinical:biopsy_letter_print", args=[one.pk])
        if is_letter and request.acting.may(REVIEW)
        else "",
    }


@permit(RESULT, "GET", "POST")
def biopsy_report_enter(request: Request, pk: UUID) -> HttpResponse:
    """The report by hand or as a file; once there is one, its correction."""
    row = found(pk)
    patient = open_biopsy(row, at_work=row.report_id is None)
    if row.report_id is None and not takes_report(row):
        raise Refused(
            f"{row.number} is {row.get_status_display().lower()}. Its result comes when the laboratory has it."
        )
    may_upload = request.acting.may("clinical.upload_document")
    files = request.FILES if request.method == "POST" else None
    form = ReportForm(request.POST or None, files, biopsy=row, may_upload=may_upload)
    if request.method == "POST" and form.is_valid() and form.enter(request.acting.person):
        is_new = form.former is None
        messages.success(request, f"The report of {row.number} is {'entered' if is_new else 'corrected'}.")
        return answered(request, row.get_absolute_url())
    context = {"biopsy": row, "patient": patient, "visit": row.visit, "form": form, "report": row.report}
    return render(request, "clinical/biopsy/report_form.html", context, status=422 if form.is_bound else 200)


@permit(REVIEW, "GET", "POST")
def biopsy_review(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_biopsy(row)
    row.refuse_unless(Biopsy.Status.RESULTED, "Only a result that waits for it is reviewed.")
    form = ReviewForm(request.POST or None, biopsy=row)
    if request.method == "POST" and form.is_valid() and form.sign(request.acting.person):
        messages.success(request, f"{row.number} is reviewed. Tell the patient, then close it.")
        return answered(request, row.get_absolute_url())
    context = {"biopsy": row, "patient": patient, "visit": row.visit, "form": form, "report": row.report}
    return render(request, "clinical/biopsy/review_form.html", context, status=422 if form.is_bound else 200)


@permit(REVIEW, "POST")
def biopsy_close(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    open_biopsy(row)
    row.close(by=request.acting.person)
    messages.success(request, f"{row.number} is closed.")
    return answered(request, row.get_absolute_url())


# --- corrections ----------------------------------------------------------------------------


@permit(VIEW)
def biopsies_corrected(request: Request) -> HttpResponse:
    """The reports that this person read, and that were wrong."""
    allow(READS_RESULTS, request.acting.person)
    seen = request.GET.get("show") == "seen"
    mine = PathologyNotice.objects.filter(person=request.acting.person)
    counts = mine.aggregate(
        open=Count("pk", filter=Q(acknowledged_at=None)), seen=Count("pk", filter=~Q(acknowledged_at=None))
    )
    rows = mine.filter(acknowledged_at__isnull=not seen).shown().order_by("-created_at")
    context = {
        "page": Paginator(rows, AT_ONCE).get_page(request.GET.get("page")),
        "seen": seen,
        "pills": [
            {"value": "", "label": "To look at", "count": counts["open"]},
            {"value": "seen", "label": "Looked at", "count": counts["seen"]},
        ],
    }
    return render(request, "clinical/biopsy/corrected.html", context)


@permit(VIEW, "POST")
def biopsy_corrected_seen(request: Request, pk: UUID) -> HttpResponse:
    notice = get_object_or_404(PathologyNotice.objects.select_related("report__biopsy__patient"), pk=pk)
    open_biopsy(notice.report.biopsy)
    notice.acknowledge(by=request.acting.person)
    return redirect("clinical:biopsy", pk=notice.report.biopsy_id)

"""The log of biopsies: where each one stands, and which are late. Filters are kept for each person."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from clinical import days
from clinical.biopsy_opening import note_export, note_list
from clinical.body_sites import SITES
from clinical.forms.biopsy_log import GROUPS, PILLS, LogFilter
from clinical.models import Biopsy, SavedFilter
from clinical.models.biopsy import VIEW
from clinical.reports.biopsies import at_a_glance
from hospital.http import Request
from hospital.permits import permit
from hospital.spreadsheets import as_csv

LIST, PAGE, MOST_EXPORTED = "biopsies", 50, 5000
READS_RESULTS = "clinical.view_results"


def asked(request: Request) -> LogFilter:
    return LogFilter(request.GET, reads_results=request.acting.may(READS_RESULTS))


@permit(VIEW)
def biopsies(request: Request) -> HttpResponse:
    form = asked(request)
    counts = form.counts()
    pages = Paginator(form.in_order().shown().select_related("report__biopsy", "report__document"), PAGE)
    pages.count = counts[form.status]
    page = pages.get_page(request.GET.get("page"))
    if form.reads_results:
        note_list(page.object_list)
    context = {
        "page": page,
        "groups": grouped(list(page.object_list), form),
        "form": form,
        "status": form.status,
        "pills": [{"value": value, "label": label, "count": counts[value]} for value, (label, _) in PILLS.items()],
        "glance": at_a_glance(),
        "saved": SavedFilter.objects.filter(person=request.acting.person, list=LIST),
        "query": asked_without(request, "page"),
        "kept": asked_without(request, "page", "q"),
    }
    return render(request, "clinical/biopsy/log.html", context)


def asked_without(request: Request, *names: str) -> str:
    """What is asked for, and nothing that is left empty."""
    query = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        query.setlist(name, [value for value in values if value and name not in names])
    return query.urlencode()


def grouped(rows: list[Biopsy], form: LogFilter) -> list[dict[str, Any]]:
    """The rows of this page under their headings, each with the number of all its rows."""
    if not form.chosen_group:
        return [{"label": "", "count": len(rows), "rows": rows}] if rows else []
    column, counts = GROUPS[form.chosen_group][2], form.counts_by_group()
    return [
        {"label": in_words(form.chosen_group, key), "count": counts.get(key, 0), "rows": list(group)}
        for key, group in groupby(rows, lambda row: value_of(row, column))
    ]


def value_of(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name, None)
    return row


def in_words(group: str, key: Any) -> str:
    if group == "status":
        return str(Biopsy.Status(key).label)
    return SITES[key].name if group == "site" and key in SITES else str(key or "Nobody")


# --- filters of one person ------------------------------------------------------------------


@permit(VIEW, "POST")
def keep_filter(request: Request) -> HttpResponse:
    query = QueryDict(request.POST.get("query", "")[:2000])
    kept = SavedFilter.keep(LIST, request.POST.get("name", ""), query, by=request.acting.person)
    messages.success(request, f"The filter {kept.name} is kept.")
    return redirect(f"{reverse('clinical:biopsies')}?{kept.query}")


@permit(VIEW, "POST")
def drop_filter(request: Request, pk: UUID) -> HttpResponse:
    kept = get_object_or_404(SavedFilter, pk=pk, person=request.acting.person, list=LIST)
    kept.delete()
    messages.success(request, f"The filter {kept.name} is deleted.")
    return redirect("clinical:biopsies")


# --- as a table for others ----------------------------------------------------------------------

HEADINGS = (
    "Number", "Patient", "Patient number", "Type", "Site", "Side", "Status", "Overdue", "Ordered by", "Laboratory",
    "Ordered", "Collected", "Sent", "Result", "Reviewed", "Closed", "Clinical diagnosis",
)  # fmt: skip
OF_RESULT = ("Pathological diagnosis", "Level")


@permit(VIEW)
def biopsies_csv(request: Request) -> HttpResponse:
    """The log as it is filtered. Who took it is written down."""
    form = asked(request)
    with_results = request.acting.may(READS_RESULTS)
    rows, left = first_of(form, MOST_EXPORTED)
    note_export(rows, with_results=with_results, filters=request.GET.dict())
    headings = (*HEADINGS, *(OF_RESULT if with_results else ()))
    return HttpResponse(
        as_csv([headings, *(exported(row, with_results) for row in rows), *([[left]] if left else [])]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="biopsies-{days.today()}.csv"'},
    )


def first_of(form: LogFilter, most: int) -> tuple[list[Biopsy], str]:
    """As many as fit, and in words that there are more."""
    rows = list(form.in_order().shown().select_related("report__biopsy", "report__document")[: most + 1])
    left = f"There are more than these {most:,}. Narrow the log to have the others." if len(rows) > most else ""
    return rows[:most], left


def exported(row: Biopsy, with_results: bool) -> tuple[Any, ...]:
    moments = (row.ordered_at, row.collected_at, row.sent_at, row.resulted_at, row.reviewed_at, row.closed_at)
    cells = (
        row.number,
        row.patient.name,
        row.patient.number,
        row.get_kind_display(),
        row.at.name,
        row.get_laterality_display() if row.laterality else "",
        row.get_status_display(),
        row.tier or "",
        row.ordered_by.name if row.ordered_by else "",
        row.laboratory.name,
        *(f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "" for at in moments),
        f"{row.clinical_code} {row.clinical_diagnosis}".strip(),
    )
    return (*cells, row.report.diagnosis if row.report else "", row.get_malignancy_display()) if with_results else cells

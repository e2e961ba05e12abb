"""The whole life in order."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render

from clinical.forms.period import PeriodForm
from clinical.past_life import PastTimeline
from clinical.timeline import KINDS, Entry, Timeline, by_year
from clinical.views.chart.frame import READ, Opened, opened
from hospital.http import Request
from hospital.permits import permit

ENTRIES = 40


@permit(READ)
def timeline(request: Request, pk: UUID) -> HttpResponse:
    chart = opened(request, pk, "timeline")
    line, period = asked_life(request, chart), PeriodForm(request.GET)
    query, kind = line.wanted.query, line.kind
    page: Page = Paginator(cast(list[Entry], line), ENTRIES).get_page(request.GET.get("page"))
    context = {
        **chart.context,
        "here": "timeline",
        "page": page,
        "years": list(by_year(list(page.object_list))),
        "pills": line.pills,
        "query": query,
        "kind": kind,
        "period": period,
        "authors": line.authors,
        "author": line.author,
        "narrowed": bool(query or kind or line.author or any(period.bounds)),
    }
    return render(request, "clinical/chart/timeline.html", context)


def asked_life(request: Request, chart: Opened) -> Timeline:
    """What the address narrows it to."""
    kind = request.GET.get("kind", "")
    return life(
        request,
        chart,
        kind=kind if kind in KINDS else "",
        query=request.GET.get("q", "").strip()[:100].replace("\0", ""),
        author=request.GET.get("by", "").replace("\0", "")[:120],
        period=PeriodForm(request.GET).bounds,
    )


def life(request: Request, chart: Opened, **wanted: Any) -> Timeline:
    """Now, or as it was."""
    if chart.at:
        return PastTimeline(chart.patient, request.acting, chart.at, **wanted)
    return Timeline(chart.patient, request.acting, **wanted)

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import render

from billing.reports import insurers, overview, patients, performance, revenue, visits
from clinical.reports.asking import context_of, table_as_file
from clinical.reports.parts import Report
from clinical.reports.period import Period, chosen
from hospital.http import Request
from hospital.permits import permit

VIEW = "billing.view_analytics"
TABS: dict[str, tuple[str, Callable[[Period], Report]]] = {
    "overview": ("Overview", overview.report),
    "revenue": ("Revenue", revenue.report),
    "insurers": ("Insurers", insurers.report),
    "patients": ("Patients", patients.report),
    "visits": ("Visits", visits.report),
    "performance": ("Performance", performance.report),
}


@permit(VIEW)
def analytics(request: Request, tab: str = "overview") -> HttpResponse:
    context = context_of(request.GET, report_of(tab, chosen(request.GET)[0]))
    context |= {"tab": tab, "tabs": [(key, label) for key, (label, _) in TABS.items()]}
    return render(request, "billing/analytics/analytics.html", context, status=422 if context["is_wrong"] else 200)


@permit(VIEW)
def download(request: Request, tab: str, table: str) -> HttpResponse:
    period = chosen(request.GET)[0]
    return table_as_file(tab, table, period, report_of(tab, period))


def report_of(tab: str, period: Period) -> Report:
    if tab not in TABS:
        raise Http404
    return TABS[tab][1](period)

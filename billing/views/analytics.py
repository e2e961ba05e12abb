from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import render

from billing.reports import overview, patients, performance, revenue, visits
from clinical.reports.parts import Report
from clinical.reports.period import PRESETS, Period, chosen
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit

VIEW = "billing.view_analytics"
TABS: dict[str, tuple[str, Callable[[Period], Report]]] = {
    "overview": ("Overview", overview.report),
    "revenue": ("Revenue", revenue.report),
    "patients": ("Patients", patients.report),
    "visits": ("Visits", visits.report),
    "performance": ("Performance", performance.report),
}


@permit(VIEW)
def analytics(request: Request, tab: str = "overview") -> HttpResponse:
    period, preset, form = chosen(request.GET)
    context = {
        "report": report_of(tab, period),
        "tab": tab,
        "tabs": [(key, label) for key, (label, _) in TABS.items()],
        "period": period,
        "presets": PRESETS,
        "preset": preset,
        "form": form,
        "query": request.GET.urlencode(),
    }
    return render(
        request, "billing/analytics/analytics.html", context, status=422 if form.is_bound and form.errors else 200
    )


@permit(VIEW)
def download(request: Request, tab: str, table: str) -> HttpResponse:
    """One table as CSV. Who took which figures out of the house is noted."""
    period, _, _ = chosen(request.GET)
    found = report_of(tab, period).table(table)
    if found is None:
        raise Http404
    detail = {
        "report": tab,
        "table": table,
        "first": str(period.first),
        "last": str(period.last),
        "rows": len(found.rows),
    }
    AuditEntry.note("export", detail=detail)
    name = f"{tab}-{table}-{period.first}-{period.last}.csv"
    return HttpResponse(
        found.csv(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def report_of(tab: str, period: Period) -> Report:
    if tab not in TABS:
        raise Http404
    return TABS[tab][1](period)

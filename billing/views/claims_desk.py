from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from billing.models.claim import VIEW
from billing.reports.claims_desk import LENGTH, report
from clinical.reports.asking import table_as_file
from clinical.reports.period import Period
from hospital.http import Request
from hospital.permits import permit


@permit(VIEW)
def claims_desk(request: Request) -> HttpResponse:
    """The claims desk at a glance; every figure follows by itself."""
    return render(request, "billing/claims_desk/page.html", {"report": report()})


@permit(VIEW)
def claims_desk_csv(request: Request, table: str) -> HttpResponse:
    return table_as_file("claims-desk", table, Period.ending_today(LENGTH), report())

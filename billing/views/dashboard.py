from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from billing.reports import activity, today
from clinical.reports.parts import change
from hospital.http import Request
from hospital.permits import permit


@permit("billing.view_analytics")
def dashboard(request: Request) -> HttpResponse:
    """The house at a glance; every figure follows by itself."""
    money = today.money()
    context = {
        "money": money,
        "delta": change(money["today"], money["then"]),
        "visits": today.visits(),
        "steps": today.steps(),
        "present": today.signed_in(),
        "entries": activity.latest(),
    }
    return render(request, "billing/dashboard/dashboard.html", context)

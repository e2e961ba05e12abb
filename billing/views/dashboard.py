from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from billing.reports import activity, today
from clinical.reports.parts import change
from hospital.http import Request
from hospital.permits import permit
from realtime.regions import wants


@permit("billing.view_analytics")
def dashboard(request: Request) -> HttpResponse:
    """The house at a glance; every figure follows by itself."""
    context: dict[str, Any] = {}
    for regions, look_up in PARTS:
        if wants(request, *regions):
            context |= look_up()
    return render(request, "billing/dashboard/dashboard.html", context)


def money() -> dict[str, Any]:
    sums = today.money()
    return {"money": sums, "delta": change(sums["today"], sums["then"])}


PARTS: tuple[tuple[tuple[str, ...], Callable[[], dict[str, Any]]], ...] = (
    (("figures",), money),
    (("figures", "statuses"), lambda: {"visits": today.visits()}),
    (("queues",), lambda: {"steps": today.steps()}),
    (("present",), lambda: {"present": today.signed_in()}),
    (("activity",), lambda: {"entries": activity.latest()}),
)

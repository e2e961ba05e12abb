"""What one knows of a patient at a glance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from clinical.courses import glance_of
from clinical.described import CURRENT, MISTAKES, PAST, Item
from clinical.parts import IMMUNISATIONS, PARTS, Part, items_of
from clinical.views.chart.frame import READ, Opened, opened
from hospital.http import Request
from hospital.permits import permit

FEW = 8
SHOWN = tuple(part for part in PARTS if part.key != "orders")


@permit(READ)
def summary(request: Request, pk: UUID) -> HttpResponse:
    chart = opened(request, pk, "chart")
    context = {"here": "summary", **(glance(request, chart) if chart.known else {})}
    return render(request, "clinical/chart/summary.html", {**chart.context, **context})


def glance(request: Request, chart: Opened) -> dict[str, Any]:
    found = items_of(chart.patient, SHOWN, request.acting, chart.at)
    vitals, courses = glance_of(chart.patient, chart.measured)
    return {
        "cards": [card(part, found[part.key]) for part in SHOWN],
        "vitals": vitals,
        "courses": courses[:FEW],
        "measured": len(courses),
        "more": len(courses) - FEW,
    }


def card(part: Part, items: list[Item]) -> dict[str, Any]:
    """What counts now is shown; of the rest, how much there is."""
    true = [item for item in items if item.state != MISTAKES]
    true = newest_of_each(true) if part is IMMUNISATIONS else true
    current = [item for item in true if item.state == CURRENT] if PAST in part.states and part.is_written else true
    return {
        "part": part,
        "items": current[:FEW],
        "more": len(current) - FEW,
        "count": len(current),
        "past": len(true) - len(current),
    }


def newest_of_each(items: list[Item]) -> list[Item]:
    """A vaccine with how often it was given, instead of each dose."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.title, []).append(item)
    for doses in found.values():
        if len(doses) > 1:
            doses[0].details.append(f"{len(doses) - 1} before")
    return [doses[0] for doses in found.values()]

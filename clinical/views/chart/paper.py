"""The chart on paper: one chooses the sections and the period."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from clinical.courses import courses_of, vitals_of
from clinical.described import MISTAKES, PAST, Item
from clinical.forms.period import Bounds, PeriodForm
from clinical.parts import ALLERGIES, IMMUNISATIONS, MEDICATION, PARTS, PROBLEMS, items_of
from clinical.timeline import by_year
from clinical.views.chart.frame import READ, Opened, opened
from clinical.views.chart.timeline import life
from hospital.http import Request
from hospital.permits import permit

USUAL = [PROBLEMS.key, ALLERGIES.key, MEDICATION.key, IMMUNISATIONS.key, "vitals", "results"]
SECTIONS = [
    *((part.key, part.name) for part in PARTS),
    ("vitals", "Vital signs"),
    ("results", "Results"),
    ("timeline", "Timeline"),
]
MOST = 1000  # entries of a life on paper; what is older is said to be left out


class PaperForm(PeriodForm):
    part = forms.MultipleChoiceField(
        label="Sections", choices=SECTIONS, required=False, widget=forms.CheckboxSelectMultiple
    )
    past = forms.BooleanField(label="With what is over", required=False)
    field_order = ("part", "since", "until", "past")


@permit(READ)
def paper(request: Request, pk: UUID) -> HttpResponse:
    chart = opened(request, pk, "printed chart")
    form = PaperForm(request.GET if "part" in request.GET or "since" in request.GET else {"part": USUAL})
    form.is_valid()
    wanted = form.cleaned_data.get("part") or []
    context = {
        "form": form,
        "back": reverse("clinical:chart", args=[chart.patient.pk]),
        "sections": printed(request, chart, form, wanted),
        "vitals": vitals_of(chart.patient, chart.measured) if "vitals" in wanted else [],
        "courses": measured_in(chart, form.bounds) if "results" in wanted else [],
        **(in_order(request, chart, form.bounds) if "timeline" in wanted else {}),
    }
    return render(request, "clinical/chart/paper.html", {**chart.context, **context})


def printed(request: Request, chart: Opened, form: PaperForm, wanted: list[str]) -> list[dict[str, Any]]:
    parts = tuple(part for part in PARTS if part.key in wanted)
    found = items_of(chart.patient, parts, request.acting, chart.at) if parts and chart.known else {}
    past = bool(form.cleaned_data.get("past"))
    sections = []
    for part in parts:
        keep_past = past or not part.is_written
        items = [one for one in found.get(part.key, []) if belongs(one, form.bounds, past=keep_past)]
        sections.append({"part": part, "items": items})
    return sections


def in_order(request: Request, chart: Opened, bounds: Bounds) -> dict[str, Any]:
    """The whole life, or that of the period, the newest first."""
    line = life(request, chart, period=bounds)
    return {"years": list(by_year(line[:MOST])) if chart.known else [], "left_out": max(0, line.count() - MOST)}


def belongs(item: Item, bounds: Bounds, *, past: bool) -> bool:
    """Without a mistake. What has no day is always printed: to leave out a problem of unknown age would be wrong."""
    since, until = bounds
    if item.state == MISTAKES or (item.state == PAST and not past):
        return False
    return item.at is None or ((not since or item.at >= since) and (not until or item.at < until))


def measured_in(chart: Opened, bounds: Bounds) -> list[Any]:
    since, until = bounds
    found = courses_of(chart.patient, chart.measured) if chart.known else []
    return [one for one in found if (not since or one.last.at >= since) and (not until or one.last.at < until)]

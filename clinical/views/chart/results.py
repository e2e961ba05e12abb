"""What was measured: each thing with its last value, and up to four of them as a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render

from clinical.course_plots import AT_MOST, Together
from clinical.courses import Course, courses_named, courses_of
from clinical.forms.period import Bounds, PeriodForm
from clinical.views.chart.frame import READ, Opened, opened
from hospital.http import Request
from hospital.permits import permit

CATEGORIES = {"vital-signs": "Vital signs", "laboratory": "Laboratory"}


@dataclass(frozen=True)
class Asked:
    """The courses with the words that were asked for, and of these the ones of the kind that was."""

    kind: str
    query: str
    named: list[Course]

    @classmethod
    def of(cls, request: Request, chart: Opened) -> Asked:
        courses = courses_of(chart.patient, chart.measured) if chart.known else []
        query = request.GET.get("q", "").strip()
        return cls(request.GET.get("kind", ""), query, [one for one in courses if named(one, query)])

    @property
    def shown(self) -> list[Course]:
        return [one for one in self.named if not self.kind or group(one.category) == self.kind]


@permit(READ)
def results(request: Request, pk: UUID) -> HttpResponse:
    chart = opened(request, pk, "results")
    found = Asked.of(request, chart)
    period = PeriodForm(request.GET)
    asked = request.GET.getlist("of")[:AT_MOST]
    keys = asked or [one.key for one in found.shown[:1]]
    chosen = courses_named(chart.patient, keys, chart.measured) if keys and chart.known else []
    if asked and not chosen:
        raise Http404
    context = {
        "here": "results",
        "courses": found.shown,
        "chosen": [one.key for one in chosen],
        "may_add": len(chosen) < AT_MOST,
        "plot": Together(within(chosen, period.bounds)),
        "period": period,
        "pills": course_pills(found.named),
        "query": found.query,
    }
    return render(request, "clinical/chart/results.html", {**chart.context, **context})


def within(courses: list[Course], bounds: Bounds) -> list[Course]:
    """Their values of this time; what was not measured then is left out."""
    since, until = bounds
    for course in courses:
        course.points = [
            point for point in course.points if (not since or point.at >= since) and (not until or point.at < until)
        ]
    return [course for course in courses if course.points]


def named(course: Course, query: str) -> bool:
    return all(word in f"{course.name} {course.code}".lower() for word in query.lower().split())


def group(category: str) -> str:
    return category if category in CATEGORIES else "other"


def course_pills(courses: list[Course]) -> list[dict[str, Any]]:
    counted = {kind: sum(group(one.category) == kind for one in courses) for kind in (*CATEGORIES, "other")}
    pills = [{"value": kind, "label": CATEGORIES.get(kind, "Other"), "count": count} for kind, count in counted.items()]
    return [{"value": "", "label": "Everything", "count": len(courses)}, *pills]

"""A part of a chart as a table, as its page shows it: filtered, and now or as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone

from clinical.courses import courses_named, tidy, unit_in_words
from clinical.described import Item
from clinical.forms.period import PeriodForm
from clinical.measure import plain
from clinical.parts import PARTS, items_of
from clinical.timeline import KINDS
from clinical.views.answers import as_file
from clinical.views.chart.frame import READ, Opened, opened
from clinical.views.chart.part import STATES, Listed
from clinical.views.chart.results import Asked, within
from clinical.views.chart.timeline import asked_life
from hospital.http import Request
from hospital.permits import permit

MOST = 10_000
OF_PARTS = {part.key: part for part in PARTS}
OF_ITEMS = ("Entry", "Details", "State", "Mark", "Flag", "From", "To", "By", "Ended because")
OF_RESULTS = ("Result", "Code", "Measured", "Value", "Unit", "Flag", "Low", "High")
OF_LIFE = ("When", "Kind", "Entry", "Text", "Values", "Flag", "By")
Rows = Iterable[tuple[Any, ...]]


@permit(READ)
def chart_export(request: Request, pk: UUID, part: str) -> HttpResponse:
    if part not in OF_PARTS and part not in MORE:
        raise Http404
    chart = opened(request, pk, f"{part}, as a file")
    headings, rows_of = MORE[part] if part in MORE else (OF_ITEMS, partial(items, key=part))
    rows = list(rows_of(request, chart))[:MOST] if chart.known else []
    name = f"{chart.patient.number}-{part}"
    return as_file(request, name, headings, rows, table="clinical_patient", patient_id=chart.patient.pk)


def items(request: Request, chart: Opened, key: str) -> Rows:
    part = OF_PARTS[key]
    found = items_of(chart.patient, (part,), request.acting, chart.at)[key]
    return [line(item) for item in Listed.of(request, found).shown]


def line(item: Item) -> tuple[Any, ...]:
    marks = ", ".join(str(word) for _, _, word in item.marks)
    until = moment(item.until, item.until_said) if item.lasts else ""
    times = (moment(item.at, item.said), until)
    return item.title, item.words, STATES[item.state], marks, item.flag, *times, item.by, item.closed


def results(request: Request, chart: Opened) -> Rows:
    keys = [course.key for course in Asked.of(request, chart).shown]
    courses = courses_named(chart.patient, keys, chart.measured) if keys else []
    for course in within(courses, PeriodForm(request.GET).bounds):
        for point in reversed(course.points):
            limits = [plain(limit) if limit is not None else "" for limit in (point.low, point.high)]
            measured = (moment(point.at, point.said), tidy(point.value), course.unit_shown, point.flag)
            yield course.name, course.code, *measured, *limits


def life(request: Request, chart: Opened) -> Rows:
    for entry in asked_life(request, chart)[:MOST]:
        values = "; ".join(f"{one.text} {one.value} {unit_in_words(one.unit)}".strip() for one in entry.values)
        when = moment(entry.at, entry.said)
        yield when, KINDS[entry.kind], entry.title, entry.text, values, entry.flag, entry.by


def moment(at: datetime | None, said: str = "") -> str:
    """As exactly as it is known, in a form that spreadsheets read."""
    return said or (f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "")


MORE: dict[str, tuple[tuple[str, ...], Callable[[Request, Opened], Rows]]] = {
    "results": (OF_RESULTS, results),
    "timeline": (OF_LIFE, life),
}

"""What was measured over time: courses of numbers with one code and one unit, from records and from our laboratory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from clinical import vitals as signs
from clinical.as_of import rows_at
from clinical.measure import Limits, Measured, in_words, plain
from clinical.models import LabOrder, LabResult, Observation, Patient
from clinical.together import attach
from hospital.context import current
from hospital.plots import Spark

LAST = 12  # values of a sparkline
LABORATORY = "laboratory"
MANY = 500  # values of a plot
# The same thing under another LOINC code.
ALSO = {"2708-6": "59408-5", "39156-5": "39156-5", "3141-9": "29463-7", "8331-1": "8310-5"}
PRESSURE = ("8480-6", "8462-4")
RELEASED = (LabOrder.Status.RELEASED, LabOrder.Status.REVIEWED)
STRIP = ("8310-5", "8867-4", "9279-1", "59408-5", "29463-7", "39156-5", "72514-3")


@dataclass(frozen=True)
class Point:
    """A value with the range as it was."""

    at: datetime
    value: Decimal
    flag: str = ""
    said: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    row: UUID | None = None  # the observation; what our laboratory reported has its own page
    url: str = ""

    @property
    def range(self) -> str:
        return Limits(self.low, self.high).words


@dataclass
class Course:
    code: str
    name: str
    unit: str
    category: str
    count: int = 0
    points: list[Point] = field(default_factory=list)  # the oldest first

    @property
    def key(self) -> str:
        return f"{self.code or self.name}|{self.unit}"

    @property
    def last(self) -> Point:
        return self.points[-1]

    @property
    def unit_shown(self) -> str:
        return unit_in_words(self.unit)

    @property
    def spark(self) -> Spark | None:
        values = [point.value for point in self.points[-LAST:]]
        return (
            Spark([round(value, 2) for value in values], label=f"{self.name}, last {len(values)}")
            if len(values) > 1
            else None
        )


SHOWN_UNITS: dict[str, str] = {vital.unit: vital.shown_unit for vital in signs.BY_CODE.values()} | {"[degF]": "°F"}


def unit_in_words(unit: str) -> str:
    """As people write it; what UCUM puts in braces is a remark and no unit."""
    return SHOWN_UNITS[unit] if unit in SHOWN_UNITS else in_words(unit).strip("{}")


def tidy(value: Decimal) -> Decimal:
    """As many decimals as say something: 166.8723 cm is 166.87 cm, 0.0123 stays."""
    places = 2 if abs(value) >= 1 else 4
    return Decimal(plain(round(value, places)))


# --- all courses, and one ---------------------------------------------------------------


def courses_of(patient: Patient, then: list[Row] | None = None) -> list[Course]:
    """Every measured thing with its last values, the one measured last first. Two queries, unless `then` are rows of the past."""
    rows = [*measured(patient, LAST), *reported(patient)] if then is None else then
    return newest_first(gathered(rows))


def newest_first(courses: list[Course]) -> list[Course]:
    return sorted(courses, key=lambda course: (-course.last.at.timestamp(), course.name))


def courses_named(patient: Patient, keys: Sequence[str], then: list[Row] | None = None) -> list[Course]:
    """These, with all their values up to a limit, in this order. As many queries for four as for one."""
    wanted = Q(pk=None)
    codes = [key.rpartition("|")[0] for key in keys]
    for code in codes:
        wanted |= Q(code=code) | Q(code="", text=code)
    of_ours = Q(test__loinc__in=codes) | Q(test__code__in=codes)
    rows = [*measured(patient, MANY, wanted), *reported(patient, of_ours)] if then is None else then
    found = {course.key: course for course in gathered(row for row in rows if row[0].key in keys)}
    for course in found.values():
        course.points = [with_range(patient, course, point) for point in course.points[-MANY:]]
    return [found[key] for key in keys if key in found]


def with_range(patient: Patient, course: Course, point: Point) -> Point:
    """A vital sign from a record has no range of its own: ours for the age of that day."""
    vital = signs.BY_CODE.get(course.code)
    if vital is None or point.low is not None or point.high is not None:
        return point
    limits = vital.limits(patient, point.at)
    flag = point.flag or limits.flag(Measured(point.value))
    return replace(point, low=limits.low, high=limits.high, flag=flag)


Row = tuple[Course, Point, int]


def measured(patient: Patient, last: int, *conditions: Q) -> Iterator[Row]:
    """The last so many numbers of each code and unit."""
    same: dict[str, Any] = {"partition_by": [F("code"), F("text"), F("unit")]}
    rows = (
        patient.observations.true()
        .filter(*conditions, value_number__isnull=False)
        .annotate(
            rank=Window(RowNumber(), order_by=F("effective_at").desc(), **same), of_this=Window(Count("pk"), **same)
        )
    )
    for row in rows.filter(rank__lte=last):
        yield measurement(row, row.of_this)


def measurement(row: Observation, count: int = 1) -> Row:
    """In our unit, where it is a vital sign that was measured in another."""
    value, unit = cast(Decimal, row.value_number), row.unit
    low, high = row.low, row.high
    if row.code in signs.BY_CODE:
        ours = signs.in_our_unit(row.code, value, unit)
        if ours is not None:
            value, unit = ours, signs.BY_CODE[row.code].unit
    point = Point(row.effective_at, value, row.flag, row.effective_said, low, high, row.pk)
    return Course(row.code, row.text, unit, row.category), point, count


def reported(patient: Patient, *conditions: Q) -> Iterator[Row]:
    """Numbers that our own laboratory released, for those who read its results."""
    if not may_read_results():
        return
    numbers = {"result__value_number__isnull": False, "result__comparator": ""}
    released = patient.lab_orders.filter(*conditions, status__in=RELEASED, **numbers)
    for order in released.select_related("test", "result").order_by("-released_at")[:MANY]:
        yield reported_as(order)


def may_read_results() -> bool:
    return current().may("clinical.view_results")


def reported_as(order: LabOrder) -> Row:
    result = cast(LabResult, order.result)
    course = Course(order.test.loinc or order.test.code, order.test.name, result.unit, LABORATORY)
    at, value = order.collected_at or order.released_at, cast(Decimal, result.value_number)
    url = reverse("clinical:lab_order", args=[order.pk])
    return course, Point(at, value, result.flag, "", result.low, result.high, None, url), 1


def rows_then(patient: Patient, at: datetime) -> list[Row]:
    found = rows_at(patient, at, {Observation: "patient", LabOrder: "patient"})
    released = found[LabOrder] if may_read_results() else []
    orders = [order for order in released if order.status in RELEASED and order.result_id]
    attach([(orders, ("test", "result"))])
    numbers = [row for row in found[Observation] if row.value_number is not None and not row.is_mistake]
    reports = [one for one in orders if one.result.value_number is not None and not one.result.comparator]
    return [*map(measurement, numbers), *map(reported_as, reports)]


def gathered(rows: Iterable[Row]) -> list[Course]:
    """Rows of the same code and unit become one course, whatever they were called."""
    found: dict[str, Course] = {}
    for course, point, count in rows:
        if course.key not in found:
            found[course.key] = replace(course, points=[])
        known = found[course.key]
        known.count = known.count + 1 if count == 1 else max(known.count, count)
        known.points.append(point)
    for course in found.values():
        course.points.sort(key=lambda point: point.at)
        course.count = max(course.count, len(course.points))
    return list(found.values())


# --- the vitals strip -------------------------------------------------------------------


@dataclass(frozen=True)
class VitalSign:
    """What `_vitals.html` shows."""

    label: str
    value: str
    unit: str
    flag: str
    at: datetime
    spark: Spark | None = None


def glance_of(patient: Patient, then: list[Row] | None = None) -> tuple[list[VitalSign], list[Course]]:
    """The strip, and what a laboratory measured, the last first. Two queries."""
    either = Q(code__in=[*signs.BY_CODE, *ALSO]) | Q(category=LABORATORY)
    rows = [*measured(patient, LAST, either), *reported(patient)] if then is None else then
    return vitals_of(patient, rows), newest_first(gathered(row for row in rows if row[0].category == LABORATORY))


def vitals_of(patient: Patient, then: list[Row] | None = None) -> list[VitalSign]:
    """The last vital signs with their course, flagged by our own ranges where the record does not say. One query."""
    codes = [*signs.BY_CODE, *ALSO]
    found = measured(patient, LAST, Q(code__in=codes)) if then is None else then
    rows = gathered(with_our_code(row) for row in found if row[0].code in codes)
    known = {course.code: course for course in rows if in_our_unit(course)}
    strip = [pressure(patient, known)] + [sign(patient, known[code]) for code in STRIP if code in known]
    return [one for one in strip if one]


def with_our_code(row: Row) -> Row:
    course, point, count = row
    if course.code not in ALSO:
        return row
    code, unit = ALSO[course.code], course.unit
    ours = signs.in_our_unit(code, point.value, unit)
    if ours is not None:
        point, unit = replace(point, value=ours), signs.BY_CODE[code].unit
    return replace(course, code=code, unit=unit), point, count


def in_our_unit(course: Course) -> bool:
    """What could not be read in our unit is not put against our ranges."""
    return course.unit == signs.BY_CODE[course.code].unit


def sign(patient: Patient, course: Course) -> VitalSign:
    vital, last = signs.BY_CODE[course.code], course.last
    return VitalSign(
        vital.label, shown(vital, last.value), vital.shown_unit, flagged(patient, vital, last), last.at, course.spark
    )


def pressure(patient: Patient, known: dict[str, Course]) -> VitalSign | None:
    """Systolic over diastolic, of the same moment, with the worse of the two flags."""
    if not all(code in known for code in PRESSURE):
        return None
    upper, lower = (known[code] for code in PRESSURE)
    vitals = [signs.BY_CODE[code] for code in PRESSURE]
    below = next((point for point in reversed(lower.points) if point.at == upper.last.at), None)
    if below is None:
        return sign(patient, upper)
    flags = [flagged(patient, vital, point) for vital, point in zip(vitals, (upper.last, below), strict=True)]
    value = f"{shown(vitals[0], upper.last.value)}/{shown(vitals[1], below.value)}"
    worst = max(flags, key=lambda flag: ("critical" in flag, bool(flag)))
    return VitalSign("Blood pressure", value, "mmHg", worst, upper.last.at, upper.spark)


def shown(vital: signs.Vital, value: Decimal) -> str:
    return f"{value:.{vital.decimals}f}"


def flagged(patient: Patient, vital: signs.Vital, point: Point) -> str:
    return point.flag or signs.flag_of(vital.code, point.value, patient, point.at)

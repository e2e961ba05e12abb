"""What was measured over time: courses of numbers with one code and one unit, from records and from our laboratory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from math import ceil
from typing import Any, cast

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from clinical import vitals as signs
from clinical.measure import in_words, plain
from clinical.models import LabOrder, LabResult, Observation, Patient
from hospital.plots import Line, Series, Spark, Tick, number, percent, round_down, round_step

LAST = 12  # values of a sparkline
MANY = 500  # values of a plot
# The same thing under another LOINC code.
ALSO = {"2708-6": "59408-5", "39156-5": "39156-5", "3141-9": "29463-7", "8331-1": "8310-5"}
PRESSURE = ("8480-6", "8462-4")
STRIP = ("8310-5", "8867-4", "9279-1", "59408-5", "29463-7", "39156-5", "72514-3")


@dataclass(frozen=True)
class Point:
    at: datetime
    value: Decimal
    flag: str = ""
    said: str = ""


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

    @property
    def plot(self) -> OverTime:
        labels = [f"{timezone.localtime(point.at):%-d %b %Y}" for point in self.points]
        series = [Series(self.name, [tidy(point.value) for point in self.points])]
        return OverTime(
            self.name, unit=self.unit_shown, labels=labels, series=series, moments=[point.at for point in self.points]
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


def courses_of(patient: Patient) -> list[Course]:
    """Every measured thing with its last values, the one measured last first. Two queries."""
    found = gathered([*measured(patient, LAST), *reported(patient)])
    return sorted(found, key=lambda course: (-course.last.at.timestamp(), course.name))


def course_of(patient: Patient, key: str) -> Course | None:
    """One of them with all its values, up to a limit."""
    code, _, unit = key.rpartition("|")
    named = Q(code=code) | Q(code="", text=code)
    rows = [row for row in [*measured(patient, MANY, named, Q(unit=unit)), *reported(patient)] if row[0].key == key]
    return next(iter(gathered(rows)), None)


Row = tuple[Course, Point, int]


def measured(patient: Patient, last: int, *conditions: Q) -> Iterator[Row]:
    """The last so many numbers of each code and unit."""
    same: dict[str, Any] = {"partition_by": [F("code"), F("text"), F("unit")]}
    rows = patient.observations.filter(*conditions, value_number__isnull=False).annotate(
        rank=Window(RowNumber(), order_by=F("effective_at").desc(), **same), of_this=Window(Count("pk"), **same)
    )
    for row in rows.filter(rank__lte=last):
        yield (
            course_named(row),
            Point(row.effective_at, cast(Decimal, row.value_number), row.flag, row.effective_said),
            row.of_this,
        )


def course_named(row: Observation) -> Course:
    return Course(row.code, row.text, row.unit, row.category)


def reported(patient: Patient) -> Iterator[Row]:
    """Numbers that our own laboratory released."""
    released = patient.lab_orders.filter(
        status__in=(LabOrder.Status.RELEASED, LabOrder.Status.REVIEWED),
        result__value_number__isnull=False,
        result__comparator="",
    )
    for order in released.select_related("test", "result").order_by("-released_at")[:MANY]:
        result = cast(LabResult, order.result)
        course = Course(order.test.loinc or order.test.code, order.test.name, result.unit, "laboratory")
        at, value = order.collected_at or order.released_at, cast(Decimal, result.value_number)
        yield course, Point(at, value, result.flag), 1


def gathered(rows: Iterable[Row]) -> list[Course]:
    """Rows of the same code and unit become one course, whatever they were called."""
    found: dict[str, Course] = {}
    for course, point, count in rows:
        known = found.setdefault(course.key, course)
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


def vitals_of(patient: Patient) -> list[VitalSign]:
    """The last vital signs with their course, flagged by our own ranges where the record does not say. One query."""
    codes = [*signs.BY_CODE, *ALSO]
    rows = gathered(with_our_code(row) for row in measured(patient, LAST, Q(code__in=codes)))
    known = {course.code: course for course in rows if in_our_unit(course)}
    strip = [pressure(patient, known)] + [sign(patient, known[code]) for code in STRIP if code in known]
    return [one for one in strip if one]


def with_our_code(row: Row) -> Row:
    course, point, count = row
    course.code = ALSO.get(course.code, course.code)
    return course, point, count


def in_our_unit(course: Course) -> bool:
    """A temperature in °F is not put against ranges in °C."""
    vital = signs.BY_CODE[course.code]
    return course.unit in (vital.unit, vital.shown_unit, in_words(vital.unit), "mmHg", "{beats}/min", "kg/m2")


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


# --- a plot with a true axis of time ----------------------------------------------------


@dataclass
class OverTime(Line):
    """A line whose points stand where their moments are, on a scale around the values instead of from nought."""

    moments: Sequence[datetime] = field(kw_only=True)

    @cached_property
    def bottom(self) -> float:
        lowest = min(self._numbers, default=0.0)
        down = round_down(lowest - self._step / 4, self._step)
        return max(0.0, down) if lowest >= 0 else down

    @property
    def floor(self) -> str:
        return number(self.y(self.bottom))

    @property
    def x_ticks(self) -> list[Tick]:
        """The beginnings of years, if it lasts for years; else evenly spaced days."""
        first, last = (timezone.localtime(moment) for moment in (self.moments[0], self.moments[-1]))
        years = range(first.year + 1, last.year + 1)
        if len(years) > 2:
            beginnings = [datetime(year, 1, 1, tzinfo=first.tzinfo) for year in years[:: ceil(len(years) / 6)]]
            return [Tick(percent(self._across(day)), str(day.year)) for day in beginnings]
        days = [first + (last - first) * part / 4 for part in range(5)] if last > first else [first]
        form = "%b %Y" if last - first > timedelta(days=90) else "%-d %b"
        named = [(self._across(day), f"{day:{form}}") for day in days]
        return [Tick(percent(next(same)[0]), label) for label, same in groupby(named, key=lambda one: one[1])]

    def x(self, at: int) -> float:
        return self._across(self.moments[at])

    def _across(self, moment: datetime) -> float:
        span = (self.moments[-1] - self.moments[0]).total_seconds()
        return 4 + 92 * (moment - self.moments[0]).total_seconds() / span if span else 50

    @cached_property
    def _step(self) -> float:
        numbers = self._numbers or [0.0]
        return round_step((max(numbers) - min(numbers)) / 3 or abs(max(numbers)) / 2 or 1.0)


def plotted(course: Course | None) -> Any:
    return course.plot if course and len(course.points) > 1 else None

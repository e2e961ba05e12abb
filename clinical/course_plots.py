"""Courses as plots: a true axis of time, the range of each value as a band, and up to four courses over one axis.

Courses of one unit share a scale; each other unit has a scale of its own below, over the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from math import ceil

from django.utils import timezone

from clinical.courses import Course, Point, tidy
from hospital.plots import Dot, Line, Series, Tick, number, percent, round_down, round_step

AT_MOST = 4


@dataclass(frozen=True)
class Band:
    """Where the values should have been, as steps along the time."""

    d: str
    colour: int


@dataclass
class OverTime(Line):
    """Lines whose points stand where their moments are, on a scale around the values instead of from nought."""

    moments: Sequence[datetime] = field(kw_only=True)
    courses: Sequence[Course] = field(default=(), kw_only=True)
    first_colour: int = field(default=1, kw_only=True)
    span: tuple[datetime, datetime] | None = field(default=None, kw_only=True)

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
        first, last = (timezone.localtime(moment) for moment in self._span)
        years = range(first.year + 1, last.year + 1)
        if len(years) > 2:
            beginnings = [datetime(year, 1, 1, tzinfo=first.tzinfo) for year in years[:: ceil(len(years) / 6)]]
            return [Tick(percent(self._across(day)), str(day.year)) for day in beginnings]
        days = [first + (last - first) * part / 4 for part in range(5)] if last > first else [first]
        form = "%b %Y" if last - first > timedelta(days=90) else "%-d %b"
        named = [(self._across(day), f"{day:{form}}") for day in days]
        return [Tick(percent(next(same)[0]), label) for label, same in groupby(named, key=lambda one: one[1])]

    @property
    def bands(self) -> Iterator[Band]:
        for colour, course in enumerate(self.courses, start=self.first_colour):
            d = " ".join(self._step_of(course, at) for at, point in enumerate(course.points) if has_range(point))
            if d:
                yield Band(d, colour)

    @property
    def dots(self) -> Iterator[Dot]:
        """In the order of time, so that the keyboard walks through it."""
        found = [
            (point.at, Dot(percent(self._across(point.at)), number(self.y(point.value)), colour, said(course, point)))
            for colour, course in enumerate(self.courses, start=self.first_colour)
            for point in course.points
        ]
        for _, dot in sorted(found, key=lambda one: one[0]):
            yield dot

    @property
    def coloured(self) -> list[tuple[int, str]]:
        return [(colour, course.name) for colour, course in enumerate(self.courses, start=self.first_colour)]

    def x(self, at: int) -> float:
        return self._across(self.moments[at])

    def _step_of(self, course: Course, at: int) -> str:
        """A range reaches half-way to the neighbours."""
        point, across = course.points[at], [self._across(one.at) for one in course.points]
        left = (across[at - 1] + across[at]) / 2 if at else across[0] - 2
        right = (across[at] + across[at + 1]) / 2 if at + 1 < len(across) else across[-1] + 2
        low, high = self._level(point.low, self.bottom), self._level(point.high, self.top)
        return f"M{number(left)} {low} L{number(right)} {low} L{number(right)} {high} L{number(left)} {high} Z"

    def _level(self, limit: Decimal | None, otherwise: float) -> str:
        level = otherwise if limit is None else min(max(float(limit), self.bottom), self.top)
        return number(self.y(level))

    def _runs(self, one: Series) -> Iterator[list[int]]:
        """Where another was measured there is no gap."""
        run = [at for at, value in enumerate(one.values) if value is not None]
        if run:
            yield run

    def _across(self, moment: datetime) -> float:
        first, last = self._span
        length = (last - first).total_seconds()
        return 4 + 92 * (moment - first).total_seconds() / length if length else 50

    @property
    def _span(self) -> tuple[datetime, datetime]:
        return self.span or (self.moments[0], self.moments[-1])

    @cached_property
    def _step(self) -> float:
        numbers = self._numbers or [0.0]
        return round_step((max(numbers) - min(numbers)) / 3 or abs(max(numbers)) / 2 or 1.0)

    @property
    def _numbers(self) -> list[float]:
        """The limits too: a value is seen against them."""
        limits = [limit for course in self.courses for point in course.points for limit in (point.low, point.high)]
        return [*super()._numbers, *(float(limit) for limit in limits if limit is not None)]

    @property
    def _highest(self) -> float:
        return max(self._numbers, default=0.0)


def has_range(point: Point) -> bool:
    return point.low is not None or point.high is not None


def said(course: Course, point: Point) -> str:
    """What a point says to whoever stops at it."""
    flag = f", {point.flag.replace('_', ' ')}" if point.flag else ""
    limits = f", range {point.range}" if point.range else ""
    return f"{course.name}, {timezone.localtime(point.at):%-d %b %Y}: {tidy(point.value)} {course.unit_shown}{flag}{limits}"


@dataclass
class Together:
    """Up to four courses over one time."""

    courses: list[Course]

    @property
    def title(self) -> str:
        return ", ".join(course.name for course in self.courses)

    @property
    def is_plot(self) -> bool:
        return any(len(course.points) > 1 for course in self.courses)

    @property
    def panels(self) -> list[OverTime]:
        moments = sorted({point.at for course in self.courses for point in course.points})
        found, colour = [], 1
        for unit, same in groupby(
            sorted(self.courses, key=lambda one: self._first(one.unit)), key=lambda one: one.unit_shown
        ):
            courses = list(same)
            found.append(panel(courses, unit, colour, (moments[0], moments[-1])))
            colour += len(courses)
        return found

    def _first(self, unit: str) -> int:
        return [course.unit for course in self.courses].index(unit)

    @property
    def rows(self) -> list[tuple[Course, Point]]:
        """The table behind it, the latest first."""
        rows = [(course, point) for course in self.courses for point in course.points]
        return sorted(rows, key=lambda row: row[1].at, reverse=True)


def panel(courses: list[Course], unit: str, colour: int, span: tuple[datetime, datetime]) -> OverTime:
    moments = sorted({point.at for course in courses for point in course.points})
    series = []
    for course in courses:
        known = {point.at: tidy(point.value) for point in course.points}
        series.append(Series(course.name, [known.get(moment) for moment in moments]))
    labels = [f"{timezone.localtime(moment):%-d %b %Y}" for moment in moments]
    title = ", ".join(course.name for course in courses)
    return OverTime(
        title, unit=unit, labels=labels, series=series, moments=moments, courses=courses, first_colour=colour, span=span
    )

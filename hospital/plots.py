"""Plots without a script: numbers in, coordinates out; `templates/_plot_*.html` draws them as SVG.

Heights are pixels in a fixed box; along the width everything is a percentage, so that a plot fills its card and its
letters keep their size on a phone. The table behind a plot is made of the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

Number = int | float | Decimal | None

HEIGHT = 200
TOP = 8  # room above the highest grid line
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Series:
    name: str
    values: Sequence[Number]
    muted: bool = False  # something to compare with, drawn behind and dashed


@dataclass(frozen=True)
class Tick:
    at: str
    label: str
    minor: bool = False  # left out where the plot is narrow


@dataclass(frozen=True)
class Box:
    x: str
    y: str
    width: str
    height: str
    colour: int
    title: str
    muted: bool


@dataclass(frozen=True)
class Dot:
    x: str
    y: str
    colour: int
    title: str


@dataclass(frozen=True)
class Path:
    d: str
    area: str
    colour: int
    muted: bool


@dataclass
class Plot:
    """What bars and lines have in common: a scale from nought to a round number, ticks, a legend and a table."""

    title: str
    labels: Sequence[str] = field(kw_only=True)
    series: Sequence[Series] = field(kw_only=True)
    unit: str = field(default="", kw_only=True)
    height: int = field(default=HEIGHT, kw_only=True)

    def __post_init__(self) -> None:
        for one in self.series:
            if len(one.values) != len(self.labels):
                raise ValueError(f"“{one.name}” has {len(one.values)} values for {len(self.labels)} labels.")

    @property
    def is_empty(self) -> bool:
        return all(value is None for one in self.series for value in one.values)

    @cached_property
    def bottom(self) -> float:
        return round_down(min(0.0, *self._numbers, 0.0), self._step)

    @cached_property
    def top(self) -> float:
        return max(self.bottom + self._step, math.ceil(max(self._highest, 0.0) / self._step - 1e-9) * self._step)

    @property
    def y_ticks(self) -> list[Tick]:
        count = round((self.top - self.bottom) / self._step)
        return [
            Tick(number(self.y(level)), spoken(level))
            for level in (self.bottom + self._step * i for i in range(count + 1))
        ]

    @property
    def x_ticks(self) -> list[Tick]:
        every = math.ceil(len(self.labels) / 12)
        shown = list(range(0, len(self.labels), every))
        narrow = math.ceil(len(shown) / 6)
        return [Tick(percent(self.x(at)), self.labels[at], minor=bool(i % narrow)) for i, at in enumerate(shown)]

    @property
    def legend(self) -> list[tuple[int, Series]]:
        return list(enumerate(self.series, start=1)) if len(self.series) > 1 else []

    @property
    def rows(self) -> Iterator[tuple[str, list[str]]]:
        for at, label in enumerate(self.labels):
            yield label, [spoken(one.values[at]) for one in self.series]

    @property
    def floor(self) -> str:
        return number(self.y(0.0))

    def x(self, at: int) -> float:
        """The middle of a label's place, in per cent of the width."""
        return (at + 0.5) * 100 / max(1, len(self.labels))

    def y(self, value: Number) -> float:
        share = (float(value or 0) - self.bottom) / (self.top - self.bottom)
        return TOP + (self.height - TOP) * (1 - share)

    def words(self, one: Series, at: int) -> str:
        name = f"{one.name}, " if len(self.series) > 1 else ""
        return f"{name}{self.labels[at]}: {spoken(one.values[at])} {self.unit}".strip()

    @property
    def _numbers(self) -> list[float]:
        return [float(value) for one in self.series for value in one.values if value is not None]

    @property
    def _highest(self) -> float:
        return max(self._numbers, default=0.0)

    @cached_property
    def _step(self) -> float:
        reach = self._highest - min(0.0, *self._numbers, 0.0)
        return round_step(reach / 5) if reach else 1.0


@dataclass
class Bars(Plot):
    stacked: bool = field(default=False, kw_only=True)

    @property
    def boxes(self) -> Iterator[Box]:
        place = 100 / max(1, len(self.labels))
        for at in range(len(self.labels)):
            base = 0.0
            for n, one in enumerate(self.series):
                value = one.values[at]
                if value is None:
                    continue
                low, high = sorted((base, base + float(value)))
                lane = place * 0.72 / (1 if self.stacked else len(self.series))
                left = place * (at + 0.14) + (0 if self.stacked else lane * n)
                yield Box(
                    percent(left),
                    number(self.y(high)),
                    percent(lane * 0.94),
                    number(max(1.0, self.y(low) - self.y(high)) if value else 0),
                    n + 1,
                    self.words(one, at),
                    one.muted,
                )
                base = base + float(value) if self.stacked else 0.0

    @property
    def _highest(self) -> float:
        if not self.stacked:
            return max(self._numbers, default=0.0)
        return max(
            (sum(float(one.values[at] or 0) for one in self.series) for at in range(len(self.labels))), default=0.0
        )


@dataclass
class Line(Plot):
    @property
    def paths(self) -> Iterator[Path]:
        """In a box of 100 by `height` that is stretched to the width; strokes keep their thickness. The compared come first, to lie behind."""
        numbered = list(enumerate(self.series, start=1))
        for n, one in sorted(numbered, key=lambda pair: not pair[1].muted):
            runs = list(self._runs(one))
            d = " ".join(
                "M" + " L".join(f"{number(self.x(at))} {number(self.y(one.values[at]))}" for at in run) for run in runs
            )
            area = "" if one.muted or len(self.series) > 2 else " ".join(self._area(one, run) for run in runs)
            yield Path(d, area, n, one.muted)

    @property
    def dots(self) -> Iterator[Dot]:
        for n, one in enumerate(self.series, start=1):
            for at, value in enumerate(one.values):
                if value is not None:
                    yield Dot(percent(self.x(at)), number(self.y(value)), n, self.words(one, at))

    def _runs(self, one: Series) -> Iterator[list[int]]:
        """Stretches without a gap."""
        run: list[int] = []
        for at, value in enumerate(one.values):
            if value is None:
                if run:
                    yield run
                run = []
            else:
                run.append(at)
        if run:
            yield run

    def _area(self, one: Series, run: list[int]) -> str:
        line = " L".join(f"{number(self.x(at))} {number(self.y(one.values[at]))}" for at in run)
        return f"M{number(self.x(run[0]))} {self.floor} L{line} L{number(self.x(run[-1]))} {self.floor} Z"


@dataclass
class Spark:
    """A line the size of a word. The label says aloud what it shows."""

    values: Sequence[Number]
    label: str = ""
    width: int = 72
    height: int = 22

    @property
    def points(self) -> list[tuple[str, str]]:
        known = [(at, float(value)) for at, value in enumerate(self.values) if value is not None]
        if not known:
            return []
        low, high = min(value for _, value in known), max(value for _, value in known)
        across, up = (self.width - 6) / max(1, len(self.values) - 1), (self.height - 6) / ((high - low) or 1)
        middle = self.height / 2
        return [
            (number(3 + at * across), number(middle if high == low else self.height - 3 - (value - low) * up))
            for at, value in known
        ]

    @property
    def path(self) -> str:
        return "M" + " L".join(f"{x} {y}" for x, y in self.points) if self.points else ""

    @property
    def last(self) -> tuple[str, str] | None:
        return self.points[-1] if self.points else None

    @property
    def spoken(self) -> str:
        values = ", ".join(spoken(value) for value in self.values if value is not None)
        return f"{self.label}: {values}" if self.label else values


def round_step(rough: float) -> float:
    scale = 10 ** math.floor(math.log10(rough))
    return next(step * scale for step in STEPS if step * scale >= rough - 1e-12)


def round_down(value: float, step: float) -> float:
    return math.floor(value / step + 1e-9) * step


def spoken(value: Number) -> str:
    """A number as it is written in a table: thousands apart, no useless noughts; a gap is a dash."""
    if value is None:
        return "\N{EN DASH}"
    return f"{float(value):,.2f}".rstrip("0").rstrip(".") if not isinstance(value, Decimal) else f"{value:,}"


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def percent(value: float) -> str:
    return f"{number(value)}%"

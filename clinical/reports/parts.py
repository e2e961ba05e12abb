"""What reports are made of: figures, and tables with their plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from clinical.reports.period import Period
from hospital.plots import Line, Plot, Series, Spark
from hospital.spreadsheets import as_csv

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Figure:
    """One number, and how it compares with the period before. `better` says which way is good."""

    label: str
    value: Any
    kind: str = "number"  # number, money, minutes or percent
    former: Any = None
    better: str = "up"
    icon: str = ""
    note: str = ""
    spark: Spark | None = None

    @property
    def delta(self) -> int | None:
        return change(self.value, self.former)


class Linked(str):
    """A cell that leads somewhere; in a spreadsheet it is its text."""

    url: str

    @classmethod
    def to(cls, text: str, url: str) -> Linked:
        cell = cls(text)
        cell.url = url
        return cell


@dataclass(frozen=True)
class Column:
    label: str
    kind: str = "text"  # text, number, money, minutes or percent

    @property
    def heading(self) -> str:
        return {"minutes": f"{self.label}, min", "percent": f"{self.label}, %"}.get(self.kind, self.label)


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    plot: Plot | None = None
    note: str = ""
    wide: bool = False
    detailed: bool = False  # says more than the table that every plot carries
    empty: str = field(default="Nothing happened in this period.")

    @property
    def plot_template(self) -> str:
        return "_plot_line.html" if isinstance(self.plot, Line) else "_plot_bars.html"

    @property
    def cells(self) -> list[list[tuple[Column, Any]]]:
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]

    def csv(self) -> str:
        return as_csv([[column.heading for column in self.columns], *self.rows])


@dataclass(frozen=True)
class Report:
    figures: Sequence[Figure]
    tables: Sequence[Table]

    def table(self, key: str) -> Table | None:
        return next((table for table in self.tables if table.key == key), None)


def daily_table(key: str, title: str, name: str, unit: str, period: Period, daily: Callable) -> Table:
    """Each day beside the one of the period before."""
    now, former = daily(period), daily(period.before)
    plot = Line(
        title,
        unit=unit,
        labels=[period.label(day) for day in period.days],
        series=[Series("This period", now), Series("Before", former, muted=True)],
    )
    columns = [Column("Day"), Column(name, "number"), Column("Day before"), Column(f"{name} before", "number")]
    rows = [
        (str(day), value, str(day_before), before)
        for day, value, day_before, before in zip(period.days, now, period.before.days, former, strict=True)
    ]
    return Table(key, title, columns, rows, plot, wide=True)


TELLING = 900  # per cent more: ten times as much


def change(value: Any, former: Any) -> int | None:
    """In per cent of what was before. Nothing, if there was nothing before, or so little that the figure would say nothing."""
    if value is None or not former:
        return None
    changed = percent(value - former, former)
    return changed if changed is not None and changed <= TELLING else None


def percent(part: Any, whole: Any) -> int | None:
    return int((Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1), ROUND_HALF_UP)) if whole else None


def minutes(span: timedelta | None) -> int | None:
    return None if span is None else (span + MINUTE / 2) // MINUTE

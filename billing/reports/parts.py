"""What reports are made of: figures, tables with their plot, medians, and CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models

from billing.money import CENT
from hospital.plots import Line, Plot, Spark

MINUTE = timedelta(minutes=1)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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
        """With a byte order mark, so that spreadsheets read the letters."""
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
        writer.writerow([harmless(column.heading) for column in self.columns])
        writer.writerows([harmless(cell) for cell in row] for row in self.rows)
        return "\ufeff" + out.getvalue()


@dataclass(frozen=True)
class Report:
    figures: Sequence[Figure]
    tables: Sequence[Table]

    def table(self, key: str) -> Table | None:
        return next((table for table in self.tables if table.key == key), None)


def harmless(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula begins with an apostrophe instead."""
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA):
        return f"'{cell}"
    return cell


def change(value: Any, former: Any) -> int | None:
    """In per cent of what was before; nothing, if there was nothing before."""
    if value is None or not former:
        return None
    return percent(value - former, former)


def percent(part: Any, whole: Any) -> int | None:
    return int((Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1), ROUND_HALF_UP)) if whole else None


def minutes(span: timedelta | None) -> int | None:
    return None if span is None else (span + MINUTE / 2) // MINUTE


def mean(total: Decimal, count: int) -> Decimal:
    return (Decimal(total) / count).quantize(CENT, ROUND_HALF_UP) if count else Decimal("0.00")


class Percentile(models.Aggregate):
    """Of lengths of time, or of anything else that can be ordered and interpolated."""

    function = "PERCENTILE_CONT"
    share = "0.5"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = models.DurationField()

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, share=self.share, **extra)


class Median(Percentile):
    pass


class Slowest(Percentile):
    """Nine of ten are faster."""

    share = "0.9"


def span(since: str, until: str) -> models.Expression:
    return models.ExpressionWrapper(models.F(until) - models.F(since), output_field=models.DurationField())


def total(values: Iterable[Any]) -> Decimal:
    return sum(values, Decimal("0.00"))

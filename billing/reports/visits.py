"""How many visits, when, of which kind, and how they ended."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from clinical.models import Visit
from clinical.reports.parts import Column, Figure, Report, Table, daily_table, minutes, percent
from clinical.reports.period import Period
from hospital.plots import Bars, Series, Spark
from hospital.spans import Median, Slowest, span

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def report(period: Period) -> Report:
    daily = period.by_day(Visit.objects.all(), "registered_at", Count("pk"))
    ends = by_status(period)
    stay = stays(period)
    figures = [
        count_figure(period, daily),
        Figure(
            "Done",
            count_of(ends, Visit.Status.DONE, "count"),
            former=count_of(ends, Visit.Status.DONE, "former"),
            icon="circle-check",
        ),
        gone_figure(period, daily, ends),
        stay_figure(stay, "median of visits that are done"),
        Figure(
            "Nine of ten are done within",
            minutes(stay["slowest"]),
            "minutes",
            minutes(stay["former_slowest"]),
            better="down",
        ),
    ]
    tables = [by_day(period, daily), status_table(ends), hour_table(period), weekday_table(period), sort_table(period)]
    return Report(figures, tables)


def count_figure(period: Period, daily: Any) -> Figure:
    spark = Spark(daily(period), "Visits by day")
    return Figure("Visits", sum(daily(period)), former=sum(daily(period.before)), icon="clipboard-list", spark=spark)


def gone_figure(period: Period, daily: Any, ends: dict) -> Figure:
    now = percent(ended(ends, "count"), sum(daily(period)))
    former = percent(ended(ends, "former"), sum(daily(period.before)))
    return Figure("Left or cancelled", now, "percent", former, better="down", icon="door-exit")


def stay_figure(stay: dict, note: str) -> Figure:
    now, former = minutes(stay["median"]), minutes(stay["former"])
    title = "From registration to the end"
    return Figure(title, now, "minutes", former, better="down", icon="clock", note=note)


def by_day(period: Period, daily: Any) -> Table:
    return daily_table("visits-by-day", "Visits by day", "Visits", "visits", period, daily)


def by_status(period: Period) -> dict[str, dict[str, int]]:
    return grouped(period, "status")


def grouped(period: Period, field: Any, name: str = "") -> dict[Any, dict[str, int]]:
    """Visits by one thing, now and before, in one query."""
    now, before = period.has("registered_at"), period.before.has("registered_at")
    rows = Visit.objects.filter(period.with_before.has("registered_at")).order_by()
    rows = rows.annotate(**{name: field}).values(name) if name else rows.values(field)
    return {
        row.pop(name or field): row
        for row in rows.annotate(count=Count("pk", filter=now), former=Count("pk", filter=before))
    }


def count_of(found: dict, value: Any, which: str) -> int:
    return found.get(value, {}).get(which, 0)


def ended(found: dict, which: str) -> int:
    return count_of(found, Visit.Status.LEFT, which) + count_of(found, Visit.Status.CANCELLED, which)


def stays(period: Period) -> dict:
    done = Visit.objects.filter(
        period.with_before.has("registered_at"), status=Visit.Status.DONE, ended_at__isnull=False
    )
    stay, now, before = (
        span("registered_at", "ended_at"),
        period.has("registered_at"),
        period.before.has("registered_at"),
    )
    return done.aggregate(
        median=Median(stay, filter=now),
        former=Median(stay, filter=before),
        slowest=Slowest(stay, filter=now),
        former_slowest=Slowest(stay, filter=before),
    )


def compared(
    key: str, title: str, label: str, choices: list[tuple[Any, str]], found: dict, *, wide: bool = False
) -> Table:
    now, former = (
        [count_of(found, value, "count") for value, _ in choices],
        [count_of(found, value, "former") for value, _ in choices],
    )
    labels = [str(label) for _, label in choices]
    plot = Bars(
        title, unit="visits", labels=labels, series=[Series("This period", now), Series("Before", former, muted=True)]
    )
    rows = [
        (name, count, percent(count, sum(now)), before) for name, count, before in zip(labels, now, former, strict=True)
    ]
    return Table(
        key,
        title,
        [Column(label), Column("Visits", "number"), Column("Share", "percent"), Column("Before", "number")],
        rows,
        plot,
        wide=wide,
    )


def status_table(found: dict) -> Table:
    return compared("by-status", "Where they are now", "Status", list(Visit.Status.choices), found, wide=True)


def hour_table(period: Period) -> Table:
    found = grouped(period, ExtractHour("registered_at", tzinfo=period.zone), "hour")
    return compared(
        "by-hour",
        "Registered by hour of the day",
        "Hour",
        [(hour, f"{hour:02}") for hour in range(24)],
        found,
        wide=True,
    )


def weekday_table(period: Period) -> Table:
    found = grouped(period, ExtractIsoWeekDay("registered_at", tzinfo=period.zone), "weekday")
    return compared("by-weekday", "Registered by day of the week", "Day", list(enumerate(WEEKDAYS, start=1)), found)


def sort_table(period: Period) -> Table:
    """Walk-in or appointment, by priority."""
    rows = Visit.objects.filter(period.has("registered_at")).order_by().values("priority")
    kinds = {kind: Count("pk", filter=Q(kind=kind)) for kind in Visit.Kind.values}
    found: dict[str, dict[str, Any]] = {row["priority"]: dict(row) for row in rows.annotate(**kinds)}
    columns = [Column("Priority"), *(Column(str(label), "number") for label in Visit.Kind.labels)]
    return Table(
        "by-priority",
        "Priority and kind",
        columns,
        [
            (label, *(found.get(priority, {}).get(kind, 0) for kind in Visit.Kind.values))
            for priority, label in Visit.Priority.choices
        ],
    )

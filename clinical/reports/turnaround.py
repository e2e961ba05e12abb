"""How long tests take against their targets, what is rejected, and how soon critical values are told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import ExtractHour
from django.urls import reverse
from django.utils import timezone

from clinical.models import CriticalCall, LabOrder, LabTest
from clinical.reports.parts import Column, Figure, Linked, Report, Table, minutes, percent
from clinical.reports.period import Period
from hospital.models import Person
from hospital.plots import Bars, Series
from hospital.spans import Median, Slowest, span

MINUTES, NUMBER, PERCENT = "minutes", "number", "percent"
WHOLE = span("ordered_at", "released_at")
OUT = Q(released_at__isnull=False)
COUNTED = {
    "count": Count("pk", filter=OUT),
    "median": Median(WHOLE, filter=OUT),
    "slowest": Slowest(WHOLE, filter=OUT),
    "within": Count("pk", filter=OUT & Q(released_at__lte=F("due_at"))),
    "aimed": Count("pk", filter=OUT & Q(due_at__isnull=False)),
    "rejected": Count("pk", filter=Q(status="rejected")),
    "taken": Count("pk", filter=Q(collected_at__isnull=False)),
}
COLUMNS = (
    Column("Released", NUMBER),
    Column("Median", MINUTES),
    Column("Nine of ten", MINUTES),
    Column("Within target", PERCENT),
    Column("Rejected", PERCENT),
)
SLOW = 25


@dataclass(frozen=True)
class Asked:
    """What the report is about. What is not said is all of it."""

    period: Period
    test: LabTest | None = None
    bench: str = ""
    priority: str = ""
    technician: Person | None = None

    @property
    def before(self) -> Asked:
        return replace(self, period=self.period.before)

    def rows(self) -> QuerySet:
        """Ordered in the period."""
        wanted = {
            "test": self.test,
            "test__bench": self.bench,
            "priority": self.priority,
            "released_by": self.technician,
        }
        said = {name: value for name, value in wanted.items() if value}
        return LabOrder.objects.filter(self.period.has("ordered_at"), **said).order_by()


def report(asked: Asked) -> Report:
    now, before = asked.rows().aggregate(**COUNTED), asked.before.rows().aggregate(**COUNTED)
    told = calls(asked)
    figures = [
        Figure("Released", now["count"], NUMBER, before["count"], icon="circle-check"),
        Figure(
            "From order to release, median",
            minutes(now["median"]),
            MINUTES,
            minutes(before["median"]),
            better="down",
            icon="hourglass",
        ),
        Figure(
            "Nine of ten within",
            minutes(now["slowest"]),
            MINUTES,
            minutes(before["slowest"]),
            better="down",
            icon="clock",
        ),
        Figure("Within target", share(now), PERCENT, share(before), icon="gauge"),
        Figure("Rejected", rejected(now), PERCENT, rejected(before), better="down", icon="circle-x"),
        Figure("Critical value told, median", minutes(told["median"]), MINUTES, better="down", icon="phone"),
    ]
    tables = [
        by(asked, "tests", "Test", "test__name"),
        by(asked, "benches", "Bench", "test__bench"),
        by(asked, "priorities", "Priority", "priority"),
        by_hour(asked),
        by(asked, "technicians", "Released by", "released_by__name", "Turnaround by who released it"),
        call_table(told),
        slow_table(asked),
    ]
    return Report(figures, tables)


def share(found: dict[str, Any]) -> int | None:
    return percent(found["within"], found["aimed"])


def rejected(found: dict[str, Any]) -> int | None:
    return percent(found["rejected"], found["taken"])


def cells(found: dict[str, Any]) -> tuple:
    return found["count"], minutes(found["median"]), minutes(found["slowest"]), share(found), rejected(found)


def by(asked: Asked, key: str, heading: str, field: str, title: str = "") -> Table:
    found = asked.rows().values(name=F(field)).annotate(**COUNTED).filter(Q(count__gt=0) | Q(rejected__gt=0))
    labels = dict(LabOrder.Priority.choices)
    named = [
        (str(labels.get(row["name"], row["name"]) or "not said"), row)
        for row in found.order_by("-count", "name")
        if row["name"] is not None
    ]
    rows = [(name, *cells(row)) for name, row in named]
    title = title or f"Turnaround by {heading.lower()}"
    plot = plot_of(title, rows[:8]) if key in ("tests", "benches") else None
    return Table(key, title, [Column(heading), *COLUMNS], rows, plot, wide=True, detailed=True)


def plot_of(title: str, rows: list[tuple]) -> Bars:
    series = [Series("Median", [row[2] for row in rows]), Series("Nine of ten", [row[3] for row in rows], muted=True)]
    return Bars(title, unit="min", labels=[row[0] for row in rows], series=series)


def by_hour(asked: Asked) -> Table:
    """By the hour of the day in which a test was ordered, as the hospital's clock says it."""
    hour = ExtractHour("ordered_at", tzinfo=asked.period.zone)
    found = asked.rows().annotate(hour=hour).values("hour").annotate(**COUNTED).order_by("hour")
    rows = [(f"{row['hour']:02}:00", *cells(row)) for row in found]
    title = "Turnaround by hour of the order"
    return Table("hours", title, [Column("Hour"), *COLUMNS], rows, plot_of(title, rows), wide=True, detailed=True)


def calls(asked: Asked) -> dict[str, Any]:
    """From the release of a critical value to the first call that is on record."""
    first = CriticalCall.objects.filter(order__in=asked.rows()).values("order").annotate(first=Min("at"))
    known = {row["order"]: row["first"] for row in first}
    out = asked.rows().filter(OUT, result__flag__startswith="critical").values_list("pk", "released_at")
    waits = sorted(known[pk] - released for pk, released in out if pk in known)
    return {
        "critical": len(out),
        "called": len(waits),
        "median": median(waits) if waits else None,
        "slowest": waits[len(waits) * 9 // 10] if waits else None,
    }


def call_table(told: dict[str, Any]) -> Table:
    rows = (
        [(told["critical"], told["called"], minutes(told["median"]), minutes(told["slowest"]))]
        if told["critical"]
        else []
    )
    columns = [
        Column("Critical values", NUMBER),
        Column("Called", NUMBER),
        Column("Median", MINUTES),
        Column("Nine of ten", MINUTES),
    ]
    return Table("calls", "Calls about critical values", columns, rows, empty="No critical value in this period.")


def slow_table(asked: Asked) -> Table:
    """Those that took longest beyond their target, and those that are still open beyond it."""
    late = asked.rows().filter(due_at__isnull=False).exclude(status__in=("cancelled", "rejected"))
    late = late.filter(Q(released_at__gt=F("due_at")) | Q(released_at=None, due_at__lt=timezone.now()))
    found = (
        late.select_related("test")
        .annotate(over=span("due_at", "released_at"))
        .order_by(F("over").desc(nulls_first=True), "due_at")
    )
    now = timezone.now()
    rows = [
        (
            Linked.to(one.number, reverse("clinical:lab_order", args=[one.pk])),
            str(one.test),
            one.get_priority_display(),
            one.get_status_display(),
            minutes((one.released_at or now) - one.due_at),
        )
        for one in found[:SLOW]
    ]
    columns = [Column("Number"), Column("Test"), Column("Priority"), Column("Status"), Column("Beyond target", MINUTES)]
    return Table("slow", "The slowest against their target", columns, rows, wide=True, empty="Nothing was late.")

"""How the time of the providers is used, who does not come, and how long patients wait: of a period, a house, a provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.db.models.functions import ExtractIsoWeekDay
from django.utils import timezone

from clinical.reports.parts import Column, Figure, Report, Table, minutes, percent
from clinical.reports.period import Period
from hospital.plots import Bars, Series
from hospital.spans import Median, Slowest, span
from scheduling.diary import OpenTime
from scheduling.models import Appointment, Location, Provider, Weekday
from scheduling.models.entry import ACTIVE

S, DAY = Appointment.Status, timedelta(days=1)
NUMBER, PERCENT, MINUTES = "number", "percent", "minutes"
STEPS = (("Into a room", "in_room_at"), ("To the provider", "with_provider_at"), ("To the end", "completed_at"))
BY = (("type", "Type", "type__name"), ("provider", "Provider", "provider__person__name"))


@dataclass(frozen=True)
class Asked:
    """What the report is about. No location and no provider is all of them."""

    period: Period
    location: Location | None = None
    provider: Provider | None = None

    @property
    def before(self) -> Asked:
        return replace(self, period=self.period.before)

    def rows(self) -> models.QuerySet:
        """Appointments that begin in the period."""
        where: dict[str, Any] = {}
        if self.location is not None:
            where["location"] = self.location
        if self.provider is not None:
            where["provider"] = self.provider
        return Appointment.objects.filter(self.period.has("begins_at"), **where).order_by()

    def providers(self) -> list[Provider]:
        rows = Provider.objects.select_related("person", "location")
        return list(rows.filter(pk=self.provider.pk) if self.provider else rows.at_work())


def report(asked: Asked) -> Report:
    use = utilisation(asked)
    now, former = missed(asked.rows()), missed(asked.before.rows())
    leads, leads_before = lead(asked.rows()), lead(asked.before.rows())
    steps, steps_before = waits(asked.rows()), waits(asked.before.rows())
    figures = [
        Figure("Used of the open time", use.share, PERCENT, icon="gauge"),
        Figure(
            "No-shows",
            percent(now["no_show"], now["kept"]),
            PERCENT,
            *before(former, "no_show", "kept"),
            icon="user-off",
        ),
        Figure(
            "Cancelled late",
            percent(now["late"], now["due"]),
            PERCENT,
            *before(former, "late", "due"),
            icon="calendar-x",
        ),
        Figure(
            "Booked ahead, median days",
            in_days(leads["median"]),
            former=in_days(leads_before["median"]),
            icon="calendar-time",
        ),
        Figure(
            "From arrival to the provider",
            minutes(steps["median_1"]),
            MINUTES,
            minutes(steps_before["median_1"]),
            better="down",
            icon="hourglass",
        ),
    ]
    tables = [
        use.table(),
        step_table(steps),
        *(missed_table(asked, *by) for by in BY),
        weekday_table(asked),
        lead_table(asked),
    ]
    return Report(figures, tables)


def before(counts: dict[str, int], part: str, whole: str) -> tuple[int | None, str]:
    """The former share, and that less of it is better."""
    return percent(counts[part], counts[whole]), "down"


# --- used time --------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """Open and booked time by provider."""

    providers: list[Provider]
    open: dict[UUID, timedelta]
    booked: dict[UUID, timedelta]

    @property
    def share(self) -> int | None:
        return share(sum(self.booked.values(), timedelta()), sum(self.open.values(), timedelta()))

    def table(self) -> Table:
        rows = [
            (
                str(provider),
                minutes(self.open[provider.pk]),
                minutes(self.booked[provider.pk]),
                share(self.booked[provider.pk], self.open[provider.pk]),
            )
            for provider in self.providers
        ]
        plot = Bars(
            "Used of the open time",
            unit="%",
            labels=[row[0] for row in rows],
            series=[Series("Used", [row[3] for row in rows])],
        )
        columns = [Column("Provider"), Column("Open", MINUTES), Column("Booked", MINUTES), Column("Used", PERCENT)]
        return Table("utilisation", "Used of the open time", columns, rows, plot, wide=True, detailed=True)


def utilisation(asked: Asked) -> Use:
    """Times that several patients share count once. More than all is possible: some book outside the hours."""
    providers = asked.providers()
    diary = OpenTime(providers, asked.period.first, asked.period.last)
    opened = {provider.pk: open_time(diary, provider, asked) for provider in providers}
    first = Appointment.objects.active().filter(slot=OuterRef("slot"), seat__lt=OuterRef("seat"))
    whole = span("begins_at", "ends_at")
    taken = asked.rows().filter(status__in=ACTIVE).filter(~Exists(first)).values("provider").annotate(sum=Sum(whole))
    booked = {row["provider"]: row["sum"] for row in taken}
    return Use(providers, opened, {provider.pk: booked.get(provider.pk, timedelta()) for provider in providers})


def open_time(diary: OpenTime, provider: Provider, asked: Asked) -> timedelta:
    return sum(
        (
            piece.length
            for day in asked.period.days
            for shift in diary.shifts(provider, day)
            if asked.location is None or shift.location == asked.location
            for piece in shift.spans
        ),
        timedelta(),
    )


def share(part: timedelta, whole: timedelta) -> int | None:
    return percent(part // timedelta(seconds=1), whole // timedelta(seconds=1))


# --- who does not come ------------------------------------------------------------------

PLANNED = ~Q(kind=Appointment.Kind.WALK_IN) & ~Q(status=S.RESCHEDULED)
MISSED = {
    "due": Count("pk"),
    "kept": Count("pk", filter=~Q(status=S.CANCELLED)),
    "no_show": Count("pk", filter=Q(status=S.NO_SHOW)),
    "late": Count("pk", filter=Q(status=S.CANCELLED, was_late=True)),
}
MISSED_COLUMNS = (
    Column("Appointments", NUMBER),
    Column("No-shows", NUMBER),
    Column("No-shows", PERCENT),
    Column("Cancelled late", NUMBER),
    Column("Cancelled late", PERCENT),
)


def due(rows: models.QuerySet) -> models.QuerySet:
    """Planned ones whose time has come; nobody misses a walk-in."""
    return rows.filter(PLANNED, begins_at__lte=timezone.now())


def missed(rows: models.QuerySet) -> dict[str, int]:
    return due(rows).aggregate(**MISSED)


def missed_row(name: str, found: dict[str, int]) -> tuple:
    """No-shows are a part of those that were not cancelled, late cancellations a part of all."""
    rates = percent(found["no_show"], found["kept"]), percent(found["late"], found["due"])
    return name, found["due"], found["no_show"], rates[0], found["late"], rates[1]


def missed_table(asked: Asked, key: str, heading: str, field: str) -> Table:
    found = due(asked.rows()).values(key, name=F(field)).annotate(**MISSED).order_by("-due", "name")
    rows = [missed_row(row["name"], row) for row in found]
    title = f"Who did not come, by {heading.lower()}"
    return Table(f"missed-{key}", title, [Column(heading), *MISSED_COLUMNS], rows)


def weekday_table(asked: Asked) -> Table:
    zone = asked.period.zone
    found = {
        row["weekday"]: row
        for row in due(asked.rows())
        .annotate(weekday=ExtractIsoWeekDay("begins_at", tzinfo=zone))
        .values("weekday")
        .annotate(**MISSED)
    }
    nothing = dict.fromkeys(MISSED, 0)
    days = [(str(day.label), found.get(day.value + 1, nothing)) for day in Weekday]
    rows = [missed_row(name, counts) for name, counts in days]
    series = [Series("No-shows", [row[3] for row in rows]), Series("Cancelled late", [row[5] for row in rows])]
    plot = Bars("Who did not come, by weekday", unit="%", labels=[row[0][:3] for row in rows], series=series)
    columns = [Column("Weekday"), *MISSED_COLUMNS]
    return Table("missed-weekday", "Who did not come, by weekday", columns, rows, plot, wide=True, detailed=True)


# --- how long ---------------------------------------------------------------------------

AHEAD = span("booked_at", "begins_at")
LEAD = {"count": Count("pk"), "median": Median(AHEAD), "slowest": Slowest(AHEAD)}


def planned(rows: models.QuerySet) -> models.QuerySet:
    return rows.filter(PLANNED, booked_at__lte=F("begins_at"))


def lead(rows: models.QuerySet) -> dict[str, Any]:
    return planned(rows).aggregate(**LEAD)


def lead_table(asked: Asked) -> Table:
    found = planned(asked.rows()).values("type", name=F("type__name")).annotate(**LEAD).order_by("-count", "name")
    rows = [(row["name"], row["count"], in_days(row["median"]), in_days(row["slowest"])) for row in found]
    columns = [
        Column("Type"),
        Column("Appointments", NUMBER),
        Column("Median, days", NUMBER),
        Column("Nine of ten, days", NUMBER),
    ]
    return Table("lead", "From booking to the appointment", columns, rows)


def in_days(length: timedelta | None) -> float | None:
    return None if length is None else round(length / DAY, 1)


def waits(rows: models.QuerySet) -> dict[str, Any]:
    """From arrival to each step, of those who took it."""
    wanted: dict[str, models.Aggregate] = {}
    for number, (_, field) in enumerate(STEPS):
        taken = Q(**{"arrived_at__isnull": False, f"{field}__isnull": False})
        whole = span("arrived_at", field)
        wanted |= {
            f"count_{number}": Count("pk", filter=taken),
            f"median_{number}": Median(whole, filter=taken),
            f"slowest_{number}": Slowest(whole, filter=taken),
        }
    return rows.aggregate(**wanted)


def step_table(found: dict[str, Any]) -> Table:
    rows = [
        (label, found[f"count_{number}"], minutes(found[f"median_{number}"]), minutes(found[f"slowest_{number}"]))
        for number, (label, _) in enumerate(STEPS)
    ]
    series = [Series("Median", [row[2] for row in rows]), Series("Nine of ten", [row[3] for row in rows], muted=True)]
    plot = Bars("From arrival to each step", unit="min", labels=[row[0] for row in rows], series=series)
    columns = [Column("Step"), Column("Patients", NUMBER), Column("Median", MINUTES), Column("Nine of ten", MINUTES)]
    return Table("steps", "From arrival to each step", columns, rows, plot, wide=True, detailed=True)

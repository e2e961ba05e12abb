"""The figures of the dashboard: this day, this minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from billing.models import JournalLine
from billing.models.account import owed
from billing.models.journal import NET
from billing.money import ZERO
from billing.reports.revenue import CAME_IN
from clinical.models import QueuePlace, Visit
from clinical.reports.parts import minutes
from clinical.reports.period import Period
from hospital.models import Role, SignIn
from hospital.spans import Median, span


@dataclass(frozen=True)
class Step:
    """A queue as it stands."""

    label: str
    waiting: int
    called: int
    since: datetime | None
    median: int | None


@dataclass(frozen=True)
class Present:
    """A person who is signed in, in a role, since then."""

    name: str
    role: str
    since: datetime


def money() -> dict:
    """Received today and on the same day a week ago until this hour; and what is due."""
    today, now = Period.ending_today(1), timezone.now()
    week = timedelta(days=7)
    then = Period(today.first - week, today.last - week, today.zone)
    elapsed = then.start + (now - today.start)
    sums = (
        JournalLine.objects.money()
        .filter(entry__at__gte=then.start)
        .aggregate(
            today=Sum(NET, filter=today.has("entry__at"), default=ZERO),
            then=Sum(NET, filter=Q(entry__at__gte=then.start, entry__at__lt=min(elapsed, then.end)), default=ZERO),
            count=Count("pk", filter=today.has("entry__at") & CAME_IN),
        )
    )
    return {**sums, "due": owed()}


def visits() -> dict:
    """Of today: everything registered today or still open."""
    today = Period.ending_today(1)
    mine = Visit.objects.filter(today.has("registered_at") | Q(ended_at=None) | today.has("ended_at")).order_by()
    found = dict(mine.values_list("status").annotate(Count("pk")))
    sums = mine.aggregate(
        registered=Count("pk", filter=today.has("registered_at")),
        patients=Count("patient", distinct=True, filter=today.has("registered_at")),
        here=Count("pk", filter=Q(ended_at=None)),
        emergencies=Count("pk", filter=Q(ended_at=None, priority=Visit.Priority.EMERGENCY)),
    )
    statuses = [(status, label, found.get(status, 0)) for status, label in Visit.Status.choices]
    return {**sums, "statuses": statuses}


def steps() -> list[Step]:
    today = Period.ending_today(1)
    here, waiting = Q(ended_at=None), Q(ended_at=None, called_at=None)
    rows = QueuePlace.objects.filter(here | today.has("entered_at"), undone_at=None).order_by().values("queue")
    found = {
        row["queue"]: row
        for row in rows.annotate(
            waiting=Count("pk", filter=waiting),
            called=Count("pk", filter=here & ~Q(called_at=None)),
            since=Min("entered_at", filter=waiting),
            median=Median(span("entered_at", "called_at"), filter=today.has("entered_at")),
        )
    }
    nothing: dict[str, Any] = {"waiting": 0, "called": 0, "since": None, "median": None}
    return [step_of(str(label), found.get(queue, nothing)) for queue, label in QueuePlace.Queue.choices]


def step_of(label: str, row: Mapping[str, Any]) -> Step:
    return Step(label, row["waiting"], row["called"], row["since"], minutes(row["median"]))


def signed_in() -> list[Present]:
    """Each person once in each role, since the first of the open sessions."""
    titles = dict(Role.objects.values_list("key", "title"))
    rows: QuerySet = SignIn.now_here().order_by("at")
    found: dict[tuple, Present] = {}
    for row in rows:
        found.setdefault((row.person_id, row.role), Present(row.person.name, titles.get(row.role, row.role), row.at))
    return sorted(found.values(), key=lambda one: one.name)

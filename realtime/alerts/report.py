"""How long alerts waited for an answer: by kind, by role, by month; and which still wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Max, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone

from hospital.context import current
from hospital.http import ActingPerson
from hospital.models import Membership, Role
from hospital.models.people import ADMINISTER
from hospital.spans import Median, Slowest, span
from hospital.spreadsheets import as_csv
from realtime.alerts.models import Alert, Alerts, Step
from realtime.templatetags.alerts import kind_words

COLUMNS = ("Alerts", "Open", "Median, min", "Nine of ten within, min", "Longest, min", "Highest step")


WAITED = span("raised_at", "acknowledged_at")
ANSWERED = Q(status=Alert.Status.ACKNOWLEDGED)
FIGURES = {
    "alerts": Count("pk"),
    "open": Count("pk", filter=Q(status=Alert.Status.RAISED)),
    "median": Median(WAITED, filter=ANSWERED),
    "slow": Slowest(WAITED, filter=ANSWERED),
    "longest": Max(WAITED, filter=ANSWERED),
    "highest": Max("step"),
}


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    heading: str
    rows: Sequence[Sequence[Any]]

    @property
    def lines(self) -> list[tuple[Any, list[tuple[str, Any]]]]:
        """Each with its name, and its figures under their headings."""
        return [(row[0], list(zip(COLUMNS, row[1:], strict=True))) for row in self.rows]


def seen_by(acting: ActingPerson) -> tuple[Alerts, str]:
    """Who administers sees all, a head those of the role, everybody else those that waited for the own person."""
    rows = Alert.objects.for_role(acting.role)
    if acting.may(ADMINISTER):
        return rows, "All alerts"
    if Membership.objects.filter(person=acting.person, role=acting.role, is_active=True, is_head=True).exists():
        return rows, f"Alerts for the role {acting.role.title}"
    return rows.filter(addressed__contains=[acting.person.pk]), "Alerts that waited for you"


def tables(rows: models.QuerySet[Alert], days: int) -> list[Table]:
    rows = rows.filter(raised_at__gte=timezone.now() - timedelta(days=days)).order_by()
    roles = dict(Role.objects.values_list("key", "title"))
    months = rows.annotate(month=TruncMonth("raised_at", tzinfo=current().tenant.zone))
    return [
        Table("all", "All together", "", [("All", *figures(rows.aggregate(**FIGURES)))]),
        grouped("kind", "By kind", "Kind", rows, "kind", kind_words),
        grouped("role", "By role that answered", "Role", rows.filter(ANSWERED), "acknowledged_as", roles.get),
        grouped("month", "By month", "Month", months, "month", lambda month: f"{month:%B %Y}"),
    ]


def grouped(key: str, title: str, heading: str, rows: models.QuerySet, by: str, words: Any) -> Table:
    found = rows.values(by).annotate(**FIGURES).order_by(by)
    return Table(key, title, heading, [(words(row[by]) or row[by], *figures(row)) for row in found])


def figures(row: dict[str, Any]) -> tuple[Any, ...]:
    highest = "" if row["highest"] is None else str(Step(row["highest"]).label)
    return (row["alerts"], row["open"], minutes(row["median"]), minutes(row["slow"]), minutes(row["longest"]), highest)


def minutes(waited: timedelta | None) -> float | None:
    return None if waited is None else round(waited.total_seconds() / 60, 1)


def csv_of(found: Iterable[Table]) -> str:
    rows = ((table.key, *row) for table in found for row in table.rows)
    return as_csv([("By", "Of", *COLUMNS), *rows])

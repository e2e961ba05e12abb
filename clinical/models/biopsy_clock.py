"""How long each step of a biopsy may take. Lateness is reckoned from the clock whenever it is read; nobody has to touch the row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Value, When
from django.utils import timezone

if TYPE_CHECKING:
    from clinical.models.pathology_lab import PathologyLab

DAY = timedelta(days=1)
AWAY = ("sent", "received_by_lab", "processing")
LAB_DAYS = ("first_days", "second_days", "third_days")
# What has not been done yet in each status.
NOT_YET = {
    "ordered": "not taken",
    "collected": "not sent",
    **dict.fromkeys(AWAY, "no result"),
    "resulted": "not reviewed",
    "reviewed": "patient not told",
    "lost": "not settled",
    "unsatisfactory": "not settled",
}
# Days to each tier, where the laboratory does not have it.
OWN_DAYS = {
    "ordered": (7, 10, 14),
    "collected": (1, 3, 7),
    "resulted": (2, 4, 7),
    "reviewed": (3, 7, 14),
    "lost": (1, 3, 7),
    "unsatisfactory": (1, 3, 7),
}


# Malignant, and the patient does not know it yet.
ALARMING = models.Q(malignancy="malignant", status__in=("resulted", "reviewed"))


def due(tier: int) -> models.Expression:
    """When it reaches this tier (1 to 3), for the database. Nothing once its loop is closed."""
    days = ExpressionWrapper(F(f"laboratory__{LAB_DAYS[tier - 1]}") * Value(DAY), DurationField())
    own = [
        When(status=status, then=plus(F(f"{status}_at"), Value(DAY * tiers[tier - 1])))
        for status, tiers in OWN_DAYS.items()
    ]
    return Case(When(status__in=AWAY, then=plus(F("sent_at"), days)), *own, output_field=DateTimeField())


def begun() -> models.Expression:
    """Since when it waits for its next step."""
    own = [When(status=status, then=F(f"{status}_at")) for status in OWN_DAYS]
    return Case(When(status__in=AWAY, then=F("sent_at")), *own, output_field=DateTimeField())


def plus(moment: Any, span: Any) -> models.Expression:
    return ExpressionWrapper(moment + span, DateTimeField())


class Timed(models.QuerySet):
    def timed(self) -> Self:
        """With `first_due` and `late_tier`, to filter, order and count by."""
        now = timezone.now()
        late = [When(first_due__isnull=True, then=Value(0))]
        rows = self.annotate(first_due=due(1), second_due=due(2), third_due=due(3))
        late += [
            When(**{f"{name}_due__lte": now}, then=Value(tier))
            for tier, name in ((3, "third"), (2, "second"), (1, "first"))
        ]
        return rows.annotate(late_tier=Case(*late, default=Value(0), output_field=models.IntegerField()))

    def late(self) -> Self:
        return self.timed().filter(late_tier__gt=0)

    def newly_late(self) -> Self:
        """Those that reached a tier of which nobody was told yet."""
        return self.late().filter(late_tier__gt=F("said_tier"))


class Clock(models.Model):
    """The same for one row in hand."""

    if TYPE_CHECKING:
        status: str
        malignancy: str
        said_tier: int
        sent_at: datetime | None
        laboratory: PathologyLab
        number: str
        lock: Any
        tell: Any

    class Meta:
        abstract = True

    TIER_WORDS: ClassVar = {1: "Overdue", 2: "Overdue again", 3: "Overdue, urgent"}

    @property
    def begun_at(self) -> datetime | None:
        """Since when it waits for its next step: the laboratory's clock runs from the sending."""
        return self.sent_at if self.status in AWAY else getattr(self, f"{self.status}_at")

    @property
    def days_to_tiers(self) -> tuple[int, ...]:
        return self.laboratory.tiers if self.status in AWAY else OWN_DAYS.get(self.status, ())

    @property
    def due_at(self) -> datetime | None:
        since, days = self.begun_at, self.days_to_tiers
        return since + DAY * days[0] if since and days else None

    @property
    def tier(self) -> int:
        """0 in time; 1, 2 or 3 when it is late, again late, and urgent."""
        since, now = self.begun_at, timezone.now()
        return sum(since + DAY * days <= now for days in self.days_to_tiers) if since else 0

    @property
    def tier_words(self) -> str:
        return self.TIER_WORDS.get(self.tier, "")

    @property
    def is_alarming(self) -> bool:
        return self.malignancy == "malignant" and self.status in ("resulted", "reviewed")

    @property
    def not_yet(self) -> str:
        return NOT_YET.get(self.status, "")

    @property
    def days_waited(self) -> int:
        return (timezone.now() - self.begun_at) // DAY if self.begun_at else 0

    @property
    def late_words(self) -> str:
        """What is said of it when it is late."""
        days = self.days_waited
        return f"{self.tier_words}: {self.not_yet} for {days} {'day' if days == 1 else 'days'}"

    @transaction.atomic
    def notice_late(self) -> bool:
        """Tell those who work on it, once for each tier."""
        self.lock()
        if self.tier <= self.said_tier:
            return False
        self.tell(self.late_words, said_tier=self.tier)
        return True

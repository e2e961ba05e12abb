"""How near an authorisation is to its last day. Reckoned from the calendar whenever it is read; nobody has to touch the row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from clinical import days

TIERS = (30, 14, 7)  # days before the last one on which it is said


class Clock(models.Model):
    says = ""  # the sentence of the notice that the save under way is, for the event

    if TYPE_CHECKING:
        Status: Any
        status: str
        said_days: int
        not_renewed_because: str
        valid_until: date | None
        renewals: Any
        ASKS_FOR_NOTHING: Any
        is_granted: bool
        has_said_yes: bool
        go: Any
        lock: Any
        put: Any

    class Meta:
        abstract = True

    @property
    def days_left(self) -> int | None:
        """To its last day, while it is granted."""
        return (self.valid_until - days.today()).days if self.valid_until and self.is_granted else None

    @property
    def tier(self) -> int:
        """30, 14 or 7 when no more days are left than that; else 0. By the calendar, whoever touched the row."""
        left = self.days_left
        return 0 if left is None or left < 0 else min((tier for tier in TIERS if left <= tier), default=0)

    @property
    def has_run_out(self) -> bool:
        """By the calendar, whether or not the sweep has said so."""
        return self.has_said_yes and self.valid_until is not None and self.valid_until < days.today()

    @transaction.atomic
    def notice_end(self) -> bool:
        """What the calendar alone changes: it is over, or so near that its people are told, once for each tier."""
        self.lock()
        if self.has_run_out and self.status != self.Status.EXPIRED:
            self.go(self.Status.EXPIRED, by=None, words="Its last day has passed")
            return True
        tier = self.tier
        if (
            not tier
            or (self.said_days and self.said_days <= tier)
            or self.renewals.exclude(status__in=self.ASKS_FOR_NOTHING).exists()
            or self.not_renewed_because
        ):
            return False
        left = self.days_left or 0
        self.says = "ends today" if not left else f"ends in {left} {'day' if left == 1 else 'days'}"
        self.put(said_days=tier)
        self.says = ""
        return True

"""What is asked of the insurer about an authorisation, and what it answers: each one step of the machine."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from billing.models.authorisation_units import spoken_units
from clinical import days
from hospital.workflow import Refused, needs

if TYPE_CHECKING:
    from datetime import datetime

    from clinical.models.payer import Payer
    from hospital.models import Person


class Answers(models.Model):
    if TYPE_CHECKING:
        Status: Any
        number: str
        status: str
        units: Decimal
        payer: Payer
        appeal_level: int
        submitted_at: datetime | None
        get_status_display: Any
        go: Any
        lock: Any

    class Meta:
        abstract = True

    def submit(self, words: str = "", *, by: Person | None, answer_by: date | None = None) -> None:
        self.go(self.Status.SUBMITTED, by=by, words=words, submitted_at=timezone.now(), answer_by=answer_by)

    @transaction.atomic
    def wait(self, words: str = "", *, by: Person | None, answer_by: date | None = None) -> None:
        """The insurer has it, or has what it wanted to know."""
        self.lock()
        if self.status == self.Status.DENIED:
            raise Refused(f"{self.number} is denied. The insurer looks at it again if it is appealed.")
        self.go(self.Status.PENDING, by=by, words=words, answer_by=answer_by)

    def want_more(self, words: str, *, by: Person | None, answer_by: date | None = None) -> None:
        asked = needs(words, "Say what the insurer wants to know.", field="words")
        self.go(self.Status.MORE_INFO, by=by, words=asked, answer_by=answer_by)

    @transaction.atomic
    def approve(
        self,
        units: Decimal,
        valid_from: date,
        valid_until: date,
        payer_number: str,
        words: str = "",
        *,
        by: Person | None,
    ) -> None:
        """All that was asked for, or less of it."""
        number = needs(payer_number, "Write the number of the authorisation: claims carry it.", field="payer_number")
        status = self.Status.APPROVED if units >= self.units else self.Status.PARTIAL
        said = words.strip() or f"{spoken_units(units)} until {valid_until:%-d %b %Y}"
        self.go(
            status,
            by=by,
            words=said,
            units_approved=units,
            valid_from=valid_from,
            valid_until=valid_until,
            payer_number=number,
            decision=words.strip(),
            decided_at=timezone.now(),
            answer_by=None,
        )

    @transaction.atomic
    def deny(self, words: str, *, by: Person | None, decided_on: date | None = None) -> None:
        """The days for an appeal run from the day of the insurer's decision, not from when somebody wrote it down."""
        why = needs(words, "Say why the insurer denies it.", field="words")
        self.lock()
        day = decided_on or days.today()
        self._refuse_decided(day)
        until = self.payer.appeal_days(self.appeal_level + 1)
        last = day + timedelta(days=until) if until else None
        self.go(
            self.Status.DENIED,
            by=by,
            words=why,
            decision=why,
            decided_at=timezone.now(),
            appeal_until=last,
            answer_by=None,
        )

    def _refuse_decided(self, day: date) -> None:
        if day > days.today():
            raise Refused("This day has not come yet.", status=422, field="decided_on")
        if self.submitted_at and day < days.day_of(self.submitted_at):
            asked = f"{days.day_of(self.submitted_at):%-d %b %Y}"
            raise Refused(f"The insurer was asked on {asked}, and decided later.", status=422, field="decided_on")

    @transaction.atomic
    def appeal(self, words: str, *, by: Person | None, answer_by: date | None = None) -> None:
        why = needs(words, "Say what the appeal says.", field="words")
        self.lock()
        if self.status != self.Status.DENIED:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}. Only what is denied is appealed.")
        level = self.appeal_level + 1
        self.go(
            self.Status.PENDING,
            by=by,
            words=f"Appealed, level {level}: {why}",
            appeal_level=level,
            appeal_until=None,
            answer_by=answer_by,
        )

    def withdraw(self, words: str, *, by: Person | None) -> None:
        why = needs(words, "Say why it is withdrawn.", field="words")
        self.go(self.Status.WITHDRAWN, by=by, words=why, answer_by=None)

"""What comes after an authorisation: a draft that asks for the same again, or a reason why nobody needs it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction

from billing.models.authorisation_units import MANAGE
from clinical import days
from hospital.models import Counter
from hospital.seals import raw
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

# What a renewal asks for again.
COPIED = ("patient_id", "policy_id", "payer_id", "doctor_id", "code", "service", "diagnoses", "units", "justification")


class Renewals(models.Model):
    if TYPE_CHECKING:
        serial: int
        number: str
        status: str
        start: Any
        valid_until: date | None
        renewals: Any
        has_said_yes: bool
        CAME_TO_NOTHING: Any
        lock: Any
        put: Any
        note: Any

    class Meta:
        abstract = True

    @property
    def live_renewals(self) -> models.QuerySet:
        """What was withdrawn or refused renews nothing."""
        return self.renewals.exclude(status__in=self.CAME_TO_NOTHING)

    @property
    def may_be_renewed(self) -> bool:
        return self.has_said_yes and not self.live_renewals.exists()

    @transaction.atomic
    def renew(self, *, by: Person | None) -> Self:
        """A draft that asks for the same again, from the day after."""
        allow(MANAGE, by)
        self.lock()
        if not self.has_said_yes:
            raise Refused(f"{self.number} was not granted. Ask anew instead.")
        former = self.live_renewals.first()
        if former is not None:
            raise Refused(f"{former.number} renews it already.")
        with raw():
            same = {name: getattr(self, name) for name in COPIED}
        begins = max(self.valid_until + timedelta(days=1), days.today()) if self.valid_until else days.today()
        row = type(self)(**same, renews=self, requested_by=by, wanted_from=begins)
        row.serial = Counter.take("authorisation")
        row.start(by=by)
        row.note(by=by, words=f"Renews {self.number}", after=row.status)
        self.put()
        return row

    @transaction.atomic
    def let_run_out(self, reason: str, *, by: Person | None) -> None:
        """Nobody needs it any more: it is in no list of what expires."""
        allow(MANAGE, by)
        why = needs(reason, "Say why it is not renewed.", field="words")
        self.lock()
        if not self.may_be_renewed:
            raise Refused(f"{self.number} is not waiting to be renewed.")
        self.put(not_renewed_because=why)
        self.note(by=by, words=f"Not renewed: {why}")

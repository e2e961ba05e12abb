"""The units of an authorisation: lines that are only added, whose sum is what was used."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Sum

from clinical import days
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from billing.models.authorisation_parts import AuthorisationUse
    from hospital.models import Person

MANAGE = "billing.manage_authorisation"
NOTHING = Decimal(0)


class Units(models.Model):
    if TYPE_CHECKING:
        Status: Any
        number: str
        status: str
        units: Decimal
        units_approved: Decimal | None
        valid_from: date | None
        valid_until: date | None
        uses: Any
        is_granted: bool
        has_said_yes: bool
        get_status_display: Any
        go: Any
        lock: Any
        put: Any

    class Meta:
        abstract = True

    @property
    def used(self) -> Decimal:
        counted = getattr(self, "counted_units", None)
        return self.uses.aggregate(sum=Sum("units"))["sum"] or NOTHING if counted is None else counted

    @property
    def left(self) -> Decimal:
        return (self.units_approved or NOTHING) - self.used

    @transaction.atomic
    def use(
        self, units: Decimal, on: date, *, by: Person | None, source: Any = None, note: str = ""
    ) -> AuthorisationUse:
        """So much was done on this day. The same source, such as a line of a claim, counts once."""
        allow(MANAGE, by)
        self._hold()
        known = self.uses.filter(source=source, reverses=None, reversals=None).first() if source else None
        if known is not None:
            return known
        self._refuse_use(units, on)
        row = self.uses.create(units=units, used_on=on, by=by, source=source, note=note)
        self._settle()
        return row

    def _hold(self) -> None:
        """Locked, and what a list has counted before is forgotten."""
        self.lock()
        vars(self).pop("counted_units", None)

    def _refuse_use(self, units: Decimal, on: date) -> None:
        if not self.has_said_yes:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}: it grants nothing.")
        if not (self.valid_from and self.valid_until and self.valid_from <= on <= self.valid_until):
            raise Refused(f"{self.number} does not cover {on:%-d %b %Y}.", status=422, field="used_on")
        if on > days.today():
            raise Refused("This day has not come yet.", status=422, field="used_on")
        if units <= 0:
            raise Refused("Write how many units were used.", status=422, field="units")
        if units > self.left:
            raise Refused(f"Only {spoken_units(self.left)} left.", status=422, field="units")

    @transaction.atomic
    def give_back(self, use: AuthorisationUse, reason: str, *, by: Person | None) -> AuthorisationUse:
        """It was not done, or counted twice: both lines stay."""
        from billing.models.authorisation_parts import AuthorisationUse

        allow(MANAGE, by)
        why = needs(reason, "Say why these units are given back.", field="note")
        self._hold()
        if use.reverses_id or AuthorisationUse.objects.filter(reverses=use).exists():
            raise Refused("These units were given back already.")
        row = self.uses.create(units=-use.units, used_on=use.used_on, by=by, note=why, reverses=use)
        self._settle()
        return row

    def _settle(self) -> None:
        """Used up when nothing is left, and open again when something is."""
        left = self.left
        if self.is_granted and left <= 0:
            self.go(self.Status.EXHAUSTED, by=None, words="All units are used")
        elif self.status == self.Status.EXHAUSTED and left > 0:
            back = self.Status.APPROVED if (self.units_approved or NOTHING) >= self.units else self.Status.PARTIAL
            self.go(back, by=None, words="Units were given back")
        else:
            self.put()


def spoken_units(units: Decimal) -> str:
    words = f"{units.normalize():f}"
    return f"{words} {'unit' if words == '1' else 'units'}"

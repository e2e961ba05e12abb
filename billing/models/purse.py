"""What a patient has over all visits: money that is for no one visit, and what is due anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from billing.models.account import Account, open_accounts
from billing.models.charge import Charge
from billing.models.discount import Discount
from billing.models.invoice import hold, settle
from billing.models.payment import Allocation, Payment
from billing.models.refund import Refund
from billing.money import ZERO, exact, spoken
from clinical.models import Patient, Visit
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    from hospital.models import Person

    class Due(TypedDict):
        due: Decimal

    Owing = WithAnnotations[Visit, Due]

TAKE = "billing.take_payment"


class Purse:
    """A payment over several visits, and a deposit, are the patient's own: they are put on charges by name."""

    def __init__(self, patient: Patient) -> None:
        self.patient = patient

    @classmethod
    def locked(cls, patient: Patient) -> Purse:
        """All visits of the patient first, then the patient, so that one who has none is held too."""
        hold(Visit.objects.filter(patient=patient).values_list("pk", flat=True))
        patient.lock()
        return cls(patient)

    @cached_property
    def owing(self) -> list[Owing]:
        """The visits on which something is due, with `due`, the oldest first."""
        rows = open_accounts().filter(patient=self.patient, due__gt=0)
        return list(rows.order_by("registered_at", "pk"))

    @property
    def due(self) -> Decimal:
        return sum((visit.due for visit in self.owing), ZERO)

    @cached_property
    def payments(self) -> list[Payment]:
        """Those that are for no one visit, the oldest first."""
        rows = Payment.objects.filter(patient=self.patient, visit=None).with_free()
        return list(rows.select_related("received_by").order_by("serial"))

    @property
    def deposited(self) -> Decimal:
        return sum((payment.free for payment in self.payments), ZERO)

    @cached_property
    def left_on_visits(self) -> list[Payment]:
        """Paid for a visit and on none of its charges any more: the insurer paid after all, or something was cancelled."""
        rows = Payment.objects.filter(visit__patient=self.patient).with_free().filter(free__gt=0)
        return list(rows.select_related("visit").order_by("serial"))

    @property
    def credit(self) -> Decimal:
        return sum((payment.free for payment in self.left_on_visits), ZERO)

    @cached_property
    def refunds(self) -> list[Refund]:
        rows = Refund.objects.filter(payment__patient=self.patient, payment__visit=None)
        return list(rows.select_related("payment", "requested_by", "paid_by").order_by("requested_at", "pk"))

    @classmethod
    @transaction.atomic
    def take(
        cls,
        patient: Patient,
        amount: Decimal,
        visits: Iterable[Any],
        *,
        method: str,
        reference: str = "",
        by: Person | None,
    ) -> Payment:
        """One payment for what is due on these visits, never more than that, the oldest charges first."""
        allow(TAKE, by)
        purse, amount = cls.locked(patient), positive(amount)
        chosen = purse._among(visits)
        due = sum((visit.due for visit in chosen), ZERO)
        if amount > due:
            raise Refused(f"Only {spoken(due)} is due on these visits. No money was booked.", field="amount")
        payment = Payment.receive(
            patient=patient,
            amount=amount,
            method=method,
            reference=reference,
            by=by,
            lets_in=purse._lets_in(chosen, amount),
        )
        purse._put(payment, amount, chosen)
        return payment

    @classmethod
    @transaction.atomic
    def deposit(
        cls, patient: Patient, amount: Decimal, *, method: str, reference: str = "", by: Person | None
    ) -> Payment:
        """Money in advance, for what is done later."""
        allow(TAKE, by)
        patient.lock()
        return Payment.receive(patient=patient, amount=positive(amount), method=method, reference=reference, by=by)

    @classmethod
    @transaction.atomic
    def use(cls, patient: Patient, amount: Decimal, visits: Iterable[Any], *, by: Person | None) -> Decimal:
        """So much of what is deposited goes on these visits, the oldest money and the oldest charges first."""
        allow(TAKE, by)
        purse, amount = cls.locked(patient), positive(amount)
        chosen = purse._among(visits)
        due = sum((visit.due for visit in chosen), ZERO)
        if amount > min(due, purse.deposited):
            words = f"{spoken(purse.deposited)} is deposited, and {spoken(due)} is due on these visits."
            raise Refused(f"{words} Use at most the smaller of both.", field="amount")
        left = amount
        for payment in purse.payments:
            part = min(left, payment.free)
            if part > 0:
                purse._put(payment, part, chosen)
                left -= part
        return amount

    def free(self, payment: Payment, amount: Decimal) -> None:
        """Take so much of a payment off what it covers, the newest charges first, as far as it is not free already."""
        needed = amount - next(row.free for row in self.payments if row.pk == payment.pk)
        given = payment.allocations.order_by().values_list("charge").annotate(models.Sum("amount"))
        covered = {key: part for key, part in given if part > 0}
        charges = Charge.objects.filter(pk__in=covered).select_related("visit").order_by("-charged_at", "-pk")
        for charge in charges:
            if (part := min(needed, covered[charge.pk])) > 0:
                Allocation.book(payment, charge, -part)
                needed -= part
                if charge.waived_at:
                    Discount.of(charge, part, charge.waive_reason, by=charge.waived_by)

    def settle(self) -> None:
        """Tell the visits how they stand. Nothing of it is put on another charge by itself."""
        settle(Visit.objects.filter(charges__allocations__payment__in=self.payments).values_list("pk", flat=True))
        self._forget()

    def _among(self, visits: Iterable[Any]) -> list[Owing]:
        wanted = set(visits)
        chosen = [visit for visit in self.owing if visit.pk in wanted]
        if not chosen:
            raise Refused("Nothing is due on these visits. No money was booked.", field="visits")
        return chosen

    def _put(self, payment: Payment, amount: Decimal, visits: list[Owing]) -> None:
        charges = Charge.objects.filter(visit__in=visits).with_balance().select_related("visit")
        for charge in charges.order_by("charged_at", "pk"):
            if (part := min(amount, charge.rest)) > 0:
                Allocation.book(payment, charge, part)
                amount -= part
        settle(visit.pk for visit in visits)
        self._forget()

    def _lets_in(self, visits: list[Owing], amount: Decimal) -> bool:
        """Whether all is paid, and somebody waited on one of these visits for that."""
        return amount == sum((visit.due for visit in visits), ZERO) and any(
            Account(visit).would_let_in(visit.due) for visit in visits
        )

    def _forget(self) -> None:
        for name in ("owing", "payments", "left_on_visits", "refunds"):
            self.__dict__.pop(name, None)


def positive(amount: Decimal) -> Decimal:
    if exact(amount) <= 0:
        raise Refused("A payment is more than nothing.", status=422, field="amount")
    return exact(amount)

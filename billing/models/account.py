"""What a visit costs, what was paid, and what is due: sums over charges, payments and allocations, never a column."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.db.models.functions import Coalesce

from billing.models.charge import Charge
from billing.models.payment import Allocation, Payment
from billing.money import ZERO
from clinical.models import Visit
from hospital.context import current
from hospital.workflow import Refused

if TYPE_CHECKING:
    from hospital.models import Person

UNPAID, PARTIAL, PAID, WAIVED = "unpaid", "partial", "paid", "waived"


class Account:
    """The money of one visit. Two queries; `Account.locked` holds the visit first."""

    def __init__(self, visit) -> None:
        self.visit = visit

    @classmethod
    def locked(cls, visit) -> Account:
        """For a change: nobody else changes this visit's money until the transaction ends."""
        visit.lock()
        return cls(visit)

    @cached_property
    def charges(self) -> list[Charge]:
        return list(self.visit.charges.with_allocated().order_by("charged_at", "pk"))

    @cached_property
    def payments(self) -> list[Payment]:
        return list(self.visit.payments.with_free().select_related("received_by").order_by("serial"))

    @property
    def total(self) -> Decimal:
        return sum((row.amount for row in self._live), ZERO)

    @property
    def paid(self) -> Decimal:
        return sum((row.amount for row in self.payments), ZERO)

    @property
    def waived(self) -> Decimal:
        return sum((row.amount - row.allocated for row in self._live if row.waived_at), ZERO)

    @property
    def due(self) -> Decimal:
        return sum((row.rest for row in self.charges), ZERO)

    @property
    def credit(self) -> Decimal:
        """Paid for what was cancelled later. The next charge takes from it."""
        return sum((row.free for row in self.payments), ZERO)

    @property
    def needs_price(self) -> bool:
        return any(row.needs_price for row in self.charges if row.is_open)

    @property
    def payment(self) -> str:
        """The second axis of the visit, as the sums say it."""
        covered = sum((row.allocated for row in self._live), ZERO)
        if not self._live or self.due or self.needs_price:
            return PARTIAL if covered else UNPAID
        return WAIVED if any(row.waived_at for row in self._live) and not covered else PAID

    @transaction.atomic
    def settle(self) -> None:
        """Put free money on the oldest open charges, then tell the visit how it stands."""
        self._forget()
        if self.credit and self.due:
            self._allocate()
            self._forget()
        if self.visit.payment != self.payment:
            self.visit.set_payment(self.payment)

    def rest_of(self, charge: Charge) -> Decimal:
        """What is still due of this charge."""
        return next(row.rest for row in self.charges if row.pk == charge.pk)

    def release(self, charge: Charge) -> None:
        """Give back to the payments what they had put on this charge."""
        given: dict = {}
        for row in Allocation.objects.filter(charge=charge):
            given[row.payment_id] = given.get(row.payment_id, ZERO) + row.amount
        for payment_id, amount in given.items():
            if amount:
                Allocation.objects.create(payment_id=payment_id, charge=charge, amount=-amount)

    @transaction.atomic
    def waive(self, reason: str, *, by: Person | None) -> None:
        """Let go of all that is due."""
        self.visit.lock()
        self._forget()
        waivable = [row for row in self.charges if row.rest or (row.is_open and row.needs_price)]
        if not waivable:
            raise Refused("Nothing is due on this visit, so there is nothing to waive.")
        for row in waivable:
            row.waive(reason, by=by)
        self._forget()

    def would_let_in(self, amount: Decimal) -> bool:
        """Whether somebody who waits to be examined, and to pay first, has paid with this much."""
        tenant, visit = current().tenant, self.visit
        waits = (
            tenant.require_payment_before == tenant.Gate.CONSULTATION
            and visit.status == visit.Status.REGISTERED
            and not visit.gate_override_at
        )
        return waits and amount == self.due and not self.needs_price

    def _allocate(self) -> None:
        """The oldest money on the oldest charge; as much as fits."""
        free = {payment: payment.free for payment in self.payments if payment.free}
        for charge in self.charges:
            rest = charge.rest
            for payment in [one for one in free if free[one]]:
                part = min(rest, free[payment])
                if part:
                    Allocation.objects.create(payment=payment, charge=charge, amount=part)
                    rest, free[payment] = rest - part, free[payment] - part

    def _forget(self) -> None:
        self.__dict__.pop("charges", None)
        self.__dict__.pop("payments", None)

    @property
    def _live(self) -> list[Charge]:
        return [row for row in self.charges if row.cancelled_at is None]


def open_accounts() -> models.QuerySet:
    """Visits on which something can still be paid, with `total`, `received`, `due` and `unpriced`; one query."""
    mine = {"visit": models.OuterRef("pk")}
    charges = Charge.objects.filter(**mine)
    covered = Allocation.objects.filter(
        charge__visit=models.OuterRef("pk"), charge__cancelled_at=None, charge__waived_at=None
    )
    return (
        Visit.objects.filter(payment__in=(UNPAID, PARTIAL))
        .annotate(
            total=sum_of(charges.live(), "visit"),
            received=sum_of(Payment.objects.filter(**mine), "visit"),
            due=sum_of(charges.open(), "visit") - sum_of(covered, "charge__visit"),
            unpriced=models.Exists(charges.open().filter(needs_price=True)),
        )
        .filter(models.Q(due__gt=0) | models.Q(unpriced=True))
    )


def owed() -> Decimal:
    """What is due on all open accounts together."""
    return open_accounts().aggregate(sum=models.Sum("due"))["sum"] or ZERO


def sum_of(rows: models.QuerySet, by: str) -> models.Expression:
    """The sum of `amount` of these rows, as a part of another query; nothing is nought."""
    whole = rows.order_by().values(by).annotate(sum=models.Sum("amount")).values("sum")
    return Coalesce(models.Subquery(whole), ZERO, output_field=models.DecimalField(max_digits=12, decimal_places=2))

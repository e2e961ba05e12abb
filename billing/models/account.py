"""What a visit costs, what was paid, and what is due: sums over the ledger, never a column."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING

from django.db import models, transaction

from billing.models.charge import Charge
from billing.models.discount import Discount, refuse_above_limit
from billing.models.invoice import Invoice
from billing.models.journal import Book, JournalEntry, JournalLine, credited, debited
from billing.models.payment import Allocation, Payment
from billing.models.refund import Refund
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
        return list(self.visit.charges.with_balance().order_by("charged_at", "pk"))

    @cached_property
    def payments(self) -> list[Payment]:
        return list(self.visit.payments.with_free().select_related("received_by").order_by("serial"))

    @cached_property
    def from_elsewhere(self) -> list[Payment]:
        return list(Payment.objects.from_elsewhere(self.visit).order_by("serial"))

    @cached_property
    def refunds(self) -> list[Refund]:
        """None is asked for where nothing was paid."""
        rows = Refund.objects.filter(payment__visit=self.visit).select_related("payment", "requested_by", "paid_by")
        return list(rows.order_by("requested_at", "pk")) if self.payments else []

    @cached_property
    def discounts(self) -> list[Discount]:
        """Why less is asked: discounts, packages and credit notes, of each charge."""
        if not self.waived:
            return []
        rows = Discount.objects.filter(charge__visit=self.visit, charge__cancelled_at=None)
        return list(rows.select_related("charge", "given_by").order_by("given_at", "pk"))

    @property
    def total(self) -> Decimal:
        return sum((row.charged for row in self.charges), ZERO)

    @property
    def paid(self) -> Decimal:
        """What came in and was not given back, and what came from elsewhere."""
        return sum((row.kept for row in self.payments), ZERO) + sum((row.here for row in self.from_elsewhere), ZERO)

    @property
    def waived(self) -> Decimal:
        """What is asked no more: waived, let off as a discount, or written off after a denial."""
        return sum((row.written_off for row in self.charges), ZERO)

    @property
    def let_off_before(self) -> Decimal:
        """Waived, or let off as a discount, by people, of what is charged. What is written off after a denial is nobody's present."""
        rows = JournalLine.objects.on(Book.WRITTEN_OFF).filter(charge__visit=self.visit, charge__cancelled_at=None)
        given = rows.filter(entry__kind__in=(JournalEntry.Kind.WAIVE, JournalEntry.Kind.DISCOUNT))
        return given.filter(entry__by__isnull=False).net()

    @property
    def insured(self) -> Decimal:
        """What is the payer's part."""
        return sum((row.insured for row in self.charges), ZERO)

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
        return payment_of(self.charges)

    @transaction.atomic
    def settle(self) -> None:
        """Put free money on the oldest open charges, then tell the visit how it stands."""
        self._forget()
        if self.credit and self.due:
            self._allocate()
            self._forget()
        if self.visit.payment != self.payment:
            self.visit.set_payment(self.payment)
        self._tell_invoices()

    def rest_of(self, charge: Charge) -> Decimal:
        """What is still due of this charge."""
        return next(row.rest for row in self.charges if row.pk == charge.pk)

    def release(self, charge: Charge, most: Decimal | None = None) -> Decimal:
        """Give back to the payments what they had put on this charge, the newest first: all, or so much. Says how much."""
        released = ZERO
        for payment, covered in reversed(self._covering(charge)):
            if (part := covered if most is None else min(most - released, covered)) > 0:
                Allocation.book(payment, charge, -part)
                released += part
        return released

    def let_off(self, charge: Charge, amount: Decimal, why: str, *, by: Person | None) -> None:
        """Ask so much less for a charge. What was paid of it is taken off it, the newest payment first."""
        needed = amount - self.rest_of(charge)
        if needed > 0 and self.release(charge, needed) < needed:
            raise Refused(f"Of {charge.text} the payer is asked as well. Less than that can be let off.")
        Discount.of(charge, amount, why, by=by)
        self._forget()

    def _covering(self, charge: Charge) -> list[tuple[Payment, Decimal]]:
        """Which payments are on this charge, with how much each."""
        given: dict[Payment, Decimal] = {}
        for row in Allocation.objects.filter(charge=charge).select_related("payment"):
            given[row.payment] = given.get(row.payment, ZERO) + row.amount
        return [(payment, given[payment]) for payment in sorted(given, key=attrgetter("serial")) if given[payment]]

    def free(self, payment: Payment, amount: Decimal) -> None:
        """Take so much of a payment off what it covers, the newest charges first, as far as it is not free already.

        A charge that was waived stays waived: what it was paid with is let go as well.
        """
        needed = amount - next(row.free for row in self.payments if row.pk == payment.pk)
        given = dict(payment.allocations.order_by().values_list("charge").annotate(models.Sum("amount")))
        for charge in reversed(self.charges):
            part = min(needed, given.get(charge.pk, ZERO))
            if part > 0:
                Allocation.book(payment, charge, -part)
                needed -= part
                if charge.waived_at:
                    Discount.of(charge, part, charge.waive_reason, by=charge.waived_by)

    @transaction.atomic
    def waive(self, reason: str, *, by: Person | None) -> None:
        """Let go of all that is due."""
        self.visit.lock()
        self._forget()
        waivable = [row for row in self.charges if row.rest or (row.is_open and row.needs_price)]
        if not waivable:
            raise Refused("Nothing is due on this visit, so there is nothing to waive.")
        refuse_above_limit(self.due, self, by)
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
                    Allocation.book(payment, charge, part)
                    rest, free[payment] = rest - part, free[payment] - part

    def _forget(self) -> None:
        self.__dict__.pop("charges", None)
        self.__dict__.pop("payments", None)
        self.__dict__.pop("from_elsewhere", None)

    def _tell_invoices(self) -> None:
        asked = Invoice.objects.standing().filter(lines__charge__visit=self.visit).distinct()
        Invoice.follow(asked)


def payment_of(charges: list[Charge]) -> str:
    """How a visit with these charges is paid."""
    live = [row for row in charges if row.cancelled_at is None]
    covered = sum((row.allocated + row.insured for row in live), ZERO)
    needs_price = any(row.needs_price for row in live if row.is_open)
    if not live or needs_price or any(row.rest for row in live):
        return PARTIAL if covered else UNPAID
    let_off = any(row.written_off or row.waived_at for row in live)
    return WAIVED if let_off and not covered else PAID


def open_accounts() -> models.QuerySet:
    """Visits on which something can still be paid, with `total`, `paid` (what payments cover), `due` and `unpriced`; one query."""
    charges = Charge.objects.filter(visit=models.OuterRef("pk"))
    return (
        Visit.objects.filter(payment__in=(UNPAID, PARTIAL))
        .annotate(
            total=credited(Book.INCOME, of="visit_of_charge"),
            paid=credited(Book.RECEIVABLE, of="visit_of_charge", kinds=[JournalEntry.Kind.ALLOCATION]),
            due=debited(Book.RECEIVABLE, of="visit_of_charge"),
            unpriced=models.Exists(charges.open().filter(needs_price=True)),
        )
        .filter(models.Q(due__gt=0) | models.Q(unpriced=True))
    )


def owed() -> Decimal:
    """What is due on all open accounts together."""
    return open_accounts().aggregate(sum=models.Sum("due"))["sum"] or ZERO

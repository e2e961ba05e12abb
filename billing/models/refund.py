from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from billing.models.drawer import Drawer
from billing.models.journal import Book, JournalEntry, Method, Sum
from billing.models.payment import Payment
from billing.money import ZERO, exact, spoken
from hospital.tenancy import TenantKey, TenantModel
from hospital.workflow import Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from billing.models.account import Account
    from billing.models.purse import Purse
    from hospital.models import Person

APPROVE = "billing.approve_refund"
TAKE = "billing.take_payment"


class MoneyBack(Workflow):
    """Money that goes back to who paid it: asked for by one person, approved by another, then paid out."""

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        PAID_OUT = "paid_out", "Paid out"

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.REQUESTED)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200)
    requested_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=200, blank=True)
    paid_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    paid_at = models.DateTimeField(null=True)
    method = models.CharField(max_length=10, choices=Method.choices, blank=True)

    class Meta(Workflow.Meta):
        abstract = True

    @property
    def is_live(self) -> bool:
        return self.status != self.Status.REJECTED

    @property
    def in_words(self) -> str:
        return str(self.get_status_display()).lower()

    @property
    def spoken_amount(self) -> str:
        return spoken(self.amount)

    def decide(self, status: str, *, by: Person | None, reason: str = "") -> None:
        """By somebody else than who asked."""
        if by is not None and by.pk == self.requested_by_id:
            raise Refused("You asked for this refund. Somebody else decides about it.")
        given = {"decided_by": by, "decided_at": timezone.now(), **({"decision": reason[:200]} if reason else {})}
        self.move_to(status, by=by, reason=reason, **given)


class Refund(MoneyBack):
    """Of one payment of a patient, never more than it."""

    Status = MoneyBack.Status
    MOVES = {
        Status.REQUESTED: {Status.APPROVED: APPROVE, Status.REJECTED: APPROVE},
        Status.APPROVED: {Status.PAID_OUT: TAKE},
    }

    payment = TenantKey(Payment, related_name="refunds")
    drawer = TenantKey("billing.Drawer", related_name="refunds", null=True)  # out of which the cash was taken

    class Meta(MoneyBack.Meta):
        ordering = ["-requested_at", "-pk"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_is_positive")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.payment_id}"

    @property
    def is_paid_out(self) -> bool:
        return self.status == self.Status.PAID_OUT

    @classmethod
    @transaction.atomic
    def request(cls, payment: Payment, amount: Decimal, reason: str, *, by: Person | None) -> Refund:
        allow(TAKE, by)
        account_of(payment)
        amount = exact(amount)
        if amount <= 0:
            raise Refused("A refund is more than nothing.", status=422, field="amount")
        left = refundable(payment)
        if amount > left:
            raise Refused(too_much(payment, left), field="amount")
        why = needs(reason, "Say why the money goes back.")
        refund = cls(payment=payment, amount=amount, reason=why[:200], requested_by=by)
        refund.start(by=by)
        return refund

    @transaction.atomic
    def approve(self, *, by: Person | None) -> None:
        """From now on the money is owed to the patient. What it covered is due again."""
        account = self._account()
        self.decide(self.Status.APPROVED, by=by)
        account.free(self.payment, self.amount)
        self._post(JournalEntry.Kind.REFUND, self.payment.pool, Book.REFUNDS, at=self.decided_at, by=by)
        account.settle()

    @transaction.atomic
    def reject(self, reason: str, *, by: Person | None) -> None:
        self._account()
        self.decide(self.Status.REJECTED, by=by, reason=needs(reason, "Say why it is rejected."))

    @transaction.atomic
    def pay_out(self, *, method: str = "", by: Person | None) -> None:
        """The money leaves the house, the way it came unless another is named."""
        account = self._account()
        way, now = Method(method or self.payment.method), timezone.now()
        drawer = Drawer.for_cash(by) if way == Method.CASH else None
        if drawer:
            drawer.refuse_more_than_there_is(self.amount, field="method")
        self.move_to(self.Status.PAID_OUT, by=by, paid_by=by, paid_at=now, method=way, drawer=drawer)
        self._post(JournalEntry.Kind.PAYOUT, Book.REFUNDS, Book.MONEY, key=way, at=now, by=by)
        account.settle()

    def _account(self) -> Account | Purse:
        return account_of(self.payment)

    def _post(self, kind: str, taken: str, given: str, *, key: str = "", **more: Any) -> None:
        sums = Sum(taken, self.amount, payment=self.payment), Sum(given, -self.amount, key=key, payment=self.payment)
        self.payment.enter(kind, self, *sums, **more)


class Void(TenantModel):
    """A payment that was booked by mistake. It excludes a refund, and a refund excludes it."""

    payment = TenantKey(Payment, related_name="voids")
    reason = models.CharField(max_length=200)
    voided_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    voided_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["-voided_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["tenant", "payment"], name="payment_is_cancelled_once")]

    def __str__(self) -> str:
        return f"{self.payment_id} cancelled"

    @classmethod
    @transaction.atomic
    def cancel(cls, payment: Payment, reason: str, *, by: Person | None) -> Void:
        """It never came in. What it covered is due again."""
        allow(APPROVE, by)
        account = account_of(payment)
        if cls.objects.filter(payment=payment).exists():
            raise Refused(f"{payment.number} is cancelled already.")
        if live_refunds(payment):
            raise Refused(f"{payment.number} has a refund. What is refunded is not cancelled as well.")
        why = needs(reason, "Say why the payment is cancelled.")
        if payment.drawer:
            payment.drawer.lock()  # whoever counts it now counts before this, or after
        row = cls.objects.create(payment=payment, reason=why[:200], voided_by=by)
        account.free(payment, payment.amount)
        money = Sum(Book.MONEY, -payment.amount, key=payment.method, payment=payment)
        payment.post(JournalEntry.Kind.VOID, row, money, at=row.voided_at, by=by)
        account.settle()
        return row


def account_of(payment: Payment) -> Account | Purse:
    """Whose money it is, held: of the visit, or of the patient over all visits."""
    from billing.models.account import Account
    from billing.models.purse import Purse

    return Account.locked(payment.visit) if payment.visit else Purse.locked(payment.patient)


def live_refunds(payment: Payment) -> Decimal:
    """What was asked back of it, and not refused."""
    rows = Refund.objects.filter(payment=payment).exclude(status=Refund.Status.REJECTED)
    return rows.aggregate(sum=models.Sum("amount"))["sum"] or ZERO


def refundable(payment: Payment) -> Decimal:
    if Void.objects.filter(payment=payment).exists():
        return ZERO
    return payment.amount - live_refunds(payment)


def too_much(payment: Payment, left: Decimal) -> str:
    if left <= 0:
        return f"{payment.number} is refunded or cancelled already: nothing of it is left."
    return f"Only {spoken(left)} of {payment.number} is left to refund."

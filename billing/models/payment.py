from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.models.drawer import Drawer
from billing.models.journal import Book, JournalEntry, Method, Sum, credited, debited
from billing.money import exact, spoken
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from billing.models.charge import Charge
    from clinical.models import Visit
    from hospital.models import Person


class Payments(models.QuerySet):
    def with_free(self) -> Payments:
        """Adds what the ledger says of each: `kept` (what was not given back) and `free` (what is on no charge)."""
        return self.annotate(
            kept=debited(Book.MONEY, of="payment"), free=credited(Book.CREDIT, Book.DEPOSITS, of="payment")
        )

    def from_elsewhere(self, visit: Visit) -> Payments:
        """Those of the patient for any visit, with the part that is on this one: `here`."""
        here = models.Sum("allocations__amount", filter=models.Q(allocations__charge__visit=visit))
        return self.filter(visit=None, patient=visit.patient_id).annotate(here=here).filter(here__gt=0)


class Payment(TenantModel):
    """Money that came in. Nobody changes or deletes it, not even the database's application role."""

    Method = Method

    serial = models.PositiveBigIntegerField("number")
    visit = TenantKey(
        "clinical.Visit", related_name="payments", null=True, help_text="None: it is the patient's, for any visit."
    )
    patient = TenantKey("clinical.Patient", related_name="payments")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method = models.CharField(max_length=10, choices=Method.choices)
    reference = models.CharField(max_length=80, blank=True)
    received_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(default=timezone.now)
    lets_in = models.BooleanField(
        default=False, help_text="The patient waited for the examination, and had only to pay."
    )
    drawer = TenantKey("billing.Drawer", related_name="payments", null=True)  # where the cash lies

    kept: Decimal  # see `with_free`
    free: Decimal
    here: Decimal  # see `from_elsewhere`
    objects: ClassVar = TenantManager.from_queryset(Payments)()

    class Meta(TenantModel.Meta):
        ordering = ["-serial"]
        indexes = [models.Index(fields=["tenant", "received_at"], name="payment_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="receipt_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_is_positive"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"RC-{self.serial:06}"

    @property
    def pool(self) -> str:
        """Where it stands as long as it is on no charge: the credit of its visit, or what the patient has deposited."""
        return Book.CREDIT if self.visit_id else Book.DEPOSITS

    def get_absolute_url(self) -> str:
        """The account that it belongs to."""
        if self.visit:
            return self.visit.get_absolute_url()
        return reverse("billing:patient_account", args=[self.patient_id])

    @classmethod
    @transaction.atomic
    def take(cls, visit, amount: Decimal, *, method: str, reference: str = "", by: Person | None) -> Payment:
        """Take money for a visit, never more than is due, and put it on the oldest charges first."""
        from billing.models.account import Account

        allow("billing.take_payment", by)
        account = Account.locked(visit)
        amount = exact(amount)
        if amount <= 0:
            raise Refused("A payment is more than nothing.", status=422, field="amount")
        if amount > account.due:
            raise Refused(too_much(account.due), field="amount")
        payment = cls.receive(
            visit=account.visit,
            patient_id=account.visit.patient_id,
            amount=amount,
            method=method,
            reference=reference,
            by=by,
            lets_in=account.would_let_in(amount),
        )
        account.settle()
        return payment

    @classmethod
    def receive(cls, *, method: str, reference: str, by: Person | None, **fields: Any) -> Payment:
        """Money comes in: with the next number of a receipt, and into the drawer if it is cash."""
        way = cls.Method(method)
        return cls.book(
            method=way,
            reference=reference.strip()[:80],
            received_by=by,
            drawer=Drawer.for_cash(by) if way == Method.CASH else None,
            serial=Counter.take("receipt"),
            **fields,
        )

    @classmethod
    @transaction.atomic
    def book(cls, **fields: Any) -> Payment:
        """A new payment, and its entry in the ledger."""
        payment = cls.objects.create(**fields)
        money = Sum(Book.MONEY, payment.amount, key=payment.method, payment=payment)
        payment.post(JournalEntry.Kind.PAYMENT, payment, money, at=payment.received_at, by=payment.received_by)
        return payment

    def post(self, kind: str, source: models.Model, money: Sum, *, at: datetime, by: Person | None) -> None:
        """Money that moves between this account and the credit of the patient."""
        self.enter(kind, source, money, Sum(self.pool, -money.amount, payment=self), at=at, by=by)

    def enter(self, kind: str, source: models.Model, *sums: Sum, at: datetime, by: Person | None) -> None:
        whose = {"visit": self.visit} if self.visit else {"visit": None, "patient": self.patient}
        JournalEntry.post(kind, source, *sums, at=at, by=by, **whose)


def too_much(due: Decimal) -> str:
    if due <= 0:
        return "Nothing is due on this visit. No money was booked."
    return f"Only {spoken(due)} is due on this visit. No money was booked: take at most that."


class Allocation(TenantModel):
    """So much of a payment is for that charge. A negative one gives back what a cancelled charge had."""

    payment = TenantKey(Payment, related_name="allocations")
    charge = TenantKey("billing.Charge", related_name="allocations")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="allocation_is_something")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.payment_id} for {self.charge_id}"

    @classmethod
    @transaction.atomic
    def book(cls, payment: Payment, charge: Charge, amount: Decimal) -> Allocation:
        """So much of this payment for that charge, and its entry in the ledger."""
        row = cls.objects.create(payment=payment, charge=charge, amount=amount)
        covered = Sum(Book.RECEIVABLE, -amount, charge=charge), Sum(payment.pool, amount, payment=payment)
        JournalEntry.post(JournalEntry.Kind.ALLOCATION, row, *covered, visit=charge.visit, at=row.at, by=None)
        return row

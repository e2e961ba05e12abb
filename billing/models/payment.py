from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.utils import timezone

from billing.money import ZERO, exact, spoken
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person


class Payments(models.QuerySet):
    def with_free(self) -> Payments:
        """Adds `free`: what is not allocated to a charge."""
        return self.annotate(free=models.F("amount") - allocated("payment"))


class Payment(TenantModel):
    """Money that came in. Nobody changes or deletes it, not even the database's application role."""

    class Method(models.TextChoices):
        CASH = "cash", "Cash"
        CARD = "card", "Card"
        TRANSFER = "transfer", "Bank transfer"
        INSURANCE = "insurance", "Insurance"

    serial = models.PositiveBigIntegerField("number")
    visit = TenantKey("clinical.Visit", related_name="payments")
    patient = TenantKey("clinical.Patient", related_name="payments")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method = models.CharField(max_length=10, choices=Method.choices)
    reference = models.CharField(max_length=80, blank=True)
    received_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(default=timezone.now)
    lets_in = models.BooleanField(
        default=False, help_text="The patient waited for the examination, and had only to pay."
    )

    free: Decimal  # what is not allocated; see `with_free`
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
        payment = cls.objects.create(
            serial=Counter.take("receipt"),
            visit=account.visit,
            patient_id=account.visit.patient_id,
            amount=amount,
            method=cls.Method(method),
            reference=reference.strip()[:80],
            received_by=by,
            lets_in=account.would_let_in(amount),
        )
        account.settle()
        return payment


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


def allocated(of: str) -> models.functions.Coalesce:
    """How much of this payment, or to this charge, for each row of a query."""
    rows = Allocation.objects.filter(**{of: models.OuterRef("pk")}).order_by().values(of)
    total = models.Subquery(rows.annotate(sum=models.Sum("amount")).values("sum"))
    return models.functions.Coalesce(total, ZERO, output_field=models.DecimalField())

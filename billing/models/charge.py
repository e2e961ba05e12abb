from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from billing.models.price import Kind, Price
from billing.money import ZERO, exact
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person


class Charges(models.QuerySet):
    def live(self) -> Charges:
        return self.filter(cancelled_at=None)

    def open(self) -> Charges:
        """What can still be paid, oldest first."""
        return self.live().filter(waived_at=None).order_by("charged_at", "pk")

    def with_allocated(self) -> Charges:
        """Adds `allocated`: what payments have covered of each."""
        from billing.models.payment import allocated

        return self.annotate(allocated=allocated("charge"))


class Charge(EditableModel):
    """What is owed for one thing that was done. It arises from the work itself, once for each source."""

    visit = TenantKey("clinical.Visit", related_name="charges")
    patient = TenantKey("clinical.Patient", related_name="charges")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(max_length=60)
    text = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    needs_price = models.BooleanField(
        default=False, help_text="Nobody had set a price. The account stays open until somebody does."
    )
    source_id = models.UUIDField(help_text="The visit, laboratory order or prescription line that it arose from.")
    sequence = models.PositiveSmallIntegerField(
        default=1, help_text="A line that is dispensed in parts is charged in parts."
    )
    charged_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    cancel_reason = models.CharField(max_length=200, blank=True)
    waived_at = models.DateTimeField(null=True)
    waived_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    waive_reason = models.CharField(max_length=200, blank=True)

    allocated: Decimal  # what payments have covered of it; see `with_allocated`
    objects: ClassVar = TenantManager.from_queryset(Charges)()

    class Meta(EditableModel.Meta):
        ordering = ["charged_at", "pk"]
        indexes = [models.Index(fields=["tenant", "charged_at"], name="charge_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "source_id", "sequence"], name="charge_once_a_source"),
            models.CheckConstraint(
                condition=models.Q(amount=models.F("unit_price") * models.F("quantity")),
                name="charge_is_price_times_quantity",
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0, quantity__gte=1), name="charge_not_negative"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        return self.cancelled_at is None and self.waived_at is None

    @property
    def rest(self) -> Decimal:
        """What is still due of it."""
        return self.amount - self.allocated if self.is_open else ZERO

    @classmethod
    def arise(
        cls, visit, *, kind: str, code: str, text: str, source_id: UUID, quantity: int = 1, sequence: int = 1
    ) -> Charge:
        """Owed from now on, at today's price. Without a price it is kept visible, so that no work goes unpaid unseen."""
        price = Price.on(timezone.localdate(timezone=current().tenant.zone), kind, code)
        unit = price.amount if price else ZERO
        return cls.objects.create(
            visit=visit,
            patient_id=visit.patient_id,
            kind=kind,
            code=code,
            text=text[:200],
            quantity=quantity,
            unit_price=unit,
            amount=unit * quantity,
            needs_price=price is None,
            source_id=source_id,
            sequence=sequence,
        )

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        """It was not done after all. What was paid for it goes to what else is due; the rest is the patient's credit."""
        account = self._account()
        if self.cancelled_at:
            return
        self.cancelled_at, self.cancelled_by, self.cancel_reason = timezone.now(), by, reason[:200]
        account.release(self)
        self.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason"])
        account.settle()

    @transaction.atomic
    def waive(self, reason: str, *, by: Person | None) -> None:
        """Let go of what is not paid of it."""
        allow("billing.waive", by)
        account = self._account()
        self._refuse_unless_open()
        if not self.needs_price and not account.rest_of(self):
            raise Refused(f"{self.text} is paid, or free of charge: there is nothing to waive.")
        why = needs(reason, "Say why this is waived.")
        self.waived_at, self.waived_by, self.waive_reason = timezone.now(), by, why[:200]
        self.save(update_fields=["waived_at", "waived_by", "waive_reason"])
        account.settle()

    @transaction.atomic
    def set_price(self, unit_price: Decimal, *, by: Person | None) -> None:
        """For one that arose without a price. A price that was charged never changes."""
        allow("billing.waive", by)
        account = self._account()
        self._refuse_unless_open()
        if not self.needs_price:
            raise Refused("This charge has its price already. Waive it instead.")
        if exact(unit_price) < 0:
            raise Refused("A price is not negative.", status=422, field="unit_price")
        if exact(unit_price) * self.quantity >= 10**10:
            raise Refused("No charge can be so high. Check the decimal point.", status=422, field="unit_price")
        self.unit_price = exact(unit_price)
        self.amount, self.needs_price = self.unit_price * self.quantity, False
        self.save(update_fields=["unit_price", "amount", "needs_price"])
        account.settle()

    def _account(self):
        """The visit is locked first, then this row is read as it is now."""
        from billing.models.account import Account

        account = Account.locked(self.visit)
        self.refresh_from_db()
        return account

    def _refuse_unless_open(self) -> None:
        if self.cancelled_at:
            raise Refused("This charge was cancelled.")
        if self.waived_at:
            raise Refused("This charge was waived already.")

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from billing.models.discount import Discount, refuse_above_limit, refuse_for_nothing, refuse_unlisted
from billing.models.journal import NET, Book, JournalEntry, JournalLine, Sum, credited, debited
from billing.models.payer_move import PayerMove
from billing.models.price import Kind, Price
from billing.money import ZERO, exact, spoken
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person


TOO_HIGH = 10**10  # more than the column holds


class Charges(models.QuerySet):
    def live(self) -> Charges:
        return self.filter(cancelled_at=None)

    def undone(self) -> Charges:
        """Not done after all, and bound to a claim still."""
        return self.live().exclude(cancel_reason="")

    def open(self) -> Charges:
        """What can still be paid, oldest first."""
        return self.live().filter(waived_at=None, cancel_reason="").order_by("charged_at", "pk")

    def with_balance(self) -> Charges:
        """Adds what the ledger says of each: `charged`, `allocated` (what payments cover), `written_off`, and `rest` (what is due)."""
        return self.annotate(
            charged=credited(Book.INCOME, of="charge"),
            allocated=credited(Book.RECEIVABLE, of="charge", kinds=[JournalEntry.Kind.ALLOCATION]),
            written_off=debited(Book.WRITTEN_OFF, of="charge"),
            rest=debited(Book.RECEIVABLE, of="charge"),
        )


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
    tax_rate = models.DecimalField(
        max_digits=5, decimal_places=2, default=ZERO, help_text="Percent; the amount contains it."
    )
    needs_price = models.BooleanField(
        default=False, help_text="Nobody had set a price. The account stays open until somebody does."
    )
    source_id = models.UUIDField(
        help_text="The visit, laboratory order, prescription line, biopsy, appointment or procedure that it arose from."
    )
    sequence = models.PositiveSmallIntegerField(
        default=1, help_text="A line that is dispensed in parts is charged in parts."
    )
    charged_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    # A reason without the moment: it was not done, and a claim has to be corrected first.
    cancel_reason = models.CharField(max_length=200, blank=True)
    waived_at = models.DateTimeField(null=True)
    waived_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    waive_reason = models.CharField(max_length=200, blank=True)

    charged: Decimal  # see `with_balance`
    allocated: Decimal
    written_off: Decimal
    rest: Decimal
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
            models.CheckConstraint(condition=models.Q(tax_rate__range=(0, 100)), name="charge_tax_is_percent"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        return self.cancelled_at is None and self.waived_at is None and not self.cancel_reason

    @property
    def is_bound(self) -> bool:
        """A payer is asked for it, or has settled some of it."""
        return bool(self.payer_moves.rest()) or self.is_settled

    @property
    def is_settled(self) -> bool:
        """In part at least: a payer has paid of it, or let go of it by contract."""
        sums = self.payer_moves.sums()
        return bool(sums[PayerMove.Kind.PAID] or sums[PayerMove.Kind.CONTRACT])

    @property
    def insured(self) -> Decimal:
        """What is the payer's: asked of it, paid by it, or taken off by contract."""
        return self.charged - self.allocated - self.written_off - self.rest

    @classmethod
    def arise(
        cls, visit, *, kind: str, code: str, text: str, source_id: UUID, quantity: int = 1, sequence: int = 1
    ) -> Charge:
        """Owed from now on, at today's price. Without a price it is kept visible, so that no work goes unpaid unseen."""
        today = timezone.localdate(timezone=current().tenant.zone)
        price = Price.on(today, kind, code, patient=visit.patient)
        if price and price.amount * quantity >= TOO_HIGH:  # a slip in the list: somebody sets it by hand
            price = None
        unit = price.amount if price else ZERO
        return cls.book(
            visit=visit,
            patient_id=visit.patient_id,
            kind=kind,
            code=code,
            text=text[:200],
            quantity=quantity,
            unit_price=unit,
            amount=unit * quantity,
            tax_rate=price.tax_rate if price else ZERO,
            needs_price=price is None,
            source_id=source_id,
            sequence=sequence,
        )

    @classmethod
    @transaction.atomic
    def book(cls, **fields: Any) -> Charge:
        """A new charge, and its entry in the ledger."""
        charge = cls.objects.create(**fields)
        charge._owe(JournalEntry.Kind.CHARGE, at=charge.charged_at, by=None)
        return charge

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        """It was not done after all. What was paid for it goes to what else is due; the rest is the patient's credit."""
        account = self._account()
        if self.cancelled_at:
            return
        if self.is_bound:
            raise Refused(f"{self.text} is on a claim. Make the claim void first.")
        self.cancelled_at, self.cancelled_by, self.cancel_reason = timezone.now(), by, reason[:200]
        account.release(self)
        self.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason"])
        self._post(JournalEntry.Kind.CANCEL, *self._undoing(), at=self.cancelled_at, by=by)
        account.settle()

    @transaction.atomic
    def undo(self, reason: str, *, by: Person | None) -> None:
        """It was not done after all, and whoever says so knows of no claim: see billing/claims/undone.py."""
        self._account()
        if self.cancelled_at or not self.is_bound:
            self.cancel(reason, by=by)
            return
        self.cancelled_by, self.cancel_reason = by, reason[:200]
        self.save(update_fields=["cancelled_by", "cancel_reason"])

    @transaction.atomic
    def waive(self, reason: str, *, by: Person | None) -> None:
        """Let go of what is not paid of it."""
        allow("billing.waive", by)
        account = self._account()
        self._refuse_unless_open()
        rest = account.rest_of(self)
        if not self.needs_price and not rest:
            raise Refused(f"{self.text} is paid, or free of charge: there is nothing to waive.")
        refuse_above_limit(rest, account, by)
        if self.needs_price:
            refuse_for_nothing(by)
        why = needs(reason, "Say why this is waived.")
        self.waived_at, self.waived_by, self.waive_reason = timezone.now(), by, why[:200]
        self.save(update_fields=["waived_at", "waived_by", "waive_reason"])
        self.let_go(JournalEntry.Kind.WAIVE, self, rest, at=self.waived_at, by=by)
        account.settle()

    @transaction.atomic
    def set_price(self, unit_price: Decimal, reason: str = "", *, by: Person | None) -> None:
        """For one that arose without a price. A price that was charged never changes.

        Where the list has a price by now, that one is charged, and what is asked less is a discount like any other.
        """
        allow("billing.waive", by)
        account = self._account()
        self._refuse_unless_open()
        if not self.needs_price:
            raise Refused("This charge has its price already. Waive it instead.")
        if exact(unit_price) < 0:
            raise Refused("A price is not negative.", status=422, field="unit_price")
        listed = self.listed_price
        if listed is None:
            refuse_unlisted(self.text, by)
        else:
            self.tax_rate = listed.tax_rate
        self.unit_price = max(exact(unit_price), listed.amount if listed else ZERO)
        self.amount, self.needs_price = self.unit_price * self.quantity, False
        if self.amount >= TOO_HIGH:
            raise Refused("No charge can be so high. Check the decimal point.", status=422, field="unit_price")
        self.save(update_fields=["unit_price", "amount", "tax_rate", "needs_price"])
        self._owe(JournalEntry.Kind.PRICE, at=timezone.now(), by=by)
        self._let_off(self.amount - exact(unit_price) * self.quantity, reason, by=by)
        account.settle()

    @property
    def listed_price(self) -> Price | None:
        """What one costs by the list: on the day of the charge, or else by now."""
        zone = current().tenant.zone
        for day in (timezone.localdate(self.charged_at, zone), timezone.localdate(timezone=zone)):
            if price := Price.on(day, self.kind, self.code, patient=self.patient):
                return price
        return None

    def _let_off(self, amount: Decimal, reason: str, *, by: Person | None) -> None:
        """What a price that is set by hand is below that of the list."""
        if not amount:
            return
        listed = f"By the list it costs {spoken(self.unit_price)}."
        why = needs(reason, f"{listed} Say why less is asked.")
        refuse_above_limit(amount, self._account(), by)
        Discount.of(self, amount, why, by=by)

    def _owe(self, kind: str, *, at: datetime, by: Person | None) -> None:
        due = Sum(Book.RECEIVABLE, self.amount, charge=self)
        self._post(kind, due, Sum(Book.INCOME, -self.amount, key=self.kind, charge=self), at=at, by=by)

    def let_go(self, kind: str, source: models.Model, amount: Decimal, *, at: datetime, by: Person | None) -> None:
        """The entry of what is asked no more of it."""
        sums = Sum(Book.WRITTEN_OFF, amount, charge=self), Sum(Book.RECEIVABLE, -amount, charge=self)
        JournalEntry.post(kind, source, *sums, visit=self.visit, at=at, by=by)

    def _undoing(self) -> list[Sum]:
        """What takes this charge off every account again."""
        rows = JournalLine.objects.filter(charge=self).order_by().values_list("account__book", "account__key")
        return [Sum(book, -net, key=key, charge=self) for book, key, net in rows.annotate(net=models.Sum(NET))]

    def _post(self, kind: str, *sums: Sum, at: datetime, by: Person | None) -> None:
        JournalEntry.post(kind, self, *sums, visit=self.visit, at=at, by=by)

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

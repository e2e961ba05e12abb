"""What moves between a patient, a payer and what nobody pays, charge by charge. Rows are only ever added."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from billing.models.journal import Book, JournalEntry, Sum
from billing.money import ZERO
from hospital.tenancy import TenantKey, TenantManager, TenantModel

if TYPE_CHECKING:
    from hospital.models import Person


class PayerMoves(models.QuerySet):
    def sums(self) -> dict[str, Decimal]:
        """By kind; what there is none of is nought."""
        found = dict(self.order_by().values_list("kind").annotate(models.Sum("amount")))
        return {str(kind): found.get(kind, ZERO) for kind in PayerMove.Kind}

    def claimed(self) -> Decimal:
        return self.sums()[PayerMove.Kind.CLAIMED]

    def rest(self) -> Decimal:
        """What is still due from payers."""
        sums = self.sums()
        return sums[PayerMove.Kind.CLAIMED] - sum((sums[kind] for kind in ENDS), ZERO)


class PayerMove(TenantModel):
    """A negative amount takes an earlier one back."""

    class Kind(models.TextChoices):
        CLAIMED = "claimed", "Claimed"
        PAID = "payer_paid", "Paid by the payer"
        CONTRACT = "contract", "Contractual adjustment"
        TO_PATIENT = "to_patient", "Left to the patient"
        GIVEN_UP = "given_up", "Written off"

    charge = TenantKey("billing.Charge", related_name="payer_moves")
    claim = TenantKey("billing.Claim", related_name="moves")
    heard = TenantKey("billing.RemittanceClaim", related_name="moves", null=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")

    objects: ClassVar = TenantManager.from_queryset(PayerMoves)()

    class Meta(TenantModel.Meta):
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="payer_move_is_something"),
            models.CheckConstraint(
                condition=~models.Q(kind="payer_paid") | models.Q(heard__isnull=False),
                name="payer_paid_by_a_remittance",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="given_up") | (models.Q(by__isnull=False) & ~models.Q(reason="")),
                name="written_off_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount} of {self.charge_id}"

    @classmethod
    @transaction.atomic
    def book(cls, charge: Any, kind: str, amount: Decimal, *, by: Person | None, **more: Any) -> PayerMove | None:
        """The move and its entry; nothing where nothing moves. Whoever calls holds the visit."""
        if not amount:
            return None
        row = cls.objects.create(charge=charge, kind=kind, amount=amount, by=by, **more)
        taken, given = row._sums(amount)
        JournalEntry.post(row.kind, row, taken, given, visit=charge.visit, at=row.at, by=by)
        return row

    def _sums(self, amount: Decimal) -> tuple[Sum, Sum]:
        """What was waived stays waived: nothing of it is asked of the patient again."""
        Kind = self.Kind
        patient = Book.WRITTEN_OFF if self.charge.waived_at else Book.RECEIVABLE
        if self.kind == Kind.CLAIMED:
            return Sum(Book.PAYERS, amount, charge=self.charge), Sum(patient, -amount, charge=self.charge)
        books = {Kind.CONTRACT: Book.CONTRACTUAL, Kind.TO_PATIENT: patient, Kind.GIVEN_UP: Book.WRITTEN_OFF}
        payer = Sum(Book.PAYERS, -amount, charge=self.charge)
        if self.heard is not None and self.kind == Kind.PAID:
            return Sum(Book.UNAPPLIED, amount, remittance=self.heard.remittance), payer
        return Sum(books[Kind(self.kind)], amount, charge=self.charge), payer


ENDS = (PayerMove.Kind.PAID, PayerMove.Kind.CONTRACT, PayerMove.Kind.TO_PATIENT, PayerMove.Kind.GIVEN_UP)

"""What a payer paid too much and gets back from us, as patients get theirs: asked for, approved by somebody else, paid out."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.models.claim import Claim
from billing.models.journal import Book, JournalEntry, Method, Sum
from billing.models.payer_file import TAKE
from billing.models.refund import APPROVE, MoneyBack
from billing.models.remittance import Remittance, RemittanceClaim
from billing.money import ZERO, exact, spoken
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from uuid import UUID

    from clinical.models import Payer
    from hospital.models import Person

WAYS = [(Method.TRANSFER.value, "Bank transfer"), (Method.INSURANCE.value, "Cheque, or as its payments come")]
HELD_BACK = "The payer has held it back from another payment since. Reject this, so that it is not taken twice."


class PayerRefunds(models.QuerySet):
    def live(self) -> Self:
        """Asked for, and not refused: nobody else disposes of that money."""
        return self.exclude(status=PayerRefund.Status.REJECTED)

    def by_heard(self) -> dict[UUID, Decimal]:
        rows = self.live().exclude(heard=None).order_by().values_list("heard")
        return dict(rows.annotate(models.Sum("amount")))


class PayerRefund(MoneyBack):
    """Of what a posted remittance pays for one claim beyond what was due, or for a claim that is none of ours."""

    Status = MoneyBack.Status
    MOVES = {
        Status.REQUESTED: {Status.APPROVED: APPROVE, Status.REJECTED: APPROVE},
        Status.APPROVED: {Status.PAID_OUT: TAKE},
    }

    remittance = TenantKey(Remittance, related_name="sent_back", editable=False)
    heard = TenantKey(RemittanceClaim, related_name="sent_back", editable=False)
    reference = models.CharField("number of the transfer or cheque", max_length=50, blank=True, default="")

    objects: ClassVar = TenantManager.from_queryset(PayerRefunds)()

    class Meta(MoneyBack.Meta):
        ordering = ["-requested_at", "-pk"]
        verbose_name = "refund to a payer"
        verbose_name_plural = "refunds to payers"
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="payer_refund_is_positive")]
        indexes = [models.Index(fields=["tenant", "status", "requested_at"], name="payer_refund_inbox")]

    def __str__(self) -> str:
        return f"{spoken(self.amount)} of {self.remittance}"

    def get_absolute_url(self) -> str:
        return reverse("billing:payer_refund", args=[self.pk])

    @property
    def payer(self) -> Payer | str:
        return self.remittance.payer or self.remittance.payer_name or "the payer"

    @property
    def has_letter(self) -> bool:
        return self.status in (self.Status.APPROVED, self.Status.PAID_OUT)

    # --- verbs -----------------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def request(cls, heard: RemittanceClaim, amount: Decimal, reason: str, *, by: Person | None) -> PayerRefund:
        allow(TAKE, by)
        why, amount = needs(reason, "Say why the money goes back."), exact(amount)
        row = cls(heard=heard, remittance=heard.remittance, amount=amount, reason=why[:200], requested_by=by)
        row._hold()
        if amount <= 0:
            raise Refused("What goes back is more than nothing.", status=422, field="amount")
        left = row._left()
        if amount > left:
            raise Refused(too_much(heard, left), field="amount")
        row.start(by=by)
        row.tell(f"{spoken(amount)} is to be sent back to {row.payer}: {why}", by)
        return row

    @transaction.atomic
    def approve(self, *, by: Person | None) -> None:
        """From now on it is owed to the payer, and on no claim."""
        self._hold()
        if self._left() < 0:
            raise Refused(HELD_BACK)
        self.decide(self.Status.APPROVED, by=by)
        self._post(JournalEntry.Kind.SENT_BACK, Sum(Book.UNAPPLIED, self.amount), Sum(Book.REFUNDS, -self.amount), by)
        self.tell(f"{spoken(self.amount)} may be sent back to {self.payer}", by)

    @transaction.atomic
    def reject(self, reason: str, *, by: Person | None) -> None:
        self._hold()
        why = needs(reason, "Say why it is rejected.")
        self.decide(self.Status.REJECTED, by=by, reason=why)
        self.tell(f"{spoken(self.amount)} is not sent back to {self.payer}: {why}", by)

    @transaction.atomic
    def pay_out(self, *, method: str, reference: str, by: Person | None) -> None:
        """The money leaves the house. The payer finds it by the reference."""
        self._hold()
        if method not in dict(WAYS):
            raise Refused("Money goes back to a payer by transfer or cheque.", status=422, field="method")
        number = needs(reference, "Write the number of the transfer or cheque.", field="reference")[:50]
        now, way = timezone.now(), Method(method)
        self.move_to(self.Status.PAID_OUT, by=by, paid_by=by, paid_at=now, method=way, reference=number)
        money = Sum(Book.MONEY, -self.amount, key=way)
        self._post(JournalEntry.Kind.PAYER_BACK, Sum(Book.REFUNDS, self.amount), money, by)
        self.tell(f"{spoken(self.amount)} was sent back to {self.payer}, {number}", by)

    def _hold(self) -> None:
        """The remittance, then the claim, as everywhere."""
        self.remittance.lock()
        if self.heard.claim is not None:
            Claim.hold([self.heard.claim])

    def _left(self) -> Decimal:
        from billing.overpaid import overpaid

        return overpaid([self.heard]).get(self.heard_id, ZERO)

    def _post(self, kind: str, taken: Sum, given: Sum, by: Person | None) -> None:
        sums = (of_remittance(one, self.remittance) for one in (taken, given))
        JournalEntry.post(kind, self, *sums, visit=None, at=timezone.now(), by=by)

    def tell(self, words: str, by: Person | None = None) -> None:
        claim = self.heard.claim
        if claim is not None:
            claim.refresh_from_db(fields=["status", "version"])
            claim.put()
            claim.tell(words, by=by)


def of_remittance(one: Sum, remittance: Any) -> Sum:
    return Sum(one.book, one.amount, key=one.key, remittance=remittance)


def too_much(heard: RemittanceClaim, left: Decimal) -> str:
    if left <= 0:
        return f"{heard.remittance} has nothing too much for {heard.number or 'this claim'}: it is on its claim, or was sent or held back."
    return f"Only {spoken(left)} was paid too much."

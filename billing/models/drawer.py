"""The cash drawer of one person: opened with what lies in it, counted when it is closed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.utils import timezone

from billing.models.desk import DeskRules
from billing.money import ZERO, exact
from hospital.context import current
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

TAKE = "billing.take_payment"
COINS: dict[str, tuple[str, ...]] = {
    "USD": ("100", "50", "20", "10", "5", "2", "1", "0.50", "0.25", "0.10", "0.05", "0.01"),
    "GBP": ("50", "20", "10", "5", "2", "1", "0.50", "0.20", "0.10", "0.05", "0.02", "0.01"),
    "EUR": ("200", "100", "50", "20", "10", "5", "2", "1", "0.50", "0.20", "0.10", "0.05", "0.02", "0.01"),
}
ANY_COINS = ("1000", "500", "200", "100", "50", "20", "10", "5", "2", "1", "0.50", "0.20", "0.10", "0.05", "0.01")


def coins() -> tuple[str, ...]:
    """Notes and coins of the organisation's money, the largest first."""
    return COINS.get(current().tenant.currency, ANY_COINS)


def worth(pieces: Mapping[str, int]) -> Decimal:
    return sum((exact(coin) * count for coin, count in pieces.items()), ZERO)


class Drawers(models.QuerySet):
    def open(self) -> Drawers:
        return self.filter(closed_at=None)


class Drawer(EditableModel):
    """From opening to the counted close. A closed one is never changed."""

    serial = models.PositiveBigIntegerField("number", editable=False)
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    opened_with = models.DecimalField(max_digits=12, decimal_places=2)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    pieces = models.JSONField(default=dict, help_text="How many of each note and coin were counted.")
    counted = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    expected = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it is not what it should be.")

    objects: ClassVar = TenantManager.from_queryset(Drawers)()

    class Meta(EditableModel.Meta):
        ordering = ["-serial"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="drawer_number_once"),
            models.UniqueConstraint(
                fields=["tenant", "person"], condition=models.Q(closed_at=None), name="drawer_open_once_a_person"
            ),
            models.CheckConstraint(
                name="drawer_is_closed_counted",
                condition=models.Q(opened_with__gte=0)
                & (
                    models.Q(closed_at=None, counted=None, expected=None)
                    | models.Q(closed_at__isnull=False, counted__gte=0, expected__isnull=False)
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"CD-{self.serial:05}"

    @property
    def variance(self) -> Decimal | None:
        """More than nothing is too much in the drawer."""
        return None if self.counted is None or self.expected is None else self.counted - self.expected

    @classmethod
    @transaction.atomic
    def open_for(cls, person: Person, amount: Decimal) -> Drawer:
        allow(TAKE, person)
        if exact(amount) < 0:
            raise Refused("A drawer is not opened with less than nothing.", status=422, field="amount")
        serial = Counter.take("drawer")  # others who open one wait here, so that the look below is true
        if former := cls.objects.open().filter(person=person).first():
            raise Refused(f"Your drawer {former.number} is open already. Count and close it first.")
        return cls.objects.create(serial=serial, person=person, opened_with=exact(amount))

    @classmethod
    def for_cash(cls, by: Person | None) -> Drawer | None:
        """The drawer that this person's cash goes through, held until the transaction ends."""
        if by is None:
            return None
        row = cls.objects.open().filter(person=by).first()
        if row:
            row.lock()
        if row is None or row.closed_at:
            if DeskRules.here().cash_needs_drawer:
                raise Refused("You have no open drawer. Open one before you take or give cash.")
            return None
        return row

    @property
    def flows(self) -> list[tuple[str, Decimal]]:
        """What lies in it, by where it comes from."""
        taken = self.payments.exclude(self._void()).aggregate(sum=models.Sum("amount"))["sum"] or ZERO
        given = self.refunds.aggregate(sum=models.Sum("amount"))["sum"] or ZERO
        moved = self.moves.aggregate(
            put=models.Sum("amount", filter=models.Q(amount__gt=0)),
            taken=models.Sum("amount", filter=models.Q(amount__lt=0)),
        )
        return [
            ("Opened with", self.opened_with),
            ("Cash payments", taken),
            ("Refunds paid out", -given),
            ("Put in", moved["put"] or ZERO),
            ("Taken out", moved["taken"] or ZERO),
        ]

    @property
    def cancelled_since(self) -> Decimal:
        """Payments that were counted as theirs, and cancelled when it was closed already: what was counted stays."""
        since = self.payments.filter(voids__isnull=False).exclude(self._void())
        return since.aggregate(sum=models.Sum("amount"))["sum"] or ZERO

    def _void(self) -> models.Q:
        """Payments that were cancelled while it was open."""
        return models.Q(voids__voided_at__lte=self.closed_at) if self.closed_at else models.Q(voids__isnull=False)

    @property
    def should_hold(self) -> Decimal:
        return sum((amount for _, amount in self.flows), ZERO) if self.expected is None else self.expected

    @transaction.atomic
    def move(self, amount: Decimal, reason: str, *, by: Person) -> DrawerMove:
        """Change from the bank put in, or the day's cash taken to the safe."""
        self._own(by)
        amount = exact(amount)
        if not amount:
            raise Refused("An amount is more than nothing.", status=422, field="amount")
        self.refuse_more_than_there_is(-amount)
        why = needs(reason, "Say where it comes from, or goes to.")
        return DrawerMove.objects.create(drawer=self, amount=amount, reason=why[:200], moved_by=by)

    @transaction.atomic
    def close(self, pieces: Mapping[str, int], reason: str = "", *, by: Person) -> None:
        """What was counted stays as it was counted; a difference needs its reason, and is not told before."""
        self._own(by)
        counted, expected = worth(pieces), self.should_hold
        if counted != expected:
            needs(reason, "What is counted is not what should be there. Count again, or say why.")
        self.pieces = {coin: count for coin, count in pieces.items() if count}
        self.counted, self.expected, self.reason = counted, expected, reason.strip()[:200]
        self.closed_at, self.closed_by = timezone.now(), by
        self.save(update_fields=["pieces", "counted", "expected", "reason", "closed_at", "closed_by"])

    def refuse_more_than_there_is(self, amount: Decimal, *, field: str = "amount") -> None:
        """Without saying how much there is: it is counted blind."""
        if amount > max(self.should_hold, ZERO):
            raise Refused(f"There is not so much in {self.number}.", field=field)

    def _own(self, by: Person) -> None:
        allow(TAKE, by)
        self.lock()
        if self.closed_at:
            raise Refused(f"{self.number} is closed already.")
        if by.pk != self.person_id and not current().may("billing.approve_refund"):
            raise Refused(f"{self.number} is the drawer of {self.person.name}.")


class DrawerMove(TenantModel):
    """Cash that was put in or taken out, and was no payment. Nobody changes or deletes it."""

    drawer = TenantKey(Drawer, related_name="moves")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200)
    moved_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["moved_at", "pk"]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="drawer_move_is_something")]

    def __str__(self) -> str:
        return f"{self.amount} {self.reason}"

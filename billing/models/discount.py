from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from billing.models.desk import DeskRules
from billing.models.journal import JournalEntry
from billing.money import ZERO, exact, rounded, split, spoken
from hospital.context import current
from hospital.tenancy import TenantKey, TenantModel
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from billing.models.account import Account
    from hospital.models import Person

MORE = "billing.discount_more"


class Discount(TenantModel):
    """So much less is asked for a charge. Nobody changes or deletes it."""

    charge = TenantKey("billing.Charge", related_name="discounts")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200)
    given_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["-given_at", "-pk"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="discount_is_positive")]

    def __str__(self) -> str:
        return f"{self.amount} off {self.charge_id}"

    @classmethod
    @transaction.atomic
    def give(cls, visit, amount: Decimal, reason: str, *, by: Person | None) -> list[Discount]:
        """Ask so much less for a visit, of each open charge in proportion to what is due of it."""
        from billing.models.account import Account

        allow("billing.waive", by)
        account = Account.locked(visit)
        amount = exact(amount)
        if amount <= 0:
            raise Refused("A discount is more than nothing.", status=422, field="amount")
        if amount > account.due:
            raise Refused(
                f"Only {spoken(account.due)} is due on this visit. A discount is at most that.", field="amount"
            )
        refuse_above_limit(amount, account, by)
        why = needs(reason, "Say why less is asked.")
        open_charges = [charge for charge in account.charges if charge.rest]
        parts = split(amount, [charge.rest for charge in open_charges])
        given = [cls.of(charge, part, why, by=by) for charge, part in zip(open_charges, parts, strict=True) if part]
        account.settle()
        return given

    @classmethod
    def of(cls, charge, amount: Decimal, why: str, *, by: Person | None) -> Discount:
        row = cls.objects.create(charge=charge, amount=amount, reason=why[:200], given_by=by)
        charge.let_go(JournalEntry.Kind.DISCOUNT, row, amount, at=row.given_at, by=by)
        return row


def refuse_above_limit(amount: Decimal, account: Account, by: Person | None) -> None:
    left = left_of_limit(account, by)
    if left is not None and amount > left:
        raise Refused(limit_in_words(left), field="amount")


def left_of_limit(account: Account, by: Person | None) -> Decimal | None:
    """None: no limit. It is for all that is let off of a visit together, in whatever way, and whoever did it."""
    if not is_limited(by):
        return None
    return max(rounded(account.total * DeskRules.here().discount_limit / 100) - account.let_off_before, ZERO)


def limit_in_words(left: Decimal) -> str:
    limit = DeskRules.here().discount_limit.normalize()
    return f"Your role lets off up to {limit:f} percent of a visit: {spoken(left)} is left of that here."


def is_limited(by: Person | None) -> bool:
    return by is not None and DeskRules.here().discount_limit < 100 and not current().may(MORE)


def refuse_for_nothing(by: Person | None) -> None:
    """What has no price yet is let off as a whole, so no percentage can be reckoned."""
    if is_limited(by):
        raise Refused("Your role sets a price, but does not make anything free of charge.", field="unit_price")


def refuse_unlisted(what: str, by: Person | None) -> None:
    """Of what is in no list nobody knows how much a price set by hand lets off."""
    if is_limited(by):
        words = f"Your role sets prices by the price list, and there is none for {what}."
        raise Refused(f"{words} Have one put into the list, then set it here.", field="unit_price")

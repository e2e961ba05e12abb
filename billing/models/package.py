"""Several things for one price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models, transaction

from billing.models.charge import Charge
from billing.models.price import Kind
from billing.money import ZERO, split, spoken
from hospital.tenancy import EditableModel, TenantKey
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models import Visit
    from hospital.models import Person


class Package(EditableModel):
    name = models.CharField(max_length=80)
    amount = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(ZERO)], help_text="For all of it together."
    )
    is_active = models.BooleanField("in use", default=True)

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="package_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="package_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {spoken(self.amount)}"

    @classmethod
    def fitting(cls, charges: list[Charge]) -> Iterator[Package]:
        """Those of which everything is charged, and for which less is asked than for the parts."""
        for package in cls.objects.filter(is_active=True).prefetch_related("items"):
            chosen = package.among(charges)
            if chosen and sum((charge.amount for charge in chosen), ZERO) > package.amount:
                yield package

    def among(self, charges: list[Charge]) -> list[Charge]:
        """One charge for each item; none at all if one is missing, or was made cheaper already."""
        whole = [charge for charge in charges if charge.is_open and not charge.needs_price and is_untouched(charge)]
        chosen: list[Charge] = []
        for item in self.items.all():
            found = next((one for one in whole if item.is_for(one) and one not in chosen), None)
            if found is None:
                return []
            chosen.append(found)
        return chosen

    @transaction.atomic
    def apply(self, visit: Visit, *, by: Person | None) -> Decimal:
        """Ask for these charges together what the package costs. What is less is let off of each in proportion."""
        from billing.models.account import Account

        allow("billing.take_payment", by)
        account = Account.locked(visit)
        if self.pk not in {package.pk for package in Package.fitting(account.charges)}:
            raise Refused(f"{self.name} does not fit this visit, or its charges were made cheaper already.")
        chosen = self.among(account.charges)
        less = sum((charge.amount for charge in chosen), ZERO) - self.amount
        for charge, part in zip(chosen, split(less, [charge.amount for charge in chosen]), strict=True):
            if part:
                account.let_off(charge, part, f"Package: {self.name}", by=by)
        account.settle()
        return less


class PackageItem(EditableModel):
    package = TenantKey(Package, related_name="items")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(max_length=60, help_text="As in the price list.")
    quantity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta(EditableModel.Meta):
        ordering = ["kind", "code"]
        constraints = [models.CheckConstraint(condition=models.Q(quantity__gte=1), name="package_item_is_something")]

    def __str__(self) -> str:
        return self.code

    def is_for(self, charge: Charge) -> bool:
        return (charge.kind, charge.code, charge.quantity) == (self.kind, self.code, self.quantity)


def is_untouched(charge: Charge) -> bool:
    return charge.allocated + charge.rest == charge.amount

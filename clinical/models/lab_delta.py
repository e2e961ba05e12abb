"""How far a value may lie from the patient's last one before somebody has to say why."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinical.measure import plain
from clinical.models.lab_test import LabTest, measure
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey

if TYPE_CHECKING:
    from clinical.models.lab_result import LabResult
    from clinical.models.laboratory import LabOrder

DAY = timedelta(days=1)


class DeltaRule(EditableModel):
    """The delta check of one test. Whichever of the two limits is passed marks the value."""

    test = TenantKey(LabTest, on_delete=models.CASCADE, related_name="delta_rules")
    within_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Older values are not compared.",
    )
    absolute = measure("More than this, in the unit of the test.")
    percent = models.PositiveSmallIntegerField(null=True, blank=True, help_text="More than so many per cent.")
    per_day = models.BooleanField(default=False, help_text="The limits are for each day between the two values.")

    class Meta(EditableModel.Meta):
        ordering = ["test"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "test"], name="delta_rule_once"),
            models.CheckConstraint(
                name="delta_rule_says_something",
                condition=Q(absolute__isnull=False) | Q(percent__isnull=False),
                violation_error_message="Give a limit in the unit of the test, in per cent, or both.",
            ),
        ]

    def __str__(self) -> str:
        return f"Delta check of {self.test}"

    def is_passed(self, former: Decimal, now: Decimal, between: timedelta) -> bool:
        """A value of nought has no per cent: any change from it is too much."""
        days = max(Decimal(between / DAY), Decimal(1)) if self.per_day else Decimal(1)
        change = abs(now - former)
        if self.absolute is not None and change > self.absolute * days:
            return True
        return self.percent is not None and change * 100 > abs(former) * self.percent * days


def last_before(order: LabOrder, unit: str, at: datetime, within: timedelta) -> tuple[LabResult, datetime] | None:
    """The patient's last released number of this test in this unit, and when its specimen was taken."""
    rows = order.test.orders.filter(
        patient_id=order.patient_id,
        status__in=("released", "reviewed"),
        result__value_number__isnull=False,
        result__comparator="",
        result__unit=unit,
    ).exclude(pk=order.pk)
    taken = rows.annotate(taken_at=Coalesce("collected_at", "released_at"))
    last = taken.filter(taken_at__lte=at, taken_at__gt=at - within).select_related("result").order_by("taken_at").last()
    return (last.result, last.taken_at) if last and last.result else None


@raw()
def delta_of(order: LabOrder, number: Decimal, unit: str, at: datetime) -> tuple[LabResult | None, str]:
    """The value that this one is too far from, and how far, in words; nothing, if it is near enough."""
    rule = DeltaRule.objects.filter(test_id=order.test_id).first()
    if rule is None:
        return None, ""
    found = last_before(order, unit, at, DAY * rule.within_days)
    if found is None or found[0].value_number is None:
        return None, ""
    if not rule.is_passed(found[0].value_number, number, at - found[1]):
        return None, ""
    return found[0], words(found[0], found[1], number)


def words(former: LabResult, taken_at: datetime, number: Decimal) -> str:
    before = former.value_number or Decimal()
    change = number - before
    share = f", {change * 100 / abs(before):+.0f} %" if before else ""
    return (
        f"was {former} on {timezone.localtime(taken_at):%-d %b %Y} ({'+' if change > 0 else ''}{plain(change)}{share})"
    )

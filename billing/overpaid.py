"""What a payer paid too much, and who disposes of it: we send it back, or the payer holds it back from another payment (PLB).

Neither may happen twice. What is asked to be sent back is on its way; what a payer held back is named by the reference of
its adjustment: our number of the claim, or the payer's (835 TR3 1.10.2.17 on overpayments).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models

from billing.models import PayerMove, PayerRefund, Remittance, RemittanceClaim
from billing.models.claim import serial_in
from billing.money import ZERO
from billing.service_lines import plain_number
from billing.x12.remittance import ProviderAdjustment
from hospital.seals import raw

if TYPE_CHECKING:
    from uuid import UUID

State = RemittanceClaim.Status
RECOVERED = ("WO", "FB", "CS")  # overpayment recovery, forwarding balance, adjustment


@raw()
def overpaid(heard: Iterable[RemittanceClaim]) -> dict[UUID, Decimal]:
    """By claim of a remittance: what it paid, and is on no claim, on no way back, and not held back."""
    asked = [one.pk for one in heard]
    decided = RemittanceClaim.objects.in_force().exclude(said="22") | RemittanceClaim.objects.filter(
        status=State.LEFT, remittance__status=Remittance.Status.POSTED
    )
    booked = models.Sum("moves__amount", filter=models.Q(moves__kind=PayerMove.Kind.PAID), default=ZERO)
    rows = decided.filter(pk__in=asked, paid__gt=0).order_by("pk").annotate(booked=booked)
    loose = {row: row.paid - row.booked for row in rows.select_related("remittance") if row.paid > row.booked}
    if not loose:
        return {}
    gone, held = PayerRefund.objects.filter(heard__in=loose).by_heard(), held_back(list(loose))
    left = {row.pk: amount - gone.get(row.pk, ZERO) - held.get(row.pk, ZERO) for row, amount in loose.items()}
    return {pk: amount for pk, amount in left.items() if amount}


def held_back(heard: list[RemittanceClaim]) -> dict[UUID, Decimal]:
    """What their payers held back for them, by posted remittances."""
    payers = {one.remittance.payer_id for one in heard if one.remittance.payer_id}
    posted = Remittance.objects.filter(status=Remittance.Status.POSTED, payer__in=payers)
    found: dict[UUID, Decimal] = {}
    for row in posted.exclude(provider_adjustments=[]):
        for adjustment in recoveries(row):
            named = (one for one in heard if one.remittance.payer_id == row.payer_id and names(adjustment, one))
            if (one := next(named, None)) is not None:
                found[one.pk] = found.get(one.pk, ZERO) + adjustment.amount
    return {pk: max(amount, ZERO) for pk, amount in found.items()}


def recoveries(remittance: Remittance) -> Iterator[ProviderAdjustment]:
    return (one for one in remittance.withheld if one.reason in RECOVERED)


def names(adjustment: ProviderAdjustment, heard: RemittanceClaim) -> bool:
    """By the number of the claim that it got, ours or the payer's."""
    said = plain_number(adjustment.reference)
    if not said:
        return False
    ours = serial_in(adjustment.reference) if said.startswith("CM") else None
    return said in (plain_number(heard.number), plain_number(heard.payer_number)) or (
        ours is not None and heard.number.strip().upper().startswith("CM") and ours == serial_in(heard.number)
    )


@raw()
def taken_twice(remittance: Remittance) -> list[tuple[ProviderAdjustment, PayerRefund]]:
    """What this payment holds back though it was sent back, or is about to be.

    One that names nothing is the same where the amount is.
    """
    held = [one for one in recoveries(remittance) if one.amount > 0]
    if not held or remittance.payer_id is None:
        return []
    live = PayerRefund.objects.live().filter(remittance__payer=remittance.payer_id)
    rows = list(live.select_related("heard__claim__visit", "remittance").order_by("requested_at", "pk"))
    return [(one, row) for one in held for row in rows if is_of(one, row)]


def is_of(adjustment: ProviderAdjustment, refund: PayerRefund) -> bool:
    said = plain_number(adjustment.reference)
    if not said:
        return adjustment.amount == refund.amount
    return names(adjustment, refund.heard) or said == plain_number(refund.reference)

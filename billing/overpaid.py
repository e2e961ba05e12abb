"""What a payer paid too much, and who disposes of it: we send it back, or the payer holds it back from another payment (PLB).

Neither may happen twice. What is asked to be sent back is on its way; what a payer held back is named by the reference of
its adjustment: our number of the claim, or the payer's (835 TR3 1.10.2.17 on overpayments). A reversal that is on no claim
of ours took the money back too, from whatever else bears its number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

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
REVERSED = "22"
RETURNED = "72"  # authorised return: the payer got a refund from us
RECOVERED = ("WO", "FB", "CS")  # overpayment recovery, forwarding balance, adjustment


@raw()
def overpaid(heard: Iterable[RemittanceClaim]) -> dict[UUID, Decimal]:
    """By claim of a remittance: what it paid, and is on no claim, on no way back, and not held back or reversed.

    Whichever are asked for: what a payer took under a number is reckoned over all of its payments that bear it.
    """
    asked = [one.pk for one in heard]
    loose = with_kin(list(paid_too_much().filter(pk__in=asked)))
    if not loose:
        return {}
    gone = PayerRefund.objects.filter(heard__in=loose).by_heard()
    taken = taken_by_payers(loose, gone)
    left = {row.pk: row.loose - gone.get(row.pk, ZERO) - taken[row.pk] for row in loose}
    return {pk: left[pk] for pk in asked if left.get(pk)}


def paid_too_much() -> models.QuerySet:
    """What was posted and paid more than is booked of it (`loose`), or is for no claim of ours."""
    decided = RemittanceClaim.objects.in_force().exclude(said=REVERSED) | RemittanceClaim.objects.filter(
        status=State.LEFT, remittance__status=Remittance.Status.POSTED
    )
    is_paid = models.Q(moves__kind=PayerMove.Kind.PAID)
    loose = models.F("paid") - models.Sum("moves__amount", filter=is_paid, default=ZERO)
    rows = decided.filter(paid__gt=0).annotate(loose=loose).filter(loose__gt=0)
    return rows.select_related("remittance").order_by("pk")


def with_kin(rows: list[Any]) -> list[Any]:
    """And all others of the same payers that bear one of their numbers; the oldest first."""
    found, new = {one.pk: one for one in rows}, rows
    while new:
        alike = reduce(or_, (bears_the_same(one) for one in new))
        new = list(paid_too_much().filter(alike).exclude(pk__in=found))
        found |= {one.pk: one for one in new}
    return sorted(found.values(), key=lambda one: (one.remittance.posted_at, one.place, one.pk))


def bears_the_same(heard: RemittanceClaim) -> models.Q:
    said = models.Q(number__iexact=heard.number) if heard.number else models.Q(pk=heard.pk)
    if heard.payer_number:
        said |= models.Q(payer_number__iexact=heard.payer_number)
    if heard.claim_id:
        said |= models.Q(claim=heard.claim_id)
    if (serial := ours_in(heard.number)) is not None:
        said |= models.Q(number__iregex=rf"^\s*CM-?0*{serial}(-|\s*$)")
    return said & same_payer(heard.remittance, "remittance__")


def taken_by_payers(rows: list[Any], gone: Mapping[UUID, Decimal]) -> dict[UUID, Decimal]:
    """What their payers took of each: of the oldest first, and of what we send back only where nothing else is left."""
    by_pk, taken = {one.pk: one for one in rows}, dict.fromkeys((one.pk for one in rows), ZERO)
    sums = taken_under(rows)
    for named in sorted(sums, key=lambda pks: (sums[pks] < 0, len(pks))):
        amount = sums[named]
        for sent in (gone, {}):
            for pk in named:
                part = min(amount, by_pk[pk].loose - sent.get(pk, ZERO) - taken[pk])
                part = max(part, -taken[pk]) if amount < 0 else max(part, ZERO)
                taken[pk], amount = taken[pk] + part, amount - part
    return taken


def taken_under(rows: list[Any]) -> dict[tuple[UUID, ...], Decimal]:
    """What was held back and given back again, by the payments that it can be of."""
    sums: dict[tuple[UUID, ...], Decimal] = {}
    for remittance in takers(rows):
        theirs = [one for one in rows if payer_key(one.remittance) == payer_key(remittance)]
        for one in (*recoveries(remittance), *reversals(remittance, remittance.of_nobody)):
            named = tuple(row.pk for row in theirs if names(one, row))
            if named:
                sums[named] = sums.get(named, ZERO) + one.amount
    return sums


def takers(rows: list[Any]) -> models.QuerySet:
    """The posted remittances of their payers that hold something back, or reverse what is on no claim (`of_nobody`)."""
    reverses = models.Exists(unbooked_reversals().filter(remittance=models.OuterRef("pk")))
    posted = Remittance.objects.filter(reduce(or_, (same_payer(one.remittance) for one in rows)))
    found = posted.filter(~models.Q(provider_adjustments=[]) | reverses, status=Remittance.Status.POSTED)
    of_nobody = models.Prefetch("claims", unbooked_reversals(), to_attr="of_nobody")
    return found.order_by("posted_at", "pk").prefetch_related(of_nobody)


def same_payer(remittance: Remittance, at: str = "") -> models.Q:
    """By its name where it is none that we know."""
    if remittance.payer_id:
        return models.Q(**{f"{at}payer": remittance.payer_id})
    return models.Q(**{f"{at}payer": None, f"{at}payer_name": remittance.payer_name})


def payer_key(remittance: Remittance) -> Any:
    return remittance.payer_id or remittance.payer_name


def unbooked_reversals() -> models.QuerySet[RemittanceClaim]:
    """What payers took back of what is matched with no claim of ours: not ours, or to be matched."""
    return RemittanceClaim.objects.filter(said=REVERSED, paid__lt=0, status__in=(State.LEFT, State.UNMATCHED))


def recoveries(remittance: Remittance) -> Iterator[ProviderAdjustment]:
    return (one for one in remittance.withheld if one.reason in RECOVERED)


def reversals(remittance: Remittance, heard: Iterable[RemittanceClaim]) -> Iterator[ProviderAdjustment]:
    """As if they were held back; without what the payer got from us and only books by them (PLB 72)."""
    for one in heard:
        back = sum((-each.amount for each in returned(remittance) if names(each, one)), ZERO)
        if -one.paid > back:
            number = one.number or one.payer_number
            yield ProviderAdjustment(provider="", reason="reversal", reference=number, amount=-one.paid - back)


def returned(remittance: Remittance) -> Iterator[ProviderAdjustment]:
    """What the payer says it got back from us (authorised return): less than nothing, for the reversal that books it."""
    return (one for one in remittance.withheld if one.reason == RETURNED)


def is_acknowledged(reversal: RemittanceClaim, former: RemittanceClaim) -> bool:
    """The payer has what we sent back of `former`, all of it, and books it by this reversal (835 TR3 1.10.2.17)."""
    sent = list(former.sent_back.live())
    if not sent or any(one.status != PayerRefund.Status.PAID_OUT for one in sent):
        return False
    numbers, amount = {plain_number(one.reference) for one in sent}, sum((one.amount for one in sent), ZERO)
    named = [one for one in returned(reversal.remittance) if is_for(one, former, numbers)]
    return -sum((one.amount for one in named), ZERO) == amount


def is_for(adjustment: ProviderAdjustment, heard: RemittanceClaim, numbers: Collection[str]) -> bool:
    return names(adjustment, heard) or plain_number(adjustment.reference) in numbers


def names(adjustment: ProviderAdjustment, heard: RemittanceClaim) -> bool:
    """By the number of the claim that it got, ours or the payer's."""
    said = plain_number(adjustment.reference)
    if not said:
        return False
    ours = ours_in(adjustment.reference)
    return said in (plain_number(heard.number), plain_number(heard.payer_number)) or (
        ours is not None and ours == ours_in(heard.number)
    )


def ours_in(number: str) -> int | None:
    return serial_in(number) if plain_number(number).startswith("CM") else None


@raw()
def taken_twice(remittance: Remittance) -> list[tuple[ProviderAdjustment, PayerRefund]]:
    """What this payment holds back, or reverses on no claim, though it was sent back, or is about to be.

    One that names nothing is the same where the amount is.
    """
    unbooked = unbooked_reversals().filter(remittance=remittance)
    held = [one for one in (*recoveries(remittance), *reversals(remittance, unbooked)) if one.amount > 0]
    if not held:
        return []
    live = PayerRefund.objects.live().filter(same_payer(remittance, "remittance__"))
    rows = list(live.select_related("heard__claim__visit", "remittance").order_by("requested_at", "pk"))
    return [(one, row) for one in held for row in rows if is_of(one, row)]


def is_of(adjustment: ProviderAdjustment, refund: PayerRefund) -> bool:
    said = plain_number(adjustment.reference)
    if not said:
        return adjustment.amount == refund.amount
    return names(adjustment, refund.heard) or said == plain_number(refund.reference)

"""What was more than was due when it was posted: on no claim until it goes back to the payer, or it is due after all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models, transaction

from billing.models import Claim, Denial, PayerMove, Remittance, RemittanceClaim
from billing.models.payer_file import TAKE
from billing.money import ZERO
from billing.overpaid import overpaid
from billing.posting import Plan, plans
from billing.remitting import book, heard_in, held_remittance
from billing.service_lines import pairs
from billing.shares import on_lines
from billing.standing import Books
from billing.unclear import Unclear
from billing.x12.fields import Ref
from billing.x12.remittance import PaidClaim
from hospital.seals import raw
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from uuid import UUID

    from hospital.models import Person


@raw()
@transaction.atomic
def book_again(heard: RemittanceClaim, *, by: Person | None) -> Plan:
    """More is due by now than when it was posted. What is booked of it already stays, and is not booked twice."""
    allow(TAKE, by)
    remittance = held_remittance(heard)
    (one,) = [row for row in heard_in(remittance) if row.pk == heard.pk]
    Claim.hold(claim for claim in [one.claim] if claim)
    left = overpaid([one]).get(one.pk, ZERO)
    if one.claim is None or left <= 0:
        raise Refused("All of it is on a claim already, or went back to the payer.")
    one.value = left_of(one, one.claim, left)
    (plan,) = plans([one])
    if plan.problem:
        raise Refused(plan.problem)
    if plan.paid <= 0:
        raise Refused(
            f"Nothing is due for it now: the payer of {one.claim.number} paid it too much, and takes it back."
        )
    book([plan], by=by)
    remittance.touch()
    return plan


def to_book(claim: Claim) -> dict[RemittanceClaim, Decimal]:
    """What the payer of a claim paid for it, and is on no claim; what came first stands first."""
    heard = list(claim.heard.in_force().select_related("remittance").order_by("remittance__posted_at", "place"))
    left = overpaid(heard)
    return {one: left[one.pk] for one in heard if left.get(one.pk, ZERO) > 0}


@transaction.atomic
def settle_as_paid(denial: Denial, *, by: Person | None) -> Decimal:
    """The payer has paid it already: what is on no claim is booked now, until nothing is due. Says how much it was."""
    allow(TAKE, by)
    held = hold_remittances(denial.claim)
    Claim.hold([denial.claim])
    denial.lock()
    if not denial.is_open:
        raise Refused(f"This denial is settled: {denial.in_words}.")
    if not (paid := [one for one in to_book(denial.claim) if one.remittance_id in held]):
        raise Refused("The payer has paid nothing for this claim that is not on it already.")
    return sum((book_again(one, by=by).paid for one in paid if denial.rest > 0), ZERO)


def hold_remittances(claim: Claim) -> set[UUID]:
    """All that are posted of a claim, always in one order, and before its visit: what comes after that is not among them."""
    posted = Remittance.objects.filter(claims__in=claim.heard.in_force()).values("pk")
    rows = Remittance.objects.filter(pk__in=posted).order_by("pk")
    return set(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def left_of(heard: RemittanceClaim, claim: Claim, left: Decimal) -> PaidClaim:
    """Its words, with what is paid of each line less by what is booked of it, and of all no more than is `left`."""
    books, paid = Books([heard]), heard.moves.filter(kind=PayerMove.Kind.PAID).order_by().values_list("charge")
    booked = dict(paid.annotate(models.Sum("amount")))
    try:
        said = list(pairs(on_lines(heard.value), books.lines_of(claim, heard.number), books.numbers))
    except Unclear as unclear:
        raise Refused(str(unclear)) from None
    lines = []
    for ours, one in said:
        part = min(one.paid - booked.get(ours.charge_id, ZERO), left)
        left -= max(part, ZERO)
        lines.append(replace(one, paid=part, refs=(Ref("6R", ours.control_number),)))
    return replace(heard.value, lines=tuple(lines), adjustments=())

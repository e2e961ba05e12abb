"""What was more than was due when it was posted: on no claim until the payer takes it back, or it is due after all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models, transaction

from billing.models import Claim, PayerMove, RemittanceClaim
from billing.models.payer_file import TAKE
from billing.money import ZERO
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


def loose(heard: Iterable[RemittanceClaim]) -> dict[UUID, Decimal]:
    decided = RemittanceClaim.objects.in_force().filter(pk__in=[one.pk for one in heard], paid__gt=0).exclude(said="22")
    paid = models.Sum("moves__amount", filter=models.Q(moves__kind=PayerMove.Kind.PAID), default=ZERO)
    rows = decided.order_by().annotate(booked=paid).values_list("pk", "paid", "booked")
    return {pk: whole - booked for pk, whole, booked in rows if whole > booked}


@raw()
@transaction.atomic
def book_again(heard: RemittanceClaim, *, by: Person | None) -> Plan:
    """More is due by now than when it was posted. What is booked of it already stays, and is not booked twice."""
    allow(TAKE, by)
    remittance = held_remittance(heard)
    (one,) = [row for row in heard_in(remittance) if row.pk == heard.pk]
    Claim.hold(claim for claim in [one.claim] if claim)
    if one.claim is None or not loose([one]):
        raise Refused("All of it is on a claim already.")
    one.value = left_of(one, one.claim)
    (plan,) = plans([one])
    if plan.problem:
        raise Refused(plan.problem)
    if plan.paid <= 0:
        raise Refused(
            f"Nothing is due for it now: the payer of {one.claim.number} paid it too much, and takes it back."
        )
    book([plan], by=by)
    return plan


def left_of(heard: RemittanceClaim, claim: Claim) -> PaidClaim:
    """Its words, with what is paid of each line less by what is booked of it."""
    books, paid = Books([heard]), heard.moves.filter(kind=PayerMove.Kind.PAID).order_by().values_list("charge")
    booked = dict(paid.annotate(models.Sum("amount")))
    try:
        said = list(pairs(on_lines(heard.value), books.lines_of(claim, heard.number), books.numbers))
    except Unclear as unclear:
        raise Refused(str(unclear)) from None
    lines = tuple(
        replace(one, paid=one.paid - booked.get(ours.charge_id, ZERO), refs=(Ref("6R", ours.control_number),))
        for ours, one in said
    )
    return replace(heard.value, lines=lines, adjustments=())

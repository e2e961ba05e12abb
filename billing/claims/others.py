"""Coordination of benefits: what the payers before have decided, as the next one wants to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import models, transaction

from billing.claims import drafting
from billing.models import Claim, ClaimLine, PayerMove, RemittanceClaim
from billing.models.claim import MANAGE
from billing.money import ZERO
from billing.x12 import claim as x12
from billing.x12.fields import Procedure, Sum
from billing.x12.parties import Party
from billing.x12.remittance import CONTRACTUAL, OTHER, PAYER_INITIATED, Adjustment, PaidClaim, PaidLine
from billing.x12.sheet import plain
from clinical.models import Policy
from hospital.models import Person
from hospital.workflow import Refused, allow

NEXT = {Claim.Order.PRIMARY: Claim.Order.SECONDARY, Claim.Order.SECONDARY: Claim.Order.TERTIARY}


@transaction.atomic
def go_on(claim: Claim, *, by: Person | None) -> Claim:
    """What the payer left goes to the patient's next insurance, with its decision."""
    allow(MANAGE, by)
    claim.lock()
    order = NEXT.get(Claim.Order(claim.order))
    if claim.status not in claim.ANSWERED or order is None:
        raise Refused(f"{claim.number} is {claim.in_words}. Only what a payer has decided goes on to the next one.")
    if standing := claim.following.standing().first():
        return standing
    policy = drafting.policy_of(claim.encounter, order, claim.service_on)
    if policy is None:
        raise Refused("The patient has no further insurance in use that names an insurer of the list.")
    decided = decision_of(claim)
    on = decided.day if decided else None
    return drafting.start(claim.encounter, policy, order, by=by, previous=claim, decided_on=on)


def before(claim: Claim) -> Iterator[Claim]:
    """The claims to the payers before, the nearest first."""
    while claim.previous is not None:
        claim = claim.previous
        yield claim


@dataclass(frozen=True)
class Decided:
    """What the newest remittance that decided a claim says of it, and what those before it had paid, by charge."""

    value: PaidClaim
    day: date | None
    earlier: dict[UUID, Decimal]


def decision_of(claim: Claim) -> Decided | None:
    """A reversal decides nothing, nor does what changed nothing beside what did: the same decision come a second time."""
    heard = RemittanceClaim.objects.in_force().filter(claim=claim).exclude(said="22").select_related("remittance")
    booked = models.Exists(PayerMove.objects.filter(heard=models.OuterRef("pk")))
    last = heard.annotate(booked=booked).order_by("-booked", "-remittance__posted_at", "-pk").first()
    if last is None:
        return None
    paid = PayerMove.objects.filter(claim=claim, kind=PayerMove.Kind.PAID).exclude(heard=last)
    earlier = paid.order_by().values_list("charge").annotate(models.Sum("amount"))
    return Decided(last.value, last.remittance.paid_on, dict(earlier))


def in_all(said: PaidClaim | PaidLine, earlier: Decimal) -> tuple[Decimal, tuple[Adjustment, ...]]:
    """Paid and adjusted over all decisions: the newest one calls adjusted what the payer had paid before."""
    left, adjusted = earlier, list(said.adjustments)
    for group in (OTHER, PAYER_INITIATED, CONTRACTUAL):
        for at, one in enumerate(adjusted):
            if one.group == group and (part := min(left, one.amount)) > 0:
                adjusted[at], left = replace(one, amount=one.amount - part), left - part
    return said.paid + earlier - left, tuple(one for one in adjusted if one.amount)


def coverage(claim: Claim, subscriber: Party) -> x12.OtherCoverage:
    decided = decision_of(claim)
    paid, adjustments = whole(decided) if decided else (ZERO, ())
    policy: Policy = claim.policy
    return x12.OtherCoverage(
        order=claim.order,
        relationship=drafting.RELATIONS[policy.holder_relation],
        group=plain(policy.group_number),
        filing=claim.payer.filing,
        subscriber=subscriber,
        payer=Party(name=plain(claim.payer.name)[:60].strip(), id_kind="PI", id=plain(claim.payer.identifier)),
        adjustments=adjustments,
        amounts=(Sum("D", paid),) if decided else (),
        adjudicated=decided.day if decided and not decided.value.lines else None,
    )


def whole(decided: Decided) -> tuple[Decimal, tuple[Adjustment, ...]]:
    """Of the whole claim. Where the payer spoke of lines, what it had paid before stands with them."""
    earlier = sum(decided.earlier.values(), ZERO)
    if decided.value.lines:
        return decided.value.paid + earlier, decided.value.adjustments
    return in_all(decided.value, earlier)


def adjudications(line: ClaimLine, claim: Claim) -> Iterator[x12.LineAdjudication]:
    """Of one line, by each payer before that has said something of it."""
    for one in before(claim):
        decided = decision_of(one)
        said = line_of(decided.value, one, line.position) if decided else None
        if decided and said:
            paid, adjustments = in_all(said, decided.earlier.get(line.charge_id, ZERO))
            yield x12.LineAdjudication(
                payer=plain(one.payer.identifier),
                paid=paid,
                procedure=said.procedure or Procedure(line.procedure, tuple(line.modifiers)),
                units=said.units or line.units,
                adjustments=adjustments,
                day=decided.day,
            )


def line_of(decided: PaidClaim, claim: Claim, position: int) -> PaidLine | None:
    """By the number that the line was sent with; where the payer gives none back, by its place."""
    numbered = {line.control_number: line for line in decided.lines if line.control_number}
    if numbered:
        versions = {f"{version.control_number}-{position}" for version in claim.versions.all()}
        return next((line for number, line in numbered.items() if number in versions), None)
    return decided.lines[position - 1] if 0 < position <= len(decided.lines) else None

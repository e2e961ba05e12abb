"""Crossover: a payer that has decided sends the claim on to the next one by itself (835 CLP02 19 and 20).

Then nothing of ours goes out. Our claim to the next payer is there all the same, so that its answer, which carries the
number that the first one got, finds it, and so that what is due is due from whom it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.claims import drafting, others, scrubber
from billing.models import Claim, Remittance, RemittanceClaim
from billing.overpaid import ours_in
from billing.x12.remittance import PaidClaim
from billing.x12.sheet import plain
from clinical import days
from clinical.models import Payer, Policy
from hospital.models import Person
from hospital.workflow import Refused

SENT_ON = ("19", "20")


@transaction.atomic
def go_on(claim: Claim, *, by: Person | None) -> Claim:
    """A person takes it to the next payer. What the payer has sent there already is not sent again."""
    made, said = others.go_on(claim, by=by), sent_on_before([claim]).get(claim.pk)
    if said is not None and made.is_unsent and not is_another(said, made.payer):
        forward(made, others.decision_of(claim))
        match_early_answers([made])
    return made


def go_on_by_itself(claim: Claim, value: PaidClaim) -> Claim | None:
    """The payer has sent it on (CLP02 19, 20): our claim to the next one, which has it already, if it is forwarded now."""
    order = others.NEXT.get(Claim.Order(claim.order))
    if value.status not in SENT_ON or claim.status not in claim.ANSWERED or order is None:
        return None
    standing = claim.following.standing().select_related("current", "payer", "visit").first()
    policy = drafting.policy_of(claim.encounter, order, claim.service_on)
    if standing is None and policy is not None and not is_another(value, policy.payer):
        standing = others.go_on(claim, by=None)
    if standing is None or is_another(value, standing.payer) or not standing.is_unsent or standing.corrected_from:
        return None
    forward(standing, others.decision_of(claim))
    return standing


def sent_on_before(claims: list[Claim]) -> dict[UUID, PaidClaim]:
    """What payers said when they sent a claim on, the newest in force: it may have waited for an answer to the other lines."""
    rows = RemittanceClaim.objects.in_force().filter(claim__in=claims, said__in=SENT_ON)
    return {row.claim_id: row.value for row in rows.order_by("remittance__posted_at", "pk") if row.claim_id}


def forward(claim: Claim, decided: others.Decided | None) -> None:
    """It goes out in no file of ours: the payer before has sent it on with what it decided."""
    if claim.previous is None:
        raise Refused(f"{claim.number} is to the first payer.")
    if claim.status in (Claim.Status.SCRUBBED, Claim.Status.READY, Claim.Status.REJECTED):
        scrubber.take_back(claim, by=None, why="The payer before has sent it on")
    day = (decided.day if decided else None) or days.today()
    words = f"Forwarded by {claim.previous.payer} on {day:%-d %b %Y}"
    claim.go(Claim.Status.SUBMITTED, by=None, words=words, forwarded_on=day, submitted_at=timezone.now(), answer="")


def match_early_answers(forwarded: list[Claim]) -> None:
    """Where the answer was taken in before the payer before was posted, it found no claim, and finds this one now.

    It names one of our numbers of the same encounter. A remittance that somebody holds at this moment is left to be
    matched by hand: remittances are held before claims, so that waiting for it here could wait for ever.
    """
    from billing.remitting import found_for

    if not forwarded:
        return
    claims, numbers = {claim.pk: claim for claim in forwarded}, serials_of(forwarded)
    waiting = Remittance.objects.filter(status=Remittance.Status.READ, payer__in={one.payer_id for one in forwarded})
    held = waiting.order_by("pk").select_for_update(skip_locked=True, of=("self",), no_key=True)
    rows = RemittanceClaim.objects.unmatched().filter(remittance__in=[one.pk for one in held]).order_by("pk")
    named = [pk for pk, number in rows.values_list("pk", "number") if ours_in(number) in numbers]
    matched = {}
    for heard in rows.filter(pk__in=named).select_related("remittance__payer"):
        found, _ = found_for(heard.value, heard.remittance.payer)
        if found is not None and (claim := claims.get(found.pk)):
            heard.move_to(RemittanceClaim.Status.MATCHED, by=None, claim=claim, why="")
            matched[heard.remittance_id] = heard.remittance
    for remittance in matched.values():
        remittance.touch()


def serials_of(claims: list[Claim]) -> set[int]:
    rows = Claim.objects.filter(encounter__in={claim.encounter_id for claim in claims})
    return set(rows.values_list("serial", flat=True))


def is_another(value: PaidClaim, payer: Payer | None) -> bool:
    """The payer says to whom it sent the claim (NM1 TT), and that is somebody else."""
    to = value.sent_on_to
    if payer is None or to is None or not (to.id or to.spoken):
        return False
    known = {plain(payer.identifier).upper(), plain(payer.receiver_id).upper(), payer.name.strip().upper()} - {""}
    return not {to.id.strip().upper(), to.spoken.strip().upper()} & known


def what_to_do(heard: Iterable[RemittanceClaim]) -> dict[UUID, str]:
    """Where payers sent claims on, and we know no claim to the next one: what a person does about it, by row."""
    sent_on = {
        one: (one.claim.patient_id, order, one.claim.service_on)
        for one in heard
        if one.claim
        and not one.taken_back_by_id
        and one.value.status in SENT_ON
        and (order := others.NEXT.get(Claim.Order(one.claim.order)))
    }
    if not sent_on:
        return {}
    rows = Claim.objects.standing().filter(previous__in={one.claim_id for one in sent_on}).select_related("payer")
    following, policies = {row.previous_id: row for row in rows}, drafting.policies_at(sent_on.values())
    return {
        one.pk: in_words(one, one.claim, following.get(one.claim_id), policies.get(place))
        for one, place in sent_on.items()
        if one.claim
    }


def in_words(one: RemittanceClaim, claim: Claim, standing: Claim | None, policy: Policy | None) -> str:
    value = one.value
    to = value.sent_on_to.spoken if value.sent_on_to else ""
    if standing is not None:
        if not standing.is_unsent or not is_another(value, standing.payer):
            return ""
        return (
            f"The payer has sent it on to {to or 'somebody else'}, and {standing.number} is to {standing.payer}, which "
            f"does not have it. Send {standing.number}, or withdraw it and correct the policy."
        )
    if policy is None:
        whom = f"to {to}" if to else "to the next insurance"
        return (
            f"The payer has sent it on {whom}, and the patient has no further insurance here. Record the policy at the "
            f"patient, then choose “To the next payer” at {claim.number}, so that the answer finds its claim."
        )
    if is_another(value, policy.payer):
        return f"The payer has sent it on to {to or 'somebody else'}, and the next insurance of the patient is {policy.payer}. Correct the policy, or send it there."
    if one.status != RemittanceClaim.Status.POSTED:
        return f"The payer has sent it on: posting makes the claim to {policy.payer}, which has it already."
    if claim.status in claim.ANSWERED:
        return f"The payer has sent it on to {policy.payer}. Choose “To the next payer” at {claim.number}, so that the answer finds its claim."
    return f"The payer has sent it on to {policy.payer}. The claim to it is made when {claim.number} is answered as a whole."

"""What was not done after all, though it may be on a claim: the work itself is never held up by that.

The claim is told what to do, and the charge is cancelled as soon as no payer is asked for it, or has paid for it.
"""

from __future__ import annotations

from django.db import transaction

from billing.claims import scrubber
from billing.models import Account, Charge, Claim
from billing.money import ZERO
from billing.posting import due_of, give_back
from hospital.models import Person
from hospital.seals import raw


@raw()
@transaction.atomic
def undo(charge: Charge, reason: str, *, by: Person | None) -> None:
    Account.locked(charge.visit)
    claims = list(Claim.objects.standing().filter(current__lines__charge=charge).order_by("serial"))
    charge.undo(reason, by=by)
    for claim in claims:
        tell(claim, f"{charge.text} is not charged after all: {reason}", by=by)


def tell(claim: Claim, words: str, *, by: Person | None, then: str = "leaves it out") -> None:
    """What is ready goes out to nobody as it is. What has gone out is corrected by a person."""
    claim.lock()
    if claim.status in (Claim.Status.SCRUBBED, Claim.Status.READY):
        scrubber.take_back(claim, by=None, why=words)
    else:
        claim.put()
        claim.tell(f"{words} {remedy(claim, then)}".strip(), by=by)


def remedy(claim: Claim, then: str = "leaves it out") -> str:
    if claim.status in claim.WITH_PAYER:
        return "Correct the claim when the payer has answered."
    if claim.status in claim.ANSWERED:
        return f"Correct the claim, which {then}, or make it void."
    return f"Check the claim again, which {then}." if claim.is_unsent else ""


def claimed_in_error(claim: Claim) -> list[Charge]:
    """What the payer was told of, and was not done."""
    if not Claim.objects.undone().filter(pk=claim.pk).exists():
        return []
    return list(Charge.objects.exclude(cancel_reason="").filter(claim_lines__claim_version=claim.current_id))


@raw()
@transaction.atomic
def settle(claim: Claim, *, by: Person | None) -> None:
    """After each step of a claim: what it says no more is not due from the payer, and what is bound no more is cancelled.

    What the payer has paid some of stays due from it until it takes that back: nobody asks the patient meanwhile.
    """
    rows = Charge.objects.undone().filter(claim_lines__claim_version__claim=claim).select_related("visit")
    for charge in rows.order_by("pk").distinct():
        if is_left_out(claim, charge) and not charge.is_settled:
            give_back(claim, {charge.pk: due_of(claim).get(charge.pk, ZERO)}, by=by)
        if not charge.is_bound:
            charge.cancel(charge.cancel_reason, by=charge.cancelled_by)


def is_left_out(claim: Claim, charge: Charge) -> bool:
    """By the version that the payer has now."""
    if claim.current is None or claim.current.submitted_at is None:
        return False
    return claim.status in claim.GONE or not claim.current.lines.filter(charge=charge).exists()

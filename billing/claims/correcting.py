"""A claim that the payer knows is never sent again as new: it is replaced (frequency 7) or made void (8), by the payer's number."""

from __future__ import annotations

from django.db import transaction

from billing.claims.authorised import use_units
from billing.claims.scrubber import another, current_of
from billing.models import Claim, PayerMove
from billing.models.claim import MANAGE
from billing.x12.claim import REPLACEMENT, VOID
from hospital.models import Person
from hospital.workflow import Refused, allow, needs


@transaction.atomic
def correct(claim: Claim, reason: str, *, by: Person | None, payer_number: str = "", void: bool = False) -> None:
    """Another version, which begins with the words of the one before."""
    allow(MANAGE, by)
    why = needs(reason, "Say what was wrong.")
    claim.lock()
    if claim.status not in claim.ANSWERED:
        raise Refused(
            f"{claim.number} is {claim.get_status_display().lower()}. Only what the payer has decided is corrected."
        )
    number = payer_number.strip() or claim.payer_number
    needs(number, "Write the payer's number of the claim: it is in the payer's answer.", field="payer_number")
    version = another(current_of(claim), VOID if void else REPLACEMENT, why)
    claim.go(
        Claim.Status.CORRECTED,
        by=by,
        words=why,
        current=version,
        payer_number=number[:50],
        corrected_from=claim.status,
    )


@transaction.atomic
def give_up(claim: Claim, reason: str, *, by: Person | None) -> None:
    """The correction is not sent. What the payer said before stands again."""
    allow(MANAGE, by)
    why = needs(reason, "Say why it is not corrected.")
    claim.lock()
    if claim.status != Claim.Status.CORRECTED:
        raise Refused(f"{claim.number} is {claim.get_status_display().lower()}. There is no correction to give up.")
    claim.go(claim.corrected_from, by=by, words=why, current=claim.last_taken() or current_of(claim), corrected_from="")
    use_units(claim)


def is_void(claim: Claim) -> bool:
    return claim.current is not None and claim.current.frequency == VOID


@transaction.atomic
def confirm_void(claim: Claim, *, by: Person | None) -> None:
    """The payer has made it void: its charges can be claimed again."""
    allow(MANAGE, by)
    claim.lock()
    if not is_void(claim):
        raise Refused(f"{claim.number} was not sent as void (frequency 8).")
    if claim.moves.sums()[PayerMove.Kind.PAID] > 0:
        raise Refused("The payer has not taken its payment back yet. Post the remittance that does.")
    claim.go(Claim.Status.VOIDED, by=by, words="The payer made it void")

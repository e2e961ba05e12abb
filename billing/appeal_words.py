"""Letters to payers from texts of the house: `{claim}` and the like are replaced, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinical.letters import day, help_on, refuse_others
from hospital.context import current

if TYPE_CHECKING:
    from billing.models.denial import Denial

FIELDS = {
    "claim": "our number of the claim",
    "payer_number": "the payer's number of it",
    "payer": "the name of the payer",
    "address": "where the payer takes letters",
    "patient": "the name of the patient",
    "member": "the patient's number with the payer",
    "service": "the day of the service",
    "amount": "what was refused",
    "reasons": "why, by the payer's codes",
    "denied": "the day of the refusal",
    "level": "the level of the appeal",
    "writer": "whoever writes",
    "hospital": "the name of this house",
    "today": "the day of the letter",
}
HELP = help_on(FIELDS)


def refuse_unknown(text: str) -> None:
    refuse_others(text, FIELDS)


def values_for(denial: Denial, level: str) -> dict[str, str]:
    from clinical import days

    claim = denial.claim
    return {
        "claim": claim.number,
        "payer_number": claim.payer_number or "not known",
        "payer": claim.payer.name,
        "address": claim.payer.address_in_words,
        "patient": claim.patient.name,
        "member": claim.policy.member_number,
        "service": day(claim.service_on),
        "amount": denial.spoken_amount,
        "reasons": "; ".join(f"{one.code}: {one.words}" for one in denial.reasons),
        "denied": day(denial.denied_on),
        "level": level,
        "writer": str(current().person or ""),
        "hospital": current().tenant.name,
        "today": day(days.today()),
    }

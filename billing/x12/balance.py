"""Does the arithmetic of a remittance hold? charge = paid + sum of adjustments, for each line, each claim and the payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing.money import ZERO
from billing.x12.remittance import PaidClaim, PaidLine, Remittance


@dataclass(frozen=True)
class Imbalance:
    """`place` is line, claim or payment, `position` its segment; `difference` is what is left unexplained."""

    place: str
    subject: str
    words: str
    difference: Decimal
    position: int = 0
    blocks: bool = True

    def __str__(self) -> str:
        return f"{self.subject}: {self.words}"


def imbalances(remittance: Remittance) -> tuple[Imbalance, ...]:
    found = [one for claim in remittance.claims for one in of_claim(claim)]
    if remittance.missing:
        told = remittance.claims_paid - remittance.held_back
        words = f"{told + remittance.missing} paid, {told} by its claims and provider adjustments"
        found.append(Imbalance("payment", "The payment", words, remittance.missing))
    return tuple(found)


def of_claim(claim: PaidClaim) -> Iterator[Imbalance]:
    subject = named(claim)
    for number, line in enumerate(claim.lines, 1):
        if line.missing:
            yield Imbalance("line", f"{subject}, line {number}", explained(line), line.missing, line.position)
    if claim.missing:
        yield Imbalance("claim", subject, explained(claim), claim.missing, claim.position)
    yield from oddities(claim)


def named(claim: PaidClaim) -> str:
    return f"Claim {claim.control_number}"


def explained(one: PaidClaim | PaidLine) -> str:
    return f"{one.charge} charged, {one.charge - one.missing} explained"


def oddities(claim: PaidClaim) -> Iterator[Imbalance]:
    """Sums that payers often get wrong, and from which nothing is posted."""
    charged = sum((line.charge for line in claim.lines), ZERO)
    if claim.lines and charged != claim.charge:
        words = f"{claim.charge} charged, {charged} by its lines"
        yield Imbalance("claim", named(claim), words, claim.charge - charged, claim.position, blocks=False)
    owed = claim.patient_owes
    if owed is not None and owed != claim.patient_share:
        words = f"the patient owes {owed}, {claim.patient_share} by the adjustments"
        yield Imbalance("claim", named(claim), words, owed - claim.patient_share, claim.position, blocks=False)

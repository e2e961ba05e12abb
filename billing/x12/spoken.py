"""A transaction in a few lines, for the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from billing.money import ZERO
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.balance import imbalances
from billing.x12.claim import ClaimFile
from billing.x12.contents import Contents
from billing.x12.eligibility import Eligibility, Inquiries
from billing.x12.parties import Party
from billing.x12.remittance import GROUPS, STATUSES, PaidClaim, Remittance, total
from billing.x12.status import StatusReport


@dataclass(frozen=True)
class Told:
    lines: tuple[str, ...]
    balanced: bool = True


def lines_of(contents: Contents) -> Told:
    one = contents.transaction
    head = f"{contents.kind} ({' '.join(filter(None, (one.code, one.version)))}), number {one.control}{', a test' if one.is_test else ''}"
    tells: dict[type, Callable[[Any], Iterator[str]]] = {
        Remittance: of_remittance,
        Acknowledgement: of_acknowledgement,
        StatusReport: of_status,
        Eligibility: of_eligibility,
        ClaimFile: of_claims,
        Inquiries: of_inquiries,
    }
    tell = tells.get(type(contents.meaning))
    said = tuple(tell(contents.meaning)) if tell else ()
    balanced = not isinstance(contents.meaning, Remittance) or not any(
        one.blocks for one in imbalances(contents.meaning)
    )
    return Told((head, *said), balanced)


def named(party: Party | None) -> str:
    if party is None:
        return "nobody"
    return f"{party.spoken or 'without a name'}{f' ({party.id})' if party.id else ''}"


def of_remittance(one: Remittance) -> Iterator[str]:
    yield f"from {named(one.payer)} to {named(one.payee)}"
    yield f"{'debit' if one.is_debit else 'payment'} {one.total} by {one.method or '?'} on {one.day or '?'}, number {one.trace or '?'}"
    yield from map(of_paid_claim, one.claims)
    every = [adjustment for claim in one.claims for adjustment in claim.every_adjustment]
    groups = {group: total(tuple(every), group) for group in dict.fromkeys(adjustment.group for adjustment in every)}
    told = ", ".join(f"{GROUPS.get(group, group)} {amount}" for group, amount in groups.items())
    yield f"{len(one.claims)} claims, paid {one.claims_paid}, adjusted: {told or 'nothing'}, provider adjustments {one.held_back}"
    found = imbalances(one)
    yield from (f"{'out of balance' if out.blocks else 'odd'}: {out}" for out in found)
    if not any(out.blocks for out in found):
        yield "in balance: every line, every claim and the payment"


def of_paid_claim(claim: PaidClaim) -> str:
    what = STATUSES.get(claim.status, f"status {claim.status}")
    return f"claim {claim.control_number}: {what}, charge {claim.charge}, paid {claim.paid}, patient {claim.patient_share}, {len(claim.lines)} lines"


def of_acknowledgement(one: Acknowledgement) -> Iterator[str]:
    yield f"of group {one.group_control} ({one.function}): {one.spoken}"
    for answer in one.sets:
        yield f"transaction {answer.control} ({answer.code}): {'accepted' if answer.is_accepted else 'not accepted'}"
        yield from (f"  {fault.words}" for fault in answer.faults)


def of_status(one: StatusReport) -> Iterator[str]:
    yield f"from {named(one.source)} to {named(one.receiver)}"
    for claim in one.claims:
        words = "; ".join(f"{status.category} {status.words}" for status in claim.statuses)
        yield f"claim {claim.reference}: {words or 'no status'}"
    yield f"{len(one.claims)} claims, {sum(claim.is_rejected for claim in one.claims)} rejected"


def of_eligibility(one: Eligibility) -> Iterator[str]:
    yield from (f"no answer: {refusal.words}" for refusal in one.refusals)
    states = {True: "active", False: "not active", None: "not said whether active"}
    for member in one.members:
        yield f"{named(member.person)} with {named(member.payer)}: {states[member.is_active]}, {len(member.benefits)} benefits"
        yield from (f"no answer: {refusal.words}" for refusal in member.refusals)


def of_claims(one: ClaimFile) -> Iterator[str]:
    yield f"from {named(one.submitter)} to {named(one.receiver)}, {one.day or '?'}, number {one.reference}"
    for claim in one.claims:
        kind = f"frequency {claim.frequency}, " if claim.frequency != "1" else ""
        yield f"claim {claim.number}: {kind}charge {claim.charge}, {len(claim.lines)} lines, to {named(claim.payer)}"
        if claim.charge != claim.charged:
            yield f"  its lines are {claim.charged}"
    yield f"{len(one.claims)} claims, charge {sum((claim.charge for claim in one.claims), ZERO)}"


def of_inquiries(some: Inquiries) -> Iterator[str]:
    payers = Counter(named(one.payer) for one in some.asked)
    yield from (f"{count} to {payer}" for payer, count in payers.items())
    yield from (f"{named(one.dependant or one.subscriber)}: services {', '.join(one.services)}" for one in some.asked)

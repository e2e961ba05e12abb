"""What a payer's word means for each charge of a claim: paid, contractual, left to the patient, or refused. Nothing is booked here.

charge = paid + adjustments, of each line (the balancing of the 835, TR3 1.10.2). What holds, whoever decides how often:

- Only the group PR becomes the patient's; CO never does. PR is the patient's share of the whole line, not more of it: what
  is the patient's already, paid or not, is not asked for again, and what goes beyond PR is taken off. A refusal takes off
  nothing: it speaks of what is due from the payer.
- CO is let go as contractual where the code says that it is and something was granted, and once, though a later decision
  or a later payer says it again; whatever else was refused stays due.
- Nobody is given more than was due: what a payer pays beyond that undoes a write-off, then what the payers before still
  owe, and what is left after that stays on no claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from billing.models.payer_move import PayerMove
from billing.money import ZERO, split
from billing.service_lines import Numbers, pairs
from billing.unclear import Unclear
from billing.x12.codes import Category, reason
from billing.x12.remittance import CONTRACTUAL, PATIENT, Adjustment, PaidClaim, PaidLine, total

if TYPE_CHECKING:
    from billing.models import ClaimLine

Kind = PayerMove.Kind


@dataclass(frozen=True)
class Position:
    """How one charge stands for the payer that speaks. Signed from the patient's side: see billing/standing.py."""

    due: Decimal = ZERO  # from this payer
    own: Decimal = ZERO  # the patient's, as this payer and those before it left it
    patients: Decimal = ZERO  # the patient's now, after all payers
    held: Decimal = ZERO  # of that, what the patient paid or owes: so much can be taken off
    let_go: Decimal = ZERO  # as contractual, by this payer and those before it
    written_off: Decimal = ZERO  # of this claim
    before: tuple[tuple[UUID, Decimal], ...] = ()  # due from the payers before: by claim


@dataclass(frozen=True)
class Share:
    """Of one charge. `rest` is refused, and stays due from the payer; `over` is more than was due from anybody.

    `kept` is refused too, and is the patient's already: paid in advance, or owed. It stays so.
    """

    line: ClaimLine
    due: Decimal
    paid: Decimal = ZERO
    contractual: Decimal = ZERO
    patient: Decimal = ZERO
    over: Decimal = ZERO
    kept: Decimal = ZERO
    restored: Decimal = ZERO  # was written off, and is paid after all
    taken: tuple[tuple[UUID, Decimal], ...] = ()  # was due from the payer before, on that claim
    adjustments: tuple[Adjustment, ...] = field(default=(), repr=False)
    is_granted: bool = False

    @property
    def taken_over(self) -> Decimal:
        return sum((amount for _, amount in self.taken), ZERO)

    @property
    def rest(self) -> Decimal:
        return self.due + self.restored + self.taken_over - self.paid - self.contractual - self.patient

    @property
    def is_nothing(self) -> bool:
        """Nothing is booked for it."""
        return not any((self.paid, self.contractual, self.patient, self.restored, self.taken))

    @property
    def refusals(self) -> tuple[Adjustment, ...]:
        """Why it is not paid. The patient's part says so only of what is the patient's alone."""
        said = tuple(one for one in self.adjustments if one.amount > 0)
        return tuple(one for one in said if one.group != PATIENT) or said

    def moves(self, claim: UUID) -> Iterator[tuple[UUID, str, Decimal]]:
        """All that is booked for it, in this order."""
        for other, amount in self.taken:
            yield other, Kind.CLAIMED, -amount
            yield claim, Kind.CLAIMED, amount
        yield claim, Kind.GIVEN_UP, -self.restored
        yield claim, Kind.TO_PATIENT, self.patient
        yield claim, Kind.PAID, self.paid
        yield claim, Kind.CONTRACT, self.contractual


def shares(claim: PaidClaim, lines: list[Any], positions: dict[UUID, Position], numbers: Numbers) -> list[Share]:
    """`positions` by charge; `numbers`: which charge was sent under which number of a line."""
    return [
        share(one, line, positions.get(line.charge_id, Position()), is_denied=claim.is_denied)
        for line, one in pairs(on_lines(claim), lines, numbers)
    ]


def share(said: PaidLine, line: Any, at: Position, *, is_denied: bool) -> Share:
    paid, owed = said.paid, total(said.adjustments, PATIENT)
    granted = grants(said, is_denied=is_denied)
    patient = more_of(owed, at) if granted else max(more_of(owed, at), ZERO)
    contractual = more_let_go(said, at) if granted else ZERO
    over = paid + contractual + patient - at.due
    contractual, over = less(contractual, over)
    patient, over = less(patient, over)
    restored, taken = max(min(over, at.written_off), ZERO), []
    over -= restored
    for claim, due in at.before:
        if (part := min(over, due)) > 0:
            taken.append((claim, part))
            over -= part
    paid, over = less(paid, over)
    kept = ZERO if granted else max(min(total(said.adjustments), at.held), ZERO)
    return Share(
        line, at.due, paid, contractual, patient, over, kept, restored, tuple(taken), said.adjustments, granted
    )


def grants(line: PaidLine, *, is_denied: bool) -> bool:
    """Something of it, be it as the patient's share."""
    return not is_denied and (line.paid > 0 or total(line.adjustments, PATIENT) > 0)


def more_of(said: Decimal, at: Position) -> Decimal:
    """By how much the patient's share grows, so that it is what PR says; less than nothing where it shrinks.

    What went on to a later payer is not left to the patient anew, and what never came to the patient is not taken off.
    """
    if said >= at.own:
        return said - at.own
    return min(max(said - at.patients, -max(at.held, ZERO)), ZERO)


def less(amount: Decimal, over: Decimal) -> tuple[Decimal, Decimal]:
    """So much less of it as there is too much, and what is too much still."""
    cut = max(min(amount, over), ZERO)
    return amount - cut, max(over - cut, ZERO)


def more_let_go(said: PaidLine, at: Position) -> Decimal:
    whole = contractual_of(said)
    return max(whole - at.let_go, min(whole, ZERO))


def contractual_of(said: PaidLine) -> Decimal:
    return sum((one.amount for one in said.adjustments if is_contractual(one)), ZERO)


def is_contractual(one: Adjustment) -> bool:
    return one.group == CONTRACTUAL and reason(one.reason).category is Category.CONTRACTUAL


def on_lines(claim: PaidClaim) -> list[PaidLine]:
    """The lines, with their part of what the payer adjusted on the whole claim: that lowers what it paid for them."""
    found = list(claim.lines)
    for one in claim.adjustments if found else ():
        parts = split(one.amount, weights_of(one, found))
        found = [with_part(line, one, part) for line, part in zip(found, parts, strict=True)]
    return found or [PaidLine(procedure=None, charge=claim.charge, paid=claim.paid, adjustments=claim.adjustments)]


def weights_of(one: Adjustment, lines: list[PaidLine]) -> list[Decimal]:
    """What was paid for each line, where something was; else what was charged for it."""
    paid = [max(line.paid, ZERO) for line in lines] if one.amount > 0 else []
    weights = paid if sum(paid, ZERO) > 0 else [max(line.charge, ZERO) for line in lines]
    if sum(weights, ZERO) <= 0:
        raise Unclear("It adjusts the whole claim, and says nothing of its lines.")
    return weights


def with_part(line: PaidLine, one: Adjustment, part: Decimal) -> PaidLine:
    return replace(
        line, paid=line.paid - part, adjustments=(*line.adjustments, replace(one, amount=part, quantity=None))
    )

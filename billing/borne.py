"""What a payer says of each charge of a claim that it decided: who bears it, and whether it grants anything of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.money import ZERO
from billing.service_lines import pairs
from billing.shares import grants, is_contractual, on_lines
from billing.unclear import Unclear
from billing.x12.remittance import CONTRACTUAL, PATIENT, PaidLine, total

if TYPE_CHECKING:
    from uuid import UUID

    from billing.models import Claim, RemittanceClaim
    from billing.standing import Books


@dataclass(frozen=True)
class Borne:
    """Who bears what of one charge by the payer's word: we (CO, but not by contract), the patient (PR), or nobody said (PI, OA)."""

    ours: Decimal = ZERO
    patients: Decimal = ZERO
    open: Decimal = ZERO
    is_granted: bool = False

    def __add__(self, other: Borne) -> Borne:
        sums = (self.ours + other.ours, self.patients + other.patients, self.open + other.open)
        return Borne(*sums, self.is_granted or other.is_granted)

    @property
    def is_refused(self) -> bool:
        """All of it."""
        return not self.is_granted and self.ours + self.patients + self.open > 0

    @property
    def is_cut(self) -> bool:
        """Of it, or all of it. What is granted leaves the patient's share (PR) to the patient: that is refused by nobody."""
        return self.is_refused or self.ours + self.open > 0


def said_by(heard: RemittanceClaim, claim: Claim, books: Books) -> dict[UUID, Borne]:
    lines, said = books.lines_of(claim, heard.number), on_lines(heard.value)
    try:
        found = list(pairs(said, lines, books.numbers))
    except Unclear:  # it was, when it was posted; the claim is another one now
        found = [(line, one) for one in said for line in lines]
    sums: dict[UUID, Borne] = defaultdict(Borne)
    for line, one in found:
        sums[line.charge_id] += borne(one, is_denied=heard.value.is_denied)
    return dict(sums)


def borne(line: PaidLine, *, is_denied: bool) -> Borne:
    """What is let go by contract, where something is granted, is refused by nobody."""
    granted = grants(line, is_denied=is_denied)
    refused = tuple(one for one in line.adjustments if one.amount > 0 and not (granted and is_contractual(one)))
    ours, patients = total(refused, CONTRACTUAL), total(refused, PATIENT)
    return Borne(ours, patients, total(refused) - ours - patients, granted)

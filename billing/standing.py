"""How the charges of some claims stand between patient and payers: as it is, and as it will be after what is planned.

Of each charge, over all payers: amount = the patient's + what payers were asked for and have not left to the patient. What
the patient's part is made of (paid, let off, owed) only the patient's side changes; a payer's word moves the border.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from billing.borne import said_by
from billing.models import Allocation, Claim, ClaimLine, Denial, Discount, PayerMove, PayerRefund, RemittanceClaim
from billing.models.payer_move import ENDS
from billing.money import ZERO
from billing.service_lines import Numbers
from billing.shares import Position

if TYPE_CHECKING:
    from billing.posting import Plan

Kind = PayerMove.Kind
RANK = {str(Claim.Order.PRIMARY): 0, str(Claim.Order.SECONDARY): 1, str(Claim.Order.TERTIARY): 2}


class Books:
    """What is booked and sent of the claims that a remittance speaks of. Read once, in as many questions for one as for all."""

    def __init__(self, heard: Iterable[RemittanceClaim], *, said_by_a_person: Collection[UUID] = ()) -> None:
        self.said_by_a_person = said_by_a_person
        self.claims = {one.claim_id: one.claim for one in heard if one.claim}
        sent = ClaimLine.objects.filter(
            claim_version__claim__encounter__in={c.encounter_id for c in self.claims.values()}
        )
        self.lines = list(sent.select_related("charge__visit", "claim_version__claim").order_by("position"))
        self.charges = {line.charge_id: line.charge for line in self.lines}

    @cached_property
    def allocated(self) -> dict[UUID, Decimal]:
        return self._sums(Allocation)

    @cached_property
    def let_off(self) -> dict[UUID, Decimal]:
        return self._sums(Discount)

    def _sums(self, model: Any) -> dict[UUID, Decimal]:
        rows = model.objects.filter(charge__in=self.charges).order_by().values_list("charge")
        return dict(rows.annotate(models.Sum("amount")))

    @cached_property
    def moves(self) -> list[tuple[UUID, UUID, str, str, Decimal]]:
        rows = PayerMove.objects.filter(charge__in=self.charges).order_by()
        return list(rows.values_list("charge", "claim", "claim__order", "kind").annotate(models.Sum("amount")))

    @cached_property
    def numbers(self) -> Numbers:
        """A claim that one payer sends on to the next keeps the numbers of the first one's lines."""
        return Numbers(self.lines)

    @cached_property
    def decided(self) -> dict[UUID | None, list[RemittanceClaim]]:
        """What was posted of each claim and is in force, the newest first, with its moves."""
        rows = RemittanceClaim.objects.in_force().filter(claim__in=self.claims).exclude(said="22")
        found: dict[UUID | None, list[RemittanceClaim]] = defaultdict(list)
        for row in rows.order_by("-remittance__posted_at", "-place").prefetch_related("moves"):
            found[row.claim_id].append(row)
        return found

    @cached_property
    def disputed(self) -> set[UUID]:
        """Claims of which a refusal is worked on."""
        return set(Denial.objects.open().filter(claim__in=self.claims).values_list("claim", flat=True))

    @cached_property
    def sent_back(self) -> dict[UUID, Decimal]:
        """What goes back to the payer of what it paid too much, by the decision that paid it."""
        return PayerRefund.objects.filter(heard__claim__in=self.claims).by_heard()

    def lines_of(self, claim: Claim, number: str) -> list[ClaimLine]:
        """Of the version that the payer names; else of the one that was sent last."""
        ours = [line for line in self.lines if line.claim_version.claim_id == claim.pk]
        versions = {line.claim_version.control_number: line.claim_version for line in ours}
        sent = [one for one in versions.values() if one.submitted_at]
        last = max(sent, key=lambda one: one.number).pk if sent else claim.current_id
        named = versions.get(number.strip().upper())
        return [line for line in ours if line.claim_version_id == (named.pk if named else last)]

    def any_line(self, claim: Claim) -> dict[UUID, ClaimLine]:
        return {line.charge_id: line for line in self.lines if line.claim_version.claim_id == claim.pk}


class Standing:
    """The books with the plans so far."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.states: dict[UUID, str] = {}
        self.taken_back: set[UUID] = set()
        self.taken_twice: set[UUID] = set()
        self.touched: dict[UUID, set[UUID]] = defaultdict(set)
        self._refused: dict[UUID, dict[UUID, bool]] = defaultdict(dict)
        self._moved: dict[UUID, dict[tuple[UUID, str], Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        self._rank = {pk: RANK[claim.order] for pk, claim in books.claims.items()}
        for charge, claim, order, kind, amount in books.moves:
            self._moved[charge][claim, kind] += amount
            self._rank[claim] = RANK[order]

    def status(self, claim: Claim) -> str:
        return self.states.get(claim.pk, claim.status)

    def position(self, claim: Claim, charge: UUID) -> Position:
        if self.books.charges[charge].cancelled_at:
            return Position()  # nobody owes it: what is paid of it is too much
        rank = self._rank[claim.pk]
        return Position(
            due=self.due(claim.pk, charge),
            own=self._patients(charge, rank),
            patients=self._patients(charge),
            held=self._held(charge),
            let_go=self._sum(charge, (Kind.CONTRACT,), rank),
            written_off=self._moved[charge][claim.pk, Kind.GIVEN_UP],
            before=tuple(self._before(charge, rank)),
        )

    def due(self, claim: UUID, charge: UUID) -> Decimal:
        moved = self._moved[charge]
        return moved[claim, Kind.CLAIMED] - sum((moved[claim, kind] for kind in ENDS), ZERO)

    def to_be_answered(self, claim: Claim) -> set[UUID]:
        """What is due from the payer. Not what was not done, and the claim says no more: it is let go as soon as it can be."""
        sent = {line.charge_id for line in self.books.lines_of(claim, "")}
        due = {charge for charge in self.books.any_line(claim) if self.due(claim.pk, charge) > 0}
        return {charge for charge in due if charge in sent or not self._is_let_go(charge)}

    def refused_in_advance(self, claim: Claim) -> set[UUID]:
        """Of a refusal that is worked on, or new in this file: what the patient has paid or owes, by the newest word of each charge."""
        found: dict[UUID, bool] = dict(self._refused[claim.pk])
        for heard in self.books.decided[claim.pk] if claim.pk in self.books.disputed else ():
            if heard.pk not in self.taken_back and heard.is_decision:
                said = {charge: one.is_refused for charge, one in said_by(heard, claim, self.books).items()}
                found = {**said, **found}
        return {one for one, refused in found.items() if refused and self._held(one) > 0 >= self.due(claim.pk, one)}

    def _is_let_go(self, charge: UUID) -> bool:
        return bool(self.books.charges[charge].cancel_reason) and not self._sum(charge, (Kind.PAID, Kind.CONTRACT))

    def paid(self, claim: Claim) -> Decimal:
        return sum((self._moved[charge][claim.pk, Kind.PAID] for charge in self.books.any_line(claim)), ZERO)

    def take(self, plan: Plan) -> Plan:
        if plan.claim is None or plan.problem:
            return plan
        for one in plan.shares:
            self.touched[one.line.charge_id].add(plan.claim.pk)
            self._refused[plan.claim.pk][one.line.charge_id] = one.kept > 0
            for claim, kind, amount in one.moves(plan.claim.pk):
                self._moved[one.line.charge_id][claim, kind] += amount
        if plan.becomes:
            self.states[plan.claim.pk] = plan.becomes
        if plan.taken_back:
            self.taken_back.add(plan.taken_back.pk)
        return plan

    def overdrawn(self) -> set[UUID]:
        """Claims after whose plans somebody would owe less than nothing: what the database refuses at COMMIT."""
        return {claim for charge, claims in self.touched.items() if self._is_overdrawn(charge) for claim in claims}

    def _is_overdrawn(self, charge: UUID) -> bool:
        dues = [self.due(claim, charge) for claim in self.touched[charge]]
        sums = [self._sum(charge, (kind,)) for kind in (Kind.CLAIMED, Kind.PAID, Kind.GIVEN_UP)]
        due = sums[0] - self._sum(charge, ENDS)
        return min([*dues, *sums, due, self._held(charge)]) < 0

    def _patients(self, charge: UUID, rank: int = 2) -> Decimal:
        """What is not asked of payers up to this one, or was left to the patient by them."""
        claimed, left = self._sum(charge, (Kind.CLAIMED,), rank), self._sum(charge, (Kind.TO_PATIENT,), rank)
        return self.books.charges[charge].amount - claimed + left

    def _held(self, charge: UUID) -> Decimal:
        """What the patient paid or owes of it. Of what was waived, only what is not paid: the rest stays as it is."""
        row, allocated = self.books.charges[charge], self.books.allocated.get(charge, ZERO)
        let_off = self.books.let_off.get(charge, ZERO)
        return self._patients(charge) - let_off - (allocated if row.waived_at else ZERO)

    def _before(self, charge: UUID, rank: int) -> Iterator[tuple[UUID, Decimal]]:
        earlier = {claim for claim, _ in self._moved[charge] if self._rank[claim] < rank}
        for claim in sorted(earlier, key=lambda one: -self._rank[one]):
            if (due := self.due(claim, charge)) > 0:
                yield claim, due

    def _sum(self, charge: UUID, kinds: tuple[str, ...], rank: int = 2) -> Decimal:
        rows = list(self._moved[charge].items())
        return sum((sum_ for (claim, kind), sum_ in rows if kind in kinds and self._rank[claim] <= rank), ZERO)

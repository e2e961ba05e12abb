"""Denials arise from what is posted, and end with it. Nothing here writes anything off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.appeal_catalogue import install
from billing.models import Appeal, AppealLetter, Claim, Denial, PayerMove
from billing.models.denial import deadline_after
from billing.money import ZERO
from billing.posting import FORECAST, NOT_OURS, PENDED
from billing.service_lines import pairs
from billing.shares import is_contractual, on_lines
from billing.standing import Books, Standing
from billing.unclear import Unclear
from billing.x12.codes import Category, reason
from billing.x12.remittance import CONTRACTUAL, PATIENT, PaidLine, total
from clinical import days

if TYPE_CHECKING:
    from uuid import UUID

    from billing.models import RemittanceClaim
    from billing.posting import Plan


def denials_follow(plan: Plan, claim: Claim) -> None:
    standing = Denial.objects.open().filter(claim=claim).first()
    if plan.taken_back is not None:
        take_back(plan)
    elif standing is not None:
        again(standing, plan)
    elif plan.refused > 0 and plan.becomes in (Claim.Status.DENIED, Claim.Status.PARTIALLY_PAID):
        begin(plan, claim)


def begin(plan: Plan, claim: Claim) -> Denial:
    codes = codes_of(plan)
    denial = Denial(
        claim=claim,
        heard=plan.heard,
        amount=plan.refused,
        codes=codes,
        category=category_of(codes),
        denied_on=decided_on(plan),
    )
    denial.deadline = deadline_after(denial, denial.denied_on)
    denial.start(by=None)
    if not AppealLetter.objects.exists():
        install()
    return denial


def decided_on(plan: Plan) -> date:
    return min(plan.heard.remittance.paid_on or days.today(), days.today())


@dataclass(frozen=True)
class Borne:
    """Who bears what of one charge by the payer's word: we (CO, but not by contract), the patient (PR), or nobody said (PI, OA)."""

    ours: Decimal = ZERO
    patients: Decimal = ZERO
    open: Decimal = ZERO

    def __add__(self, other: Borne) -> Borne:
        return Borne(self.ours + other.ours, self.patients + other.patients, self.open + other.open)


def parts_of(denial: Denial) -> Iterator[tuple[UUID, Decimal, Decimal]]:
    """Of each charge of which something is refused and due: what we bear, and what the patient could owe besides what it does.

    Of what was not done, or the payer has not spoken of, neither: it stays with the payer.
    """
    books, claim = Books([denial.heard]), denial.claim
    standing = Standing(books)
    for charge, said in newest_words(claim, books).items():
        if books.charges[charge].cancel_reason or (due := standing.due(claim.pk, charge)) <= 0:
            continue
        at = standing.position(claim, charge)
        ours = min(max(said.ours - at.written_off, ZERO), due)
        more = said.open + max(said.patients - at.own, ZERO)
        yield charge, ours, min(more, due - ours)


def newest_words(claim: Claim, books: Books) -> dict[UUID, Borne]:
    found: dict[UUID, Borne] = {}
    for heard in books.decided[claim.pk]:
        if heard.said not in (PENDED, NOT_OURS, FORECAST):
            found = {**said_by(heard, claim, books), **found}
    return found


def is_borne_by_us(denial: Denial) -> bool:
    """The payer says of some of it that the patient does not owe it (CO)."""
    words = newest_words(denial.claim, Books([denial.heard]))
    return any(said.ours > 0 for said in words.values())


def said_by(heard: RemittanceClaim, claim: Claim, books: Books) -> dict[UUID, Borne]:
    lines, said = books.lines_of(claim, heard.number), on_lines(heard.value)
    try:
        found = list(pairs(said, lines, books.numbers))
    except Unclear:  # it was, when it was posted; the claim is another one now
        found = [(line, one) for one in said for line in lines]
    sums: dict[UUID, Borne] = defaultdict(Borne)
    for line, one in found:
        sums[line.charge_id] += borne(one, heard.value.is_denied)
    return dict(sums)


def borne(line: PaidLine, is_denied: bool) -> Borne:
    """What is let go by contract, where something is granted, is refused by nobody."""
    granted = not is_denied and (line.paid > 0 or total(line.adjustments, PATIENT) > 0)
    refused = [one for one in line.adjustments if one.amount > 0 and not (granted and is_contractual(one))]
    ours, patients = total(tuple(refused), CONTRACTUAL), total(tuple(refused), PATIENT)
    return Borne(ours, patients, total(tuple(refused)) - ours - patients)


def codes_of(plan: Plan) -> list[str]:
    """Of what was refused, the greatest amount first; then the remarks."""
    of_it = [one for one in plan.shares if one.rest > 0] or [one for one in plan.shares if one.kept > 0]
    refused = [one for share in of_it for one in share.refusals]
    refused.sort(key=lambda one: -one.amount)
    remarks = [*plan.heard.value.remarks, *(code for line in plan.heard.value.lines for code in line.remarks)]
    return list(dict.fromkeys([*(one.reason[:8] for one in refused), *(code[:8] for code in remarks)]))[:12]


def category_of(codes: list[str]) -> str:
    """The first that says what kind of work it is."""
    found = [reason(code).category for code in codes]
    telling = [one for one in found if one not in (Category.CONTRACTUAL, Category.OTHER)]
    return str((telling or found or [Category.OTHER])[0])


def again(denial: Denial, plan: Plan) -> None:
    """The payer decided anew about what it had refused."""
    if plan.becomes not in (Claim.Status.PAID, Claim.Status.PARTIALLY_PAID, Claim.Status.DENIED):
        return
    recovered = min(denial.recovered + max(plan.paid, ZERO), denial.amount)
    if plan.refused > 0:
        refused_again(denial, plan, recovered)
    elif denial.rest > 0:  # of what it said nothing of
        denial.put(recovered=recovered)
    else:
        answer(denial, Appeal.Outcome.WON, days.today())
        denial.close(Denial.Status.RECOVERED, recovered=recovered)


def refused_again(denial: Denial, plan: Plan, recovered: Decimal) -> None:
    """The newest refusal is what is worked on. Of its amount, the first one counts: so much was to be recovered."""
    on, codes = decided_on(plan), codes_of(plan)
    answer(denial, Appeal.Outcome.LOST, on)
    if denial.status == Denial.Status.APPEALED:
        denial.move_to(Denial.Status.TO_DO, by=None)
    denial.put(
        heard=plan.heard,
        codes=codes,
        category=category_of(codes),
        denied_on=on,
        deadline=deadline_after(denial, on),
        recovered=recovered,
    )


def answer(denial: Denial, outcome: str, on: date) -> None:
    for appeal in denial.appeals.filter(outcome=Appeal.Outcome.WAITING):
        appeal.outcome, appeal.decided_on, appeal.note = outcome, on, "By remittance"
        appeal.save(update_fields=["outcome", "decided_on", "note"])


def take_back(plan: Plan) -> None:
    for denial in Denial.objects.open().filter(heard=plan.taken_back):
        denial.close(Denial.Status.TAKEN_BACK)


def denials_before_follow(plan: Plan) -> None:
    """What a payer before had refused, and this one has paid, is refused no more, until this one takes it back."""
    taken: dict[UUID, Decimal] = defaultdict(Decimal)
    for share in plan.shares:
        for claim, amount in share.taken:
            taken[claim] += amount
    for pk, amount in taken.items():
        if (denial := denial_before(pk, is_taken_back=amount < 0)) is not None:
            paid_by_another(denial, amount)


def denial_before(claim: UUID, *, is_taken_back: bool) -> Denial | None:
    """One that is closed is opened again only by what is taken back."""
    rows = Denial.objects.filter(claim=claim).select_related("claim")
    found = rows.open().first()
    if found is None and is_taken_back:
        found = rows.filter(status=Denial.Status.RECOVERED).order_by("-closed_at").first()
    return found


def paid_by_another(denial: Denial, amount: Decimal) -> None:
    recovered = max(min(denial.recovered + amount, denial.amount), ZERO)
    if not denial.is_open and denial.rest:
        denial.move_to(Denial.Status.TO_DO, by=None, recovered=recovered, closed_at=None)
        no_more_paid(denial.claim)
    elif denial.is_open and denial.rest:
        denial.put(recovered=recovered)
    elif denial.is_open:
        denial.close(Denial.Status.RECOVERED, recovered=recovered)


def no_more_paid(claim: Claim) -> None:
    """It was called paid while another payer had paid what is due again now."""
    claim.lock()
    if claim.status == Claim.Status.PAID:
        paid = claim.moves.sums()[PayerMove.Kind.PAID] > 0
        status = Claim.Status.PARTIALLY_PAID if paid else Claim.Status.DENIED
        claim.go(status, by=None, words="Due again: another payer had paid it, and took that back.")

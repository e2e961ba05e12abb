"""Denials arise from what is posted, and end with it. Nothing here writes anything off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.appeal_catalogue import install
from billing.borne import Borne, said_by
from billing.models import Appeal, AppealLetter, Claim, Denial, PayerMove
from billing.models.denial import deadline_after
from billing.money import ZERO
from billing.standing import Books, Standing
from billing.x12.codes import Category, reason
from clinical import days

if TYPE_CHECKING:
    from uuid import UUID

    from billing.posting import Plan
    from billing.shares import Share


def denials_follow(plan: Plan, claim: Claim) -> None:
    denial = Denial.objects.open().filter(claim=claim).select_related("heard").first()
    if plan.taken_back is not None:
        take_back(plan)
    elif denial is not None:
        again(denial, plan, claim)
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
        if heard.is_decision:
            found = {**said_by(heard, claim, books), **found}
    return found


def is_borne_by_us(denial: Denial) -> bool:
    """The payer says of some of it that the patient does not owe it (CO)."""
    words = newest_words(denial.claim, Books([denial.heard]))
    return any(said.ours > 0 for said in words.values())


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


def again(denial: Denial, plan: Plan, claim: Claim) -> None:
    """The payer decided anew, about what it had refused or about something else of the claim."""
    if plan.becomes in ("", Claim.Status.PENDED):
        return
    books = Books([plan.heard])
    refused = {charge for charge, said in said_by(denial.heard, claim, books).items() if said.is_cut}
    of_it = [one for one in plan.shares if one.line.charge_id in refused]
    recovered = min(denial.recovered + gained(denial, of_it), denial.amount)
    if plan.refused > 0:
        refused_again(denial, plan, recovered)
    elif denial.rest > 0 or Standing(books).refused_in_advance(claim) or (of_it and not is_granted(of_it)):
        denial.put(recovered=recovered)
    else:
        if of_it:
            answer(denial, Appeal.Outcome.WON, days.today())
        denial.close(Denial.Status.RECOVERED, recovered=recovered)


def is_granted(shares: list[Share]) -> bool:
    return any(one.is_granted for one in shares)


def gained(denial: Denial, of_it: list[Share]) -> Decimal:
    """What is paid of what was refused; of a decision that takes the place of the refusal, what it pays more than that did."""
    former = denial.heard.moves.filter(kind=PayerMove.Kind.PAID, charge__in=[one.line.charge_id for one in of_it])
    before = sum((one.amount for one in former), ZERO) if denial.heard.taken_back_by_id else ZERO
    return max(sum((one.paid for one in of_it), ZERO) - before, ZERO)


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
    """One that was appealed waits: a payer that changes its mind reverses its decision, and says the new one (TR3 1.10.2.8)."""
    for denial in Denial.objects.open().filter(heard=plan.taken_back, appeals=None):
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

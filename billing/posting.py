"""From what a payer says to what is booked: one plan, which the preview shows and the posting carries out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models, transaction

from billing.models import Account, PayerMove
from billing.models.claim import Claim
from billing.models.payer_move import ENDS
from billing.money import ZERO
from billing.overpaid import is_acknowledged
from billing.shares import Share, shares
from billing.standing import RANK, Books, Standing
from billing.unclear import Unclear
from billing.x12.remittance import FORECAST, NOT_OURS, PENDED
from hospital.seals import raw

if TYPE_CHECKING:
    from uuid import UUID

    from billing.models import Charge, ClaimLine, RemittanceClaim
    from hospital.models import Person

Kind = PayerMove.Kind
Status = Claim.Status
# In which place the payer decided (CLP02), also where it sent the claim on.
PLACE_OF = {"1": 0, "19": 0, "2": 1, "20": 1, "3": 2, "21": 2}
UNDECIDED = (Status.SUBMITTED, Status.ACCEPTED, Status.IN_PROCESS, Status.PENDED)
SETTLED = (Status.PAID, Status.TRANSFERRED, Status.WRITTEN_OFF)
OVERDRAWN = "It would leave less than nothing due."
TAKEN_TWICE = (
    "What it takes back was sent back to the payer: ask the payer. If it means another payment, match it by hand."
)
REVERSAL_FIRST = "Match its reversal first."
GONE_ON = "What was left to the patient has gone to another payer, or was let off. Take that back first."


@dataclass
class Plan:
    """What one claim of a remittance will do, or why it can do nothing."""

    heard: RemittanceClaim
    claim: Claim | None = None
    shares: list[Share] = field(default_factory=list)
    taken_back: RemittanceClaim | None = None
    becomes: str = ""
    problem: str = ""
    refuses_beside: bool = False  # of what the patient had paid, beside what it pays

    @property
    def paid(self) -> Decimal:
        return sum((one.paid for one in self.shares), ZERO)

    @property
    def contractual(self) -> Decimal:
        return sum((one.contractual for one in self.shares), ZERO)

    @property
    def patient(self) -> Decimal:
        return sum((one.patient for one in self.shares), ZERO)

    @property
    def rest(self) -> Decimal:
        """Refused: due from the payer still."""
        return ZERO if self.taken_back else sum((one.rest for one in self.shares), ZERO)

    @property
    def refused(self) -> Decimal:
        """What a denial is of: what is due still; where nothing is, what the payer could pay instead of the patient."""
        if self.rest <= 0 and (self.becomes == Status.DENIED or self.refuses_beside):
            return self.kept
        return max(self.rest, ZERO)

    @property
    def kept(self) -> Decimal:
        """Refused, of what the patient had paid already, or owes."""
        return sum((one.kept for one in self.shares), ZERO)

    @property
    def over(self) -> Decimal:
        return self.heard.paid - self.paid if self.claim and not self.problem else ZERO

    @property
    def label(self) -> str:
        return str(dict(Status.choices).get(self.becomes, ""))


def due_of(claim: Claim) -> dict[UUID, Decimal]:
    """What is due from the payer of a claim, charge by charge."""
    found: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    rows = PayerMove.objects.filter(claim=claim).order_by().values_list("charge", "kind")
    for charge, kind, amount in rows.annotate(models.Sum("amount")):
        found[charge] += -amount if kind in ENDS else amount
    return dict(found)


# --- plans ---------------------------------------------------------------------------------------


@raw()
def plans(heard: Iterable[RemittanceClaim], *, said_by_a_person: Collection[UUID] = ()) -> list[Plan]:
    """In the order of the file: what one takes back, the next can pay again.

    What does not fit at the end, such as a reversal of what went on to another payer, waits with all that the same file
    says of its claim, and holds up nothing else.
    """
    rows = list(heard)
    books = Books(rows, said_by_a_person=said_by_a_person)
    waiting: dict[UUID, str] = {}
    while True:
        standing = Standing(books)
        found = [standing.take(plan_of(one, standing, waiting)) for one in rows]
        more = (standing.overdrawn() | standing.taken_twice) - set(waiting)
        if not more:
            return found
        reversed_ = {plan.claim.pk: GONE_ON for plan in found if plan.claim and plan.taken_back}
        why = reversed_ | dict.fromkeys(standing.taken_twice, REVERSAL_FIRST)
        waiting |= {claim: why.get(claim, OVERDRAWN) for claim in more}


def plan_of(heard: RemittanceClaim, standing: Standing, waiting: dict[UUID, str]) -> Plan:
    claim = heard.claim
    if claim is None:
        return Plan(heard, problem=heard.why or "It is matched with no claim of ours.")
    try:
        decide = reversal if heard.value.is_reversal else decision
        plan = with_step(decide(heard, claim, standing), claim, standing)
        return replace(plan, problem=waiting.get(claim.pk, ""))
    except Unclear as unclear:
        return Plan(heard, claim, problem=str(unclear))
    except (ValueError, ArithmeticError):
        return Plan(heard, claim, problem="It has values from which nothing can be reckoned.")


def decision(heard: RemittanceClaim, claim: Claim, standing: Standing) -> Plan:
    refuse_anothers(heard, claim, standing)
    if heard.said in (NOT_OURS, FORECAST):
        return Plan(heard, claim)
    if heard.said == PENDED:
        return Plan(heard, claim, becomes=Status.PENDED)
    lines = standing.books.lines_of(claim, heard.number)
    positions = {line.charge_id: standing.position(claim, line.charge_id) for line in lines}
    plan = Plan(heard, claim, shares(heard.value, lines, positions, standing.books.numbers))
    plan.becomes = outcome(plan, claim, standing)
    return plan


def refuse_anothers(heard: RemittanceClaim, claim: Claim, standing: Standing) -> None:
    """CLP02 says in which place the payer decided. Of a claim that was sent on, the next payer's word names the first's."""
    waited_for = is_as_earlier(heard.said, claim) or standing.status(claim) in UNDECIDED
    asked = heard.remittance.payer_id == claim.payer_id and waited_for
    if PLACE_OF.get(heard.said, RANK[claim.order]) != RANK[claim.order] and not asked:
        raise Unclear(
            f"It is the decision of another payer than {claim.number} was sent to. Send the claim to that payer, then match it."
        )


def is_as_earlier(said: str, claim: Claim) -> bool:
    """Claims are sent on to later payers alone: who decides in an earlier place decides what it was sent itself."""
    return PLACE_OF.get(said, RANK[claim.order]) < RANK[claim.order]


def outcome(plan: Plan, claim: Claim, standing: Standing) -> str:
    """A line of which nothing is said is not paid: the payer may speak of it in another part, or another time.

    What is refused is a denial also where the patient had paid it, and whatever CLP02 says: 4 is for a patient who is not
    known, and the others are used although nothing is paid (TR3 005010X221, CLP02; X12 RFI 1423).
    """
    granted = plan.paid or any(one.patient > 0 for one in plan.shares)
    denied, paid = plan.heard.value.is_denied, plan.paid + standing.paid(claim)
    refused = Status.PARTIALLY_PAID if paid or (granted and not denied) else Status.DENIED
    if plan.rest:
        return refused
    now, spoken_of = standing.status(claim), {one.line.charge_id for one in plan.shares}
    if now in SETTLED and all(one.is_nothing for one in plan.shares):
        return now  # what is the patient's is so already, or a person has settled it
    plan.refuses_beside = bool(plan.kept) and now not in SETTLED
    if plan.refuses_beside:
        return refused
    if standing.to_be_answered(claim) - spoken_of:
        return Status.IN_PROCESS if now in UNDECIDED else Status.PARTIALLY_PAID
    if now not in SETTLED and standing.refused_in_advance(claim) - spoken_of:
        return refused
    return Status.DENIED if denied and not granted and not paid else Status.PAID


def reversal(heard: RemittanceClaim, claim: Claim, standing: Standing) -> Plan:
    """Exactly what was posted goes back: every move of the decision that the payer takes back (TR3 1.10.2.8).

    Not of a charge that is cancelled meanwhile: it was bound no more, and is nobody's.
    """
    posted = [
        one for one in standing.books.decided[claim.pk] if one.paid == -heard.paid and one.pk not in standing.taken_back
    ]
    alike = [one for one in posted if (one.charge, one.payer_number) == (-heard.charge, heard.payer_number)]
    former = next(iter(not_sent_back(heard, alike or posted, claim, standing)), None)
    if former is None:
        raise Unclear("It takes back what was not posted here.")
    lines = standing.books.any_line(claim)
    moved = {charge: moves for charge, moves in moved_by(former).items() if not lines[charge].charge.cancelled_at}
    shares = [back(lines[charge], moves, claim) for charge, moves in moved.items()]
    others = [one for one in standing.books.decided[claim.pk] if one != former and one.pk not in standing.taken_back]
    stands = others and not shares  # it was paid too much, and had decided nothing: the claim is as the others left it
    return Plan(heard, claim, shares, former, "" if stands else Status.IN_PROCESS)


def not_sent_back(
    heard: RemittanceClaim, posted: list[RemittanceClaim], claim: Claim, standing: Standing
) -> list[RemittanceClaim]:
    """Nothing goes back twice: by cheque, and by a reversal, unless that only books the cheque.

    A person can say that the payer means another payment.
    """
    sent_back = standing.books.sent_back
    if known := [one for one in posted if one.pk in sent_back and is_acknowledged(heard, one)]:
        return known
    left = [one for one in posted if one.pk not in sent_back]
    if len(left) == len(posted) or (left and heard.pk in standing.books.said_by_a_person):
        return left
    standing.taken_twice.add(claim.pk)
    raise Unclear(TAKEN_TWICE)


def moved_by(heard: RemittanceClaim) -> dict[UUID, list[PayerMove]]:
    found: dict[UUID, list[PayerMove]] = defaultdict(list)
    for move in heard.moves.all():
        found[move.charge_id].append(move)
    return found


def back(line: ClaimLine, moves: list[PayerMove], claim: Claim) -> Share:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for move in moves:
        sums[move.kind] += move.amount
    taken = tuple((one.claim_id, one.amount) for one in moves if one.claim_id != claim.pk)
    paid, contractual, patient = -sums[Kind.PAID], -sums[Kind.CONTRACT], -sums[Kind.TO_PATIENT]
    return Share(line, ZERO, paid, contractual, patient, restored=sums[Kind.GIVEN_UP], taken=taken)


def with_step(plan: Plan, claim: Claim, standing: Standing) -> Plan:
    """The claim has to be where this can happen."""
    now = standing.status(claim)
    if now == Status.CORRECTED:
        raise Unclear(f"{claim.number} is being corrected. Send the correction or give it up, then match this.")
    if plan.becomes in ("", now) or plan.becomes in claim.MOVES.get(now, {}):
        return plan
    label = str(dict(Status.choices)[now]).lower()
    raise Unclear(f"{claim.number} is {label}: nothing can be posted on it.")


# --- moves ---------------------------------------------------------------------------------------


def carry_out(plan: Plan, *, by: Person | None) -> None:
    """Book what the plan says. The caller holds the visit, and settles its account when all of the file is booked."""
    if plan.claim is None:
        return
    for one in plan.shares:
        charge = one.line.charge
        for claim, kind, amount in one.moves(plan.claim.pk):
            said = "Paid after all" if amount < 0 else "Taken back by the payer"
            why = f"{said}: {plan.heard.remittance}"[:200] if kind == Kind.GIVEN_UP else ""
            PayerMove.book(charge, kind, amount, claim_id=claim, heard=plan.heard, reason=why, by=by)


def settle(account: Account) -> None:
    """What a patient paid and owes no more is the patient's credit: as much as is not owed anyhow, and no more."""
    for charge in account.charges:
        if charge.rest < 0 and not charge.waived_at:
            account.release(charge, -charge.rest)
    account.settle()


@raw()
@transaction.atomic
def move_to_payer(claim: Claim, *, by: Person | None) -> Decimal:
    """When a claim goes out: what is due from the patient for its charges is due from the payer now."""
    account = Account.locked(claim.visit)
    due, lines = due_of(claim), list(claim.current.lines.select_related("charge__visit")) if claim.current else []
    for line in lines:
        more = min(account.rest_of(line.charge), line.amount - claimed_of(claim, line.charge_id))
        PayerMove.book(line.charge, Kind.CLAIMED, max(more, ZERO), claim=claim, by=by)
    dropped = charges_of(due).exclude(pk__in=[line.charge_id for line in lines])
    asked = dropped.filter(cancel_reason="").values_list("pk", flat=True)  # the others: billing/claims/undone.py
    give_back(claim, {charge: due[charge] for charge in asked}, by=by)
    account.settle()
    return sum(due_of(claim).values(), ZERO)


def claimed_of(claim: Claim, charge: UUID) -> Decimal:
    return PayerMove.objects.filter(claim=claim, charge=charge).claimed()


@raw()
@transaction.atomic
def take_back(claim: Claim, *, by: Person | None) -> None:
    """Rejected, withdrawn or void: what the payer was asked for, and has not settled, is the patient's account again."""
    account = Account.locked(claim.visit)
    give_back(claim, due_of(claim), by=by)
    account.settle()


def give_back(claim: Claim, due: dict[UUID, Decimal], *, by: Person | None) -> None:
    for charge in charges_of(due):
        PayerMove.book(charge, Kind.CLAIMED, -due[charge.pk], claim=claim, by=by)


@raw()
@transaction.atomic
def move_rest(
    claim: Claim, kind: str, reason: str, *, by: Person | None, of: Mapping[UUID, Decimal] | None = None
) -> Decimal:
    """A person decided what becomes of what the payer of this claim has not settled: of so much by charge, or of all. Says how much it was."""
    account, due = Account.locked(claim.visit), due_of(claim)
    if of is not None:
        due = {charge: min(amount, of[charge]) for charge, amount in due.items() if charge in of}
    for charge in charges_of(due):
        PayerMove.book(charge, kind, due[charge.pk], claim=claim, by=by, reason=reason)
    account.settle()
    return sum(due.values(), ZERO)


def charges_of(due: dict[UUID, Decimal]) -> models.QuerySet[Charge]:
    from billing.models import Charge

    return Charge.objects.filter(pk__in=due).select_related("visit").order_by("pk")

"""A remittance on its way: taken in, matched with our claims, posted once, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from billing.claims import forwarding
from billing.denying import denials_before_follow, denials_follow
from billing.models import (
    Account,
    Book,
    Claim,
    JournalEntry,
    PayerFile,
    Remittance,
    RemittanceClaim,
)
from billing.models.claim import serial_in
from billing.models.journal import Method, Sum
from billing.models.payer_file import TAKE
from billing.money import ZERO, spoken
from billing.overpaid import taken_twice
from billing.posting import PLACE_OF, REVERSAL_FIRST, Plan, carry_out, is_as_earlier, plans, settle
from billing.standing import RANK
from billing.x12 import remittance as x12
from billing.x12.balance import imbalances
from billing.x12.frozen import frozen
from clinical.models import Payer
from hospital.context import current
from hospital.seals import raw
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from uuid import UUID

    from hospital.models import Person

State = RemittanceClaim.Status
OURS = "CM-"


# --- taking in -----------------------------------------------------------------------------------


@raw()
@transaction.atomic
def take_in(
    said: x12.Remittance, *, file: PayerFile | None, by: Person | None, faults: Iterable[str] = ()
) -> Remittance:
    """Read, and matched as far as it says for itself. One that is here already is given back as it is."""
    payer, wrong = payer_of(said), [*faults, *faults_of(said)]
    if payer is not None:
        payer.lock()  # on paper and as a file at the same moment
    if (known := known_as(said, wrong)) is not None:
        return known
    row = Remittance(
        file=file,
        payer=payer,
        payer_name=said.payer.spoken[:120] if said.payer else "",
        originator=said.originator[:50],
        trace=said.trace[:50],
        paid_on=said.day or said.produced,
        method=said.method[:3],
        total=signed_total(said),
        claims_paid=said.claims_paid,
        held_back=said.held_back,
        provider_adjustments=[frozen(one) for one in said.provider_adjustments],
        faults=wrong,
        entered_by=by,
    )
    row.start(by=by)
    for place, claim in enumerate(said.claims, 1):
        hear(row, place, claim, by=by)
    for copy in copies_of(said) if not wrong else ():
        if copy.faults and copy.status == Remittance.Status.READ:
            put_aside(copy, "The same payment came again, without what was wrong with this copy.", by=None)
    return row


def known_as(said: x12.Remittance, faults: Iterable[str] = ()) -> Remittance | None:
    """The same payment, on paper or as a file. A copy that cannot be posted stands in no sound one's way."""
    copies = copies_of(said)
    sound = (one for one in copies if not one.faults or one.is_posted)
    return next(sound, copies[0] if copies and any(faults) else None)


def copies_of(said: x12.Remittance) -> list[Remittance]:
    """By payer, number and amount. On paper the payer is who we know; a file has its tax number (TRN03) besides."""
    number = bare(said.trace)
    if not number:
        return []
    payer = payer_of(said)
    same = models.Q(originator=said.originator[:50]) | (models.Q(payer=payer) if payer else models.Q(pk=None))
    rows = Remittance.objects.filter(same, total=signed_total(said), trace__iendswith=number).order_by("pk")
    return [one for one in rows if bare(one.trace) == number]


def bare(trace: str) -> str:
    """As people copy it from a cheque: without the noughts before it."""
    return trace.strip()[:50].lstrip("0").upper()


def signed_total(said: x12.Remittance):
    return -said.total if said.is_debit else said.total


def payer_of(said: x12.Remittance) -> Payer | None:
    """By its number, else by its name."""
    if said.payer is None:
        return None
    number = Payer.objects.filter(identifier=said.payer.id).first() if said.payer.id else None
    return number or Payer.objects.all().named(said.payer.spoken)


def faults_of(said: x12.Remittance) -> list[str]:
    """What forbids that it is booked."""
    found = [str(one) for one in imbalances(said) if one.blocks]
    if said.currency and said.currency != current().tenant.currency:
        found.append(f"It is in {said.currency}, and money is booked in {current().tenant.currency}.")
    return found


def hear(remittance: Remittance, place: int, said: x12.PaidClaim, *, by: Person | None) -> RemittanceClaim:
    claim, why = found_for(said, remittance.payer)
    who = said.patient or said.subscriber
    row = RemittanceClaim(
        remittance=remittance,
        place=place,
        claim=claim,
        why=why,
        number=said.control_number[:50],
        payer_number=said.payer_control_number[:50],
        said=said.status[:2],
        charge=said.charge,
        paid=said.paid if said.is_payment else 0,
        patient_share=said.patient_share,
        patient_name=who.spoken[:120] if who else "",
        content=frozen(said),
    )
    row.start(by=by)
    if claim is not None:
        row.move_to(State.MATCHED, by=None)
    return row


def found_for(said: x12.PaidClaim, payer: Payer | None) -> tuple[Claim | None, str]:
    """The claim that it names. Where number, charge and payer do not fit together, a person says which it is."""
    named = named_by(said, payer)
    if named is None:
        return None, "No claim of ours has this number."
    claim = meant(named, said, payer)
    if abs(said.charge) != amount_of(claim, said.control_number):
        return None, f"{claim.number} has this number, and another charge."
    if payer is not None and claim.payer_id != payer.pk:
        return None, f"{claim.number} has this number, and was sent to another payer."
    return claim, ""


@raw()
def amount_of(claim: Claim, number: str) -> Decimal:
    """Of the version that the payer names: a correction can ask for another amount. Else as the claim is now."""
    versions = claim.versions.filter(submitted_at__isnull=False).prefetch_related("lines")
    named = next((one for one in versions if one.control_number == number.strip().upper()), None)
    return sum((line.amount for line in named.lines.all()), ZERO) if named else claim.amount


def named_by(said: x12.PaidClaim, payer: Payer | None) -> Claim | None:
    """Our number is one claim. The payer's is its own: another payer may give the same to another claim."""
    if said.control_number.strip().upper().startswith(OURS):
        return Claim.objects.by_control_number(said.control_number)
    if payer is None or not said.payer_control_number:
        return None
    return Claim.objects.filter(payer_number=said.payer_control_number, payer=payer).first()


def meant(named: Claim, said: x12.PaidClaim, payer: Payer | None) -> Claim:
    """Of a claim that one payer sent on to the next, the next one's word carries the number that the first one got."""
    place = PLACE_OF.get(said.status)

    def is_theirs(claim: Claim) -> bool:
        return payer is None or claim.payer_id == payer.pk

    def fits(claim: Claim) -> bool:
        return is_theirs(claim) and place in (None, RANK[claim.order])

    if is_theirs(named) and is_as_earlier(said.status, named):
        return named
    others = Claim.objects.standing().filter(encounter=named.encounter_id).exclude(pk=named.pk).order_by("serial")
    return named if fits(named) else next(filter(fits, others), named)


# --- matching ------------------------------------------------------------------------------------


@transaction.atomic
def match(heard: RemittanceClaim, claim: Claim, *, by: Person | None) -> None:
    """A person says which claim it is. If the rest is posted, this is posted at once, with what the file says of it besides."""
    allow(TAKE, by)
    remittance = held_remittance(heard)
    Claim.hold([claim])
    heard.lock()
    heard.move_to(State.MATCHED, by=by, claim=claim, why="")
    if remittance.is_posted:
        post_late(heard, claim, remittance, by=by)
    remittance.touch()


def post_late(heard: RemittanceClaim, claim: Claim, remittance: Remittance, *, by: Person | None) -> None:
    """A reversal and its correction are one word of the payer: what names the same claim is tried with it, in its order."""
    same = [
        one for one in remittance.claims.unmatched() if is_of(one, claim) or (one.number and one.number == heard.number)
    ]
    for one in same:
        one.move_to(State.MATCHED, by=by, claim=claim, why="")
    together = {one.pk for one in (heard, *same)}
    rows = [one for one in heard_in(remittance) if one.pk in together]
    planned = planned_for(rows, said_by_a_person=(heard.pk,))
    if problem := next((one.problem for one in planned if one.heard.pk == heard.pk), ""):
        raise Refused(problem)
    book(planned, by=by)


def is_of(heard: RemittanceClaim, claim: Claim) -> bool:
    """It names this claim, in whichever version, or the payer's number of it."""
    if heard.number.strip().upper().startswith(OURS):
        return serial_in(heard.number) == claim.serial
    return bool(heard.payer_number) and heard.payer_number == claim.payer_number


@transaction.atomic
def unmatch(heard: RemittanceClaim, *, by: Person | None) -> None:
    remittance = held_remittance(heard)
    if heard.sent_back.live().exists():
        raise Refused("It was sent back to the payer, or is about to be: it is none of our claims.")
    heard.move_to(State.UNMATCHED, by=by, claim=None, why="It was matched with the wrong claim.")
    remittance.touch()


@transaction.atomic
def leave(heard: RemittanceClaim, reason: str, *, by: Person | None) -> None:
    """It is for nobody of ours. Its money stays where a person sees it."""
    remittance = held_remittance(heard)
    heard.move_to(State.LEFT, by=by, why=needs(reason, "Say why it is none of ours.")[:200])
    remittance.touch()


def held_remittance(heard: RemittanceClaim) -> Remittance:
    """Held first by all that changes what is matched: nobody matches what is posted meanwhile."""
    remittance = heard.remittance
    remittance.lock()
    return remittance


# --- posting -------------------------------------------------------------------------------------


@transaction.atomic
def post(remittance: Remittance, *, by: Person | None) -> list[Plan]:
    """All of it, once: the money, what the payer held back, and each claim that is matched."""
    allow(TAKE, by)
    remittance.lock()
    twice = taken_twice(remittance)
    spoken_of = [*heard_in(remittance), *(refund.heard for _, refund in twice)]
    Claim.hold({one.claim_id: one.claim for one in spoken_of if one.claim}.values())
    if remittance.faults and not remittance.is_posted:
        raise Refused(f"It cannot be posted: {remittance.faults[0]}")
    now = timezone.now()
    remittance.move_to(Remittance.Status.POSTED, by=by, posted_at=now, posted_by=by)
    sums = (
        Sum(Book.MONEY, remittance.total, key=Method.INSURANCE, remittance=remittance),
        Sum(Book.WITHHELD, remittance.held_back, remittance=remittance),
        Sum(Book.UNAPPLIED, -remittance.claims_paid, remittance=remittance),
    )
    JournalEntry.post(JournalEntry.Kind.REMITTANCE, remittance, *sums, visit=None, at=now, by=by)
    file_follows(remittance)
    done = book([one for one in planned_for(heard_in(remittance)) if one.heard.status == State.MATCHED], by=by)
    for held, refund in twice:
        refund.tell(f"{remittance} holds back {spoken(held.amount)} ({held.reason}) that was sent back: ask the payer.")
    return done


def planned_for(heard: Iterable[RemittanceClaim], *, said_by_a_person: Collection[UUID] = ()) -> list[Plan]:
    """In the order of the file. A correction alone would be more than is due: it waits while its reversal is unmatched."""
    rows = list(heard)
    lost = [one for one in rows if one.status == State.UNMATCHED and one.value.is_reversal]
    waiting = [Plan(one, one.claim, problem=REVERSAL_FIRST) for one in rows if waits_for(one, lost)]
    held = {plan.heard.pk for plan in waiting}
    found = [*waiting, *plans([one for one in rows if one.pk not in held], said_by_a_person=said_by_a_person)]
    return sorted(found, key=lambda plan: plan.heard.place)


def waits_for(heard: RemittanceClaim, reversals: list[RemittanceClaim]) -> bool:
    claim = heard.claim
    if claim is None or heard.status != State.MATCHED or heard.value.is_reversal:
        return False
    return any(is_of(one, claim) for one in reversals)


def heard_in(remittance: Remittance) -> list[RemittanceClaim]:
    """Each claim is one row in memory, however often the remittance speaks of it."""
    joined = ("remittance__payer", "claim__visit", "claim__payer", "claim__patient", "claim__current")
    found = list(remittance.claims.select_related(*joined).order_by("place"))
    claims: dict[UUID | None, Claim] = {}
    for one in found:
        if one.claim:
            one.claim = claims.setdefault(one.claim_id, one.claim)
    return found


@raw()
def book(planned: list[Plan], *, by: Person | None) -> list[Plan]:
    """What cannot be booked stays for a person, with the reason; its money is on no claim meanwhile.

    Accounts are settled when all is booked: between a reversal and its correction they may be overdrawn.
    """
    for plan in planned:
        if plan.problem:
            plan.heard.move_to(State.UNMATCHED, by=None, claim=None, why=plan.problem[:200])
        elif plan.claim is not None:
            book_one(plan, by=by)
    done = [(plan, plan.claim) for plan in planned if plan.claim is not None and not plan.problem]
    for visit in {claim.visit_id: claim.visit for _, claim in done}.values():
        settle(Account.locked(visit))
    for plan, claim in done:
        step(plan, claim)
        denials_follow(plan, claim)
        denials_before_follow(plan)
    waited = forwarding.sent_on_before([claim for _, claim in done])
    forwarded = []
    for plan, claim in done:
        if plan.heard.said in forwarding.SENT_ON and not plan.heard.taken_back_by_id:
            forwarded.append(forwarding.go_on_by_itself(claim, plan.heard.value))
        elif (former := waited.get(claim.pk)) and not claim.following.exists():
            forwarded.append(forwarding.go_on_by_itself(claim, former))
    forwarding.match_early_answers([one for one in forwarded if one])
    return planned


def book_one(plan: Plan, *, by: Person | None) -> None:
    carry_out(plan, by=by)
    if plan.heard.status != State.POSTED:
        plan.heard.move_to(State.POSTED, by=None)
    if plan.taken_back is not None:
        plan.taken_back.taken_back_by = plan.heard
        plan.taken_back.save(update_fields=["taken_back_by"])


def step(plan: Plan, claim: Claim) -> None:
    words = f"{plan.heard.words.capitalize()}, {plan.heard.remittance}"
    claim.refresh_from_db(fields=["status", "version"])
    number = plan.heard.payer_number or claim.payer_number
    if plan.becomes and plan.becomes != claim.status:
        claim.go(plan.becomes, by=None, words=words, answer=words[:300], payer_number=number)
    else:
        claim.tell(words, by=None)


# --- aside ---------------------------------------------------------------------------------------


@transaction.atomic
def put_aside(remittance: Remittance, reason: str, *, by: Person | None) -> None:
    why = needs(reason, "Say why it is not posted.")[:200]
    remittance.move_to(Remittance.Status.ASIDE, by=by, reason=why)
    keep_reason(remittance, why)
    file_follows(remittance)


@transaction.atomic
def take_up(remittance: Remittance, *, by: Person | None) -> None:
    remittance.move_to(Remittance.Status.READ, by=by)
    keep_reason(remittance, "")
    file_follows(remittance)


def file_follows(remittance: Remittance) -> None:
    """A file waits as long as one of its remittances is neither posted nor put aside."""
    file = remittance.file
    if file is None:
        return
    file.lock()  # of two remittances that are posted at once, the second sees the first
    waits = file.remittances.filter(status=Remittance.Status.READ).exists()
    state = PayerFile.State.WAITING if waits else PayerFile.State.TAKEN
    if state != file.state:
        file.settle(state, file.words)


def keep_reason(remittance: Remittance, why: str) -> None:
    remittance.reason = why
    remittance.save(update_fields=["reason"])

"""Asking an insurer whether a policy is good (270), and taking its answer (271), which verifies the policy."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from billing.claims.writing import RELATIONS, holder, payer_party, person
from billing.models import BillingIdentity, EligibilityCheck
from billing.x12.contents import understood
from billing.x12.eligibility import Eligibility, Inquiry, Member, Refusal
from billing.x12.eligibility_reading import DEPENDANT, INSURED
from billing.x12.envelopes import Transaction
from billing.x12.frozen import frozen
from billing.x12.inquiry_writing import write_inquiries
from billing.x12.parties import Party
from billing.x12.segments import Segment
from billing.x12.sheet import Envelope, Unwritable, plain
from clinical import days
from clinical.models.policy import INSURANCE, USUALLY_GOOD_FOR
from hospital.context import current
from hospital.models import Counter
from hospital.seals import raw
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models import Policy
    from hospital.models import Person

Outcome = EligibilityCheck.Outcome
# Of the holder to the patient: the other way round, as a dependant is named.
OF_DEPENDANT = {"18": "18", "01": "01", "19": "19", "G8": "34"}


@transaction.atomic
def ask(policy: Policy, *, by: Person | None, on: date | None = None) -> EligibilityCheck:
    """The 270 is written and kept. Whoever has the way to the insurer sends it."""
    allow(INSURANCE, by)
    if not policy.is_active:
        raise Refused("This policy is not in use any more. Ask about the one that is.")
    identity = BillingIdentity.ours()
    if identity is None:
        raise Refused("The organisation has no billing details. Whoever administers it writes them first.")
    if policy.payer is None or not policy.payer.identifier:
        raise Refused(f"{policy.insurer} has no payer identifier in the list of insurers. It is needed to ask.")
    serial, trace, day = Counter.take("eligibility"), uuid4().hex[:20].upper(), on or days.today()
    return EligibilityCheck.objects.create(
        serial=serial,
        trace=trace,
        service_on=day,
        question=question_of(policy, identity, serial, trace, day),
        patient_id=policy.patient_id,
        policy=policy,
        payer=policy.payer,
        asked_by=by,
    )


@raw()
def question_of(policy: Policy, identity: BillingIdentity, serial: int, trace: str, day: date) -> str:
    payer: Any = policy.payer
    envelope = Envelope(
        sender=identity.sender_number,
        receiver=plain(payer.receiver_id or payer.identifier)[:15].strip(),
        control=serial,
        written=timezone.localtime(timezone.now(), current().tenant.zone),
        is_test=identity.is_test,
    )
    inquiry = Inquiry(
        payer=payer_party(payer),
        provider=Party(name=plain(identity.name), id_kind="XX", id=identity.npi),
        trace=trace,
        begins=day,
        **insured(policy),
    )
    try:
        return write_inquiries([inquiry], envelope, reference=f"EL{serial:06}", originator=f"1{identity.tax_number}")
    except Unwritable as wrong:
        told = "; ".join(sorted(map(str, wrong.complaints)))
        raise Refused(f"It cannot be asked like this: {told}") from wrong


def insured(policy: Policy) -> dict[str, Any]:
    number = plain(policy.member_number)
    if policy.holder_relation == "self":
        return {"subscriber": replace(person(policy.patient, id_kind="MI", id=number), address=None)}
    if not policy.holder_family_name:
        raise Refused("Write who holds the policy first: the insurer knows the patient by the holder.")
    relation = RELATIONS[policy.holder_relation]
    return {
        "subscriber": holder(policy),
        "dependant": replace(person(policy.patient), address=None),  # an insurer knows people by name and birth
        "relationship": OF_DEPENDANT[relation],
    }


def take_file(content: bytes, *, by: Person | None) -> list[str]:
    """A file with answers. What has errors says nothing that can be relied on, and nothing of it is taken."""
    allow(INSURANCE, by)
    read = understood(content)
    parts = [(part.meaning, part.transaction) for part in read.contents if isinstance(part.meaning, Eligibility)]
    if not parts:
        raise Refused("This is no answer of an insurer about insurance (271).", status=422, field="file")
    if read.errors:
        told = "; ".join(map(str, read.errors[:3]))
        raise Refused(f"The file has errors, and nothing of it is taken: {told}", status=422, field="file")
    with transaction.atomic():
        return [one for meaning, part in parts for one in take_answer(meaning, part, by=by)]


def take_answer(meaning: Eligibility, transaction: Transaction, *, by: Person | None) -> list[str]:
    """One sentence for each person in it."""
    if not meaning.members:
        told = "; ".join(one.words for one in meaning.refusals) or "it names nobody"
        return [f"The insurer did not answer: {told}."]
    return [take_member(member, meaning.refusals, text_about(member, transaction), by) for member in meaning.members]


def text_about(member: Member, transaction: Transaction) -> str:
    """Who answers and asks, and what is said of this person: a file may speak of others, whose charts these are not."""
    levels: list[list[Segment]] = [[]]
    for segment in transaction.segments:
        if segment.name == "HL":
            levels.append([])
        levels[-1].append(segment)
    kept, holder = [], []
    for level in levels:
        kind = level[0].at(3) if level else ""
        if kind == INSURED:
            holder = level
        if kind not in (INSURED, DEPENDANT):
            kept += level
        elif any(one.name == "TRN" and one.at(2) in member.traces for one in level):
            kept += [*holder, *level] if kind == DEPENDANT else level
    whole = filter(None, (transaction.header, *kept, transaction.trailer))
    return "~\n".join("*".join(segment.elements) for segment in whole)


def take_member(member: Member, above: tuple[Refusal, ...], text: str, by: Person | None) -> str:
    rows = EligibilityCheck.objects.filter(trace__in=member.traces).select_related("patient", "policy", "payer")
    row = rows.select_for_update(of=("self",), no_key=True).first()
    if row is None:
        return "An answer belongs to no question of ours, and is not kept."
    if not row.is_waiting:
        return f"{row.number} is answered already."
    refusals = (*above, *member.refusals)
    row.outcome = outcome_of(member, refusals)
    row.answer, row.answered_at, row.answered_by = text, timezone.now(), by
    row.benefits = [benefit_of(one) for one in frozen(member.benefits)]
    row.refusals = [one.words for one in refusals]
    row.save(update_fields=["outcome", "answer", "answered_at", "answered_by", "benefits", "refusals"])
    return f"{row.number}: {row.get_outcome_display().lower()}.{verified_by(row, member, by)}"


def benefit_of(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "parties"}


def outcome_of(member: Member, refusals: tuple[Refusal, ...]) -> str:
    if member.is_active is None:
        return Outcome.REFUSED if refusals else Outcome.UNCLEAR
    return Outcome.ACTIVE if member.is_active else Outcome.INACTIVE


@raw()
def verified_by(row: EligibilityCheck, member: Member, by: Person | None) -> str:
    """The policy counts as verified if the insurer says so: of the same number, the same insurer, and of now."""
    if row.outcome != Outcome.ACTIVE:
        return ""
    policy = row.policy
    policy.lock()
    if why := unfit(row, policy, member):
        return f" It speaks of {why}, so the policy is not verified."
    with suppress(Refused):
        policy.verify(by=by, until=min(filter(None, (policy.good_until, member.last_day))))
        return " The policy is verified."
    return " The policy cannot be verified as it stands."


def unfit(row: EligibilityCheck, policy: Policy, member: Member) -> str:
    """Why a yes says nothing of this policy as it is now."""
    number = alike((member.subscriber or member.person).id)
    if not number or number != alike(policy.member_number):
        return "another member number"
    if policy.payer_id != row.payer_id:
        return "another insurer than the policy names now"
    if row.service_on < days.today() - USUALLY_GOOD_FOR:
        return "a day that is long past"
    return ""


def alike(number: str) -> str:
    return "".join(letter for letter in plain(number) if letter.isalnum())

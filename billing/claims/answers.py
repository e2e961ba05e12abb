"""What comes back before any money: 999 on the form of a file, 277CA on its claims.

Rejected is not denied: a rejected claim was never in adjudication. It is mended, and sent again as the same claim.
Each function says what it did, in sentences for whoever brought the file.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from billing.models import Claim, ClaimBatch
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.status import Answer, Status, StatusReport
from hospital.models import Person
from hospital.seals import raw
from hospital.workflow import Refused

S = Claim.Status
WAITING = (S.SUBMITTED, S.ACCEPTED, S.IN_PROCESS, S.PENDED)
RECORDED = (S.ACCEPTED, S.REJECTED, S.IN_PROCESS, S.PENDED)
IN_PROCESS, PENDED = ("P0", "P1", "P2", "P5"), ("P3", "P4", "R0", "R1", "R3", "R4")
FORM_REJECTED = "The form of the file was rejected (999)"


@transaction.atomic
@raw()
def take_acknowledgement(told: Acknowledgement) -> list[str]:
    """Of a file of ours, by its number (AK102). What the receiver could not read, it has not got."""
    number = told.group_control.lstrip("0")
    batch = None
    if told.function == "HC" and number.isascii() and number.isdigit() and len(number) <= 9:
        batch = ClaimBatch.objects.filter(serial=int(number)).first()
    if batch is None:
        return [f"It answers file {told.group_control}, which is none of our batches of claims."]
    batch.lock()
    if batch.status != ClaimBatch.Status.WRITTEN:
        return [f"{batch.number} is {batch.get_status_display().lower()} already. Nothing changed."]
    now = timezone.now()
    if told.is_accepted:
        batch.move_to(ClaimBatch.Status.ACCEPTED, by=None, answered_at=now)
        return [f"{batch.number}: the form was accepted."]
    faults = "; ".join(fault.words for one in told.sets for fault in one.faults)
    words = f"{FORM_REJECTED}: {faults}" if faults else f"{FORM_REJECTED}."
    batch.move_to(ClaimBatch.Status.REJECTED, by=None, answered_at=now, problem=words)
    return [f"{batch.number}: {words}", *reject_all(batch, words)]


def reject_all(batch: ClaimBatch, words: str) -> list[str]:
    versions = batch.versions.select_related("claim").order_by("claim__serial")
    mine = [one.claim for one in versions if one.claim.current_id == one.pk]
    Claim.hold(mine)
    return [line for claim in mine for line in reject(claim, words)]


def reject(claim: Claim, words: str) -> list[str]:
    claim.lock()
    if claim.status not in (S.SUBMITTED, S.ACCEPTED):
        return [f"{claim.number} is {claim.get_status_display().lower()}: it is not rejected any more."]
    claim.go(S.REJECTED, by=None, words=words, answer=words[:300])
    return [f"{claim.number} was rejected."]


@transaction.atomic
@raw()
def take_status(report: StatusReport) -> list[str]:
    """All claims are held first, in the one order: whoever posts a remittance meanwhile holds several too."""
    told = [(answer, Claim.objects.by_control_number(answer.reference)) for answer in report.claims]
    Claim.hold(claim for _, claim in told if claim is not None)
    return [line for answer, claim in told for line in take_answer(answer, claim)]


def take_answer(answer: Answer, claim: Claim | None) -> list[str]:
    if claim is None:
        return [f"The number {answer.reference or '(none)'} is on none of our claims."]
    claim.lock()
    words = in_words(answer.statuses)
    if claim.current is None or answer.reference.strip().upper() != claim.current.control_number:
        claim.tell(f"Answer to an earlier version, {answer.reference}: {words}", by=None)
        return [f"{claim.number}: the answer is to an earlier version, and was only noted."]
    return [settle(claim, answer, words)]


def settle(claim: Claim, answer: Answer, words: str) -> str:
    known = answer.payer_control_number[:50] or claim.payer_number
    status = status_of(answer)
    if claim.status not in WAITING or status not in claim.MOVES[claim.status]:
        claim.put(payer_number=known)
        claim.tell(words, by=None)
        return f"{claim.number} is {claim.get_status_display().lower()}: the answer was only noted."
    claim.go(status, by=None, words=words, answer=words[:300], payer_number=known)
    return f"{claim.number} is now {claim.get_status_display().lower()}."


def recordable(claim: Claim) -> list[str]:
    """What the acting person may record, as it was said by telephone, of a claim that is with the payer."""
    return [one for one in RECORDED if claim.status in WAITING and one in claim.ways()]


@transaction.atomic
def record(claim: Claim, status: str, words: str, payer_number: str, *, by: Person | None) -> None:
    claim.lock()
    if status not in recordable(claim):
        raise Refused(f"{claim.number} is {claim.in_words} now. Look at it again.")
    claim.go(status, by=by, words=words, answer=words, payer_number=payer_number or claim.payer_number)


def status_of(answer: Answer) -> str:
    """Payment and denial are decided by remittances alone, which carry the sums."""
    if answer.is_rejected:
        return S.REJECTED
    categories = {one.category for one in answer.statuses}
    if categories & set(PENDED):
        return S.PENDED
    if categories & set(IN_PROCESS):
        return S.IN_PROCESS
    return S.ACCEPTED if answer.is_accepted else ""


def in_words(statuses: tuple[Status, ...]) -> str:
    told = [f"{one.words} ({one.category}{' ' + one.code if one.code else ''})" for one in statuses]
    return "; ".join(dict.fromkeys(told)) or "Without a status"

"""Files that payers send: stored as they came, read, and each part given to whoever knows what to do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.db import DataError, IntegrityError, transaction

from billing import eligibility
from billing.claims.answers import take_acknowledgement, take_status
from billing.claims.scrubber import counted
from billing.models import PayerFile
from billing.models.payer_file import LIMIT, TAKE
from billing.remitting import known_as, take_in
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.complaints import Complaint, Level
from billing.x12.contents import Contents, understood
from billing.x12.contents import File as Read
from billing.x12.eligibility import Eligibility
from billing.x12.remittance import Remittance
from billing.x12.status import StatusReport
from clinical.filing import clean_name
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person

State = PayerFile.State
MOST_COMPLAINTS = 200


@dataclass
class Outcome:
    """What became of a file: sentences, and whether something is left to do."""

    said: list[str] = field(default_factory=list)
    waits: bool = False
    taken: bool = False


def here_already(raw: bytes) -> PayerFile | None:
    return PayerFile.objects.filter(sha256=hashlib.sha256(raw).hexdigest()).first()


def take_file(name: str, raw: bytes, *, by: Person | None) -> PayerFile:
    """Stored and read in one transaction. The same bytes a second time are refused."""
    allow(TAKE, by)
    if not raw:
        raise Refused("The file is empty.", status=422, field="file")
    if len(raw) > LIMIT:
        raise Refused(f"The file is larger than {LIMIT // 1024**2} MB.", status=422, field="file")
    try:
        with transaction.atomic():
            row = PayerFile.store(clean_name(name), raw, by=by)
    except IntegrityError:
        raise Refused(f"This file is here already: {here_already(raw)}.", field="file") from None
    with transaction.atomic():
        work_off(row, understood(raw), by=by)
    return row


def work_off(row: PayerFile, read: Read, *, by: Person | None) -> None:
    outcome = Outcome()
    for part in read.contents:
        take_part(row, read, part, outcome, by=by)
    row.kinds = ", ".join(dict.fromkeys(part.kind for part in read.contents))[:120]
    row.complaints = [told(one) for one in read.complaints if one.level is not Level.NOTE][:MOST_COMPLAINTS]
    row.save(update_fields=["kinds", "complaints"])
    if not read.contents:
        outcome.said.append("Nothing in it can be read as X12.")
    state = State.REFUSED if not outcome.taken else State.WAITING if outcome.waits else State.TAKEN
    row.settle(state, "\n".join(outcome.said))


def take_part(row: PayerFile, read: Read, part: Contents, outcome: Outcome, *, by: Person | None) -> None:
    taker = TAKERS.get(type(part.meaning))
    if taker is None:
        outcome.said.append(f"{part.kind.capitalize()}: nothing here takes it in.")
        return
    errors = [str(one) for one in (*part.errors, *outside(read))]
    try:
        with transaction.atomic():
            taker(row, part, errors, outcome, by)
    except (DataError, ValueError):
        outcome.said.append(
            f"{part.kind.capitalize()}: it has values that cannot be kept, such as an amount beyond all bounds."
        )


def outside(read: Read) -> tuple[Complaint, ...]:
    """Errors of the envelopes: nobody knows whether all of the file came."""
    return tuple(one for one in read.document.complaints if one.level is Level.ERROR)


def take_remittance(row: PayerFile, part: Contents, errors: list[str], outcome: Outcome, by: Any) -> None:
    meaning, wrong = cast("Remittance", part.meaning), [*errors, *marked(part)]
    try:
        with transaction.atomic():
            remittance = take_in(meaning, file=row, by=by, faults=wrong)
    except IntegrityError:  # the same at the same moment
        known = known_as(meaning, wrong)
        if known is None:
            raise
        remittance = known
    outcome.taken = True
    if remittance.file_id != row.pk:
        outcome.said.append(f"The payment {remittance.trace} is here already.")
        return
    every = remittance.claims.count()
    matched = f"{every - remittance.claims.unmatched().count()} of {counted(every, 'claim')} found"
    outcome.said.append(f"Payment {remittance.trace or 'without a number'}: {matched}.")
    outcome.waits = True


def marked(part: Contents) -> list[str]:
    return ["The file is marked as a test."] if part.transaction.is_test else []


def take_answer(take: Callable[[Any], list[str]]) -> Callable[..., None]:
    """For what is taken in at once: nothing of a file with errors."""

    def taker(row: PayerFile, part: Contents, errors: list[str], outcome: Outcome, by: Any) -> None:
        if errors:
            outcome.said += [f"{part.kind.capitalize()}: {one}" for one in errors]
            return
        outcome.said += take(part.meaning)
        outcome.taken = True

    return taker


def take_benefits(row: PayerFile, part: Contents, errors: list[str], outcome: Outcome, by: Any) -> None:
    if errors:
        outcome.said += [f"{part.kind.capitalize()}: {one}" for one in errors]
        return
    outcome.said += eligibility.take_answer(cast("Eligibility", part.meaning), part.transaction, by=by)
    outcome.taken = True


def told(one: Complaint) -> dict[str, Any]:
    return {"level": str(one.level), "place": one.place, "words": one.words}


TAKERS: dict[type, Callable[..., None]] = {
    Remittance: take_remittance,
    Acknowledgement: take_answer(take_acknowledgement),
    StatusReport: take_answer(take_status),
    Eligibility: take_benefits,
}

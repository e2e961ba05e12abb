"""The way of every message: stored first, applied or put into the inbox, answered; all of it in one transaction, or nothing.

Messages of one sender are taken one after the other, in the order in which they come: whoever takes one holds the sender.
So a message that comes twice, even at the same moment, is applied once, and answered twice with the same words.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError, transaction

from clinical.hl7.ack import Problem, Verdict, answers, rejection
from clinical.hl7.intake import Intake, Reason, Waits, family_of, handler_for, held
from clinical.hl7.reading import Message, Unreadable, digest, read
from clinical.hl7.values import moment
from clinical.models import Hl7Content, Hl7Message, Hl7Sender, Patient
from hospital.seals import raw as raw_rows
from hospital.workflow import IllegalMove, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hospital.models import Person

log = logging.getLogger(__name__)
TESTS = ("T", "D")
AT_ONCE = 500  # messages that one explanation of a word may set free
Status = Hl7Message.Status


@dataclass(frozen=True)
class Receipt:
    """What became of a message, and what its sender is told."""

    row: Hl7Message
    word: str  # applied, inbox, duplicate, refused
    answers: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        why = self.row.effect if self.row.status == Status.APPLIED else self.row.words
        return f"{self.word}: {self.row.kind} {self.row.control_id}{f': {why}' if why else ''}"


@transaction.atomic
def take(raw: bytes, *, via: str, tests: bool = False) -> Receipt:
    """In the open tenant, by the system. `tests`: those marked as a test are applied too."""
    try:
        message = read(raw)
    except Unreadable as error:
        return keep_unreadable(raw, str(error), via)
    sender = sender_of(message)
    if (known := same_as(sender, message)) is not None:
        return Receipt(known, "duplicate", known.answers)
    reused = is_reused(sender, message)
    row = write_down(raw, sender, via, message)
    problem = header_problem(message)
    if tests:
        row.decide("test")
    intake = Intake(message, row, sender, anyway=frozenset(row.decided))
    if problem is not None:
        row.wait(Reason.UNREADABLE, problem.words)
        return told(row, message, Verdict.ERROR, problem)
    problem = attempt(intake, reused=reused)
    return told(row, message, verdict_of(row), problem)


def told(row: Hl7Message, message: Message, verdict: Verdict, problem: Problem | None) -> Receipt:
    row.answers = answers(message, verdict, problem)
    row.save(update_fields=["answers"])
    return Receipt(row, "applied" if row.status == Status.APPLIED else "inbox", row.answers)


def verdict_of(row: Hl7Message) -> Verdict:
    """What waits for a person is accepted all the same: its sender need not send it again."""
    return Verdict.ERROR if row.waits_for in (Reason.UNREADABLE, Reason.FAULT) else Verdict.ACCEPT


def keep_unreadable(raw: bytes, words: str, via: str) -> Receipt:
    """It is kept, so that somebody can see what came; its sender is told that it was not understood."""
    sender = hold(Hl7Sender.objects.get_or_create(application="", facility="")[0])
    known = sender.messages.filter(digest=digest(raw), code="").first()
    if known is not None:
        return Receipt(known, "duplicate", known.answers)
    row = write_down(raw, sender, via)
    row.wait(Reason.UNREADABLE, words)
    row.answers = [rejection(raw, words)]
    row.save(update_fields=["answers"])
    return Receipt(row, "refused", row.answers)


def sender_of(message: Message) -> Hl7Sender:
    application, facility = (name.replace("\0", "") for name in message.sender)
    return hold(Hl7Sender.objects.get_or_create(application=application, facility=facility)[0])


def hold(sender: Hl7Sender) -> Hl7Sender:
    sender.lock()
    return sender


def same_as(sender: Hl7Sender, message: Message) -> Hl7Message | None:
    named = {"control_id": message.control_id, "code": message.code, "trigger": message.trigger}
    return sender.messages.filter(digest=message.digest, **named).first()


def is_reused(sender: Hl7Sender, message: Message) -> bool:
    """A number that stood on another message of this type: one of them is wrong, or the sender counts anew."""
    named = {"control_id": message.control_id, "code": message.code, "trigger": message.trigger}
    return bool(message.control_id) and sender.messages.filter(**named).exists()


def write_down(raw: bytes, sender: Hl7Sender, via: str, message: Message | None = None) -> Hl7Message:
    row = Hl7Message(sender=sender, via=via[:255], size=len(raw), digest=digest(raw))
    if message is not None:
        said = moment(message.head.part(7))
        row.control_id, row.code, row.trigger = message.control_id, message.code, message.trigger
        row.family, row.said_at = family_of(message.code), said.at if said else None
        row.is_test = message.processing in TESTS
    row.start(by=None)
    Hl7Content(message=row, raw=raw).save(force_insert=True)
    return row


def header_problem(message: Message) -> Problem | None:
    if not message.code:
        return Problem(101, "It does not say its type (MSH-9).", ("MSH", "1", "9"))
    if not message.control_id:
        return Problem(101, "It has no control id (MSH-10).", ("MSH", "1", "10"))
    continued = message.head.value(14) or any(one.part(1) for one in message.all("DSC"))
    return (
        Problem(207, "It is a part of a message that goes on in another one.", ("MSH", "1", "14"))
        if continued
        else None
    )


def attempt(intake: Intake, *, reused: bool = False) -> Problem | None:
    """Apply it, or say why it waits. Its effect is undone as a whole if any part of it is not possible."""
    row, by = intake.row, intake.by
    try:
        with transaction.atomic():
            with raw_rows():
                apply(intake, reused)
            critical, value = intake.critical or ("", "")
            effect = "; ".join(dict.fromkeys(intake.done))[:2000]
            fields = {"critical": critical, "critical_value": value, "traces": intake.traces}
            row.apply(effect, by=by, patient=intake.patient, **fields)
            return None
    except Waits as waits:
        reason, words, asks, problem = waits.reason, waits.words, waits.asks, waits.problem
    except (Refused, IllegalMove, PermissionDenied) as error:
        reason, words, asks, problem = Reason.REFUSED, str(error), [], held(Reason.REFUSED)
    except ValidationError as error:
        words = " ".join(error.messages)
        reason, asks, problem = Reason.REFUSED, [], held(Reason.REFUSED)
    except OperationalError:
        raise  # the database is away, or asks to begin again: nothing is kept, and the sender is told so
    except Exception as error:
        log.error("message %s could not be applied: %s", row.pk, type(error).__name__)
        reason, words, asks = Reason.FAULT, f"It could not be applied, and was undone ({type(error).__name__}).", []
        problem = Problem(207, words)
    row.refresh_from_db()
    row.wait(reason, words, asks=asks, patient=still_there(intake.patient) or row.patient)
    return problem


def still_there(patient: Patient | None) -> Patient | None:
    """Not one that was registered a moment ago, and undone."""
    return Patient.objects.filter(pk=patient.pk).first() if patient else None


def apply(intake: Intake, reused: bool) -> None:
    message, anyway = intake.message, intake.anyway
    handler = handler_for(message.code, message.trigger)
    if handler is None:
        words = f"{intake.row.kind} is not applied here. Read it, and put it aside."
        problem = Problem(200, "Kept for a person", ("MSH", "1", "9"), "W")
        raise Waits(Reason.NOT_APPLIED, words, problem=problem)
    if reused:
        words = "The sender used this control id before, for another message of this type."
        raise Waits(Reason.CONFLICT, words, problem=Problem(205, words, ("MSH", "1", "10"), "W"))
    if intake.row.is_test and not intake.sender.takes_tests and "test" not in anyway:
        words = "The sender marks it as a test (MSH-11). Apply it if it is meant."
        raise Waits(Reason.TEST, words, problem=Problem(202, "Marked as a test", ("MSH", "1", "11"), "W"))
    handler.apply(intake)


def settle(row: Hl7Message, *, by: Person | None, decided: Iterable[str] = ()) -> bool:
    """Try a waiting message again, with all that a person decided about it. Whether it is applied now."""
    with transaction.atomic():
        sender = hold(row.sender)
        row.lock()
        if not row.is_waiting:
            raise Refused(f"This message is {row.get_status_display().lower()}. Look at it again.")
        try:
            message = read(row.raw)
        except Unreadable as error:
            raise Refused(f"{error} Put it aside with a reason.") from error
        if (problem := header_problem(message)) is not None:
            raise Refused(f"{problem.words} Put it aside with a reason.")
        row.decide(*decided)
        attempt(Intake(message, row, sender, by, frozenset(row.decided)))
    return row.status == Status.APPLIED


def settle_others(sender: Hl7Sender, *, by: Person | None, reasons: Iterable[str]) -> int:
    """The waiting ones of this sender that may be possible now, the oldest first. How many were applied."""
    waiting = sender.messages.waiting().filter(waits_for__in=list(reasons)).order_by("received_at", "id")
    applied = 0
    for row in waiting[:AT_ONCE]:
        try:
            applied += settle(row, by=by)
        except Refused:
            continue
    return applied

"""What a person does about a message that waits. Each is one click; what is explained once is remembered, and frees the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from clinical.hl7.intake import Intake, Reason, Waits, subjects
from clinical.hl7.people import Said, candidates, remember_numbers, standing, who, with_numbers
from clinical.hl7.reading import Unreadable, read
from clinical.hl7.registration import enter
from clinical.hl7.store import hold, settle, settle_others
from clinical.hl7.undoing import undo_effect, undo_patient
from clinical.models import Hl7Message, Hl7Word, Patient, PatientIdentifier
from clinical.models.message import MANAGE
from hospital.seals import raw
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from django.http import QueryDict

    from hospital.models import Person

REGISTER = "clinical.register_patient"
DECISIONS = ("theirs", "ours", "keep", "test")


def said_of(row: Hl7Message) -> Said | None:
    """Who the message is about, if it says so."""
    try:
        message = read(row.raw)
        return who(Intake(message, row, row.sender), message.first("PID"))
    except (Unreadable, Waits):
        return None


def named(row: Hl7Message) -> list[Patient]:
    """Whose numbers stand in it, also while nobody has decided anything: their charts may be restricted."""
    said = said_of(row)
    if said is None:
        return []
    found = with_numbers(Intake(read(row.raw), row, row.sender), said.numbers)
    return list({patient.pk: patient for patient in map(standing, found)}.values())


def alike(row: Hl7Message) -> list[tuple[Patient, int, list[str]]]:
    said = said_of(row)
    return candidates(said) if said else []


@transaction.atomic
def choose(row: Hl7Message, patient: Patient, *, by: Person | None) -> bool:
    """It is about this patient: the numbers of the message are the patient's from now on."""
    allow(MANAGE, by)
    hold(row.sender)
    row.lock()
    if not row.is_waiting:
        raise Refused(f"This message is {row.get_status_display().lower()}. Look at it again.")
    patient = patient.current
    row.patient = patient
    row.save(update_fields=["patient"])
    known = set(numbers_of(patient))
    if (said := said_of(row)) is not None:
        remember_numbers(patient, said)
    applied = settle(row, by=by, decided=["chosen"])
    with raw():
        made = {str(pk) for pk in set(numbers_of(patient)) - known}
        row.traces = {**row.traces, "numbers": sorted(made)}
        row.save(update_fields=["traces"])
    settle_others(row.sender, by=by, reasons=[Reason.PATIENT])
    return applied


def numbers_of(patient: Patient) -> Iterable[UUID]:
    return PatientIdentifier.objects.filter(patient=patient).values_list("pk", flat=True)


@transaction.atomic
def register(row: Hl7Message, *, by: Person | None) -> bool:
    """A new patient from what the message says."""
    allow(REGISTER, by)
    sender = hold(row.sender)
    row.lock()
    message = read(row.raw)
    segment = message.first("PID")
    intake = Intake(message, row, sender, by)
    if segment is None or not row.is_waiting:
        raise Refused("Nobody can be registered from this message. Look at it again.")
    try:
        patient = enter(intake, segment, who(intake, segment))
    except Waits as waits:
        raise Refused(waits.words) from waits
    return choose(row, patient, by=by)


@transaction.atomic
def explain(row: Hl7Message, subject: str, code: str, target: str, *, by: Person | None) -> bool:
    """The sender's word means this row of ours, for this message and all others."""
    known = subjects().get(subject)
    meant = known.find(key_of(target)) if known else None
    asked = next((one for one in row.asks if one["subject"] == subject and one["code"] == code), None)
    if meant is None or asked is None:
        raise Refused("Choose what it means from the list.", status=422)
    Hl7Word.explain(row.sender, subject, code, meant.pk, by=by, text=asked["text"])
    applied = settle(row, by=by)
    settle_others(row.sender, by=by, reasons=[Reason.CODE])
    return applied


def key_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Refused("Choose one from the list.", status=422) from error


def do(row: Hl7Message, said: QueryDict, *, by: Person | None) -> None:
    """One of the buttons of the page."""
    verb = said.get("do", "")
    if verb in DECISIONS:
        settle(row, by=by, decided=[verb])
    elif verb in VERBS:
        VERBS[verb](row, said, by)
    else:
        raise Refused("This button is not known any more. Load the page again.", status=422)


def do_choose(row: Hl7Message, said: QueryDict, by: Person | None) -> None:
    patient = Patient.objects.filter(pk=key_of(said.get("patient", ""))).first()
    if patient is None:
        raise Refused("Choose a patient from the list.", status=422)
    choose(row, patient, by=by)


VERBS: dict[str, Callable[[Hl7Message, QueryDict, Person | None], object]] = {
    "choose": do_choose,
    "register": lambda row, said, by: register(row, by=by),
    "explain": lambda row, said, by: explain(
        row, said.get("subject", ""), said.get("code", ""), said.get("target", ""), by=by
    ),
    "again": lambda row, said, by: settle(row, by=by),
    "aside": lambda row, said, by: row.put_aside(said.get("reason", ""), by=by),
    "other": lambda row, said, by: undo_patient(row, said.get("reason", ""), by=by),
    "undo": lambda row, said, by: undo_effect(row, said.get("reason", ""), by=by),
    "back": lambda row, said, by: row.take_back(by=by),
}

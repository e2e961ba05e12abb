"""Whom a message is about. Only a number with its authority decides by itself; whatever is merely alike is for a person to judge."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from clinical.hl7.ack import Problem
from clinical.hl7.intake import Intake, Reason, Waits
from clinical.hl7.reading import Segment
from clinical.hl7.values import (
    NOT_OF_A_PERSON,
    SSN,
    Name,
    Number,
    moment,
    name_of,
    normal_phone,
    number_of,
    telephone,
)
from clinical.models import Patient, PatientIdentifier
from clinical.names import fold

REAL_SOCIAL = re.compile(r"\A(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}\Z")
DUMMIES = ("123456789", "078051120", "219099999", "111223333", "123121234")


@dataclass(frozen=True)
class Said:
    """Who it is, as the sender says."""

    numbers: list[Number]
    name: Name
    birth_date: date | None
    phone: str

    @property
    def words(self) -> str:
        return ", ".join(number.words for number in self.numbers) or "no number"


def who(intake: Intake, segment: Segment | None) -> Said:
    if segment is None:
        raise Waits(
            Reason.UNREADABLE,
            "It has no patient segment (PID).",
            problem=Problem(100, "PID is missing", ("PID", "1")),
        )
    born = moment(segment.part(7))
    phones = [normal_phone(telephone(value)) for value in (*segment.all(13), *segment.all(14))]
    numbers = numbers_of(intake, segment)
    phone = next(filter(None, phones), "")
    return Said(numbers, name_of(segment.all(5)), born.day if born else None, phone)


def numbers_of(intake: Intake, segment: Segment) -> list[Number]:
    """PID-3, and what versions before 2.3 have elsewhere: PID-2, PID-4 when there is no PID-3, and PID-19."""
    values = segment.all(3) or segment.all(2) or segment.all(4)
    found = [number_of(value, own=intake.own_authority) for value in values]
    social = segment.value(19)
    if social and not social.is_deleted and not any(number and number.system == SSN for number in found):
        found.append(Number(social.part(1)[:255], (SSN,), "SS", "Social security number"))
    return [number for number in found if number and is_own(number)]


def is_own(number: Number) -> bool:
    """Whether it can be one person's only: not that of a stay or an account, and no social number that is filled in as a dummy."""
    if number.system != SSN:
        return number.kind not in NOT_OF_A_PERSON
    digits = number.value.replace("-", "").replace(" ", "")
    return bool(REAL_SOCIAL.match(digits)) and len(set(digits)) > 2 and digits not in DUMMIES


def patient_of(intake: Intake, segment: Segment | None = None) -> Patient:
    """The patient, or Waits: for whom this is about, a person decides."""
    said = who(intake, segment or intake.message.first("PID"))
    found = known(intake, said)
    if found is None:
        words = f"No patient here has this number: {said.words}."
        place = ("PID", "1", "3")
        raise Waits(Reason.PATIENT, words, problem=Problem(204, "Unknown patient", place, "W"))
    return found


def known(intake: Intake, said: Said) -> Patient | None:
    """Whom a person chose, else who has one of the numbers."""
    if intake.row.patient is not None and "chosen" in intake.anyway:
        intake.patient = standing(intake.row.patient)
        return intake.patient
    found = {standing(patient).pk: standing(patient) for patient in with_numbers(intake, said.numbers)}
    if len(found) > 1:
        names = " and ".join(sorted(patient.number for patient in found.values()))
        raise Waits(Reason.CONFLICT, f"Its numbers belong to two patients: {names}.")
    patient = next(iter(found.values()), None)
    if patient is not None and is_somebody_else(patient, said):
        raise Waits(
            Reason.CONFLICT,
            f"The number belongs to {patient.number}, who has another name and date of birth.",
            problem=Problem(204, "The number belongs to somebody else", ("PID", "1", "3"), "W"),
        )
    intake.patient = patient
    return patient


def with_numbers(intake: Intake, numbers: list[Number]) -> list[Patient]:
    ours = intake.sender.our_authority
    condition, mrns = Q(pk=None), []
    for number in numbers:
        condition |= Q(system__in=number.systems, value=number.value)
        if ours and ours in number.systems:
            mrns.append(number.value.upper().removeprefix("P-").lstrip("0"))
    rows = PatientIdentifier.objects.filter(condition).select_related("patient")
    own = Patient.objects.filter(
        mrn__in=[int(one) for one in mrns if one.isascii() and one.isdigit() and len(one) < 18]
    )
    return [*(row.patient for row in rows), *own]


def standing(patient: Patient) -> Patient:
    """Whoever stands in the place of a record that was merged."""
    return patient.current


def is_somebody_else(patient: Patient, said: Said) -> bool:
    """A number may be given out twice, or typed wrongly. Then a result would be in the wrong chart."""
    if not said.name.family or said.birth_date is None or patient.birth_date is None:
        return False
    same_name = bool(set(fold(said.name.full).split()) & set(fold(patient.name).split()))
    return said.birth_date != patient.birth_date and not same_name


def candidates(said: Said) -> list[tuple[Patient, int, list[str]]]:
    return Patient.duplicates_of(said.name.given, said.name.family, said.birth_date, said.phone, social_number(said))


def social_number(said: Said) -> str:
    return next((number.value for number in said.numbers if number.kind in ("NI", "SS", "PPN", "DL")), "")


def remember_numbers(patient: Patient, said: Said) -> list[PatientIdentifier]:
    """So that the next message finds the patient by itself."""
    made = []
    for number in said.numbers:
        if PatientIdentifier.objects.filter(patient=patient, system__in=number.systems, value=number.value).exists():
            continue
        row = PatientIdentifier(patient=patient, system=number.system, value=number.value)
        row.kind, row.text = number.kind, number.text
        row.save(force_insert=True)
        made.append(row)
    return made

"""ADT: patients are registered, updated and merged as another system says; stays elsewhere are kept beside our own visits.

An update changes only the fields that are there (“""” empties one). What somebody changed here since the sender last
spoke is not overwritten: such a message waits, and a person chooses.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django.db import models

from clinical.fhir.patients import DIED
from clinical.hl7.ack import Problem
from clinical.hl7.intake import Handler, Intake, Reason, Waits
from clinical.hl7.people import Said, candidates, known, patient_of, remember_numbers, social_number, who
from clinical.hl7.reading import Segment
from clinical.hl7.stays import keep_stay
from clinical.hl7.values import Number, address_of, code_of, e_mail, moment, name_of, normal_phone, number_of, telephone
from clinical.hl7.withdrawing import changed_by, withdraw
from clinical.models import Allergy, Hl7Account, Hl7Message, Patient, PatientContact

Fields = dict[str, Any]
REGISTERS = frozenset(["A01", "A04", "A05", "A14", "A28"])
UPDATES = frozenset(
    [
        "A02",
        "A03",
        "A06",
        "A07",
        "A08",
        "A09",
        "A10",
        "A11",
        "A12",
        "A13",
        "A16",
        "A21",
        "A22",
        "A25",
        "A27",
        "A31",
        "A32",
        "A33",
        "A38",
    ]
)
MERGES = frozenset(["A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47"])
SEXES = {"F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "X": "other", "U": "unknown"}
HOME = ("line", "city", "state", "postal_code", "country")
SEVERE = {"SV": "high", "MO": "unknown", "MI": "low"}
ALLERGENS = {"DA": "medication", "MA": "medication", "FA": "food", "EA": "environment", "LA": "environment"}


def register(intake: Intake) -> None:
    """A new person, unless a number says that they are here, or somebody here looks the same."""
    segment = intake.message.first("PID")
    said = who(intake, segment)
    patient = known(intake, said)
    if patient is not None or segment is None:
        update(intake)
        return
    alike = [] if "new" in intake.anyway else candidates(said)
    if alike:
        words = f"{said.words} is new, and {len(alike)} here may be the same person."
        raise Waits(Reason.PATIENT, words, problem=Problem(204, "Possible duplicate", ("PID", "1", "3"), "W"))
    patient = enter(intake, segment, said)
    beside(intake, patient, segment)


def enter(intake: Intake, segment: Segment, said: Said) -> Patient:
    fields = fields_of(segment, said)
    if not (fields.get("given_name") or fields.get("family_name")):
        raise Waits(
            Reason.UNREADABLE,
            "The patient has no name (PID-5).",
            problem=Problem(101, "PID-5 is missing", ("PID", "1", "5")),
        )
    patient = Patient.register(by=intake.by, **{name: value for name, value in fields.items() if value is not None})
    intake.patient = patient
    intake.leave_trace("registered", {"id": str(patient.pk)})
    account = Hl7Account.of(intake.sender, patient, intake.row.received_at)
    told(intake, account, fields)
    intake.done.append(f"{patient.number} registered")
    return patient


def update(intake: Intake) -> None:
    segment = intake.message.first("PID")
    patient = patient_of(intake, segment)
    if segment is not None:
        change(intake, patient, fields_of(segment, who(intake, segment)))
        beside(intake, patient, segment)
    if not intake.done:
        intake.done.append(f"{patient.number}: nothing new")


def change(intake: Intake, patient: Patient, fields: Fields) -> None:
    patient.lock()
    account = Hl7Account.of(intake.sender, patient, intake.row.received_at)
    if account.received_at > intake.row.received_at and "theirs" not in intake.anyway:
        raise Waits(Reason.CONFLICT, f"A later message of this sender about {patient.number} is applied already.")
    taken, disputed = judged(intake, patient, fields, account.said)
    if disputed:
        labels = ", ".join(one["code"] for one in disputed)
        raise Waits(Reason.CONFLICT, f"Changed here since the sender last said it: {labels}.", asks=disputed)
    account.received_at = intake.row.received_at
    told(intake, account, fields)
    if taken:
        before = {name: getattr(patient, name) for name in (*taken, "is_unidentified")}
        patient.change(by=intake.by, **taken)
        intake.leave_trace("fields", {"id": str(patient.pk), "changed": changed_by(patient, before)})
        intake.done.append(f"{patient.number} updated: {', '.join(sorted(label_of(name) for name in taken))}")


def told(intake: Intake, account: Hl7Account, fields: Fields) -> None:
    """What the sender says now, beside what it said before of other fields."""
    before = account.said
    account.said = {**before, **{name: plain(value) for name, value in fields.items()}}
    account.save()
    intake.leave_trace("accounts", {"id": str(account.pk), "before": before, "after": account.said})


def judged(intake: Intake, patient: Patient, fields: Fields, last: Fields) -> tuple[Fields, list[dict[str, str]]]:
    """What is taken, and what nobody but a person can decide."""
    taken: Fields = {}
    disputed = []
    for name, value in fields.items():
        here = getattr(patient, name)
        if name == "tags":
            taken |= {} if DIED in here or patient.deceased_at else {name: [*here, *value]}
            continue
        if here == value or (last.get(name) == plain(value) and "theirs" not in intake.anyway):
            continue
        if is_free(here, last.get(name)) or "theirs" in intake.anyway:
            taken[name] = value
        elif "ours" not in intake.anyway:
            shown = {"ours": plain(here), "theirs": plain(value)}
            disputed.append({"subject": "field", "code": label_of(name), "text": name, **shown})
    return taken, disputed


def is_free(here: Any, last: str | None) -> bool:
    """Nothing is here, or just what the sender said itself."""
    return here in (None, "", False, "unknown", []) or plain(here) == last


def fields_of(segment: Segment, said: Said) -> Fields:
    """The columns that the message speaks of, and no others."""
    fields: Fields = {}
    name = name_of(segment.all(5))
    if name.full and not segment.value(5).is_deleted:
        fields |= {"given_name": name.given, "family_name": name.family}
    if segment.value(7):
        born = moment(segment.part(7))
        if born or segment.value(7).is_deleted:
            fields |= {"birth_date": born and born.day, "birth_date_estimated": bool(born and born.is_partial)}
    if segment.value(8):
        fields["sex"] = SEXES.get(segment.part(8).upper()[:1], "unknown")
    if segment.value(11):
        deleted = segment.value(11).is_deleted
        fields |= dict.fromkeys(HOME, "") if deleted else address_of(segment.all(11))
    fields |= telecom_of(segment)
    if document := social_number(said):
        fields["document_number"] = document[:60]
    return fields | death_of(segment)


def telecom_of(segment: Segment) -> Fields:
    fields: Fields = {}
    said = [*segment.all(13), *segment.all(14)]
    if numbers := list(filter(None, map(normal_phone, map(telephone, said)))):
        fields["phone"] = numbers[0]
    if letters := list(filter(None, map(e_mail, said))):
        fields["email"] = letters[0]
    if segment.value(13).is_deleted:
        fields |= {"phone": "", "email": ""}
    return fields


def death_of(segment: Segment) -> Fields:
    died = moment(segment.part(29))
    if died and segment.part(30).upper() != "N":
        return {"deceased_at": died.at}
    return {"tags": [DIED]} if segment.part(30).upper() == "Y" else {}


def beside(intake: Intake, patient: Patient, segment: Segment) -> None:
    """What stands below the patient: numbers, further telephones, contacts, allergies, and the stay."""
    said = who(intake, segment)
    if keep_numbers(intake, patient, said):
        intake.done.append("numbers added")
    further(intake, patient, segment)
    for one in intake.message.all("NK1"):
        keep_contact(intake, patient, one)
    for one in intake.message.all("AL1"):
        keep_allergy(intake, patient, one)
    keep_stay(intake, patient)


def keep_numbers(intake: Intake, patient: Patient, said: Said) -> bool:
    made = remember_numbers(patient, said)
    for row in made:
        intake.leave_trace("numbers", str(row.pk))
    return bool(made)


def further(intake: Intake, patient: Patient, segment: Segment) -> None:
    """More telephones than the one, and those that are no number of our form."""
    for value in (*segment.all(13), *segment.all(14)):
        said = telephone(value)
        if said and normal_phone(said) != patient.phone:
            keep_row(intake, patient, "Further telephone", said[:255], {"phone": said})


def keep_contact(intake: Intake, patient: Patient, segment: Segment) -> None:
    name = name_of(segment.all(2)).full
    relation = code_of(segment.value(3)).name
    if not name and not relation:
        return
    phones = [telephone(value) for value in (*segment.all(5), *segment.all(6))]
    letters = [e_mail(value) for value in (*segment.all(5), *segment.all(6))]
    home = address_of(segment.all(4)) if segment.value(4) else {}
    fields = {
        "phone": next(filter(None, phones), ""),
        "email": next(filter(None, letters), ""),
        "address": ", ".join(filter(None, home.values())),
    }
    keep_row(intake, patient, relation, name, fields)


def keep_row(intake: Intake, patient: Patient, relation: str, name: str, fields: Fields) -> None:
    known_as = {"relationship": relation[:255], "name": name[:255]}
    row, made = PatientContact.objects.get_or_create(patient=patient, **known_as, defaults=fields)
    changed = [] if made else [key for key, value in fields.items() if value and getattr(row, key) != value]
    before = {key: getattr(row, key) for key in changed}
    for key in changed:
        setattr(row, key, fields[key])
    if changed:
        row.save(update_fields=changed)
    if made or changed:
        intake.leave_trace("contacts", {"id": str(row.pk), "made": made, "changed": changed_by(row, before)})


def keep_allergy(intake: Intake, patient: Patient, segment: Segment) -> None:
    """As unconfirmed: it warns at once, and somebody here asks the patient."""
    coded = code_of(segment.value(3))
    if not coded.name or patient.allergies.filter(substance__iexact=coded.name).exists():
        return
    row = Allergy.record(
        patient,
        by=None,
        substance=coded.name,
        code=coded.code[:255],
        system=coded.system[:255],
        category=ALLERGENS.get(segment.part(2).upper(), "other"),
        criticality=SEVERE.get(segment.part(4).upper(), "unknown"),
        verification="unconfirmed",
        fhir_id=f"{intake.identity}:allergy:{patient.pk.hex}:{coded.key}"[:255],
    )
    intake.leave_trace("allergies", {"id": str(row.pk)})
    intake.done.append(f"allergy {coded.name}")


# --- two records of one person --------------------------------------------------------------


def merge(intake: Intake) -> None:
    """Each PID with the MRG after it: the number in MRG is given up for those in PID."""
    pairs = pairs_of(intake.message.segments)
    if not pairs:
        raise Waits(
            Reason.UNREADABLE, "It does not say which record ends (MRG).", problem=Problem(100, "MRG is missing")
        )
    for kept, given_up in pairs:
        join(intake, kept, given_up)


def pairs_of(segments: list[Segment]) -> list[tuple[Segment, Segment]]:
    found, kept = [], None
    for segment in segments:
        if segment.name == "PID":
            kept = segment
        elif segment.name == "MRG" and kept is not None:
            found.append((kept, segment))
    return found


def join(intake: Intake, kept: Segment, given_up: Segment) -> None:
    said, former = who(intake, kept), Said(numbers_in(intake, given_up), name_of([]), None, "")
    survivor, source = known(intake, said), known(intake, former)
    patient = survivor or source
    if patient is None:
        words = f"Neither number is known here: {said.words}; {former.words}."
        raise Waits(Reason.PATIENT, words, problem=Problem(204, "Unknown patient", ("PID", "1", "3"), "W"))
    intake.patient = patient
    if survivor and source and survivor.pk != source.pk:
        from clinical.models.merge import Merge

        made = Merge.make(source, survivor, by=intake.by)
        intake.leave_trace("merges", {"id": str(made.pk)})
        intake.done.append(f"{source.number} merged into {survivor.number}")
    keep_numbers(intake, patient, said)
    keep_numbers(intake, patient, former)
    if not intake.done:
        intake.done.append(f"{patient.number} has the number {said.words} too")


def numbers_in(intake: Intake, segment: Segment) -> list[Number]:
    found = [number_of(value, own=intake.own_authority) for value in segment.all(1)]
    return [number for number in found if number]


def plain(value: Any) -> str:
    """As it is compared and shown: a moment by its own text, nothing as nothing."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def label_of(name: str) -> str:
    return str(cast("models.Field", Patient._meta.get_field(name)).verbose_name)


REGISTRATION = Hl7Message.Family.REGISTRATION
HANDLERS = (
    Handler("ADT", REGISTRATION, register, REGISTERS, withdraw),
    Handler("ADT", REGISTRATION, update, UPDATES, withdraw),
    Handler("ADT", REGISTRATION, merge, MERGES, withdraw),
)

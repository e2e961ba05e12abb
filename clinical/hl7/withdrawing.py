"""What a registration, an update or a merge by message did is taken back: it is as it was, where nobody changed it since.

Each function below takes one kind of trace that the message left (`clinical/hl7/registration.py`), the latest first, and
says in words what stays. No patient is deleted: one whom the message registered stays, without its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from clinical.models import (
    Allergy,
    Hl7Account,
    Hl7Message,
    Merge,
    OutsideEncounter,
    Patient,
    PatientContact,
    PatientIdentifier,
)
from hospital.workflow import Refused

if TYPE_CHECKING:
    from django.db import models

    from hospital.models import Person

MISTAKE = "entered-in-error"
Trace = dict[str, Any]


def kept(value: Any) -> Any:
    """As a trace keeps it."""
    return value.isoformat() if isinstance(value, date) else value


def changed_by(row: Any, before: dict[str, Any]) -> dict[str, list[Any]]:
    """Each field with what stood there before and what stands there now."""
    now = {name: kept(getattr(row, name)) for name in before}
    return {name: [kept(value), now[name]] for name, value in before.items() if kept(value) != now[name]}


def give_back(row: Any, changed: dict[str, list[Any]]) -> tuple[dict[str, Any], list[str]]:
    """The fields that still say what the message said, as they were; and the names of those that somebody changed since."""
    fields, stay = {}, []
    for name, (before, after) in changed.items():
        column = cast("models.Field", row._meta.get_field(name))
        if kept(getattr(row, name)) == after:
            fields[name] = column.to_python(before)
        else:
            stay.append(str(column.verbose_name))
    return fields, stay


def withdraw(row: Hl7Message, why: str, by: Person | None) -> list[str]:
    return [
        words
        for kind, undo in UNDO.items()
        for trace in reversed(row.traces.get(kind, []))
        if (words := undo(row, trace, why, by))
    ]


def undo_merge(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    merge = Merge.objects.get(pk=trace["id"])
    left = [] if merge.is_undone else merge.undo(by=by)
    return f"Of the merge stays: {', '.join(left)}" if left else ""


def undo_fields(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    patient = Patient.objects.get(pk=trace["id"])
    if patient.merged_into_id is not None:
        raise Refused(f"{patient.number} was merged into {patient.current.number} since. Undo that first.")
    fields, stay = give_back(patient, trace["changed"])
    if fields:
        patient.change(by=by, **fields)
    return f"Changed here since, and stays: {', '.join(stay)}" if stay else ""


def undo_account(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    """What the sender said counts no more as said: the same words of the right message are news again."""
    account = Hl7Account.objects.filter(pk=trace["id"]).first()
    if account is not None and account.said == trace["after"]:
        account.said = trace["before"]
        account.save(update_fields=["said"])
    return ""


def undo_allergy(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    allergy = Allergy.objects.get(pk=trace["id"])
    if not allergy.is_mistake:
        allergy.take_back(by=None, because=why)
    allergy.fhir_id = ""
    allergy.save(update_fields=["fhir_id"])
    return ""


def undo_contact(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    contact = PatientContact.objects.get(pk=trace["id"])
    if trace["made"]:
        if contact.ended_at is None:
            contact.end(why, by=by)
        return ""
    fields, stay = give_back(contact, trace["changed"])
    if fields:
        contact.change(by=by, **fields)
    return f"{contact}: changed here since" if stay else ""


def undo_stay(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    stay = OutsideEncounter.objects.get(pk=trace["id"])
    fields = give_back(stay, trace["changed"])[0]
    if trace["made"]:
        fields = {"status": MISTAKE, "fhir_id": ""}
    for name, value in fields.items():
        setattr(stay, name, value)
    stay.save(update_fields=list(fields))
    return ""


def undo_number(row: Hl7Message, trace: str, why: str, by: Person | None) -> str:
    PatientIdentifier.objects.filter(pk=trace).delete()
    return ""


def undo_registration(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    patient = Patient.objects.get(pk=trace["id"])
    return f"{patient.number} stays, since no patient is deleted: merge it into the right record, if there is one"


UNDO: dict[str, Callable[[Hl7Message, Any, str, Any], str]] = {
    "merges": undo_merge,
    "fields": undo_fields,
    "accounts": undo_account,
    "allergies": undo_allergy,
    "contacts": undo_contact,
    "stays": undo_stay,
    "numbers": undo_number,
    "registered": undo_registration,
}

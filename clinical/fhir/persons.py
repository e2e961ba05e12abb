"""Patients are stored one by one, by their verbs: they have numbers, a search text and live events."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from clinical.fhir.store import REFUSALS, Draft, Fields, Outcome, Rows, different, fit, in_words, unfit
from clinical.fhir.values import Broken
from clinical.models import Patient, PatientContact, PatientIdentifier

BELOW = ("identifiers", "contacts")


def store_patients(model: type[models.Model], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    return [store_patient(draft, existing.get(draft.fhir_id)) for draft in drafts]


def store_patient(draft: Draft, row: Patient | None) -> Outcome:
    below = {name: draft.fields.pop(name) for name in BELOW}
    try:
        check(draft, row, below)
        with transaction.atomic():
            return register(draft, below) if row is None else change(row, draft, below)
    except Broken as error:
        return Outcome(draft, "broken", str(error))
    except REFUSALS as error:
        return Outcome(draft, "broken", in_words(error))


def check(draft: Draft, row: Patient | None, below: Fields) -> None:
    if reason := unfit(Patient, draft, None):
        raise Broken(reason)
    for one in below["identifiers"]:
        fit(PatientIdentifier, one)
    for one in below["contacts"]:
        fit(PatientContact, one)
    if row is not None and is_somebody_else(row, draft.fields, below["identifiers"]):
        raise Broken(f"The id already belongs to {row.number}, who has another name and date of birth.")


def is_somebody_else(row: Patient, fields: Fields, numbers: list[Fields]) -> bool:
    """Ids of two sources may be the same by chance. Then two people would become one, so it takes little to refuse."""
    if row.birth_date == fields["birth_date"] or row.family_name.casefold() == fields["family_name"].casefold():
        return False
    return not row.identifiers.filter(value__in=[one["value"] for one in numbers]).exists()


def register(draft: Draft, below: Fields) -> Outcome:
    patient = Patient.register(by=None, pk=draft.key, fhir_id=draft.fhir_id, **draft.fields)
    add_below(patient, below)
    return Outcome(draft, "new")


def change(row: Patient, draft: Draft, below: Fields) -> Outcome:
    names = different(row, draft.fields)
    if not names:
        return Outcome(draft, "unchanged")
    fields = {name: draft.fields[name] for name in names}
    if "tags" in fields:
        fields["tags"] = list(dict.fromkeys([*row.tags, *fields["tags"]]))
    row.change(by=None, **fields)
    add_below(row, below)
    return Outcome(draft, "changed")


def add_below(patient: Patient, below: Fields) -> None:
    """Numbers and contacts are added or corrected; those that a record no longer names stay."""
    for one in below["identifiers"]:
        put(PatientIdentifier, patient, ("system", "value"), one)
    for one in below["contacts"]:
        put(PatientContact, patient, ("relationship", "name"), one)


def put(model: type[Any], patient: Patient, identity: tuple[str, str], fields: Fields) -> None:
    named = {name: fields[name] for name in identity}
    row, made = model.objects.get_or_create(patient=patient, **named, defaults=fields)
    names = [] if made else different(row, fields)
    if names:
        for name in names:
            setattr(row, name, fields[name])
        row.save(update_fields=names)

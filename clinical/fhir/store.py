"""Rows are inserted, changed or left alone. One that the database refuses does not take the others with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import DatabaseError, transaction

from clinical.fhir.files import Entry
from clinical.fhir.values import Broken
from clinical.models import Observation, Patient
from hospital.context import current
from hospital.tenancy import TenantModel

Fields = dict[str, Any]
Rows = dict[str, Any]  # by FHIR id
AT_ONCE = 500
REFUSALS = (DatabaseError, ValueError, ArithmeticError)


@dataclass
class Draft:
    """A row as the record wants it to be."""

    entry: Entry
    key: UUID | None  # None: the database gives it
    fhir_id: str
    fields: Fields


@dataclass(frozen=True)
class Outcome:
    draft: Draft
    word: str  # new, changed, unchanged, broken
    reason: str = ""

    @property
    def is_change(self) -> bool:
        return self.word in ("new", "changed")


def store_rows(model: type[TenantModel], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    """Every draft with what became of it. New rows go in by the hundred, without signals."""
    outcomes, new = [], []
    for draft in drafts:
        row = existing.get(draft.fhir_id)
        if reason := unfit(model, draft, row):
            outcomes.append(Outcome(draft, "broken", reason))
        elif row is None:
            new.append(draft)
        else:
            outcomes.append(change(row, draft))
    for start in range(0, len(new), AT_ONCE):
        outcomes += insert(model, new[start : start + AT_ONCE])
    return outcomes


def store_warnings(model: type[TenantModel], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    """Allergies stand in the banner: patients who were here before are told about once."""
    outcomes = store_rows(model, drafts, existing)
    concerned = {one.draft.fields["patient_id"] for one in outcomes if one.is_change}
    for patient in Patient.objects.filter(pk__in=concerned, created_at__lt=TransactionNow()):
        patient.touch()
    return outcomes


def store_observations(model: type[TenantModel], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    """With their components, which are rows below them; a component that is no longer sent goes away."""
    pieces = {draft.fhir_id: components(draft) for draft in drafts}
    misfits = {
        draft.fhir_id: reason
        for draft in drafts
        for one in pieces[draft.fhir_id]
        if (reason := unfit(model, one, None))
    }
    outcomes = [Outcome(draft, "broken", misfits[draft.fhir_id]) for draft in drafts if draft.fhir_id in misfits]
    outcomes += store_rows(model, [draft for draft in drafts if draft.fhir_id not in misfits], existing)
    parents = [one.draft for one in outcomes if one.word != "broken"]
    children = [piece for draft in parents for piece in pieces[draft.fhir_id]]
    known = {
        row.fhir_id: row for row in Observation.objects.filter(parent_id__in=[row.pk for row in existing.values()])
    }
    outcomes += [one for one in store_rows(model, children, known) if one.word == "broken"]
    surplus = set(known) - {one.fhir_id for one in children}
    changed = {draft.key for draft in parents}
    Observation.objects.filter(pk__in=[known[one].pk for one in surplus if known[one].parent_id in changed]).delete()
    return outcomes


def components(draft: Draft) -> list[Draft]:
    found = draft.fields.pop("components")
    return [
        Draft(draft.entry, None, f"{draft.fhir_id}#{at}", {**fields, "parent_id": draft.key})
        for at, fields in enumerate(found)
    ]


def insert(model: type[TenantModel], drafts: list[Draft]) -> list[Outcome]:
    """All together; if one is refused, in halves, until it stands alone."""
    tenant = current().tenant
    rows = [model(**{**key_of(draft), "tenant": tenant, "fhir_id": draft.fhir_id, **draft.fields}) for draft in drafts]
    try:
        with transaction.atomic():
            model.objects.bulk_create(rows)
    except REFUSALS as error:
        if len(drafts) == 1:
            return [Outcome(drafts[0], "broken", in_words(error))]
        middle = len(drafts) // 2
        return insert(model, drafts[:middle]) + insert(model, drafts[middle:])
    return [Outcome(draft, "new") for draft in drafts]


def key_of(draft: Draft) -> Fields:
    return {"pk": draft.key} if draft.key else {}


def change(row: Any, draft: Draft) -> Outcome:
    """Save only what differs; nothing at all if nothing does, so that no line of the audit says otherwise."""
    names = different(row, draft.fields)
    if not names:
        return Outcome(draft, "unchanged")
    for name in names:
        setattr(row, name, draft.fields[name])
    try:
        with transaction.atomic():
            row.save(update_fields=[row._meta.get_field(name).name for name in names])
    except REFUSALS as error:
        return Outcome(draft, "broken", in_words(error))
    return Outcome(draft, "changed")


def different(row: Any, fields: Fields) -> list[str]:
    """What the record says otherwise. A record that is as it was changes nothing that colleagues edited since."""
    if "fhir_digest" in fields and row.fhir_digest == fields["fhir_digest"]:
        return []
    return [name for name, value in fields.items() if getattr(row, name) != value]


def unfit(model: type[TenantModel], draft: Draft, row: Any) -> str:
    """Why this row cannot be: too long, or somebody else's."""
    if row is not None and getattr(row, "patient_id", None) != draft.fields.get("patient_id"):
        return "A row with this id belongs to another patient."
    try:
        fit(model, {**draft.fields, "fhir_id": draft.fhir_id})
    except Broken as error:
        return str(error)
    return ""


def fit(model: type[TenantModel], fields: Fields) -> None:
    for name, room in rooms(model).items():
        value = fields.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and len(one) > room:
                raise Broken(f"“{name}” has {len(one):,} letters, and there is room for {room}.")


@cache
def rooms(model: type[TenantModel]) -> dict[str, int]:
    """How many letters each column takes."""
    columns = [(one, one.base_field if isinstance(one, ArrayField) else one) for one in model._meta.local_fields]
    return {column.attname: inner.max_length for column, inner in columns if inner.max_length}


def in_words(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return f"The database refuses it: {words[0] if words else type(error).__name__}"

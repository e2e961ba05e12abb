"""What the audit log says of rows, in words: who changed which field of what, from what to what, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime

from clinical.as_of import SLACK, WRITES, first_id
from clinical.measure import plain
from clinical.models import Document, LabResult, Patient
from clinical.models.lab_correction import released_results
from clinical.together import attach, named_by, together
from hospital.context import current
from hospital.models import AuditEntry, Person

SILENT = frozenset(
    (
        *("id", "tenant_id", "patient_id", "version", "created_at", "updated_at", "search", "fhir_id", "fhir_digest"),
        *("closed_by_id", "closed_at", "recorded_by_id", "sha256", "told_tier", "delta_reason"),
    )
)
VERBS = {"insert": "Recorded", "update": "Changed", "delete": "Removed"}
A_FEW = 500


@dataclass(frozen=True)
class Field:
    """One field that changed. A new row has no earlier values."""

    label: str
    before: str
    after: str


@dataclass
class Change:
    at: datetime
    verb: str
    what: str  # "problem"
    title: str  # which one
    by: str = ""
    fields: list[Field] = field(default_factory=list)


def history_of(row: models.Model) -> list[Change]:
    """The life of one row, the newest change first."""
    lines = AuditEntry.objects.filter(table=row._meta.db_table, row_id=row.pk, action__in=WRITES)
    return told(lines.order_by("-at", "-id")[:A_FEW], {row._meta.db_table: type(row)})


def changed_since(patient: Patient, at: datetime, tables: Iterable[type[models.Model]]) -> list[Change]:
    """What happened to a chart after that time, the newest first."""
    known = {model._meta.db_table: model for model in tables}
    lines = AuditEntry.objects.filter(patient_id=patient.pk, table__in=known, action__in=WRITES)
    lines = lines.filter(id__gte=first_id(at - SLACK), at__gt=at)
    documents = Document.objects.seen_by(current()).filter(patient=patient)
    lines = lines.filter(~models.Q(table=Document._meta.db_table) | models.Q(row_id__in=documents.values("pk")))
    return told(lines.order_by("-id")[:A_FEW], known)


def told(lines: Iterable[AuditEntry], tables: dict[str, type[models.Model]]) -> list[Change]:
    lines = list(lines)
    names = names_in(lines, tables)
    changes = []
    for line in lines:
        model = tables[line.table]
        fields = [] if line.action == "delete" else list(fields_of(model, line, names))
        if fields or line.action != "update":
            what = str(model._meta.verbose_name)
            title = names.get(line.row_id, "")
            by = names.get(line.person_id, "") or "the system"
            changes.append(Change(line.at, VERBS[line.action], what, title, by, fields))
    return changes


def fields_of(model: type[models.Model], line: AuditEntry, names: dict[Any, str]) -> Iterator[Field]:
    before, after = line.before or {}, line.after or {}
    for column in model._meta.concrete_fields:
        name = str(column.column)
        if name not in after or name in SILENT or is_said_elsewhere(name, before, after):
            continue
        old, new = (in_words(column, one.get(name), names) for one in (before, after))
        if old != new:
            yield Field(str(column.verbose_name).removesuffix(" said").capitalize(), old, new)


def is_said_elsewhere(name: str, *told: dict[str, Any]) -> bool:
    """A day that is known by its year only has an exact one beside it, for order, and reactions in words have their codes: what was said counts."""
    said = "reaction" if name == "reactions" else f"{name.removesuffix('_at')}_said"
    return name.endswith(("_at", "reactions")) and any(one.get(said) for one in told)


def in_words(column: Any, value: Any, names: dict[Any, str]) -> str:
    """A value as a person would read it."""
    if value in (None, "", [], {}):
        return ""
    if column.is_relation:
        return names.get(UUID(value), "")
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(column, models.BooleanField):
        return "yes" if value else "no"
    if isinstance(column, models.DateTimeField):
        moment = parse_datetime(value)
        return formats.date_format(timezone.localtime(moment), "j M Y, H:i") if moment else ""
    if isinstance(column, models.DateField):
        day = parse_date(value)
        return formats.date_format(day, "j M Y") if day else ""
    if isinstance(column, models.DecimalField):
        return plain(Decimal(str(value)))
    return ", ".join(map(listed, value)) if isinstance(column, (models.JSONField, ArrayField)) else str(value)


def listed(one: Any) -> str:
    return " ".join(str(part) for part in one.values() if part) if isinstance(one, dict) else str(one)


def names_in(lines: list[AuditEntry], tables: dict[str, type[models.Model]]) -> dict[Any, str]:
    """The rows and the persons that these lines speak of: one query."""
    keys: dict[type[models.Model], set[Any]] = {Person: {line.person_id for line in lines} - {None}}
    for line in lines:
        keys.setdefault(tables[line.table], set()).add(line.row_id)
        for column in tables[line.table]._meta.concrete_fields:
            if column.is_relation and str(column.column) not in SILENT and isinstance(column.related_model, type):
                values = {(told or {}).get(str(column.column)) for told in (line.before, line.after)} - {None}
                keys.setdefault(column.related_model, set()).update(UUID(value) for value in values)
    if not lines:
        return {}
    rows = together(**{model._meta.db_table: may_be_named(model, ids) for model, ids in keys.items() if ids})
    attach([(some, ASKING[type(some[0])._meta.label]) for some in rows.values() if some and asks(some[0])])
    return {row.pk: str(row) for some in rows.values() for row in some}


def may_be_named(model: type[models.Model], keys: set[Any]) -> models.QuerySet:
    """A value that the laboratory has not released has no name here."""
    rows = named_by(model, keys)
    return rows.filter(pk__in=released_results().values("pk")) if model is LabResult else rows


# Rows whose own words need another.
ASKING = {
    "clinical.Examination": ("visit",),
    "clinical.LabOrder": ("test",),
    "clinical.Encounter": ("template", "visit"),
    "clinical.PrescriptionLine": ("medicine",),
}


def asks(row: models.Model) -> bool:
    return row._meta.label in ASKING

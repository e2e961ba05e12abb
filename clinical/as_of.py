"""The chart as it was at a time, from the audit log.

What is there now is taken, and what the log says was done after that time is undone, the newest first. A line of the
log has the whole row that was deleted, and of a changed row the columns as they were before; so a row that has not
changed since is read as it is, and the work is as much as has happened since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from clinical.chart import show_allergies
from clinical.models import Allergy, Patient
from clinical.models.document import Documents
from clinical.together import row_of, together_as_told
from hospital.context import current
from hospital.models import AuditEntry
from hospital.seals import truth

WRITES = ("insert", "update", "delete")
# Ids of the log begin with the time at which they were made, which is a moment before the line's own.
SLACK = timedelta(seconds=10)

Told = dict[str, Any]  # a row, by column
Wanted = Mapping[type[models.Model], str]  # tables, and the way from each to its patient


def rows_at(patient: Patient, at: datetime, wanted: Wanted) -> dict[type[models.Model], list[Any]]:
    """All rows of these tables that this patient had then. Rows that a row names are not among them."""
    found = {table: {row["id"]: row for row in rows} for table, rows in _now(patient, wanted).items()}
    for table, row_id, action, before in _undone(patient, at, wanted, found):
        _undo(found[table], row_id, action, before)
    return {model: [row_of(model, row) for row in _his(found[model._meta.db_table], patient)] for model in wanted}


def as_it_was(patient: Patient, at: datetime) -> bool:
    """Turn the patient into what was known then. False if nothing was. Whether the chart is restricted counts as it is now."""
    found = rows_at(patient, at, {Patient: "pk", Allergy: "patient"})
    for then in found[Patient]:
        for field in (one for one in Patient._meta.concrete_fields if one.name != "is_restricted"):
            setattr(patient, field.attname, truth(then, field.attname))
    show_allergies(patient, [one for one in found[Allergy] if one.is_current])
    return bool(found[Patient])


def _now(patient: Patient, wanted: Wanted) -> dict[str, list[Told]]:
    return together_as_told(**{model._meta.db_table: mine(model, path, patient) for model, path in wanted.items()})


def mine(model: type[models.Model], path: str, patient: Patient) -> models.QuerySet:
    """Of documents those that are for whoever acts."""
    rows = model._default_manager.filter(**{path: patient.pk}).order_by()
    return rows.seen_by(current()) if isinstance(rows, Documents) else rows


def _undone(
    patient: Patient, at: datetime, wanted: Wanted, now: dict[str, dict[str, Told]]
) -> Iterator[tuple[str, str, str, Told]]:
    """What was done after that time, the newest first."""
    own = [model._meta.db_table for model, path in wanted.items() if path in ("pk", "patient")]
    below = {
        model._meta.db_table: list(now[model._meta.db_table]) for model in wanted if model._meta.db_table not in own
    }
    lines = _lines(at, Q(patient_id=patient.pk, table__in=own))
    for table, ids in below.items():
        lines += _lines(at, Q(table=table, row_id__in=ids))
    for line in sorted(lines, key=lambda line: line[0], reverse=True):
        yield line[1], str(line[2]), line[3], json.loads(line[4] or "{}", parse_float=Decimal)


def _lines(at: datetime, which: Q) -> list[Any]:
    since = AuditEntry.objects.filter(which, id__gte=first_id(at - SLACK), at__gt=at, action__in=WRITES)
    told = since.annotate(was=Cast("before", TextField())).order_by("-id")
    return list(told.values_list("at", "table", "row_id", "action", "was"))


def _undo(rows: dict[str, Told], row_id: str, action: str, before: Told) -> None:
    if action == "insert":
        rows.pop(row_id, None)
    elif action == "delete":
        rows[row_id] = before
    elif row_id in rows:
        rows[row_id].update(before)


def _his(rows: dict[str, Told], patient: Patient) -> Iterator[Told]:
    """Not what came to this patient later, when two were merged."""
    return (row for row in rows.values() if row.get("patient_id", str(patient.pk)) == str(patient.pk))


def first_id(at: datetime) -> UUID:
    """No key that was made from then on is smaller."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)

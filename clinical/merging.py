"""What a merge does to the rows of both patients: which tables follow, how they are moved, and how they come back.

Nothing names a table here. Each column of a model, in any app, that is a key to Patient follows; a trigger on its table
(made after each `migrate`, see `watch_tables`) sends what is written for a merged patient to the survivor.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg.errors
from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, connections, models, transaction
from django.utils import timezone
from psycopg.sql import SQL, Composable, Identifier

from clinical.models.patient import Patient
from clinical.sql import follow_merge
from hospital.db.fence import quote
from hospital.workflow import Refused

T = TypeVar("T")
PATIENCE = 30  # attempts to hold both charts
WAIT = "400ms"  # less than a deadlock is looked for: of two that wait for each other, the merge gives way
SET_ASIDE = "set_aside"
# Where the survivor has a row that excludes this one: it says the same and is put aside, or it changes and comes along.
# Anything else a person must settle before.
SAY_THE_SAME = (
    "clinical.PatientIdentifier",
    "clinical.PatientContact",
    "clinical.PatientRelation",
    "clinical.Hl7Account",
)
CHANGES: dict[str, dict[str, Any]] = {
    "clinical.Policy": {"is_active": False},
    "clinical.ChartGrant": {"ended_at": timezone.now, "end_reason": "Merged: the other record's grant stands"},
}
IN_WORDS = {
    "PatientCondition": "conditions that move a range",
    "PatientIdentifier": "numbers elsewhere",
    "PatientContact": "contacts",
    "PatientRelation": "relations",
    "ChartGrant": "permissions to open the chart",
    "Encounter": "notes",
    "OutsideEncounter": "encounters elsewhere",
    "Immunization": "immunisations",
    "QueuePlace": "places in a queue",
    "MedicationStatement": "medicines",
    "MedicineReview": "reviews of medicines",
    "Observation": "measurements",
    "Hl7Message": "messages of other systems",
    "Hl7Account": "senders that know the patient",
    "Policy": "insurance policies",
    "Confirmation": "confirmed details",
    "ImportLine": "lines of an import",
    "Wish": "places on the waitlist",
}
STAYS = ("clinical.Patient", "clinical.Merge", "clinical.PossibleDuplicate")
INSERT = SQL("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb) RETURNING id")
HISTORY = ("hospital.AuditEntry", "realtime.Event")  # what was written then, nobody changes


@dataclass(frozen=True)
class Column:
    """A column that says whose row it is."""

    model: type[models.Model]
    name: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def is_key(self) -> bool:
        return any(field.column == self.name and field.is_relation for field in self.model._meta.local_fields)


@dataclass(frozen=True)
class Moved:
    """A row that went to the survivor; `kept` is what it was, where more than its patient changed."""

    table: str
    column: str
    row_id: UUID
    how: str
    kept: dict[str, Any] | None = None


def columns() -> list[Column]:
    """All that follow a patient, in the order of the apps."""
    return [
        Column(model, str(field.column))
        for model in apps.get_models()
        if model._meta.label not in STAYS + HISTORY and model._meta.managed
        for field in model._meta.local_fields
        if field.related_model is Patient or (field.column == "patient_id" and isinstance(field, models.UUIDField))
    ]


def kind_of(model: type[models.Model]) -> str:
    """Several rows of it, as people call them."""
    return IN_WORDS.get(model.__name__, str(model._meta.verbose_name_plural))


def counts(patient: Patient) -> list[tuple[str, int]]:
    """How many rows of each kind are this patient's."""
    found: dict[str, int] = {}
    for column in columns():
        if column.is_key:
            rows = column.model._base_manager.filter(**{column.name: patient.pk}).count()
            label = kind_of(column.model)
            found[label] = found.get(label, 0) + rows
    return [(label, number) for label, number in found.items() if number]


# --- moving ------------------------------------------------------------------------------


def move_all(source: Patient, survivor: Patient) -> list[Moved]:
    return [moved for column in columns() for moved in move(column, source, survivor)]


def move(column: Column, source: Patient, survivor: Patient) -> list[Moved]:
    """All at once; where one of them is excluded by a row of the survivor, one by one."""
    try:
        with transaction.atomic():
            moved = reassign(column, source, survivor)
    except IntegrityError:
        rows = column.model._base_manager.filter(**{column.name: source.pk}).order_by("pk")
        return [move_one(column, pk, source, survivor) for pk in rows.values_list("pk", flat=True)]
    return [Moved(column.table, column.name, pk, "moved") for pk in moved]


def move_one(column: Column, pk: UUID, source: Patient, survivor: Patient) -> Moved:
    try:
        with transaction.atomic():
            reassign(column, source, survivor, [pk])
        return Moved(column.table, column.name, pk, "moved")
    except IntegrityError:
        return settle(column, pk, source, survivor)


def settle(column: Column, pk: UUID, source: Patient, survivor: Patient) -> Moved:
    """The rule of its kind, for a row that the survivor's rows exclude."""
    label, kept = column.model._meta.label, as_it_is(column, pk)
    if label in SAY_THE_SAME:
        write(SQL("DELETE FROM {} WHERE id = %s").format(Identifier(column.table)), [pk])
        return Moved(column.table, column.name, pk, SET_ASIDE, kept)
    if label not in CHANGES:
        kind, row = str(column.model._meta.verbose_name), column.model._base_manager.get(pk=pk)
        raise Refused(
            f"{kind.capitalize()} {row} excludes one of the other patient. Change or end one of the two first."
        )
    changed = {name: value() if callable(value) else value for name, value in CHANGES[label].items()}
    set_columns(column, pk, changed)
    reassign(column, source, survivor, [pk])
    return Moved(column.table, column.name, pk, "changed", {name: kept[name] for name in changed})


def reassign(column: Column, was: Patient, becomes: Patient, only: list[UUID] | None = None) -> list[UUID]:
    """Give the rows of the one to the other, and count their versions. Says which they were."""
    sql = SQL("SELECT * FROM merge_move(%s, %s, %s, %s, %s)")
    return [pk for (pk,) in write(sql, [column.table, column.name, was.pk, becomes.pk, only])]


def set_columns(column: Column, pk: UUID, values: dict[str, Any]) -> None:
    parts = SQL(", ").join(SQL("{} = %s").format(Identifier(name)) for name in values)
    write(SQL("UPDATE {} SET {} WHERE id = %s").format(Identifier(column.table), parts), [*values.values(), pk])


def as_it_is(column: Column, pk: UUID) -> dict[str, Any]:
    sql = SQL("SELECT to_jsonb(one) FROM {} one WHERE id = %s").format(Identifier(column.table))
    [(row,)] = write(sql, [pk])
    return json.loads(row)


# --- and back ----------------------------------------------------------------------------


def move_back(rows: Iterable[Moved], source: Patient, survivor: Patient) -> list[Moved]:
    """Which could not be moved: deleted since, given to somebody else, or excluded by what was written since."""
    by_column = {(column.table, column.name): column for column in columns()}
    left = []
    for (table, name), same in grouped(rows).items():
        column = by_column.get((table, name))
        left += same if column is None else back(column, same, source, survivor)
    return left


def hanging_on(rows: Iterable[Moved], survivor: Patient) -> list[Moved]:
    """What was written for the survivor since, but belongs to a row that goes back: a bill of a visit of the source."""
    going: dict[str, set[UUID]] = {}
    for row in rows:
        going.setdefault(row.table, set()).add(row.row_id)
    found: list[Moved] = []
    while more := [moved for column, parent in parents() for moved in children(column, parent, going, survivor)]:
        for row in more:
            going.setdefault(row.table, set()).add(row.row_id)
        found += more
    return list(dict.fromkeys(found))


def parents() -> list[tuple[Column, models.ForeignKey]]:
    """Each key from a row of a patient to another row of the same patient."""
    keyed = [column for column in columns() if column.is_key]
    own = {column.model for column in keyed}
    return [
        (column, field)
        for column in keyed
        for field in column.model._meta.local_fields
        if isinstance(field, models.ForeignKey) and field.related_model in own
    ]


def children(
    column: Column, parent: models.ForeignKey, going: dict[str, set[UUID]], survivor: Patient
) -> Iterable[Moved]:
    above = going.get(parent.related_model._meta.db_table)
    if not above:
        return
    rows = column.model._base_manager.filter(**{column.name: survivor.pk, f"{parent.name}__in": above})
    for pk in rows.exclude(pk__in=going.get(column.table, ())).values_list("pk", flat=True):
        yield Moved(column.table, column.name, pk, "moved")


def grouped(rows: Iterable[Moved]) -> dict[tuple[str, str], list[Moved]]:
    found: dict[tuple[str, str], list[Moved]] = {}
    for row in rows:
        found.setdefault((row.table, row.column), []).append(row)
    return found


def back(column: Column, rows: list[Moved], source: Patient, survivor: Patient) -> list[Moved]:
    plain = [row for row in rows if row.kept is None]
    try:
        with transaction.atomic():
            returned = set(reassign(column, survivor, source, [row.row_id for row in plain]))
    except IntegrityError:
        returned = {row.row_id for row in plain if one_back(column, row, source, survivor)}
    left = [row for row in plain if row.row_id not in returned]
    return left + [row for row in rows if row.kept is not None and not one_back(column, row, source, survivor)]


def one_back(column: Column, row: Moved, source: Patient, survivor: Patient) -> bool:
    try:
        with transaction.atomic():
            if row.how == SET_ASIDE:
                return bool(write(INSERT.format(table=Identifier(column.table)), [json.dumps(row.kept)]))
            returned = reassign(column, survivor, source, [row.row_id])
            if returned and row.kept:
                set_columns(column, row.row_id, row.kept)
            return bool(returned)
    except IntegrityError:
        return False


def write(sql: Composable, values: list[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


# --- both charts, held --------------------------------------------------------------------


def holding(one: Patient, other: Patient, work: Callable[[], T]) -> T:
    """`work` with both patients locked against everybody who writes for them, so that nothing is written in between.

    Whoever has a visit in hand and now writes for its patient would wait for the merge, and the merge for the visit.
    So the merge waits a moment only, lets go of all that it holds, and begins again.
    """
    for _ in range(PATIENCE):
        try:
            with transaction.atomic():
                before = limit_waiting(WAIT)
                for patient in sorted((one, other), key=lambda patient: patient.pk):
                    patient.refresh_from_db(from_queryset=Patient._base_manager.select_for_update(of=("self",)))
                done = work()
                limit_waiting(before)
                return done
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            time.sleep(secrets.randbelow(150) / 1000)
    raise Refused("Colleagues are writing in these charts without a pause. Try again in a minute.")


def limit_waiting(limit: str) -> str:
    """Until this transaction ends, or is undone up to here. Says what the limit was."""
    [(before,)] = write(SQL("SELECT current_setting('lock_timeout')"), [])
    write(SQL("SELECT set_config('lock_timeout', %s, true)"), [limit])
    return before


# --- the triggers -------------------------------------------------------------------------

KEYS = """
SELECT c.relname, a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attname <> 'tenant_id'
WHERE k.contype = 'f' AND k.confrelid = 'clinical_patient'::regclass ORDER BY 1, 2
"""


def watch_tables(using: str, **kwargs: Any) -> None:
    """After `migrate`: each table with a key to Patient gets the trigger, also those of later migrations and other apps."""
    stays = {apps.get_model(label)._meta.db_table for label in STAYS}
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('clinical_mergedrow')")
        if cursor.fetchone()[0] is None:
            return
        cursor.execute(KEYS)
        keys = [(table, column) for table, column in cursor.fetchall() if table not in stays]
        for column in sorted({column for _, column in keys}):
            cursor.execute(follow_merge(column))
        for table, column in keys:
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER a_follow_merge_{column} BEFORE INSERT OR UPDATE OF {quote(column)} "
                f"ON {quote(table)} FOR EACH ROW EXECUTE FUNCTION follow_merge_{column}()"
            )

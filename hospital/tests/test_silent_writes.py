"""A row that screens follow is saved, one by one, so that its event is sent. Whatever else writes is found here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT

from hospital.tests.silent_writes import Finder, silent_writes
from hospital.tests.test_house import ROOT, name_of, nodes, sources, tree_of
from realtime.catalogue import catalogue
from realtime.models import Event

# file::function, and why no screen misses it.
KNOWN = {
    "billing/migrations/0017_own_denials.py::": "files that were finished before files said so, once",
    "billing/sql.py::": "the entries of rows that are older than the ledger; none of them is news",
    "clinical/fhir/store.py::insert": "an import brings thousands of rows of the past; none of them is news",
    "clinical/guard_sql.py::": "notes keep the title that they show already, once",
    "clinical/merging.py::": "a merge gives rows back: both patients are saved, and so is each open visit",
    "clinical/merging.py::set_columns": "the same",
    "clinical/payer_sql.py::": "policies point to the insurer that they name already, once",
    "clinical/sql.py::": "the batch's sum, in the transaction of a stock move, whose verb saves the medicine: stock:changed",
    "hospital/tenancy.py::TenantManager.bulk_update": "only the way of the call: who calls it is found by itself",
    "realtime/migrations/0001_initial.py::": "the trigger that numbers an event at COMMIT",
}
FOLLOWED = {*catalogue.by_model, Event}


def modules() -> list[Path]:
    """With the migrations, since the triggers of the database write too."""
    return [*sources(), *sorted(ROOT.glob("*/migrations/*.py"))]


def finds() -> list[tuple[str, str]]:
    """(file::function, what is found there) of each write that sends no signal on a row that screens follow."""
    return [
        (f"{name_of(path)}::{write.inside}", f"{name_of(path)}:{write}")
        for path in modules()
        for write in silent_writes(tree_of(path))
        if write.model is None or write.model in FOLLOWED
    ]


def test_rows_with_live_events_are_never_written_without_a_signal():
    assert [found for place, found in finds() if place not in KNOWN] == []


def test_every_exception_is_still_needed():
    assert {place for place, _ in finds()} == set(KNOWN)


def test_no_row_with_live_events_is_emptied_by_the_database_of_another():
    """`SET_NULL` and its like are updates without a signal."""
    loud = (PROTECT, RESTRICT, CASCADE, DO_NOTHING)
    assert [
        str(field)
        for model in catalogue.by_model
        for field in model._meta.local_fields
        if field.is_relation and field.remote_field.on_delete not in loud
    ] == []


def test_only_the_one_receiver_writes_the_log():
    makers = {"create", "acreate", "get_or_create", "update_or_create", "save"}
    finders = {name_of(path): Finder(tree_of(path)) for path in sources()}
    writers = {
        file
        for file, node in nodes(ast.Call)
        if (name_of_call(node) in makers or isinstance(node.func, ast.Name))
        and finders[file].model_of(node.func) is Event
    }
    assert writers == {"realtime/signals.py"}


def name_of_call(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


@pytest.mark.parametrize(
    "source",
    [
        "Visit.objects.filter(pk=1).update(complaint='x')",
        "Visit.objects.update(**fields)",
        "await Visit.objects.all().aupdate(complaint='x')",
        "Visit._base_manager.filter(pk=1).update(complaint='x')",
        "Visit.objects.bulk_create([visit])",
        "await Visit.objects.abulk_update(visits, ['complaint'])",
        "Visit.objects.filter(pk=1).update(priority=Case(When(kind='x', then=Value(1))))",
        "from clinical.models import Visit as V\nV.objects.filter(pk=1).update(complaint='x')",
        "from clinical import models\nmodels.Visit.objects.update(complaint='x')",
        "rows = Visit.objects.filter(pk=1)\nrows.update(complaint='x')",
        "rows = Visit.objects\nrows = rows.filter(pk=1)\nrows.update(complaint='x')",
        "if (rows := Visit.objects.filter(pk=1)):\n    rows.update(complaint='x')",
        "patient.visits.filter(status='x').update(complaint='x')",
        "write = Visit.objects.filter(pk=1).update\nwrite(complaint='x')",
        "write = Visit.objects.bulk_create\nwrite([visit])",
        "getattr(Visit.objects, 'update')(complaint='x')",
        "class Visit:\n    def mend(self):\n        type(self)._base_manager.filter(pk=1).update(complaint='x')",
        "class Visit:\n    @classmethod\n    def mend(cls):\n        cls.objects.update(complaint='x')",
        "visit = Visit()\nvisit.save_base(raw=True)",
        "cursor.execute('UPDATE clinical_visit SET complaint = 1')",
        "cursor.execute('insert  into \"clinical_visit\" (id) VALUES (1)')",
        "cursor.execute(f'UPDATE clinical_visit SET {name} = 1')",
        "cursor.copy('COPY clinical_visit FROM STDIN')",
        "MEND = '''WITH old AS (SELECT 1)\n  UPDATE ONLY public.clinical_visit SET complaint = 1'''",
    ],
)
def test_this_is_found(source):
    assert {write.model.__name__ for write in silent_writes(ast.parse(source)) if write.model} == {"Visit"}


@pytest.mark.parametrize(
    "source",
    [
        "rows.update(complaint='x')",
        "def mend(model):\n    model.objects.bulk_create(rows)",
        "methodcaller('update', complaint='x')(rows)",
        "cursor.execute(f'UPDATE {table} SET complaint = 1')",
        "cursor.execute('UPDATE %s SET complaint = 1' % table)",
        "cursor.execute(SQL('INSERT INTO {} (id) VALUES (1)').format(table))",
    ],
)
def test_a_write_to_rows_that_are_not_named_is_found_too(source):
    assert [write.model for write in silent_writes(ast.parse(source))] == [None]


@pytest.mark.parametrize(
    "source",
    [
        "Visit.objects.update_or_create(pk=1, defaults={'complaint': 'x'})",
        "Visit.objects.create(complaint='x')",
        "visit.save(update_fields=['complaint'])",
        "digest.update(chunk)",
        "found.update({'complaint': 'x'})",
        "add = found.update",
        "vars(function).update(permission='x')",
        "SENTENCE = 'Update the visit, and insert into the list what is missing.'",
        "cursor.execute('SELECT complaint FROM clinical_visit FOR UPDATE')",
        "cursor.execute('CREATE TRIGGER t BEFORE UPDATE OR DELETE ON clinical_visit')",
    ],
)
def test_this_is_none(source):
    assert [str(write) for write in silent_writes(ast.parse(source)) if write.model in (None, *FOLLOWED)] == []

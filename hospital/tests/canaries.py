"""Restricts every patient of a furnished hospital, and puts a word that nobody else says into each text about them.

Which rows are about a patient is found here anew, by the keys in the models: what `clinical.privacy` forgets is not
forgotten here. The words go past the application, so that no verb reads or shows them on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from psycopg.errors import CheckViolation

from clinical.models import Patient
from hospital.tenancy import TenantModel
from hospital.tests.databases import owner
from hospital.tests.world import World

WORD = "Canary"  # followed by the number of the column
NUMBER, BORN = Decimal("913.7"), "1913-07-19"
# No texts, and sealed all the same.
ALSO_SEALED = {
    "Biopsy.malignancy",
    "BiopsyReview.follow_up",
    "BiopsyReview.malignancy",
    "LabResult.value_number",
    "Observation.value_number",
    "PathologyReport.breslow_mm",
    "PathologyReport.clark",
    "PathologyReport.malignancy",
    "PathologyReport.margin_mm",
    "PathologyReport.margins",
    "PathologyReport.mitoses",
    "PathologyReport.ulceration",
}
# Texts that may be seen: what the machinery writes by itself, and what work goes on by.
OPEN = {
    "Alert": {"kind", "link", "roles", "addressed", "acknowledged_as"},
    "AuditEntry": {"role", "request", "action", "table"},
    "BiopsyPart": {"name", "stain"},
    "Charge": {"code"},
    "ChartGrant": {"reason", "end_reason"},
    "Climb": {"why"},
    "CustodyStep": {"what", "place"},
    "Document": {"file", "content_type", "scan_result"},
    "Event": {"name", "loudness", "roles", "people"},
    "EligibilityCheck": {"trace"},
    "ImportLine": {"fingerprint"},
    "EncounterSection": {"key"},
    "Hl7Message": {"code", "decided", "control_id", "digest", "trigger", "via"},
    "LabOrder": {"accession"},
    "Letter": {"site"},
    "LabResult": {"comparator", "unit"},
    "MergedRow": {"table", "column"},
    "Observation": {"code", "unit"},
    "Policy": {"currency"},
    "QueuePlace": {"token", "called_to"},
    "ScrubFinding": {"rule"},
    "Specimen": {"material", "rack", "position"},
    "Told": {"role", "why"},
}
NOBODYS = {"Hl7Message"}  # about nobody, as long as nobody said whom it means
ALSO_OPEN = {"fhir_id", "fhir_digest", "kind", "sha256", "source_sha256", "status", "system"}


def hanging() -> list[type[models.Model]]:
    """Each table with a row about a patient: it names the patient, or a row that does, however far away."""
    tables = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    found = {Patient} | {model for model in tables if has(model, "patient_id")}
    while more := {model for model in tables if model not in found and above(model) & found}:
        found |= more
    return sorted(found, key=lambda model: model.__name__)


def has(model: type[models.Model], name: str) -> bool:
    return any(column.attname == name for column in model._meta.concrete_fields)


def above(model: type[models.Model]) -> set[Any]:
    return {column.related_model for column in model._meta.concrete_fields if column.is_relation}


def texts(model: type[models.Model]) -> Iterator[models.Field]:
    open_here = OPEN.get(model.__name__, set()) | ALSO_OPEN
    for column in model._meta.concrete_fields:
        kind = isinstance(column, models.CharField | models.TextField | models.JSONField | ArrayField)
        if f"{model.__name__}.{column.name}" in ALSO_SEALED or (
            kind and not column.choices and column.name not in open_here and holds_a_word(column)
        ):
            yield column


def holds_a_word(column: models.Field) -> bool:
    """A code of some letters does not; it is sealed like any other text."""
    length = (column.base_field if isinstance(column, ArrayField) else column).max_length
    return length is None or length >= len(WORD) + 3


def marked(column: models.Field, number: int, value: Any) -> Any:
    word = f"{WORD}{number}"[: column.max_length if column.choices else None]
    if isinstance(column, models.DecimalField):
        return NUMBER if value is not None else None
    if isinstance(column, models.JSONField):
        return json.dumps(leaves(value, word))
    return leaves(value or [word], word) if isinstance(column, ArrayField) else word


NO_WORD = re.compile(r"-?\d+(\.\d+)?|\d{4}-\d\d-\d\d\S*")


def leaves(value: Any, word: str) -> Any:
    """Amounts and days within it stay, since a page reads them as such."""
    if isinstance(value, dict):
        return {key: leaves(one, word) for key, one in value.items()}
    if isinstance(value, list):
        return [leaves(one, word) for one in value]
    return word if isinstance(value, str) and not NO_WORD.fullmatch(value) else value


def spread(world: World) -> int:
    """How many columns carry a word now."""
    number, tenant = 0, world.hospital.tenant.pk
    with owner() as database:
        database.execute("SELECT set_config('app.tenant', %s, false)", [str(tenant)])
        for model in hanging():
            with untriggered(database, model._meta.db_table):
                for column in texts(model):
                    number += 1
                    write(database, model, column, number, tenant)
        database.execute(
            "UPDATE clinical_patient SET is_restricted = true, restricted_at = now(), birth_date = %s WHERE tenant_id = %s",
            [BORN, tenant],
        )
    return number


@contextmanager
def untriggered(database: Any, table: str) -> Iterator[None]:
    database.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
    try:
        yield
    finally:
        database.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


def write(database: Any, model: type[models.Model], column: models.Field, number: int, tenant: Any) -> None:
    table, name = model._meta.db_table, column.column
    rows = f'SELECT id, "{name}" FROM "{table}" WHERE tenant_id = %s'
    if model.__name__ in NOBODYS:
        rows += " AND patient_id IS NOT NULL"
    for pk, value in database.execute(rows, [tenant]).fetchall():
        found = marked(column, number, value)
        with suppress(CheckViolation):  # an answer that has not come holds no word
            database.execute(f'UPDATE "{table}" SET "{name}" = %s WHERE id = %s', [found, pk])


def said_in(content: str) -> set[str]:
    """What stands in it of what nobody may see."""
    found = {word for word in (str(NUMBER), "19 Jul 1913", BORN, "19 July 1913") if word in content}
    return found | {content[at : at + 20] for at in places_of(content)}


def places_of(content: str) -> Iterator[int]:
    at = content.lower().find(WORD.lower())
    while at >= 0:
        yield at
        at = content.lower().find(WORD.lower(), at + 1)

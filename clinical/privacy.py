"""What is sealed of a restricted chart, and who opens it.

Sealed is each text of the patient and of every row that hangs on the patient, by way of keys, in whatever app: a new
model is sealed without anybody thinking of it. What stays in the clear is named: below, or by a model of its own
(`in_the_clear = ("accession",)`), and must be nothing that says who somebody is or what somebody has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import models
from django.urls import reverse
from guardian.core import ObjectPermissionChecker

from clinical.models import Patient
from clinical.models.restriction import OPEN, RESTRICT, ChartGrant
from hospital.context import Acting, current, current_or_none
from hospital.models import AuditEntry
from hospital.seals import Mask, closed_in, is_raw, seal
from hospital.tenancy import TenantModel

NAME = Mask("Restricted chart")
# Columns of the patient that do not read as empty.
OF_PATIENT: dict[str, Any] = {
    "family_name": NAME,
    "sex": Patient.Sex.UNKNOWN.value,
    "birth_date": None,
    "tags": [],
}
# What work goes on by, and what only the machinery reads.
IN_THE_CLEAR = {
    "acknowledged_as", "action", "addressed", "comparator", "content_type", "currency", "fhir_digest", "fhir_id",
    "column", "control_id", "digest", "file", "fingerprint", "hash", "key", "kind", "link", "loudness", "people", "request", "role", "roles", "scan_result",
    "sha256", "source_sha256", "status", "system", "table", "trigger", "unit", "via",
    "Alert.kind", "Charge.code", "Hl7Message.code", "Hl7Message.decided", "Climb.why", "Event.name", "LabOrder.accession", "Observation.code",
    "QueuePlace.called_to", "QueuePlace.token", "Told.why",
}  # fmt: skip
# No texts, and private all the same: measures, and choices that say what somebody has.
ALSO_PRIVATE = {
    "Biopsy.malignancy", "BiopsyReview.follow_up", "BiopsyReview.malignancy", "LabResult.value_number",
    "Observation.value_number", "PathologyReport.breslow_mm", "PathologyReport.clark", "PathologyReport.malignancy",
    "PathologyReport.margin_mm", "PathologyReport.margins", "PathologyReport.mitoses", "PathologyReport.ulceration",
}  # fmt: skip
TEXTS = (models.CharField, models.TextField, models.JSONField, ArrayField)
RESTRICTED = (
    "ARRAY(SELECT closed.id FROM clinical_patient closed WHERE closed.tenant_id = %(tenant)s AND closed.is_restricted)"
)
Way = tuple[str, ...]
PATIENT: Way = ("patient_id",)


def install() -> None:
    """Once, when all models are known."""
    closed_in.sql = RESTRICTED
    for model in apps.get_models():
        if issubclass(model, TenantModel):
            seal_all(model, is_closed if model is Patient else closed_by(ways_to_patient(model)))


def seal_all(model: type[models.Model], closed: Callable[[Any], bool] | None) -> None:
    for column in model._meta.concrete_fields if closed else ():
        if is_private(model, column):
            seal(model, column.name, cast(Callable[[Any], bool], closed), *mask_of(model, column))


def mask_of(model: type[models.Model], column: models.Field) -> tuple[Any, ...]:
    return (OF_PATIENT.get(column.name, ""),) if model is Patient else ()


def is_private(model: type[models.Model], column: models.Field) -> bool:
    name = f"{model.__name__}.{column.name}"
    if name in ALSO_PRIVATE or (model is Patient and column.name in OF_PATIENT):
        return True
    shown = {column.name, name} & IN_THE_CLEAR or column.name in getattr(model, "in_the_clear", ())
    return isinstance(column, TEXTS) and not column.choices and not shown


def ways_to_patient(model: type[models.Model], seen: tuple[type[models.Model], ...] = ()) -> list[Way]:
    """How a row leads to its patients: by keys of its own, or where those may be empty, by the rows that it hangs on."""
    own = [column for column in model._meta.concrete_fields if leads_to_patient(column)]
    ways: list[Way] = [(column.attname,) for column in own]
    if any(not column.null or not column.is_relation for column in own):
        return ways
    for column in model._meta.concrete_fields:
        above = column.related_model
        if isinstance(above, type) and issubclass(above, TenantModel) and above not in (Patient, model, *seen):
            ways += [(column.name, *way) for way in ways_to_patient(above, (*seen, model))]
    return ways


def leads_to_patient(column: models.Field) -> bool:
    return column.related_model is Patient or column.attname == "patient_id"


def closed_by(ways: list[Way]) -> Callable[[Any], bool] | None:
    if not ways:
        return None
    if ways == [PATIENT]:
        return closed_by_patient

    def closed(row: Any) -> bool:
        acting = current_or_none()
        keys = closed_keys(acting) if acting else frozenset()
        return bool(keys) and any(patient_at(row, way) in keys for way in ways)

    return closed


def closed_by_patient(row: Any) -> bool:
    patient = row._state.fields_cache.get("patient")
    if patient is not None and "is_restricted" in patient.__dict__:
        return is_closed(patient)
    acting = current_or_none()
    return acting is not None and row.patient_id in closed_keys(acting)


def patient_at(row: Any, way: Way) -> UUID | None:
    for name in way:
        row = getattr(row, name, None)
    return row


def is_closed(patient: Patient) -> bool:
    acting = current_or_none()
    restricted = patient.__dict__.get("is_restricted")
    if restricted is None:
        return acting is not None and patient.pk in closed_keys(acting)
    return restricted and not (acting and patient.pk in acting.opened.keys)


def closed_keys(acting: Acting) -> frozenset[UUID]:
    """The restricted patients of the tenant that were not opened: a request knows them from its beginning, a task asks once."""
    if acting.opened.closed is None:
        restricted = Patient.objects.filter(is_restricted=True).order_by().values_list("pk", flat=True)
        acting.opened.closed = frozenset(restricted)
    return acting.opened.closed - acting.opened.keys


def is_masked(patient: Patient) -> bool:
    return not is_raw() and is_closed(patient)


def unlock(patient: Patient) -> bool:
    """For whoever holds the grant, and only until the request ends."""
    acting = current()
    if not patient.is_restricted:
        return True
    if acting.person is None or OPEN not in ObjectPermissionChecker(acting.person).get_perms(patient):
        return False
    acting.opened.keys.add(patient.pk)
    return True


class ChartRestricted(PermissionDenied):
    """The page that says so leads those who may grant it to where they do."""

    address = ""


def refuse(patient: Patient) -> ChartRestricted:
    """Written down too: who tried to open what."""
    AuditEntry.note("refused", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk)
    refusal = ChartRestricted(f"Chart {patient.number} is restricted. {who_can_be_asked(patient)}")
    refusal.address = reverse("clinical:chart_privacy", args=[patient.pk]) if current().may(RESTRICT) else ""
    return refusal


def who_can_be_asked(patient: Patient) -> str:
    people = [row.person.name for row in ChartGrant.objects.standing().filter(patient=patient).select_related("person")]
    if not people:
        return "Nobody may open it at present. An administrator can give you access, with a reason."
    return f"{', '.join(sorted(people)[:5])} may open it. An administrator can give you access, with a reason."


def make_permission(using: str, apps: Any, **kwargs: Any) -> None:
    """The one permission that is granted on a patient, to a person."""
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    kind = kinds.objects.using(using).get_or_create(app_label="clinical", model="patient")[0]
    wanted = {"content_type": kind, "codename": OPEN}
    permissions.objects.using(using).update_or_create(**wanted, defaults={"name": "Can open this restricted chart"})

"""The one loader for every chart that is opened: whoever opens one is written down."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Prefetch, prefetch_related_objects
from django.shortcuts import get_object_or_404
from django.utils import timezone

from clinical.models import Allergy, Patient
from hospital.context import current
from hospital.models import AuditEntry

JUST = timedelta(minutes=1)


def open_chart(patient: Patient | UUID | str, *, page: str = "chart", typing: bool = False) -> Patient:
    """The patient with what the banner shows, after a line in the audit log. Unknown here: 404.

    Every page about one patient begins with it: `open_chart(visit.patient, page="visit")`. What is asked again with
    each key that somebody presses (`typing`) is noted once a minute.
    """
    if not isinstance(patient, Patient):
        patient = get_object_or_404(Patient, pk=patient)
    if not ((typing or current().says_again) and was_just_noted(patient, page)):
        detail = {"page": page}
        AuditEntry.note("view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail=detail)
    prefetch_related_objects([patient], Prefetch("allergies", Allergy.objects.active()))
    return patient


def was_just_noted(patient: Patient, page: str) -> bool:
    """A live page that fetches itself with each event is one look, not fifty.

    Whoever forges the refresh gains nothing: a line about the same person, page and patient stands there already, and
    is a minute old at most.
    """
    acting = current()
    lines = AuditEntry.objects.filter(patient_id=patient.pk, action="view", at__gt=timezone.now() - JUST)
    by = {"person_id": acting.person.pk if acting.person else None, "role": acting.role.key if acting.role else ""}
    return lines.filter(**by, after__page=page).exists()

"""The one loader for every chart that is opened: whoever opens one is written down."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, prefetch_related_objects
from django.shortcuts import get_object_or_404

from clinical.models import Allergy, Patient
from hospital.models import AuditEntry


def open_chart(patient: Patient | UUID | str, *, page: str = "chart") -> Patient:
    """The patient with what the banner shows, after a line in the audit log. Unknown here: 404.

    Every page about one patient begins with it: `open_chart(visit.patient, page="visit")`.
    """
    if not isinstance(patient, Patient):
        patient = get_object_or_404(Patient, pk=patient)
    AuditEntry.note(
        "view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail={"page": page}
    )
    prefetch_related_objects([patient], Prefetch("allergies", Allergy.objects.active()))
    return patient

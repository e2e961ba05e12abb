"""The one loader for every chart that is opened: whoever opens one is written down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone

from clinical import privacy
from clinical.models import Allergy, Patient
from clinical.together import keep
from hospital.context import current
from hospital.models import AuditEntry

JUST = timedelta(minutes=1)
GRAVITY = {"high": 0, "unknown": 1, "low": 2}


def open_chart(
    patient: Patient | UUID | str,
    *,
    page: str = "chart",
    typing: bool = False,
    at_work: bool = False,
    about: dict[str, Any] | None = None,
) -> Patient:
    """The patient with what the banner shows, after a line in the audit log. Unknown here: 404.

    For a record that was merged, it is the one that stands for it.

    Every page about one patient begins with it: `open_chart(visit.patient, page="visit")`. What is asked again with
    each key that somebody presses (`typing`) is noted once a minute.

    A restricted chart is opened until the request ends for whoever holds a grant, and refused to others. The pages of
    those whose work goes on by number, token or accession (`at_work`) are shown to them all the same, masked.

    `about` says in the line which row of the patient the page shows.
    """
    if not isinstance(patient, Patient):
        patient = get_object_or_404(Patient, pk=patient)
    patient = patient.current
    is_masked = not privacy.unlock(patient)
    if is_masked and not at_work:
        raise privacy.refuse(patient)
    detail = {"page": page, **(about or {}), **({"masked": True} if is_masked else {})}
    if not ((typing or current().says_again) and was_just_noted(patient, detail)):
        AuditEntry.note("view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail=detail)
    show_allergies(patient, list(Allergy.objects.standing().filter(patient=patient)))
    return patient


def note_mention(patients: Iterable[Patient], *, page: str) -> None:
    """Others who are named on a page about somebody: relatives, records that are alike."""
    for patient in patients:
        detail = {"page": page}
        if not (current().says_again and was_just_noted(patient, detail)):
            AuditEntry.note("view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail=detail)


def show_allergies(patient: Patient, standing: list[Allergy]) -> None:
    """What the banner warns of, the gravest first; `none_known` is the word that there is nothing."""
    real = sorted(
        (one for one in standing if not one.is_none_known), key=lambda one: (GRAVITY[one.criticality], str(one))
    )
    keep(patient, "allergies", real)
    vars(patient)["none_known"] = next((one for one in standing if one.is_none_known), None)


def was_just_noted(patient: Patient, detail: dict[str, Any]) -> bool:
    """A live page that fetches itself with each event is one look, not fifty.

    Whoever forges the refresh gains nothing: a line about the same person, page and patient stands there already, and
    is a minute old at most.
    """
    acting = current()
    lines = AuditEntry.objects.filter(patient_id=patient.pk, action="view", at__gt=timezone.now() - JUST)
    by = {"person_id": acting.person.pk if acting.person else None, "role": acting.role.key if acting.role else ""}
    return lines.filter(**by, after=detail).exists()

"""Which parts of a patient colleagues may edit at the same time, and who may know that somebody does."""

from __future__ import annotations

from clinical.models import Patient
from hospital.context import current
from realtime.sight import token_for

VIEW = "clinical.view_patient"
# Sections of notes that have words of their own; the others are "the note".
NOTE_PARTS = (
    "chief complaint",
    "history of present illness",
    "examination",
    "skin examination",
    "assessment",
    "advice",
)
# The words are shown: "editing the diagnosis". Templates name them in `data-presence-part`.
PARTS = {
    "details": VIEW,
    "visit": "clinical.view_visit",
    "examination": "clinical.view_chart",
    "tests": "clinical.view_results",
    "results": "clinical.view_results",
    "diagnosis": "clinical.view_chart",
    "prescription": "clinical.view_prescription",
    "documents": "clinical.upload_document",
    "account": "billing.view_account",
    **dict.fromkeys(("note", "plan", *NOTE_PARTS), "clinical.view_chart"),
}


def token_of(patient: Patient) -> str:
    """For a page about this patient. A restricted chart has none: who opens it is nobody else's business."""
    acting = current()
    if not acting.may(VIEW) or patient.is_restricted:
        return ""
    return token_for(patient.pk, [part for part, permission in PARTS.items() if acting.may(permission)])

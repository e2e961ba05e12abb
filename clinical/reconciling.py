"""One medicine goes on, or is stopped with a reason: written down, and a statement of this chart ends with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from clinical.models import MedicationStatement, MedicineReview, Patient, PrescriptionLine
from clinical.models.of_chart import EDIT
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

STOP = MedicineReview.Decision.STOP


@transaction.atomic
def reconcile(
    patient: Patient, row: MedicationStatement | PrescriptionLine, decision: str, reason: str, *, by: Person | None
) -> MedicineReview:
    """A line that we prescribed stays as it is at the pharmacy: stopped is what the patient does."""
    allow(EDIT, by)
    reason = needs(reason, "Say why it is stopped.") if decision == STOP else reason
    of = {"statement": row} if isinstance(row, MedicationStatement) else {"line": row}
    if isinstance(row, MedicationStatement):
        row.lock()
        if not row.is_current:
            raise Refused(f"{row} was ended by a colleague meanwhile. Look at the list again.")
        if decision == STOP:
            row.end(by=by, because=reason)
    review = MedicineReview(patient=patient, decision=decision, reason=reason, by=by, **of)
    review.save(force_insert=True)
    return review

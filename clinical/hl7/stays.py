"""A stay or a meeting elsewhere (PV1). It opens no visit here: nobody is at our desk because another house admitted somebody."""

from __future__ import annotations

from typing import Any

from clinical.hl7.intake import Intake
from clinical.hl7.reading import Segment
from clinical.hl7.values import code_of, moment
from clinical.hl7.withdrawing import changed_by
from clinical.models import OutsideEncounter, Patient

KINDS = {"E": "EMER", "I": "IMP", "O": "AMB", "P": "PRENC", "R": "AMB", "B": "IMP"}
WORDS = {"EMER": "Emergency", "IMP": "Stay", "AMB": "Ambulatory", "PRENC": "Planned"}
STATES = {"A03": "finished", "A05": "planned", "A14": "planned", "A11": "cancelled", "A38": "cancelled"}
WITH_STAY = frozenset(["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A14", "A38"])


def keep_stay(intake: Intake, patient: Patient) -> None:
    """Known by the number of the visit (PV1-19); without one it could not be found again, and is left out."""
    segment = intake.message.first("PV1")
    number = segment.part(19) if segment else ""
    if segment is None or not number or intake.message.trigger not in WITH_STAY:
        return
    fields = fields_of(segment, intake)
    identity = f"{intake.identity}:visit:{number}"[:255]
    row = OutsideEncounter.objects.filter(fhir_id=identity, patient=patient).first()
    if row is None:
        if OutsideEncounter.objects.filter(fhir_id=identity).exists():
            return
        row = OutsideEncounter(patient=patient, fhir_id=identity)
    made, before = row._state.adding, {name: getattr(row, name) for name in fields}
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    changed = {} if made else changed_by(row, before)
    intake.leave_trace("stays", {"id": str(row.pk), "made": made, "changed": changed})
    intake.done.append(f"{row.text.lower()} elsewhere {row.status}")


def fields_of(segment: Segment, intake: Intake) -> dict[str, Any]:
    kind = KINDS.get(segment.part(2).upper(), "AMB")
    admitted, left = moment(segment.part(44)), moment(segment.part(45))
    details = intake.message.first("PV2")
    ended = intake.message.trigger == "A03"
    fields: dict[str, Any] = {
        "kind": kind,
        "text": WORDS.get(kind, "Stay"),
        "status": STATES.get(intake.message.trigger, "in-progress"),
        "ended_at": left.at if left and ended else None,
        "ended_said": left.said if left and ended else "",
    }
    if admitted:
        fields |= {"started_at": admitted.at, "started_said": admitted.said}
    if details and details.value(3):
        fields["reason"] = code_of(details.value(3)).name
    return fields

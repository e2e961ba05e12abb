"""What a chart says of one row, whatever its table: a title, a few words, a time, a state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from clinical.allergens import allergen_classes
from clinical.models import (
    Allergy,
    Biopsy,
    Diagnosis,
    Document,
    Encounter,
    Immunization,
    LabOrder,
    MedicationStatement,
    MedicineReview,
    Observation,
    OutsideEncounter,
    PrescriptionLine,
    Problem,
    Procedure,
    Visit,
)
from clinical.partial import day_in_words

CURRENT, PAST, MISTAKES = "current", "past", "mistake"
Mark = tuple[str, str, str]  # kind and value of a badge, and its word


@dataclass
class Item:
    """A line of a list, on screen and on paper."""

    row: Any
    title: str
    at: datetime | None
    said: str = ""
    until: datetime | None = None
    until_said: str = ""
    details: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    flag: str = ""
    by: str = ""
    url: str = ""
    state: str = CURRENT
    rank: int = 0
    source: Any = None
    review: MedicineReview | None = None

    @property
    def lasts(self) -> bool:
        """Longer than the day on which it began."""
        return self.until is not None and (self.at is None or self.until.date() > self.at.date())

    @property
    def words(self) -> str:
        return " · ".join(filter(None, self.details))

    @property
    def closed(self) -> str:
        return getattr(self.row, "closed_because", "")

    @property
    def order(self) -> tuple[Any, ...]:
        """What matters first, then the newest; what has no day, by when it was written down."""
        at = self.at or getattr(self.row, "recorded_at", None) or self.row.created_at
        return ((CURRENT, PAST, MISTAKES).index(self.state), self.rank, -at.timestamp())

    def says(self, words: list[str]) -> bool:
        text = f"{self.title} {self.words} {self.by} {self.closed}".lower()
        return all(word in text for word in words)


def state_of(row: Any) -> str:
    return MISTAKES if row.is_mistake else CURRENT if row.is_current else PAST


def name_of(row: Any, field_name: str = "recorded_by") -> str:
    return str(getattr(row, field_name) or "")


def problem(row: Problem) -> Item:
    details = [row.code, row.get_severity_display() if row.severity else "", row.note]
    if row.verification != "confirmed":
        details.insert(1, row.get_verification_display())
    status = row.clinical_status
    marks = [("problem", status, row.get_clinical_status_display())] if status != "active" else []
    item = Item(row, row.text, row.onset_at, row.onset_said, row.abated_at, row.abated_said, details, marks)
    item.by, item.state, item.rank = name_of(row), state_of(row), row.rank or 1000
    return item


def diagnosis(row: Diagnosis) -> Item:
    item = Item(row, row.title, row.recorded_at, details=[row.code, row.get_certainty_display(), row.note])
    item.by, item.url = name_of(row), reverse("clinical:visit", args=[row.visit_id])
    item.state = MISTAKES if row.withdrawn_at else CURRENT
    return item


def allergy(row: Allergy) -> Item:
    group = allergen_classes().get(row.allergen_class)
    details = [
        f"whole class of {group.name.lower() if not group.name.isupper() else group.name}" if group else "",
        "" if row.is_none_known else row.get_category_display(),
        row.reaction,
        "" if row.is_none_known else row.get_criticality_display(),
        f"since {day_in_words(row.onset_at, row.onset_said)}" if row.onset_said or row.onset_at else "",
        row.get_verification_display(),
        row.note,
    ]
    item = Item(row, row.substance, row.recorded_at, row.recorded_said, details=details)
    item.flag = "critical" if row.criticality == "high" and row.is_current else ""
    item.by, item.state = name_of(row), state_of(row)
    item.rank = ("high", "unknown", "low").index(row.criticality)
    return item


def statement(row: MedicationStatement) -> Item:
    details = [row.dosage, "when needed" if row.as_needed else "", row.reason, row.get_source_display(), row.note]
    words = dict(MedicationStatement.Status.choices).get(row.status, row.status.capitalize())
    item = Item(row, row.text, row.authored_at, row.authored_said, row.ended_at, row.ended_said, details)
    item.marks = [("medication", row.status, str(words))] if row.status != "active" else []
    item.by, item.state = name_of(row) or name_of(row, "practitioner"), state_of(row)
    return item


def line(row: PrescriptionLine) -> Item:
    prescription = row.prescription
    item = Item(row, str(row.medicine), prescription.prescribed_at)
    item.details = [
        row.directions or "No directions",
        "Prescribed here",
        prescription.number,
        prescription.outside_words,
    ]
    item.marks = [("line", row.status, row.outcome)]
    item.by, item.url = name_of(prescription, "prescribed_by"), reverse("clinical:prescription", args=[prescription.pk])
    item.state = CURRENT if goes_on(row) else PAST
    return item


def goes_on(row: PrescriptionLine) -> bool:
    """Until its days are over; a line that was declined never began."""
    begun = row.prescription.prescribed_at
    if row.status in ("declined", "returned") or row.prescription.status == "cancelled" or begun is None:
        return False
    return row.duration_days is None or begun + timedelta(days=row.duration_days) >= vars(row)["seen_at"]


def immunization(row: Immunization) -> Item:
    details = [
        f"dose {row.dose}" if row.dose else "",
        f"lot {row.lot}" if row.lot else "",
        row.site,
        row.route,
        f"CVX {row.code}" if row.code else "",
        f"given by {row.given_by}" if row.given_by else "",
        row.status_reason,
        row.note,
    ]
    item = Item(row, row.text, row.occurred_at, row.occurred_said, details=details)
    item.marks = [("immunisation", row.status, "Not given")] if row.is_refused else []
    item.by, item.state = name_of(row), MISTAKES if row.is_mistake else CURRENT
    return item


def procedure(row: Procedure) -> Item:
    details = [f"Charged as {row.charged_as}" if row.charged_as else "", row.reason, row.outcome, row.note]
    item = Item(row, row.text, row.performed_at, row.performed_said, row.ended_at, row.ended_said, details)
    item.by, item.state = name_of(row), MISTAKES if row.is_mistake else CURRENT
    return item


def visit(row: Visit) -> Item:
    item = Item(row, row.complaint or row.number, row.registered_at, details=["Visit", row.number])
    item.marks = [("visit", row.status, row.get_status_display())]
    item.by, item.url = name_of(row, "doctor") or name_of(row, "checker"), reverse("clinical:visit", args=[row.pk])
    item.state = PAST if row.ended_at else CURRENT
    return item


def encounter(row: Encounter) -> Item:
    item = Item(row, row.title, row.started_at, details=["Note", row.get_kind_display(), row.error_reason])
    item.marks = [("encounter", row.status, row.get_status_display())]
    item.by, item.url = name_of(row, "provider"), row.get_absolute_url()
    mistaken = row.status == Encounter.Status.ENTERED_IN_ERROR
    item.state = MISTAKES if mistaken else CURRENT if row.status in Encounter.OPEN else PAST
    return item


def outside_encounter(row: OutsideEncounter) -> Item:
    details = ["Elsewhere", name_of(row, "organisation"), row.reason, row.disposition]
    item = Item(row, row.text, row.started_at, row.started_said, row.ended_at, row.ended_said, details)
    item.by, item.state = name_of(row, "practitioner"), MISTAKES if row.status == "entered-in-error" else PAST
    return item


def lab_order(row: LabOrder) -> Item:
    result = row.result if row.is_released else None
    value = f"{result.value_text} {result.unit_shown}".strip() if result else ""
    item = Item(row, str(row.test), row.ordered_at, details=["Test", value, row.cancel_reason])
    item.marks = [("lab_order", row.status, row.get_status_display())]
    item.flag, item.url = (result.flag if result else ""), reverse("clinical:lab_order", args=[row.pk])
    item.by = name_of(row, "ordered_by")
    item.state = CURRENT if row.status in LabOrder.OPEN else PAST
    return item


def ordered_line(row: PrescriptionLine) -> Item:
    item = line(row)
    item.details[1] = "Prescription"
    item.state = PAST if row.is_settled else CURRENT
    return item


def biopsy(row: Biopsy) -> Item:
    """Where it is; what came out is read on its page."""
    item = Item(row, f"{row.get_kind_display()}, {row.where}", row.ordered_at, details=[row.number, row.question])
    item.marks = [("biopsy", row.status, row.get_status_display())]
    item.by, item.url = name_of(row, "ordered_by"), row.get_absolute_url()
    item.state = CURRENT if row.is_open else PAST
    return item


def document(row: Document) -> Item:
    details = [row.get_category_display(), row.name]
    item = Item(row, row.title, row.uploaded_at, details=details, by=name_of(row, "uploaded_by"))
    item.url = reverse("clinical:document", args=[row.pk])
    return item


def measurement(row: Observation) -> Item:
    item = Item(row, row.text, row.effective_at, row.effective_said, details=[row.value, row.unit, row.note])
    item.flag, item.by, item.state = row.flag, name_of(row), state_of(row)
    return item


Describe = Callable[[Any], Item]

"""What the doctor sees beside the form: results with what they were before, and what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clinical.courses import Course, Point, courses_of
from clinical.models import LabOrder, Patient, Prescription, Visit

BEFORE = 3
VISITS = 5


@dataclass(frozen=True)
class Finding:
    """A test of this visit, with its earlier values, the latest first."""

    order: LabOrder
    course: Course | None

    @property
    def before(self) -> list[Point]:
        if self.course is None or not self.order.is_released:
            return []
        mine = self.order.collected_at or self.order.released_at
        return [point for point in reversed(self.course.points) if point.at < mine][:BEFORE]

    @property
    def spark(self) -> Any:
        return self.course.spark if self.course and self.before else None


def findings(visit: Visit, patient: Patient) -> list[Finding]:
    orders = list(visit.lab_orders.counted().shown().select_related("result__document"))
    courses = {course.key: course for course in courses_of(patient)} if orders else {}
    return [Finding(order, courses.get(key_of(order))) for order in orders]


def key_of(order: LabOrder) -> str:
    unit = order.result.unit if order.result else order.test.unit
    return f"{order.test.loinc or order.test.code}|{unit}"


def known(visit: Visit, patient: Patient) -> dict[str, Any]:
    """Problems, allergies, medicines, and the visits before this one."""
    others = patient.visits.exclude(pk=visit.pk).exclude(status=Visit.Status.CANCELLED)
    statements = patient.medication_statements.filter(status__in=("active", "on-hold"))
    return {
        "problems": list(patient.problems.active()),
        "medicines": list(statements),
        "former": list(prescriptions_of(patient).exclude(visit=visit)[:VISITS]),
        "visits": list(others.select_related("doctor").prefetch_related("diagnoses")[:VISITS]),
        "examination": visit.examinations.select_related("examined_by").first(),
    }


def prescriptions_of(patient: Patient) -> Any:
    given = patient.prescriptions.exclude(status__in=(Prescription.Status.DRAFT, Prescription.Status.CANCELLED))
    return given.prefetch_related("lines__medicine").order_by("-serial")

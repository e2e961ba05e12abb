"""Tests and orders for the tests of the laboratory."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from clinical.models import LabOrder, LabTest, Patient, Visit
from clinical.tests.wards import a_patient, a_visit
from hospital.tests.hospital import Hospital


def potassium(**fields: Any) -> LabTest:
    values = {"absolute_low": Decimal("1"), "absolute_high": Decimal("12"), "decimals": 1, "unit": "mmol/L", **fields}
    test = LabTest.objects.create(code="K", name="Potassium", group="Chemistry", **values)
    test.ranges.create(low="3.5", high="5.0", critical_low="2.5", critical_high="6.5", source="Our own")
    return test


def malaria() -> LabTest:
    options = [
        {"code": "negative", "label": "No parasites seen"},
        {"code": "positive", "label": "Plasmodium seen", "abnormal": True},
        {"code": "falciparum", "label": "Plasmodium falciparum seen", "abnormal": True, "critical": True},
    ]
    return LabTest.objects.create(code="MAL", name="Malaria film", group="Infection", kind="coded", options=options)


def culture() -> LabTest:
    return LabTest.objects.create(code="UCULT", name="Urine culture", group="Infection", kind="text")


def histology() -> LabTest:
    return LabTest.objects.create(code="HISTO", name="Histology", group="Reports", kind="file")


def ordered(hospital: Hospital, *tests: LabTest, patient: Patient | None = None) -> tuple[Visit, list[LabOrder]]:
    """A visit of today, and the tests that the checker doctor ordered for it."""
    with hospital.acting("reception"):
        visit = a_visit(patient or a_patient())
    with hospital.acting("checker_doctor") as acting:
        orders = visit.order_tests(tests, by=acting.person)
    return visit, orders


def potassium_ordered(hospital: Hospital) -> LabOrder:
    with hospital.acting("admin"):
        test = potassium()
    return ordered(hospital, test)[1][0]


def worked(hospital: Hospital, order: LabOrder, upto: str, value: Any = "4.1") -> LabOrder:
    """The order after the technician has taken it to this status."""
    steps = ("collected", "received", "in_progress", "resulted", "released")
    with hospital.acting("lab_technician") as acting:
        for step in steps[: steps.index(upto) + 1]:
            take(order, step, acting.person, value)
    return order


def take(order: LabOrder, step: str, by: Any, value: Any) -> None:
    if step == "resulted":
        order.enter_result(value, by=by)
    else:
        verbs = {"collected": "collect", "received": "receive", "in_progress": "begin", "released": "release"}
        getattr(order, verbs[step])(by=by)

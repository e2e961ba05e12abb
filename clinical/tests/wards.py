"""Patients, visits and tests for the tests of this app, and any row as it is stored now."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

from django.db.models import Model

from clinical.models import LabTest, Patient, Visit
from hospital.context import current

Row = TypeVar("Row", bound=Model)
AMARA = {"given_name": "Amara", "family_name": "Okafor", "sex": "female", "birth_date": date(1990, 3, 12)}


def a_patient(**fields: Any) -> Patient:
    return Patient.register(by=current().person, **{**AMARA, **fields})


def a_visit(patient: Patient | None = None, *, paid: bool = True, **fields: Any) -> Visit:
    """A registered visit; unless said otherwise, nothing is left to pay."""
    visit = Visit.register(
        patient or a_patient(), **{"complaint": "Cough for a week", "by": current().person, **fields}
    )
    if paid:
        visit.set_payment(Visit.Payment.PAID)
    return visit


def a_test(code: str = "HB", **fields: Any) -> LabTest:
    return LabTest.objects.create(**{"code": code, "name": f"Test {code}", "group": "Blood", "decimals": 1, **fields})


def fresh(row: Row) -> Row:
    return type(row).objects.get(pk=row.pk)

"""Patients, prices and visits for the tests of this app."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.models import CONSULTATION, Charge, Kind, Price
from clinical.models import LabTest, Patient, Visit
from hospital.context import current


def price(
    amount: str, kind: str = Kind.CONSULTATION, code: str = CONSULTATION, since: date = date(2020, 1, 1)
) -> Price:
    return Price.objects.create(kind=kind, code=code, amount=Decimal(amount), valid_from=since)


def patient(name: str = "Amara Okafor", **fields: object) -> Patient:
    given, _, family = name.partition(" ")
    return Patient.register(given_name=given, family_name=family, by=current().person, **fields)


def visit(name: str = "Amara Okafor", **fields: object) -> Visit:
    return Visit.register(patient(name), complaint="Fever", by=current().person, **fields)


def charge(seen: Visit, amount: str, *, sequence: int = 2, quantity: int = 1, **fields: object) -> Charge:
    """One more charge on a visit, as if a test had been done."""
    whole = {"kind": Kind.TEST, "code": "X", "text": "X", "source_id": seen.pk, **fields}
    unit = Decimal(amount)
    return Charge.book(
        visit=seen,
        patient_id=seen.patient_id,
        quantity=quantity,
        unit_price=unit,
        amount=unit * quantity,
        sequence=sequence,
        **whole,
    )


def a_test(code: str = "GLU", name: str = "Glucose") -> LabTest:
    return LabTest.objects.create(code=code, name=name, group="Chemistry", kind=LabTest.Kind.TEXT)

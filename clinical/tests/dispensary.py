"""Diagnosed visits, medicines and stock for the tests of the consultation and the pharmacy."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Sum

from clinical.days import today
from clinical.icd10 import entries, load
from clinical.models import Batch, Icd10Code, Medicine, Prescription, PrescriptionLine, StockMove, Visit
from clinical.tests.wards import a_visit
from hospital.tests.hospital import Hospital

COLD, FEVER, GROUP = "J06.9", "R50.9", "J06"


def load_codes() -> None:
    if not Icd10Code.objects.exists():
        load(entries(sample=True), whole=False)


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


def a_medicine(code: str = "PARA500", **fields: Any) -> Medicine:
    known = {"name": "Paracetamol", "strength": "500 mg", "form": "tablet", "unit": "tablet", "atc": "N02BE01"}
    return Medicine.objects.create(code=code, **{**known, **fields})


def received(medicine: Medicine, quantity: int, *, lot: str = "A1", days: int = 400, **fields: Any) -> Batch:
    return Batch.receive(medicine, lot=lot, expires_on=in_days(days), quantity=quantity, by=None, **fields)


def a_checked_visit(**fields: Any) -> Visit:
    """A visit that waits for the doctor."""
    visit = a_visit(**{"by": None, **fields})
    visit.examine(by=None, symptoms="Cough", findings="Clear lungs", vitals={})
    return visit


def a_diagnosed_visit(**fields: Any) -> Visit:
    load_codes()
    visit = a_checked_visit(**fields)
    visit.diagnose(by=None, diagnoses=[{"code": COLD}])
    return visit


def a_prescription(
    *lines: tuple[Medicine, int], visit: Visit | None = None, signed: bool = True, **fields: Any
) -> Prescription:
    said = {"dose": "1 tablet", "frequency": "twice a day", **fields}
    entries = [{"medicine": medicine, "quantity": quantity, **said} for medicine, quantity in lines]
    prescription = Prescription.write(visit or a_diagnosed_visit(), entries, by=None)
    if signed:
        prescription.sign(by=None)
    return prescription


def only_line(prescription: Prescription) -> PrescriptionLine:
    return prescription.lines.get()


def books_agree(medicine: Medicine) -> int:
    """What is on hand, after proving that each batch equals the sum of its ledger."""
    sums = dict(StockMove.objects.filter(medicine=medicine).order_by().values_list("batch").annotate(Sum("quantity")))
    batches = {batch.pk: batch.on_hand for batch in medicine.batches.all()}
    assert {pk: sums.get(pk, 0) for pk in batches} == batches
    return sum(batches.values())


def prescribed_in(hospital: Hospital, quantity: int = 10, stock: int = 100) -> Prescription:
    """One line of one medicine, signed and waiting at this hospital's pharmacy."""
    with hospital.acting():
        medicine = a_medicine()
        received(medicine, stock)
        return a_prescription((medicine, quantity))

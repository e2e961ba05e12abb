"""What was known of patients before today: allergies by class, medicines told, vaccines, vital signs of two years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from clinical.models import Allergy, Immunization, MedicationStatement, Observation, Patient, Procedure
from clinical.reconciling import reconcile
from clinical.vaccines import CVX, vaccines
from hospital.models import Person

TAKEN = (
    ("Amlodipine 5 mg", "1 tablet once a day", "elsewhere", "2021"),
    ("St John's wort", "1 capsule in the morning", "patient", "2025-09"),
    ("Ibuprofen 200 mg", "1 tablet when needed", "counter", "2024"),
    ("Metformin 500 mg", "1 tablet twice a day", "elsewhere", "2019-03"),
)
GIVEN = (("141", "1"), ("115", "1"), ("208", "3"), ("187", "1"))
DONE = ("Appendectomy", "Cataract surgery, left", "Tonsillectomy")
COURSE = ((720, 148, 92, 84), (420, 142, 90, 83), (180, 139, 88, 81), (60, 136, 86, 80))
PENICILLINS = {"allergen_class": "penicillins", "reactions": [{"manifestation": "Anaphylaxis", "severity": "severe"}]}


def fill(patient: Patient, at: int, *, doctor: Person) -> None:
    """A little of everything, spread over the patients."""
    allergies(patient, at, doctor)
    if at % 3 == 0:
        medicines(patient, at, doctor)
    if at % 2 == 0:
        code, dose = GIVEN[at // 2 % len(GIVEN)]
        a_vaccine(patient, code, dose, doctor)
    if at % 4 == 1:
        when = {"performed_at": datetime(1998 + at % 20, 1, 1, tzinfo=UTC), "performed_said": str(1998 + at % 20)}
        Procedure.record(patient, by=doctor, text=DONE[at % len(DONE)], **when)
    if at % 4 == 2 and at % 6 != 5:
        measurements(patient, doctor)


def allergies(patient: Patient, at: int, doctor: Person) -> None:
    if at % 5 in (2, 3):
        Allergy.none_is_known(patient, by=doctor)
    for row in Allergy.objects.active().filter(patient=patient, substance__istartswith="penicillin"):
        row.change(by=doctor, **PENICILLINS, reaction="Anaphylaxis (severe)")


def medicines(patient: Patient, at: int, doctor: Person) -> None:
    for name, dosage, source, since in (TAKEN[at // 3 % len(TAKEN)], TAKEN[(at // 3 + 1) % len(TAKEN)]):
        year, month = int(since[:4]), int(since[5:7] or 1)
        when = {"authored_at": datetime(year, month, 1, tzinfo=UTC), "authored_said": since}
        row = MedicationStatement.record(
            patient, by=doctor, text=name, dosage=dosage, source=source, status="active", **when
        )
    reconcile(patient, row, "stop" if at % 2 else "continue", "Not needed any more" if at % 2 else "", by=doctor)


def a_vaccine(patient: Patient, code: str, dose: str, doctor: Person) -> None:
    vaccine = vaccines()[code]
    refused = code == "187"
    Immunization.record(
        patient,
        by=doctor,
        code=code,
        system=CVX,
        text=vaccine.name,
        status="not-done" if refused else "completed",
        status_reason="Refused by the patient, asks again next year" if refused else "",
        occurred_at=timezone.now() - timedelta(days=200),
        occurred_said=f"{timezone.now() - timedelta(days=200):%Y-%m-%d}",
        lot="" if refused else f"EK{code}7",
        dose=dose,
        site="" if refused else "Left upper arm",
        route=vaccine.route,
    )


def measurements(patient: Patient, doctor: Person) -> None:
    for days, systolic, diastolic, weight in COURSE:
        values = {
            "8480-6": Decimal(systolic),
            "8462-4": Decimal(diastolic),
            "29463-7": Decimal(weight),
            "8302-2": Decimal(171),
        }
        Observation.take_vitals(patient, values, by=doctor, at=timezone.now() - timedelta(days=days))

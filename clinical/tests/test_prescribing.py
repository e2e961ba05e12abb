"""Prescriptions up to the pharmacy: their steps, what the doctor writes and signs, allergies, and cancelling."""

import pytest
from django.core.exceptions import PermissionDenied

from clinical.models import Allergy, Prescription, PrescriptionLine, Visit
from clinical.tests.dispensary import (
    a_checked_visit,
    a_diagnosed_visit,
    a_medicine,
    a_prescription,
    only_line,
    received,
)
from clinical.tests.wards import a_visit, fresh
from hospital.workflow import IllegalMove, Refused

P, L = Prescription.Status, PrescriptionLine.Status
EDGES = {(before, after) for before, steps in Prescription.MOVES.items() for after in steps}
NO_EDGES = sorted({(before, after) for before in P.values for after in P.values} - EDGES)
LINE_EDGES = {(before, after) for before, steps in PrescriptionLine.MOVES.items() for after in steps}
NO_LINE_EDGES = sorted({(before, after) for before in L.values for after in L.values} - LINE_EDGES)


def test_the_tables_are_those_of_the_product():
    assert {
        ("draft", "active"),
        ("draft", "cancelled"),
        ("active", "sent"),
        ("sent", "active"),
        ("active", "dispensing"),
        ("active", "dispensed"),
        ("active", "declined"),
        ("active", "cancelled"),
        ("dispensing", "dispensing"),
        ("dispensing", "dispensed"),
        ("dispensing", "partly"),
        ("dispensing", "declined"),
        ("dispensing", "cancelled"),
    } == EDGES
    assert {
        ("pending", "partial"),
        ("pending", "dispensed"),
        ("pending", "sent"),
        ("sent", "pending"),
        ("pending", "declined"),
        ("pending", "cancelled"),
        ("partial", "partial"),
        ("partial", "dispensed"),
        ("partial", "declined"),
        ("partial", "cancelled"),
    } == LINE_EDGES


@pytest.mark.parametrize(("before", "after"), NO_EDGES)
def test_a_step_that_is_not_in_the_table_is_refused(alpha, before, after):
    with alpha.acting():
        visit = a_visit()
        now, told = visit.created_at, {"outside_pharmacy": "Rose Pharmacy", "outside_way": "fax"}
        where = {**told, "sent_at": now, "ended_at": now} if before == "sent" else {}
        prescription = Prescription(visit=visit, patient=visit.patient, serial=1, status=before, **where)
        prescription.save()
        with pytest.raises(IllegalMove):
            prescription.move_to(after, by=None)
        assert fresh(prescription).status == before


@pytest.mark.parametrize(("before", "after"), NO_LINE_EDGES)
def test_a_line_takes_no_other_step_either(alpha, before, after):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 10))
        line = PrescriptionLine(prescription=prescription, medicine=a_medicine("B"), quantity=1, status=before)
        line.save()
        with pytest.raises(IllegalMove):
            line.move_to(after, by=None)


# --- writing and signing ----------------------------------------------------------------


def test_the_doctor_writes_and_signs_and_the_patient_goes_to_the_pharmacy(alpha):
    with alpha.acting():
        visit, medicine = a_diagnosed_visit(), a_medicine()
    with alpha.acting("main_doctor") as acting:
        lines = [
            {
                "medicine": medicine,
                "quantity": 20,
                "dose": "1 tablet",
                "frequency": "three times a day",
                "duration_days": 7,
            }
        ]
        prescription = Prescription.write(visit, lines, by=acting.person, note=" Start today ")
        assert (prescription.status, prescription.number, prescription.note) == (P.DRAFT, "R-000001", "Start today")
        prescription.sign(by=acting.person)
        prescription = fresh(prescription)
        assert (prescription.status, prescription.prescribed_by) == (P.ACTIVE, acting.person)
        assert prescription.prescribed_at is not None
        assert only_line(prescription).directions == "1 tablet three times a day, for 7 days"
        assert fresh(visit).place.queue == "pharmacy"


def test_nothing_is_signed_before_a_diagnosis(alpha):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 5), visit=a_checked_visit(), signed=False)
        with pytest.raises(Refused, match="Record a diagnosis first"):
            prescription.sign(by=None)
        assert fresh(prescription).status == P.DRAFT


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"dose": ""}, "Write the dose of Paracetamol"),
        ({"dose": "1 tablet", "frequency": ""}, "Write how often Paracetamol"),
        ({"dose": "1 tablet", "frequency": "", "instructions": " "}, "Write how often Paracetamol"),
    ],
)
def test_nothing_is_signed_without_directions(alpha, said, words):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 5), signed=False, **said)
        with pytest.raises(Refused, match=words):
            prescription.sign(by=None)
        assert fresh(prescription).status == P.DRAFT


def test_instructions_say_enough_where_there_is_no_frequency(alpha):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 5), frequency="", instructions="Before the journey")
        assert fresh(prescription).status == P.ACTIVE


@pytest.mark.parametrize("role", ["reception", "checker_doctor", "lab_technician", "pharmacy", "billing"])
def test_only_a_doctor_signs(alpha, role):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 5), signed=False)
    with alpha.acting(role) as acting, pytest.raises(PermissionDenied):
        prescription.sign(by=acting.person)


def test_what_cannot_be_prescribed_is_refused_in_words(alpha):
    with alpha.acting():
        visit, medicine = a_diagnosed_visit(), a_medicine()
        with pytest.raises(Refused, match="at least one medicine"):
            Prescription.write(visit, [], by=None)
        with pytest.raises(Refused, match="at least one"):
            Prescription.write(visit, [{"medicine": medicine, "quantity": 0}], by=None)
        with pytest.raises(Refused, match="At most 720 tablets"):
            Prescription.write(visit, [{"medicine": medicine, "quantity": 721}], by=None)
        with pytest.raises(Refused, match="there twice"):
            Prescription.write(visit, [{"medicine": medicine, "quantity": 1}] * 2, by=None)
        medicine.is_active = False
        medicine.save()
        with pytest.raises(Refused, match="no longer used"):
            Prescription.write(visit, [{"medicine": medicine, "quantity": 1}], by=None)
        assert not Prescription.objects.exists()


def test_an_allergy_to_the_substance_needs_a_reason(alpha):
    with alpha.acting():
        visit, medicine = a_diagnosed_visit(), a_medicine(name="Amoxicillin", atc="J01CA04")
        Allergy.record(visit.patient, by=None, substance="Amoxicillin")
        line = {"medicine": medicine, "quantity": 10}
        with pytest.raises(Refused, match="Allergic to Amoxicillin") as refused:
            Prescription.write(visit, [line], by=None)
        assert refused.value.field == "allergy_reason"
        written = Prescription.write(visit, [{**line, "allergy_reason": "Tolerated last year"}], by=None)
        assert only_line(written).allergy_reason == "Tolerated last year"


@pytest.mark.parametrize(
    ("substance", "name", "atc", "warns"),
    [
        ("Penicillin V", "Amoxicillin", "J01CA04", True),
        ("Penicillins", "Amoxicillin", "J01CA04", True),
        ("Aspirin", "Ibuprofen", "M01AE01", True),
        ("Sulfamethoxazole / Trimethoprim", "Co-trimoxazole", "J01EE01", True),
        ("Ibuprofen 200 MG Oral Tablet", "Ibuprofen", "", True),
        ("Penicillin V", "Paracetamol", "N02BE01", False),
        ("Oral tablet dye", "Paracetamol oral tablet", "", False),
        ("Peanut", "Amoxicillin", "J01CA04", False),
    ],
)
def test_an_allergy_is_matched_by_name_and_by_class(alpha, substance, name, atc, warns):
    with alpha.acting():
        visit, medicine = a_checked_visit(), a_medicine(name=name, atc=atc)
        Allergy.record(visit.patient, by=None, substance=substance)
        if warns:
            with pytest.raises(Refused, match="Allergic"):
                Prescription.write(visit, [{"medicine": medicine, "quantity": 1}], by=None)
        else:
            assert Prescription.write(visit, [{"medicine": medicine, "quantity": 1}], by=None).status == P.DRAFT


def test_a_resolved_allergy_does_not_warn(alpha):
    with alpha.acting():
        visit = a_checked_visit()
        Allergy.record(visit.patient, by=None, substance="Paracetamol", clinical_status="resolved")
        assert a_prescription((a_medicine(), 1), visit=visit, signed=False).status == P.DRAFT


def test_a_cancelled_prescription_ends_its_lines_and_the_visit_waits_for_the_doctor(alpha):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 10))
        with pytest.raises(Refused, match="Say why"):
            prescription.cancel("  ", by=None)
        prescription.cancel("Wrong patient", by=None)
        assert (prescription.status, only_line(prescription).status) == (P.CANCELLED, L.CANCELLED)
        assert prescription.end_reason == "Wrong patient"
        assert fresh(prescription.visit).status == Visit.Status.DIAGNOSED


def test_what_was_partly_issued_is_not_cancelled(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        prescription = a_prescription((medicine, 10))
        only_line(prescription).dispense(4, by=None, reason="Rest tomorrow")
        with pytest.raises(Refused, match="issued already"):
            prescription.cancel("Changed my mind", by=None)
        assert fresh(prescription).status == P.DISPENSING

"""What a record becomes, and that a second run changes nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from clinical.models import (
    Allergy,
    Document,
    Immunization,
    MedicationStatement,
    Observation,
    Organisation,
    OutsideEncounter,
    Patient,
    Practitioner,
    Problem,
    Procedure,
    Report,
)
from clinical.tests.records import (
    LOINC,
    a_condition,
    a_letter,
    a_life,
    a_patient,
    an_allergy,
    an_observation,
    bundle,
    concept,
    outcome,
    take,
    written,
)
from hospital.models import AuditEntry
from realtime.models import Event


def imported(hospital, tmp_path, *resources):
    tally = take(hospital, written(tmp_path, bundle(*resources)))
    assert [str(one) for one in tally.broken] == []
    return tally


def test_a_whole_life_is_found_again(alpha, tmp_path):
    imported(alpha, tmp_path, *a_life())
    with alpha.acting():
        patient = Patient.objects.get(fhir_id="p1")
        assert (patient.name, patient.sex, patient.birth_date) == ("Amara Ngozi Okafor", "female", date(1990, 3, 12))
        assert (patient.phone, patient.email) == ("+12125550142", "amara@example.org")
        assert (patient.line, patient.city, patient.postal_code) == ("5 Elm Street, Flat 2", "Weymouth", "02190")
        assert patient.document_number == "999-29-3778"
        assert {(one.kind, one.value) for one in patient.identifiers.all()} == {("MR", "100-7"), ("SS", "999-29-3778")}
        assert [(one.name, one.relationship) for one in patient.contacts.all()] == [("Grace Okafor", "Mother")]
        encounter = OutsideEncounter.objects.get(fhir_id="e1")
        assert (encounter.text, encounter.kind, encounter.reason) == (
            "Emergency room admission",
            "EMER",
            "Appendicitis",
        )
        assert encounter.practitioner == Practitioner.objects.get(name="Dr. Ned Pagac")
        assert encounter.organisation == Organisation.objects.get(name="Weymouth Clinic")
        assert Problem.objects.get(fhir_id="c1").encounter == encounter
        allergy = Allergy.objects.get(fhir_id="a1")
        assert (allergy.substance, allergy.category, allergy.reaction) == ("Peanut", "food", "Hives (severe)")
        medicine = MedicationStatement.objects.get(fhir_id="m1")
        assert (medicine.text, medicine.reason) == ("Salbutamol 100 µg inhaler", "Asthma")
        assert (medicine.dosage, medicine.as_needed) == ("1 puff, 2 times every day", True)
        assert MedicationStatement.objects.get(fhir_id="MedicationStatement/m1").text == "St John's wort"
        assert Immunization.objects.get(fhir_id="i1").lot == "LOT7"
        assert Procedure.objects.get(fhir_id="pr1").reason == "Rupture of appendix"
        assert Report.objects.get(fhir_id="r1").results == ["o1"]
        assert Document.objects.get(fhir_id="d1").read() == b"Dear colleague"
        assert Document.objects.get(fhir_id="DiagnosticReport/r1").read() == b"All well"


def test_nothing_of_it_reaches_the_other_hospital(alpha, beta, tmp_path):
    imported(alpha, tmp_path, *a_life())
    with beta.acting():
        assert not Patient.objects.exists()
        assert not Observation.objects.exists()
    imported(beta, tmp_path, *a_life())
    with beta.acting():
        assert Patient.objects.get(fhir_id="p1").mrn == 1


def test_numbers_keep_their_unit_and_components_their_parent(alpha, tmp_path):
    imported(alpha, tmp_path, *a_life())
    with alpha.acting():
        weight = Observation.objects.get(fhir_id="o1")
        assert (weight.value_number, weight.unit, weight.code) == (Decimal("61.25"), "kg", "29463-7")
        assert weight.category == "vital-signs"
        pressure = Observation.objects.get(fhir_id="o2")
        parts = {part.code: part.value_number for part in pressure.parts.all()}
        assert parts == {"8480-6": 131, "8462-4": 84}


@pytest.mark.parametrize(
    ("value", "number", "words"),
    [
        ({"valueQuantity": {"value": 0.01, "comparator": "<", "unit": "ng/mL"}}, None, "<0.01 ng/mL"),
        ({"valueCodeableConcept": concept("Never smoker")}, None, "Never smoker"),
        ({"valueString": "clear"}, None, "clear"),
        ({"valueBoolean": False}, None, "No"),
        ({"valueInteger": 7}, Decimal(7), ""),
        ({"valueDateTime": "2011-04"}, None, "2011-04"),
        ({"valueTime": "10:30:00"}, None, "10:30:00"),
        ({"valueRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}}, None, "1 mg to 2 mg"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, None, "1 : 128"),
        ({"valuePeriod": {"start": "2010", "end": "2011"}}, None, "2010 to 2011"),
        ({"dataAbsentReason": concept("Refused")}, None, "Not available: Refused"),
        ({}, None, ""),
    ],
)
def test_every_kind_of_value_is_read(alpha, tmp_path, value, number, words):
    imported(alpha, tmp_path, a_patient(), an_observation(**{"valueQuantity": None, **value}))
    with alpha.acting():
        row = Observation.objects.get(fhir_id="o1")
        assert (row.value_number, row.value_text) == (number, words)


def test_a_value_entered_by_mistake_is_kept_without_the_value(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient(), an_observation(status="entered-in-error"))
    with alpha.acting():
        row = Observation.objects.get(fhir_id="o1")
        assert (row.value_number, row.value_text, row.flag) == (None, "Entered by mistake", "")


def test_the_flag_is_the_one_that_was_sent(alpha, tmp_path):
    sent = an_observation(interpretation=[{"coding": [{"code": "HH"}]}])
    imported(alpha, tmp_path, a_patient(), sent)
    with alpha.acting():
        assert Observation.objects.get(fhir_id="o1").flag == "critical_high"


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("1999", datetime(1999, 1, 1, tzinfo=UTC)),
        ("1999-05", datetime(1999, 5, 1, tzinfo=UTC)),
        ("1999-05-17", datetime(1999, 5, 17, tzinfo=UTC)),
        ("1999-05-17T23:30:00+05:30", datetime(1999, 5, 17, 18, tzinfo=UTC)),
        ("1999-05-17T23:30:00.123456789Z", datetime(1999, 5, 17, 23, 30, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_date_keeps_its_precision_and_its_zone(alpha, tmp_path, said, at):
    imported(alpha, tmp_path, a_patient(), a_condition(onsetDateTime=said))
    with alpha.acting():
        problem = Problem.objects.get(fhir_id="c1")
        assert (problem.onset_at, problem.onset_said) == (at, said)


@pytest.mark.parametrize(
    ("said", "born", "estimated"),
    [
        ("1990", date(1990, 1, 1), True),
        ("1990-03", date(1990, 3, 1), True),
        ("1990-03-12", date(1990, 3, 12), False),
        (None, None, False),
    ],
)
def test_a_birth_date_that_is_not_exact_is_marked_as_estimated(alpha, tmp_path, said, born, estimated):
    imported(alpha, tmp_path, a_patient(birthDate=said))
    with alpha.acting():
        patient = Patient.objects.get(fhir_id="p1")
        assert (patient.birth_date, patient.birth_date_estimated) == (born, estimated)


def test_who_died_has_died(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient(deceasedDateTime="1999-11-07T23:11:46+00:00"))
    imported(alpha, tmp_path, a_patient(id="p2", deceasedBoolean=True))
    with alpha.acting():
        assert Patient.objects.get(fhir_id="p1").deceased_at == datetime(1999, 11, 7, 23, 11, 46, tzinfo=UTC)
        assert Patient.objects.get(fhir_id="p2").tags == ["Died, day unknown"]


def test_a_telephone_of_another_form_is_kept_as_it_was_said(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient(telecom=[{"system": "phone", "value": "ask the wife"}], contact=[]))
    with alpha.acting():
        patient = Patient.objects.get(fhir_id="p1")
        assert patient.phone == ""
        assert [one.phone for one in patient.contacts.all()] == ["ask the wife"]


def test_a_second_run_changes_nothing(alpha, tmp_path):
    imported(alpha, tmp_path, *a_life())
    with alpha.acting():
        before = (AuditEntry.objects.count(), Event.objects.count())
    assert outcome(imported(alpha, tmp_path, *a_life())) == (0, 0, len(a_life()), 0)
    with alpha.acting():
        assert (AuditEntry.objects.count(), Event.objects.count()) == before


def test_only_what_the_record_changed_is_saved(alpha, tmp_path):
    imported(alpha, tmp_path, *a_life())
    changed = [
        a_condition(clinicalStatus={"coding": [{"code": "resolved"}]}, encounter={"reference": "Encounter/e1"})
        if one["id"] == "c1"
        else one
        for one in a_life()
    ]
    assert outcome(imported(alpha, tmp_path, *changed)) == (0, 1, len(a_life()) - 1, 0)
    with alpha.acting():
        line = AuditEntry.objects.filter(table="clinical_problem").first()
        assert line.action == "update"
        assert line.after["clinical_status"] == "resolved"


def test_what_colleagues_changed_stays_while_the_record_is_the_same(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient(), an_allergy())
    with alpha.acting("checker_doctor") as acting:
        Patient.objects.get(fhir_id="p1").change(by=acting.person, family_name="Bello")
        Allergy.objects.get(fhir_id="a1").change(by=acting.person, clinical_status="resolved")
    assert outcome(imported(alpha, tmp_path, a_patient(), an_allergy())) == (0, 0, 2, 0)
    with alpha.acting():
        assert Patient.objects.get(fhir_id="p1").family_name == "Bello"
        assert Allergy.objects.get(fhir_id="a1").clinical_status == "resolved"


def test_a_new_allergy_of_a_known_patient_is_told_once(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient())
    with alpha.acting():
        before = Patient.objects.get(fhir_id="p1").version
    imported(alpha, tmp_path, a_patient(), an_allergy(), an_allergy(id="a2", code=concept("Latex")))
    with alpha.acting():
        assert Patient.objects.get(fhir_id="p1").version == before + 1


def test_a_component_that_is_no_longer_sent_goes_away(alpha, tmp_path):
    pressure = next(one for one in a_life() if one["id"] == "o2")
    imported(alpha, tmp_path, a_patient(), pressure)
    imported(alpha, tmp_path, a_patient(), {**pressure, "component": pressure["component"][:1]})
    with alpha.acting():
        assert [part.code for part in Observation.objects.get(fhir_id="o2").parts.all()] == ["8480-6"]


def test_an_amended_letter_stands_beside_the_former_one(alpha, tmp_path):
    imported(alpha, tmp_path, a_patient(), a_letter())
    assert outcome(imported(alpha, tmp_path, a_patient(), a_letter(b"Dear colleague, I was wrong"))) == (0, 1, 1, 0)
    with alpha.acting():
        assert Document.objects.get(fhir_id="d1").read() == b"Dear colleague, I was wrong"
        assert Document.objects.count() == 2


def test_history_rows_send_no_live_events(alpha, tmp_path):
    imported(alpha, tmp_path, *a_life())
    with alpha.acting():
        assert set(Event.objects.values_list("name", flat=True)) <= {"patient:registered", "document:uploaded"}


def test_a_reference_is_found_however_it_is_written(alpha, tmp_path):
    uuid = "7a18395e-05fb-44ad-9481-82774944b537"
    entries = [
        {"fullUrl": f"urn:uuid:{uuid}", "resource": a_patient(id=None)},
        {
            "fullUrl": "https://a.example/fhir/Condition/c1",
            "resource": a_condition(subject={"reference": f"urn:uuid:{uuid}"}),
        },
        {"resource": a_condition(id="c2", subject={"reference": f"Patient/{uuid}"})},
        {"resource": a_condition(id="c3", subject={"reference": f"https://b.example/Patient/{uuid}/_history/2"})},
        {
            "resource": a_condition(
                id="c4", subject={"identifier": {"system": "http://hospital.example", "value": "100-7"}}
            )
        },
    ]
    for kind in ("transaction", "batch", "searchset", "collection"):
        path = written(tmp_path, {"resourceType": "Bundle", "type": kind, "entry": entries})
        assert take(alpha, path).broken == []
    with alpha.acting():
        assert Patient.objects.get().problems.count() == 4
        assert Patient.objects.get().fhir_id == uuid


def test_files_may_refer_to_each_other_in_any_order(alpha, tmp_path):
    life = a_life()
    by_kind = {}
    for one in life:
        by_kind.setdefault(one["resourceType"], []).append(one)
    paths = [written(tmp_path, bundle(*ones), f"{kind}.json") for kind, ones in sorted(by_kind.items())]
    tally = take(alpha, *paths)
    assert (tally.broken, tally.notes) == ([], [])
    assert tally.total("new") == len(life)
    assert take(alpha, *reversed(paths)).total("unchanged") == len(life)


def test_a_medicine_may_stand_in_another_file(alpha, tmp_path):
    medicine = {"resourceType": "Medication", "id": "x9", "code": concept("Amoxicillin 500 mg", LOINC)}
    asks = {"resourceType": "MedicationRequest", "id": "m9", "status": "active", "subject": {"reference": "Patient/p1"}}
    asks["medicationReference"] = {"reference": "Medication/x9"}
    first = written(tmp_path, bundle(a_patient(), asks), "a.json")
    second = written(tmp_path, medicine, "b.json")
    assert take(alpha, first, second).broken == []
    with alpha.acting():
        assert MedicationStatement.objects.get(fhir_id="m9").text == "Amoxicillin 500 mg"

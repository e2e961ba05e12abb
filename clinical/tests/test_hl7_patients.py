"""Patients by messages: registered, updated, merged; and where only a person can decide."""

from __future__ import annotations

from datetime import date

from clinical.hl7.settling import choose, register
from clinical.hl7.store import settle
from clinical.models import Allergy, Hl7Message, OutsideEncounter, Patient, PatientIdentifier
from clinical.tests.messages import PERSON, adt, message, registered, row_of, send

STAY = f"PV1|1|I|W3^12^A{'|' * 16}V-77{'|' * 25}20261101080000+0000"


def test_a_registration_makes_a_patient_with_numbers_contacts_and_allergies(alpha, beta):
    raw = adt(
        "A04",
        PERSON,
        "NK1|1|Ng^Tom|SPO^Spouse^HL70063||(415)555-2672",
        STAY,
        "AL1|1|DA|70618^Penicillin^RXNORM|SV|Rash",
    )
    assert send(alpha, raw).word == "applied"
    with alpha.acting():
        patient = Patient.objects.get()
        assert (patient.given_name, patient.family_name, patient.sex) == ("Ada Mei", "Ng", "female")
        assert (str(patient.birth_date), patient.birth_date_estimated) == ("1990-03-04", False)
        assert (patient.line, patient.city, patient.postal_code) == ("12 Low Road", "Leeds", "LS1 4AP")
        number = patient.identifiers.get()
        assert (number.system, number.value, number.kind) == ("urn:oid:1.2.3.4", "4711", "MR")
        assert patient.contacts.get(relationship="Spouse").name == "Tom Ng"
        allergy = Allergy.objects.get(patient=patient)
        assert (allergy.substance, allergy.verification, allergy.criticality) == ("Penicillin", "unconfirmed", "high")
        stay = OutsideEncounter.objects.get(patient=patient)
        assert (stay.kind, stay.status) == ("IMP", "in-progress")
        assert not patient.visits.exists()
    with beta.acting():
        assert not Patient.objects.exists()
        assert not Hl7Message.objects.exists()


def test_a_year_of_birth_is_an_estimate_and_the_end_of_a_stay_is_kept(alpha):
    patient = registered(alpha, PERSON.replace("19900304", "1990"))
    assert patient.birth_date_estimated
    send(alpha, adt("A01", PERSON.replace("19900304", "1990"), STAY))
    send(alpha, adt("A03", PERSON.replace("19900304", "1990"), STAY + "|20261103120000"))
    with alpha.acting():
        assert OutsideEncounter.objects.get(patient=patient).status == "finished"


def test_whose_number_it_is_is_said_in_words(alpha):
    assert (
        "No patient here has this number: 88 (the sender's own)." in row_of(alpha, send(alpha, adt("A08", "88"))).words
    )


def test_an_update_changes_what_is_there_empties_what_is_deleted_and_leaves_the_rest(alpha):
    patient = registered(alpha)
    send(alpha, adt("A08", '4711^^^CITY&1.2.3.4&ISO^MR||Ng^Ada^Mei|||||||""'))
    with alpha.acting():
        patient.refresh_from_db()
        assert (patient.given_name, patient.line, patient.city) == ("Ada Mei", "12 Low Road", "Leeds")
    send(alpha, adt("A08", '4711^^^CITY&1.2.3.4&ISO^MR||Ng-Low^Ada||||||""||""'))
    with alpha.acting():
        patient.refresh_from_db()
        assert (patient.family_name, patient.line, patient.phone, patient.sex) == ("Ng-Low", "", "", "female")


def test_what_a_person_changed_here_is_not_overwritten_unseen(alpha):
    patient = registered(alpha)
    with alpha.acting("reception") as acting:
        patient.change(by=acting.person, city="York")
    same = send(alpha, adt("A08", PERSON))
    assert same.word == "applied"
    other = send(alpha, adt("A08", PERSON.replace("Leeds", "Bath")))
    row = row_of(alpha, other)
    assert (row.status, row.waits_for) == ("waiting", "conflict")
    assert [(one["ours"], one["theirs"]) for one in row.asks] == [("York", "Bath")]
    with alpha.acting("reception") as acting:
        patient.refresh_from_db()
        assert patient.city == "York"
        assert settle(row, by=acting.person, decided=["theirs"])
        patient.refresh_from_db()
        assert patient.city == "Bath"


def test_an_older_message_that_waited_does_not_undo_a_newer_one(alpha):
    patient = registered(alpha)
    old = row_of(alpha, send(alpha, adt("A08", PERSON.replace("Leeds", "Hull"), processing="T")))
    assert old.waits_for == "test"
    send(alpha, adt("A08", PERSON.replace("Leeds", "Bath")))
    with alpha.acting("reception") as acting:
        assert not settle(old, by=acting.person, decided=["test"])
        patient.refresh_from_db()
        assert (patient.city, old.waits_for) == ("Bath", "conflict")


def test_whoever_only_looks_the_same_waits_and_one_click_links_or_registers(alpha):
    with alpha.acting("reception") as acting:
        known = {"given_name": "Ada Mei", "family_name": "Ng", "birth_date": date(1990, 3, 4), "sex": "female"}
        patient = Patient.register(by=acting.person, **known)
    first, second = (row_of(alpha, send(alpha, adt("A04", PERSON))) for _ in range(2))
    assert (first.waits_for, second.waits_for) == ("patient", "patient")
    with alpha.acting("reception") as acting:
        assert choose(first, patient, by=acting.person)
        assert Hl7Message.objects.get(pk=second.pk).status == "applied"
        assert PatientIdentifier.objects.get(value="4711").patient == patient
        assert Patient.objects.count() == 1
    other = row_of(alpha, send(alpha, adt("A08", PERSON.replace("4711", "4712"))))
    with alpha.acting("reception") as acting:
        assert register(other, by=acting.person)
        assert Patient.objects.count() == 2


def test_a_number_with_another_name_and_date_of_birth_is_somebody_else(alpha):
    registered(alpha)
    row = row_of(alpha, send(alpha, adt("A08", "4711^^^CITY&1.2.3.4&ISO^MR||Berg^Olaf||19510712|M")))
    assert row.waits_for == "conflict"
    assert "another name" in row.words


def test_the_same_number_of_another_authority_is_another_person(alpha):
    registered(alpha)
    row = row_of(alpha, send(alpha, adt("A31", "4711^^^TOWN^MR||Ng^Ada||19900304|F")))
    assert row.waits_for == "patient"
    dummy = "^^^USSSA^SS"
    registered(alpha, f"900^^^TOWN^MR~999999999{dummy}||Moss^Eva||19600101|F")
    assert row_of(alpha, send(alpha, adt("A08", f"999999999{dummy}||Moss^Eva||19600101|F"))).waits_for == "patient"


def test_our_own_numbers_count_only_under_our_own_authority(alpha):
    patient = registered(alpha)
    said = f"{patient.number}^^^HOUSE^MR||Ng^Ada Mei|||||||||(415)555-2673"
    row = row_of(alpha, send(alpha, adt("A08", said)))
    assert row.waits_for == "patient"
    with alpha.acting("admin") as acting:
        row.sender.our_authority = "HOUSE"
        row.sender.save()
        assert settle(row, by=acting.person) or row.waits_for == "conflict"
        assert row.patient == patient


def test_two_records_are_merged_and_an_unknown_one_gives_its_number(alpha):
    survivor = registered(alpha)
    source = registered(alpha, "815^^^CITY&1.2.3.4&ISO^MR||Wolf^Ida||19710101|F")
    joined = message("ADT^A40^ADT_A39", "EVN|A40|20261101", f"PID|1||{PERSON}", "MRG|815^^^CITY&1.2.3.4&ISO^MR")
    receipt = send(alpha, joined)
    assert receipt.word == "applied", row_of(alpha, receipt).words
    with alpha.acting():
        source.refresh_from_db()
        assert source.current == survivor
    assert send(alpha, adt("A08", "815^^^CITY&1.2.3.4&ISO^MR")).word == "applied"
    given = message("ADT^A40^ADT_A39", "EVN|A40|20261101", f"PID|1||{PERSON}", "MRG|816^^^CITY&1.2.3.4&ISO^MR")
    assert send(alpha, given).word == "applied"
    with alpha.acting():
        assert PatientIdentifier.objects.get(value="816").patient == survivor


def test_a_type_that_nobody_applies_waits_for_a_person(alpha):
    row = row_of(alpha, send(alpha, message("DFT^P03", f"PID|1||{PERSON}")))
    assert (row.status, row.waits_for, row.family) == ("waiting", "not_applied", "other")
    with alpha.acting("admin") as acting:
        row.put_aside("Charges are entered by billing", by=acting.person)
        row.take_back(by=acting.person)
        assert row.status == "waiting"


def test_a_failure_in_the_middle_leaves_nothing_but_the_reason(alpha):
    row = row_of(alpha, send(alpha, adt("A04", PERSON, "NK1|1|" + "x" * 300 + "|SPO", "AL1|1|DA|P^" + "y" * 400)))
    with alpha.acting():
        assert Patient.objects.count() == (1 if row.status == "applied" else 0)
        assert row.status in ("applied", "waiting")

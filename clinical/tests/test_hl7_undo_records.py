"""Registrations, updates and merges by message that were wrong: taken back, as far as nobody went on with them."""

from __future__ import annotations

import pytest

from clinical.hl7.undoing import undo_effect
from clinical.models import Allergy, Hl7Message, OutsideEncounter, Patient, PatientContact, PatientIdentifier
from clinical.tests.messages import adt, message, registered, row_of, send
from hospital.models import AuditEntry
from hospital.workflow import Refused

MOVED = "4711^^^CITY&1.2.3.4&ISO^MR||Ng^Adela^Mei||19900304|F|||9 High Road^^York^^YO1 7HH^GB||(415)555-9999^PRN^PH"
OTHER = "4712^^^CITY&1.2.3.4&ISO^MR||Ng^Eva||19600101|F"
BESIDE = ("NK1|1|Ng^Tom|BRO^Brother", "AL1|1|DA|^Codeine|SV", "PV1|1|I|||||||||||||||||V77")


def undo(hospital, receipt, why: str = "Another Ada") -> Hl7Message:
    with hospital.acting("admin") as acting:
        undo_effect(row_of(hospital, receipt), why, by=acting.person)
    return row_of(hospital, receipt)


def test_an_update_is_as_it_was_where_nobody_changed_it_since(alpha):
    patient = registered(alpha)
    sent = send(alpha, adt("A08", MOVED, *BESIDE))
    with alpha.acting("reception") as acting:
        Patient.objects.get(pk=patient.pk).change(by=acting.person, phone="(415)555-1234")
    row = undo(alpha, sent)
    assert (row.status, row.waits_for, row.patient, row.traces) == ("waiting", "conflict", None, {})
    assert "was undone: Another Ada." in row.words and "Changed here since, and stays: telephone" in row.words
    with alpha.acting():
        now = Patient.objects.get(pk=patient.pk)
        assert (now.given_name, now.city, now.phone) == ("Ada Mei", "Leeds", "+14155551234")
        assert Allergy.objects.get().is_mistake and OutsideEncounter.objects.get().status == "entered-in-error"
        assert PatientContact.objects.get(name="Tom Ng").ended_at
        [line] = AuditEntry.objects.filter(action="message undone", patient_id=patient.pk)
        assert line.after["reason"] == "Another Ada"


def test_the_same_words_are_news_again_when_it_is_tried_again(alpha):
    patient = registered(alpha)
    sent = send(alpha, adt("A08", MOVED))
    row = undo(alpha, sent)
    alpha.client("admin").post(f"{alpha.url}/messages/{row.pk}/do/", {"do": "again"})
    assert row_of(alpha, sent).status == "applied"
    with alpha.acting():
        assert Patient.objects.get(pk=patient.pk).given_name == "Adela Mei"


def test_who_was_registered_stays_without_the_numbers(alpha):
    sent = send(alpha, adt("A28"))
    assert "stays, since no patient is deleted" in undo(alpha, sent).words
    with alpha.acting():
        assert Patient.objects.count() == 1 and not PatientIdentifier.objects.exists()


def test_a_merge_is_undone(alpha):
    one, other = registered(alpha), registered(alpha, OTHER)
    sent = send(
        alpha, message("ADT^A40^ADT_A39", "EVN|A40|20261101", f"PID|1||{OTHER}", "MRG|4711^^^CITY&1.2.3.4&ISO^MR")
    )
    with alpha.acting():
        assert Patient.objects.get(pk=one.pk).merged_into_id == other.pk
    undo(alpha, sent)
    with alpha.acting():
        assert Patient.objects.get(pk=one.pk).merged_into_id is None
        assert PatientIdentifier.objects.get(value="4711").patient_id == one.pk


def test_over_the_page_with_a_reason_and_only_once(alpha, beta):
    registered(alpha)
    row = row_of(alpha, send(alpha, adt("A08", MOVED)))
    client, page = alpha.client("reception"), f"{alpha.url}/messages/{row.pk}/"
    assert "Undo what it did" in client.get(page).content.decode()
    assert client.post(f"{page}do/", {"do": "undo", "reason": " "}).status_code == 422
    assert client.post(f"{page}do/", {"do": "undo", "reason": "Wrong"}).status_code == 302
    assert client.post(f"{page}do/", {"do": "undo", "reason": "Wrong"}).status_code == 409
    assert "Undo what it did" not in client.get(page).content.decode()
    assert beta.client("admin").post(f"{beta.url}/messages/{row.pk}/do/", {"do": "undo"}).status_code == 404


def test_what_did_nothing_cannot_be_undone(alpha):
    registered(alpha)
    with pytest.raises(Refused, match="nothing that can be undone"):
        undo(alpha, send(alpha, adt("A08")))

"""Patients answer by a link: it changes nothing when it is opened, works once, and is over when its time has come."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinical.tests.wards import fresh
from scheduling.links import APPOINTMENT, appointment_path, offer_path, opened
from scheduling.models import Appointment, Offer, Wish
from scheduling.tests.desks import Desk, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha, phone="020 555")


@pytest.fixture
def row(desk) -> Appointment:
    patient = desk.patient(given_name="Amara", family_name="Okafor-Secret", email="amara@example.org", phone="")
    return desk.book(morning(2), patient=patient, reason="Something private")


@pytest.fixture
def path(desk, row) -> str:
    return appointment_path(desk.hospital.tenant, row)


def now_of(desk: Desk, row: Appointment) -> Appointment:
    with desk.hospital.acting():
        return fresh(row)


def test_whoever_opens_it_sees_little_and_changes_nothing(desk, row, path):
    for method in ("get", "head", "get"):
        answer = getattr(Client(), method)(path)
        assert answer.status_code == 200
    page = Client().get(path).content.decode()
    assert "Amara, this" in page and "Main Doctor" in page and "Main house" in page
    for private in ("Secret", "Something private", row.patient.number, "amara@", row.number):
        assert private not in page
    assert now_of(desk, row).version == row.version


def test_a_patient_confirms_once(desk, row, path):
    assert "that you will come" in Client().post(path, {"answer": "confirm"}).content.decode()
    assert now_of(desk, row).confirmed_at
    again = Client().post(path, {"answer": "cancel", "reason": "Changed my mind"})
    assert again.status_code == 409 and "answered already" in again.content.decode()
    assert now_of(desk, row).status == "booked"
    assert "If this has changed, call 020 555" in Client().get(path).content.decode()


def test_a_patient_cancels_with_a_reason_and_the_time_is_free(desk, row, path):
    without = Client().post(path, {"answer": "cancel", "reason": " "})
    assert without.status_code == 422 and "Write why" in without.content.decode()
    assert now_of(desk, row).status == "booked"
    assert "Cancelled" in Client().post(path, {"answer": "cancel", "reason": "On a journey"}).content.decode()
    after = now_of(desk, row)
    assert (after.status, after.end_reason, after.ended_by) == ("cancelled", "The patient: On a journey", None)
    desk.book(morning(2))


def test_a_patient_who_cancels_locks_in_the_order_of_the_desk(desk, row, path):
    """Else each could wait for the other."""
    with CaptureQueriesContext(connection) as asked:
        Client().post(path, {"answer": "cancel", "reason": "Ill"})
    locks = [query["sql"] for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
    tables = ("clinical_patient", "scheduling_provider", "scheduling_appointment")
    found = [name for sql in locks for name in tables if f'FROM "{name}"' in sql]
    assert found[:3] == list(tables)


def test_a_form_without_an_answer_changes_nothing(desk, row, path):
    assert Client().post(path).status_code == 422
    assert now_of(desk, row).version == row.version


def test_a_page_of_another_site_cannot_send_the_answer(desk, row, path):
    assert Client(enforce_csrf_checks=True).post(path, {"answer": "confirm"}).status_code == 403
    assert now_of(desk, row).confirmed_at is None


def test_an_appointment_that_was_moved_says_so(desk, row, path):
    with desk.hospital.acting("reception") as acting:
        row.reschedule(morning(3), by=acting.person)
    assert "moved to another time" in Client().get(path).content.decode()
    assert Client().post(path, {"answer": "confirm"}).status_code == 409


def test_it_is_over_at_the_beginning(desk, row, path):
    with time_machine.travel(row.begins_at):
        for answer in (
            Client().get(path),
            Client().post(path, {"answer": "confirm"}),
            Client().get(f"{path}appointment.ics"),
        ):
            assert answer.status_code == 410
    assert now_of(desk, row).confirmed_at is None


def test_a_wrong_link_is_not_found(desk, beta, row, path):
    secret = path.split("/")[-2]
    changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for wrong in (
        path.replace(secret, changed),
        path.replace(secret, "x"),
        path.replace(secret, "."),
        path.replace(secret, "x.y"),
        path.replace(desk.hospital.tenant.slug, beta.tenant.slug),
        path.replace(desk.hospital.tenant.slug, "nobody"),
        path.replace("/appointments/", "/offers/"),
        f"/accounts/calendar/{desk.hospital.tenant.slug}/{secret}.ics",
    ):
        assert Client().get(wrong).status_code == 404, wrong
        assert Client().post(wrong, {"answer": "confirm"}).status_code in (404, 405), wrong
    assert opened(APPOINTMENT, desk.hospital.tenant, secret) and opened(APPOINTMENT, beta.tenant, secret) is None


def test_the_link_of_a_suspended_hospital_is_not_found(desk, row, path):
    with desk.hospital.acting():
        desk.hospital.tenant.is_active = False
        desk.hospital.tenant.save()
    assert Client().get(path).status_code == 404


# --- offers -------------------------------------------------------------------------------


@pytest.fixture
def offer(desk) -> Offer:
    """Amara has an appointment in nine days, and would rather come earlier."""
    amara, bede = (desk.patient(given_name=name, email=f"{name}@example.org") for name in ("Amara", "Bede"))
    later = desk.book(morning(9), patient=amara)
    with desk.hospital.acting("reception") as acting:
        days = {"first_day": timezone.localdate(), "last_day": morning(8).date()}
        Wish(patient=amara, type=desk.type, instead_of=later, **days).add(by=acting.person)
        Wish(patient=bede, type=desk.type, **days).add(by=acting.person)
    other = desk.book(morning(3))
    with desk.hospital.acting("reception") as acting:
        other.cancel("Ill", by=acting.person)
        return Offer.objects.select_related("wish__instead_of").get(outcome="")


def test_an_offer_is_taken_by_its_link_and_replaces_the_later_appointment(desk, offer):
    path = offer_path(desk.hospital.tenant, offer)
    assert "Take this time" in Client().get(path).content.decode()
    assert now_of(desk, offer).outcome == ""
    assert "It is yours" in Client().post(path, {"answer": "accept"}).content.decode()
    with desk.hospital.acting():
        wish = fresh(offer.wish)
        assert wish.status == "booked" and wish.appointment.begins_at == morning(3)
        assert fresh(offer.wish.instead_of).status == "rescheduled"
    assert Client().post(path, {"answer": "decline"}).status_code == 409
    assert "It is yours" in Client().get(path).content.decode()


def test_an_offer_that_is_declined_goes_to_the_next(desk, offer):
    path = offer_path(desk.hospital.tenant, offer)
    assert "stay on the waitlist" in Client().post(path, {"answer": "decline"}).content.decode()
    with desk.hospital.acting():
        assert Offer.objects.get(outcome="").wish.patient.given_name == "Bede"


def test_an_offer_is_over_when_its_minutes_are(desk, offer):
    path = offer_path(desk.hospital.tenant, offer)
    with time_machine.travel(offer.expires_at):
        assert Client().post(path, {"answer": "accept"}).status_code == 410
    assert now_of(desk, offer).outcome == ""


def test_a_time_that_no_longer_suits_is_refused_in_words(desk, offer):
    with desk.hospital.acting("reception") as acting:
        Appointment.book(offer.wish.patient, desk.type, desk.checker, morning(3), by=acting.person)
    answer = Client().post(offer_path(desk.hospital.tenant, offer), {"answer": "accept"})
    assert answer.status_code == 409 and "another appointment at this time" in answer.content.decode()
    assert now_of(desk, offer).outcome == "" and now_of(desk, offer.wish).status == "offered"

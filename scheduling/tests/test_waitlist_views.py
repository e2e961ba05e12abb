"""The waitlist at the desk: who waits, in which order, what is offered, and what is answered for a patient who calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from clinical.tests.wards import fresh
from hospital.tests.asking import queries
from scheduling.models import Appointment, Offer, Wish
from scheduling.tests.desks import Desk, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def url(desk: Desk, path: str = "") -> str:
    return f"{desk.hospital.url}/waitlist/{path}"


def page(desk: Desk, query: str = "") -> str:
    return desk.hospital.client("reception").get(url(desk, query)).content.decode()


def said(desk: Desk, **fields: object) -> dict[str, object]:
    days = {"first_day": str(timezone.localdate()), "last_day": str(morning(9).date())}
    return {"type": desk.type.pk, "part": "any", **days, **fields}


def add(desk: Desk, name: str, **fields: object) -> Wish:
    patient = desk.patient(given_name=name, email=f"{name}@example.org")
    answer = desk.hospital.client("reception").post(url(desk, f"new/?patient={patient.pk}"), said(desk, **fields))
    assert answer.status_code == 302
    with desk.hospital.acting():
        return Wish.objects.get(patient=patient)


def offered(desk: Desk) -> Offer:
    row = desk.book(morning(3))
    with desk.hospital.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
        return Offer.objects.get(outcome="")


def status(desk: Desk, wish: Wish) -> str:
    with desk.hospital.acting():
        return fresh(wish).status


def test_the_first_who_came_stands_first(desk):
    add(desk, "Zora"), add(desk, "Abel")
    text = page(desk)
    assert text.index("Zora Okafor") < text.index("Abel Okafor")


def test_a_patient_is_found_before_they_are_added(desk):
    desk.patient(given_name="Zora")
    assert "Zora Okafor" in page(desk, "new/?q=zora") and "Nobody found" in page(desk, "new/?q=xyzxyz")


def test_an_offer_shows_how_long_it_stands_and_is_accepted_by_hand(desk):
    wish = add(desk, "Zora")
    offer = offered(desk)
    assert "runs out" in page(desk) and "in 29 min" in page(desk)
    answer = desk.hospital.client("reception").post(url(desk, f"offers/{offer.pk}/accept/"))
    assert answer.status_code == 302 and status(desk, wish) == "booked"
    with desk.hospital.acting():
        assert Appointment.objects.get(patient=wish.patient).begins_at == morning(3)
    assert "Zora" in page(desk, "?show=booked") and "Zora" not in page(desk, "?show=")


def test_what_is_declined_goes_to_the_next(desk):
    first, second = add(desk, "Zora"), add(desk, "Abel")
    desk.hospital.client("reception").post(url(desk, f"offers/{offered(desk).pk}/decline/"))
    assert (status(desk, first), status(desk, second)) == ("waiting", "offered")


def test_who_withdraws_gives_the_offer_to_the_next_and_may_wait_again(desk):
    first, second = add(desk, "Zora"), add(desk, "Abel")
    offered(desk)
    client = desk.hospital.client("reception")
    client.post(url(desk, f"{first.pk}/withdraw/"))
    assert (status(desk, first), status(desk, second)) == ("withdrawn", "offered")
    assert "Zora" in page(desk, "?show=withdrawn")
    client.post(url(desk, f"{first.pk}/again/"))
    assert status(desk, first) == "waiting"


def test_from_an_appointment_its_patient_waits_for_an_earlier_one(desk):
    later = desk.book(morning(8))
    client = desk.hospital.client("reception")
    form = client.get(url(desk, f"new/?appointment={later.pk}")).content.decode()
    assert later.number in form and f'value="{morning(7).date()}"' in form
    client.post(url(desk, f"new/?appointment={later.pk}"), said(desk))
    offer = offered(desk)
    client.post(url(desk, f"offers/{offer.pk}/accept/"))
    with desk.hospital.acting():
        assert fresh(later).status == "rescheduled"
    assert client.get(url(desk, f"new/?appointment={later.pk}")).status_code == 409


def test_whose_days_have_passed_is_no_longer_among_the_waiting(desk):
    add(desk, "Zora")
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        assert "Zora" not in page(desk) and "Zora" in page(desk, "?show=over")


def test_nobody_waits_twice_for_the_same_and_in_the_past(desk):
    wish = add(desk, "Zora")
    client, path = desk.hospital.client("reception"), url(desk, f"new/?patient={wish.patient_id}")
    again = client.post(path, said(desk))
    assert again.status_code == 422 and "waits for “Check-up” already" in again.content.decode()
    with desk.hospital.acting():
        other = a_type("Scan")
    past = client.post(path, said(desk, type=other.pk, last_day=str(morning(-1).date())))
    assert past.status_code == 422 and "This day has passed" in past.content.decode()


def test_a_provider_who_does_not_offer_the_type_cannot_be_waited_for(desk):
    with desk.hospital.acting():
        desk.doctor.offer_exactly([a_type("Scan")])
    patient = desk.patient()
    answer = desk.hospital.client("reception").post(
        url(desk, f"new/?patient={patient.pk}"), said(desk, provider=desk.doctor.pk)
    )
    assert answer.status_code == 422 and "does not offer “Check-up”" in answer.content.decode()


def test_a_patient_or_appointment_of_another_hospital_is_not_found(desk, beta):
    other = Desk(beta)
    row = other.book(morning(3))
    client = desk.hospital.client("reception")
    for query in (f"patient={row.patient_id}", f"appointment={row.pk}"):
        assert client.get(url(desk, f"new/?{query}")).status_code == 404
    assert client.get(url(desk, "new/?patient=x")).status_code == 200


def test_a_long_waitlist_asks_no_more(desk):
    add(desk, "Zora")
    few = len(queries(desk.hospital.client("reception"), url(desk)))
    for number in range(12):
        add(desk, f"N{number}")
    offered(desk)
    assert len(queries(desk.hospital.client("reception"), url(desk))) == few <= 13

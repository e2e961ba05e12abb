"""The outbox and a chart that is restricted later: nobody reads or searches the address, and no reminder goes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command

from hospital import outbox
from hospital.models import Letter
from scheduling.tests.desks import Desk

NINE = datetime(2027, 3, 10, 9, tzinfo=UTC)
ADDRESS = "ada.lovelace@example.org"


@pytest.fixture
def clock():
    with time_machine.travel(NINE - timedelta(minutes=30), tick=False) as traveller:
        yield traveller


@pytest.fixture
def desk(clock, alpha) -> Desk:
    return Desk(alpha, time_zone="Europe/London", reminder_hours=24, no_show_minutes=30)


def listed(desk: Desk, **query: str) -> str:
    url = f"{desk.hospital.url}/admin/hospital/letter/"
    return desk.hospital.client("admin").get(url, query).content.decode()


def test_a_letter_to_a_patient_who_is_restricted_since_hides_whose_it_is(desk, clock):
    row = desk.book(NINE + timedelta(days=2), patient=desk.patient(email=ADDRESS))
    clock.move_to(NINE + timedelta(days=1))
    call_command("remind_patients")
    assert ADDRESS in listed(desk)
    assert "1 letter" in listed(desk, q="lovelace")
    with desk.hospital.acting("admin") as acting:
        row.patient.restrict("Works here", by=acting.person)
    assert ADDRESS not in listed(desk)
    assert "appointment_reminder" in listed(desk)
    assert "0 letters" in listed(desk, q="lovelace")
    with desk.hospital.acting():
        pk = Letter.objects.get().pk
    page = desk.hospital.client("admin").get(f"{desk.hospital.url}/admin/hospital/letter/{pk}/change/", follow=True)
    assert ADDRESS not in page.content.decode()


def test_its_reminder_is_not_sent_any_more(desk, clock):
    row = desk.book(NINE + timedelta(days=2), patient=desk.patient(email=ADDRESS))
    clock.move_to(NINE + timedelta(days=1))
    call_command("remind_patients")
    with desk.hospital.acting("admin") as acting:
        row.patient.restrict("Works here", by=acting.person)
    mail.outbox.clear()
    assert all(outbox.sent_for(desk.hospital.tenant, None))
    assert mail.outbox == []
    with desk.hospital.acting():
        assert Letter.objects.get(kind="appointment_reminder").state == "needless"

"""Other calendars understand ours, follow its changes, and learn no names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from icalendar import Calendar

from clinical.tests.wards import fresh
from hospital.tests.asking import queries
from scheduling.links import appointment_path
from scheduling.tests.desks import Desk, a_location, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha, time_zone="America/New_York", address="1 Main Street")


def feed_path(desk: Desk) -> str:
    with desk.hospital.acting():
        provider = fresh(desk.doctor)
    return f"/accounts/calendar/{desk.hospital.tenant.slug}/{provider.feed_secret}.ics"


def feed(desk: Desk) -> Calendar:
    answer = Client().get(feed_path(desk))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content)


def events(desk: Desk) -> dict[str, object]:
    found = feed(desk).walk("VEVENT")
    assert len({str(event["uid"]) for event in found}) == len(found)
    return {str(event["uid"]): event for event in found}


def test_the_feed_of_a_provider_has_their_appointments_in_the_zone_of_the_house(desk):
    row = desk.book(morning(3))
    desk.book(morning(3), provider=desk.checker)
    calendar = feed(desk)
    (event,) = calendar.walk("VEVENT")
    assert event.start == row.begins_at and event.end == row.ends_at
    assert event.start.tzinfo == ZoneInfo("America/New_York") and event["dtstart"].params["TZID"] == "America/New_York"
    assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["America/New_York"]
    assert (event["status"], event["class"], event["location"]) == ("CONFIRMED", "PRIVATE", "Main house, 1 Main Street")


def test_two_houses_have_two_time_zones(desk):
    with desk.hospital.acting():
        oslo = a_location("Oslo", time_zone="Europe/Oslo")
        desk.doctor.working_hours.filter(weekday=morning(3).weekday()).update(location=oslo)
    desk.book(morning(3))
    desk.book(morning(4))
    zones = {str(zone["tzid"]) for zone in feed(desk).walk("VTIMEZONE")}
    assert zones == {"America/New_York", "Europe/Oslo"}


def test_no_name_of_a_patient_is_in_it(desk):
    patient = desk.patient(given_name="Amara", family_name="Okafor", phone="", email="amara@example.org")
    desk.book(morning(3), patient=patient, reason="A private matter", note="Lives alone")
    text = Client().get(feed_path(desk)).content.decode()
    assert f"AO {patient.number}: Check-up" in text
    for private in ("Amara", "Okafor", "private matter", "Lives alone", "amara@"):
        assert private not in text


def test_an_appointment_keeps_its_name_when_it_is_moved_and_its_number_grows(desk):
    row = desk.book(morning(3))
    (before,) = events(desk).items()
    with desk.hospital.acting("reception") as acting:
        for hour in (10, 11):
            row = row.reschedule(morning(4, hour), by=acting.person)
    (after,) = events(desk).items()
    assert before[0] == after[0] and after[1]["sequence"] > before[1]["sequence"]
    assert after[1].start == row.begins_at and after[1]["status"] == "CONFIRMED"
    with desk.hospital.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
    (last,) = events(desk).items()
    assert last[0] == before[0] and last[1]["sequence"] > after[1]["sequence"] and last[1]["status"] == "CANCELLED"


def test_what_goes_to_somebody_else_is_cancelled_in_the_feed(desk):
    row = desk.book(morning(3))
    with desk.hospital.acting("reception") as acting:
        row.reschedule(morning(4), by=acting.person, provider=desk.checker)
    (event,) = events(desk).values()
    assert event["status"] == "CANCELLED"


def test_a_feed_asks_as_often_for_many_appointments_as_for_one(desk):
    desk.book(morning(3))
    few = len(queries(Client(), feed_path(desk)))
    for hour in range(10, 16):
        desk.book(morning(3, hour))
    assert len(queries(Client(), feed_path(desk))) == few


def test_a_new_address_makes_the_former_useless(desk):
    former = feed_path(desk)
    client = desk.hospital.client("main_doctor")
    assert former in client.get(f"{desk.hospital.url}/appointments/feed/").content.decode()
    client.post(f"{desk.hospital.url}/appointments/feed/renew/")
    assert Client().get(former).status_code == 404
    assert feed_path(desk) != former and Client().get(feed_path(desk)).status_code == 200


def test_only_a_provider_has_an_address_to_renew(desk):
    client = desk.hospital.client("reception")
    assert "No appointments are made with you" in client.get(f"{desk.hospital.url}/appointments/feed/").content.decode()
    assert client.post(f"{desk.hospital.url}/appointments/feed/renew/").status_code == 404


@pytest.mark.parametrize("wrong", ["x", "0" * 40, "None"])
def test_a_guessed_address_is_not_found(desk, wrong):
    assert Client().get(f"/accounts/calendar/{desk.hospital.tenant.slug}/{wrong}.ics").status_code == 404


def test_the_feed_of_another_hospital_and_of_somebody_who_left_is_not_found(desk, beta):
    path = feed_path(desk)
    assert Client().get(path.replace(desk.hospital.tenant.slug, beta.tenant.slug)).status_code == 404
    with desk.hospital.acting():
        desk.doctor.is_active = False
        desk.doctor.save()
    assert Client().get(path).status_code == 404


def test_one_appointment_is_a_file(desk):
    row = desk.book(morning(3))
    answer = desk.hospital.client("reception").get(f"{desk.hospital.url}/appointments/{row.pk}/appointment.ics")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.start == row.begins_at and f'filename="{row.number}.ics"' in answer.headers["Content-Disposition"]


def test_the_patients_own_file_says_with_whom(desk):
    row = desk.book(morning(3))
    answer = Client().get(f"{appointment_path(desk.hospital.tenant, row)}appointment.ics")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["summary"] == "Appointment with Main Doctor" and row.patient.number not in answer.content.decode()


def test_the_clock_of_the_house_is_kept_over_the_night_in_which_it_is_changed(alpha):
    with time_machine.travel("2027-03-20T12:00:00Z"):
        desk = Desk(alpha, time_zone="Europe/Berlin")
        desk.book(datetime(2027, 3, 27, 8, tzinfo=UTC))
        desk.book(datetime(2027, 3, 28, 7, tzinfo=UTC))
        assert {f"{event.start:%H:%M}" for event in events(desk).values()} == {"09:00"}
        assert [event.start.utcoffset() for event in events(desk).values()] == [timedelta(hours=1), timedelta(hours=2)]

"""Booking by page and telephone: three clicks, held while somebody writes, and friendly when somebody was faster."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.utils import timezone

from hospital.tests.asking import queries
from scheduling.models import Appointment, Hold, Room
from scheduling.moments import Span
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, a_location, a_provider, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


class Booking:
    """Somebody at the desk who books for a patient."""

    def __init__(self, desk: Desk, role: str = "reception", **fields) -> None:
        self.desk, self.client = desk, desk.hospital.client(role)
        self.patient = desk.patient(**fields)

    def at(self, path: str, **query) -> str:
        return f"{self.desk.hospital.url}/{path}?{urlencode({'patient': self.patient.pk, **query})}"

    def page(self, **query) -> str:
        answer = self.client.get(self.at("appointments/book/", type=self.desk.type.pk, **query))
        assert answer.status_code == 200
        return answer.content.decode()

    def keys(self, **query) -> list[str]:
        return re.findall(r'name="at" value="([^"]+)"', self.page(**query))

    def choose(self, key: str, **fields):
        words = {"patient": self.patient.pk, "type": self.desk.type.pk, "at": key, **fields}
        return self.client.post(f"{self.desk.hospital.url}/appointments/hold/", words)

    def last(self, key: str, **query) -> str:
        return self.at("appointments/book/last/", type=self.desk.type.pk, at=key, **query)

    def book(self, key: str, **words):
        return self.client.post(self.last(key), {"minutes": "30", **words})


@pytest.fixture
def booking(desk) -> Booking:
    return Booking(desk)


def key(desk: Desk, *args: int) -> str:
    return key_of(desk.doctor, morning(*args))


def all_of(desk: Desk) -> list[Appointment]:
    with desk.hospital.acting():
        return list(Appointment.objects.shown().order_by("serial"))


def test_from_a_known_patient_it_is_three_clicks_to_a_booking(desk, booking):
    with desk.hospital.acting():
        a_type("Surgery", minutes=60)
    start = booking.client.get(booking.at("appointments/book/")).content.decode()
    assert f"type={desk.type.pk}" in start and 'name="at"' not in start  # the first: what for
    first = booking.keys()[0]
    held = booking.choose(first)  # the second: when
    assert held.status_code == 302
    page = booking.client.get(held.headers["Location"]).content.decode()
    assert "Held for you until" in page
    booked = booking.client.post(held.headers["Location"], {"minutes": "30", "reason": "Cough"})  # the third: book
    [made] = all_of(desk)
    assert booked.headers["Location"].endswith(f"/appointments/{made.pk}/")
    assert made.reason == "Cough" and key_of(made.provider, made.begins_at) == first


def test_the_only_type_need_not_be_chosen(desk, booking):
    assert 'name="at"' in booking.client.get(booking.at("appointments/book/")).content.decode()


def test_without_a_patient_the_page_asks_for_one_and_can_register(desk, booking):
    url = desk.hospital.url
    assert "Find a patient" in booking.client.get(f"{url}/appointments/book/").content.decode()
    found = booking.client.get(f"{url}/appointments/find/?q={booking.patient.family_name}&then=book").content.decode()
    assert f"patient={booking.patient.pk}" in found and "then=book" in found
    words = {"given_name": "Nia", "family_name": "New", "sex": "female", "birth_date": "1990-01-01", "then": "book"}
    answer = booking.client.post(f"{url}/patients/new/", words)
    assert answer.status_code == 302 and "/appointments/book/?patient=" in answer.headers["Location"]


def test_a_time_pointed_at_in_the_calendar_is_carried_along_and_offered_first(desk, booking):
    url = f"{desk.hospital.url}/appointments"
    begins = f"{morning():%Y-%m-%dT09:05}:00.000Z"
    asked = urlencode({"provider": desk.doctor.pk, "day": morning().date(), "begins": begins, "minutes": 40})
    assert desk.doctor.pk.hex[:8] in booking.client.get(f"{url}/book/?{asked}").content.decode()
    found = booking.client.get(f"{url}/find/?q={booking.patient.family_name}&{asked}").content.decode()
    address = re.search(r'href="([^"]*appointments/book/[^"]*)"', found)[1].replace("&amp;", "&")
    page = booking.client.get(address).content.decode()
    offered = re.search(r'name="at" value="([^"]+)"', page)[1]
    assert offered == key_of(desk.doctor, morning(1, 9, 5)) and "As chosen in the calendar" in page
    held = booking.client.post(
        f"{url}/hold/", {"patient": booking.patient.pk, "type": desk.type.pk, "at": offered, "minutes": 40}
    )
    assert "09:05 to 09:45" in booking.client.get(held.headers["Location"]).content.decode()
    assert booking.client.get(address.replace("begins=", "begins=x")).status_code == 200


def test_of_several_who_are_free_at_one_time_one_is_offered(desk, booking):
    keys = booking.keys()
    moments = [key.partition("@")[2] for key in keys]
    assert len(moments) == len(set(moments)) and len(keys) > 20
    assert {key.partition("@")[0] for key in booking.keys(provider=desk.checker.pk)} == {str(desk.checker.pk)}


def test_later_leads_to_later_days_and_a_day_can_be_shown_whole(desk, booking):
    day = morning(1).date()
    page = booking.page(day=day.isoformat())
    shown = re.findall(r'id="day-([\d-]+)"', page)
    assert shown[0] == day.isoformat() and len(shown) == 5
    later = re.search(r'href="(\?[^"]*)" rel="next"', page)[1].replace("&amp;", "&")
    after = booking.client.get(f"{desk.hospital.url}/appointments/book/{later}").content.decode()
    assert re.findall(r'id="day-([\d-]+)"', after)[0] == (day + timedelta(days=5)).isoformat()
    assert (
        len(booking.keys(day=day.isoformat(), whole=1)) == 95
    )  # a quarter of an hour apart, the last ends at midnight


def test_mornings_and_afternoons(desk, booking):
    hours = {int(key[-5:-3]) for key in booking.keys(part="afternoon", day=morning(1).date().isoformat())}
    assert hours and min(hours) >= 12


def test_what_somebody_holds_disappears_from_the_page_of_another(desk, booking):
    first = booking.keys(provider=desk.doctor.pk)[0]
    other = Booking(desk, "main_doctor")
    assert first in other.keys(provider=desk.doctor.pk)
    booking.choose(first)
    assert first not in other.keys(provider=desk.doctor.pk)
    assert first in booking.keys(provider=desk.doctor.pk)  # but not from one's own
    answer = other.choose(first, back=f"patient={other.patient.pk}&provider={desk.doctor.pk}")
    back = other.client.get(answer.headers["Location"]).content.decode()
    assert "was just taken" in back and first not in back


def test_a_slot_that_was_taken_meanwhile_keeps_what_was_typed_and_offers_the_next(desk, booking):
    wanted = key(desk, 1, 9)
    booking.choose(wanted)
    with desk.hospital.acting():
        Hold.objects.standing().get().end()
    desk.book(morning())
    answer = booking.book(wanted, reason="Itching", note="By bus", minutes="45")
    page = answer.content.decode()
    assert answer.status_code == 409 and "is taken at this time" in page
    assert 'value="Itching"' in page and 'value="By bus"' in page
    [offered, *more] = re.findall(r'name="pick" value="([^"]+)"', page)
    assert more and offered == key(desk, 1, 9, 30)  # the next of the same provider
    again = booking.book(wanted, reason="Itching", note="By bus", minutes="45", pick=offered)
    assert again.status_code == 302
    made = all_of(desk)[-1]
    assert (made.reason, made.note) == ("Itching", "By bus") and key_of(made.provider, made.begins_at) == offered


def test_to_choose_another_time_lets_go_of_the_first(desk, booking):
    wanted = key(desk, 1, 9)
    booking.choose(wanted)
    assert booking.book(wanted, then="back").status_code == 302
    with desk.hospital.acting():
        assert not Hold.objects.standing().exists()
    assert all_of(desk) == []


def test_a_form_that_is_sent_twice_books_once(desk, booking):
    wanted = key(desk, 1, 9)
    words = {"form_key": "0190b0c0-0000-7000-8000-00000000000a"}
    first, second = booking.book(wanted, **words), booking.book(wanted, **words)
    assert first.status_code == second.status_code == 302 and first.headers["Location"] == second.headers["Location"]
    assert len(all_of(desk)) == 1


def test_outside_the_hours_only_with_the_tick(desk, booking):
    with desk.hospital.acting():
        desk.doctor.working_hours.all().delete()
    wanted = key(desk, 1, 9)
    refused = booking.book(wanted, reason="Late shift")
    assert refused.status_code == 409 and "does not work at this time" in refused.content.decode()
    assert 'value="Late shift"' in refused.content.decode()
    assert booking.book(wanted, outside="on").status_code == 302


def test_a_room_and_a_length_may_be_chosen(desk, booking):
    with desk.hospital.acting():
        room = Room.objects.get(name="Main house 2")
    assert booking.book(key(desk, 1, 9), room=room.pk, minutes="50").status_code == 302
    [made] = all_of(desk)
    assert made.room == room and made.minutes == 50


def test_a_virtual_one_shows_no_room(desk, booking):
    with desk.hospital.acting():
        desk.type = a_type("Call", is_virtual=True, needs_room=False)
    page = booking.client.get(booking.last(key(desk, 1, 9))).content.decode()
    assert 'name="room"' not in page and "virtual" in page
    booking.book(key(desk, 1, 9))
    assert all_of(desk)[0].kind == "virtual"


def test_a_shared_time_shows_the_places_that_are_left(desk, booking):
    with desk.hospital.acting():
        desk.type = a_type("Group", capacity=3)
    desk.book(morning(), type=desk.type)
    day = morning().date().isoformat()
    page = booking.page(day=day, provider=desk.doctor.pk, whole=1)
    assert "2 of 3 left" in page and "3 of 3 left" in page
    booking.choose(key(desk, 1, 9))
    with desk.hospital.acting():
        assert not Hold.objects.exists()  # the others may take the other places meanwhile
    booking.client.post(booking.last(key(desk, 1, 9)), {"reason": ""})
    one, other = all_of(desk)
    assert one.slot == other.slot


def test_a_walk_in_is_booked_and_checked_in_at_once(desk):
    with time_machine.travel(morning(1, 12)):  # at any hour there is something left of the day
        booking = Booking(desk)
        page = booking.client.get(booking.at("appointments/walk-in/")).content.decode()
        keys = re.findall(r'name="at" value="([^"]+)"', page)
        answer = booking.client.post(booking.at("appointments/walk-in/"), {"at": keys[0], "reason": "Fell"})
        [made] = all_of(desk)
        assert answer.status_code == 302 and (made.status, made.kind, made.visit.complaint) == (
            "arrived",
            "walk_in",
            "Fell",
        )
        again = booking.client.post(booking.at("appointments/walk-in/"), {"at": keys[0], "reason": "Fell again"})
        assert again.status_code == 409 and "Fell again" in again.content.decode()


BAD = ["", "x", "x@y", f"{'0' * 8}-0000-4000-8000-{'0' * 12}@2030-01-01T09:00", "@2026-01-01T09:00"]


@pytest.mark.parametrize("text", BAD)
def test_a_slot_made_by_hand_is_refused(desk, booking, text):
    assert booking.choose(text).status_code == 422
    assert booking.client.get(booking.last(text)).status_code == 422
    assert booking.book(text).status_code == 422


@pytest.mark.parametrize("at", ["1950-01-01T09:00", "9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_moment_that_nobody_plans_is_refused(desk, booking, at):
    for answer in (booking.choose(f"{desk.doctor.pk}@{at}"), booking.book(f"{desk.doctor.pk}@{at}")):
        assert answer.status_code == 422


def test_a_query_made_by_hand_is_never_an_error_of_ours(desk, booking):
    url = f"{desk.hospital.url}/appointments"
    codes = {
        f"{url}/book/?patient=x": 404,
        f"{url}/book/?patient={desk.type.pk}": 404,
        booking.at("appointments/book/", type="x"): 404,
        booking.at("appointments/book/", type=desk.type.pk, provider="x"): 422,
        booking.at("appointments/book/", type=desk.type.pk, day="9999-12-31"): 422,
        booking.at("appointments/book/", type=desk.type.pk, day="x", part="x"): 422,
        booking.at("appointments/book/", type=desk.type.pk, minutes="99999999999"): 200,
        booking.at("appointments/book/last/", moves="x"): 404,
        booking.at("appointments/book/last/"): 404,
        booking.at("appointments/walk-in/", type="x"): 404,
        booking.at("series/new/", type=desk.type.pk, at=key(desk, 1, 9), times="x"): 422,
        booking.at("series/new/", type=desk.type.pk, at=key(desk, 1, 9), times="60", interval="12"): 422,
    }
    assert {address: booking.client.get(address).status_code for address in codes} == codes
    back = booking.choose(key(desk, 1, 9), back="a=b%0d%0aSet-Cookie: x\r\nX: y")
    assert back.status_code == 302
    assert booking.book(key(desk, 1, 9), minutes="-5", room="x").status_code == 422


def test_who_has_died_gets_no_appointment(desk, booking):
    with desk.hospital.acting():
        booking.patient.deceased_at = timezone.now()
        booking.patient.save(update_fields=["deceased_at"])
    assert 'name="at"' not in booking.page()
    answer = booking.book(key(desk, 1, 9))
    assert answer.status_code == 409 and "has died" in answer.content.decode()


def test_the_page_asks_as_often_with_many_providers_and_full_days(desk, booking):
    address = booking.at("appointments/book/", type=desk.type.pk, day=morning(1).date().isoformat())
    few = len(queries(booking.client, address))
    with desk.hospital.acting():
        place = a_location("Big house", rooms=20)
        for number in range(8):
            a_provider(desk.hospital.person("main_doctor", f"Doctor {number}"), place)
    for hour in range(8, 18):
        desk.book(morning(1, hour))
    assert len(queries(booking.client, address)) <= few + 1  # the second location is offered to choose from
    assert few < 40


def test_a_page_that_finds_nothing_gives_up_soon(desk, booking):
    with desk.hospital.acting():
        for provider in (desk.doctor, desk.checker):
            provider.working_hours.all().delete()
    address = booking.at("appointments/book/", type=desk.type.pk)
    assert "Nothing free" in booking.client.get(address).content.decode()
    assert len(queries(booking.client, address)) < 70


# --- moving -------------------------------------------------------------------------------


def test_an_appointment_is_moved_by_the_same_page_and_may_overlap_its_own_time(desk, booking):
    row = desk.book(morning(1, 9), patient=booking.patient, reason="Cough")
    url = f"{desk.hospital.url}/appointments"
    page = booking.client.get(f"{url}/{row.pk}/reschedule/?day={morning().date()}&whole=1&provider={desk.doctor.pk}")
    wanted = key_of(desk.doctor, morning(1, 9) + timedelta(minutes=15))
    assert wanted in page.content.decode()
    held = booking.client.post(f"{url}/hold/", {"moves": row.pk, "at": wanted})
    last = booking.client.get(held.headers["Location"]).content.decode()
    assert "Held for you until" in last and "instead of" in last
    answer = booking.client.post(held.headers["Location"], {"minutes": "30", "reason": "The bus is late"})
    old, new = all_of(desk)
    assert answer.headers["Location"].endswith(f"/{new.pk}/")
    assert (old.status, old.end_reason, new.moved_from_id, new.reason) == (
        "rescheduled",
        "The bus is late",
        old.pk,
        "Cough",
    )
    assert booking.client.get(f"{url}/{old.pk}/reschedule/").status_code == 409


def test_a_move_to_a_time_that_was_taken_meanwhile_offers_the_next(desk, booking):
    row = desk.book(morning(1, 9), patient=booking.patient)
    desk.book(morning(1, 11))
    last = f"{desk.hospital.url}/appointments/book/last/?moves={row.pk}&at={key(desk, 1, 11)}"
    answer = booking.client.post(last, {"minutes": "30", "reason": "Bus"})
    assert answer.status_code == 409 and 'name="pick"' in answer.content.decode()
    assert [one.status for one in all_of(desk)] == ["booked", "booked"]


def test_a_hold_ends_and_the_time_is_offered_to_others_again(desk, booking):
    busy = Span(morning(), morning(minute=30))
    with desk.hospital.acting("main_doctor") as acting:
        assert Hold.place(desk.doctor, busy, by=acting.person, until=timezone.now() - timedelta(seconds=1))
    assert booking.book(key(desk, 1, 9)).status_code == 302

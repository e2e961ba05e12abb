"""The board of the front desk: each in the right list, one step at a time, and each step back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import set_script_prefix

from billing.models import Price
from clinical.models import Visit
from clinical.tests.wards import fresh
from hospital.tests.asking import queries
from realtime.render import fragment
from realtime.tests.listening import without_keys
from scheduling.board import lists_of, stage_of
from scheduling.models import Appointment, Room
from scheduling.tests.desks import Desk, a_location, a_provider, a_type, morning, soon

HX = {"HX-Request": "true"}
ROW = "scheduling/appointment/_row.html"


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


@pytest.fixture
def here(desk, alpha) -> Appointment:
    made = desk.due()
    check_in(alpha, made)
    return made


def check_in(hospital, made):
    with hospital.acting("reception") as acting:
        made.check_in(by=acting.person)


def press(hospital, made, what, role="reception", **data):
    url = f"{hospital.url}/appointments/{made.pk}/{what}/"
    return hospital.client(role).post(url, data, headers=HX)


def board(hospital, query="", role="reception") -> str:
    return hospital.client(role).get(f"{hospital.url}/desk/{query}").content.decode()


def lane_of(page: str, made: Appointment) -> str:
    """The stage of the list in which this row stands."""
    before = page[: page.index(f'id="appointment-{made.pk}"')]
    return before.rsplit('data-stage="', 1)[1].split('"')[0]


def a_free_room(hospital) -> Room:
    with hospital.acting():
        return Room.objects.filter(status="free").first()


def test_everybody_stands_in_the_list_of_their_stage(desk, alpha):
    made = desk.due()
    with time_machine.travel(soon() + timedelta(seconds=30)):
        assert lane_of(board(alpha), made) == "late"
    assert lane_of(board(alpha), made) == "coming"
    check_in(alpha, made)
    assert lane_of(board(alpha), made) == "waiting"
    for step, lane in (("room", "room"), ("begin", "provider"), ("check-out", "done")):
        assert press(alpha, made, step, room=a_free_room(alpha).pk).status_code in (200, 204)
        assert lane_of(board(alpha), made) == lane
    with alpha.acting():
        row = fresh(made)
        assert row.arrived_at <= row.in_room_at <= row.with_provider_at <= row.completed_at


def test_each_step_can_be_taken_back(desk, alpha, here):
    press(alpha, here, "room", room=a_free_room(alpha).pk)
    press(alpha, here, "begin")
    press(alpha, here, "check-out")
    for status in ("with_provider", "in_room", "arrived", "booked"):
        assert press(alpha, here, "undo").status_code == 200
        with alpha.acting():
            assert fresh(here).status == status
    with alpha.acting():
        row = fresh(here)
        assert (row.arrived_at, row.in_room_at, row.with_provider_at, row.completed_at) == (None, None, None, None)
        assert Visit.objects.get().status == "cancelled"
        assert not Room.objects.filter(status="occupied").exists()


def test_a_step_is_taken_back_on_its_own_day_only(desk, alpha, here):
    with time_machine.travel(morning(1, 12)):
        answer = press(alpha, here, "undo")
    assert answer.status_code == 409 and "on the day of the appointment only" in answer.content.decode()
    with alpha.acting():
        assert fresh(here).status == "arrived"


def test_a_button_of_an_old_row_does_nothing(desk, alpha, here):
    press(alpha, here, "room", room=a_free_room(alpha).pk)
    answer = press(alpha, here, "undo", at="arrived")
    assert answer.status_code == 409 and "has gone on" in answer.content.decode()
    with alpha.acting():
        assert fresh(here).status == "in_room"


def test_who_did_not_come_is_marked_and_that_is_taken_back(desk, alpha):
    made = desk.due()
    with time_machine.travel(soon() + timedelta(seconds=30)):
        press(alpha, made, "no-show")
        assert lane_of(board(alpha), made) == "missed"
        press(alpha, made, "undo")
        assert lane_of(board(alpha), made) == "late"


def test_a_row_offers_one_step_and_only_what_the_role_may(desk, alpha, here):
    page = board(alpha)
    assert "Room: Amara Okafor" in page and "Undo the check-in" in page
    doctor = board(alpha, role="main_doctor")
    assert "Room: Amara Okafor" in doctor and "Undo the check-in" not in doctor


def test_the_fragment_that_is_pushed_equals_the_row_on_the_page(desk, alpha, here):
    page = board(alpha)
    set_script_prefix(f"{alpha.url}/")
    with alpha.acting("reception"):
        pushed = fragment(ROW, Appointment.objects.shown().get(pk=here.pk))
    row = page[page.index(f'<tr id="appointment-{here.pk}"') :].split("</tr>")[0]
    assert without_keys(row) == without_keys(pushed[pushed.index("<tr") :].split("</tr>")[0])


def test_the_board_shows_one_house_one_provider_or_who_is_searched_for(desk, alpha):
    desk.due()
    desk.due(provider=desk.checker, patient=desk.patient(given_name="Bo", family_name="Lindqvist"))
    with alpha.acting():
        elsewhere = a_location("Second house")
    assert "Okafor" in board(alpha) and "Lindqvist" in board(alpha)
    only = board(alpha, f"?provider={desk.checker.pk}")
    assert "Lindqvist" in only and "Okafor" not in only
    assert f'data-live-list="coming-{desk.location.pk}-{desk.checker.pk}"' in only
    found = board(alpha, "?q=lindqvist")
    assert "Lindqvist" in found and "Okafor" not in found and "data-live-list" not in found
    away = board(alpha, f"?location={elsewhere.pk}")
    assert "Lindqvist" not in away and "Second house" in away


def test_only_today_stands_on_the_board(desk, alpha):
    tomorrow = desk.book(morning(2))
    assert str(tomorrow.pk) not in board(alpha)
    with alpha.acting():
        assert lists_of(tomorrow) == f"provider-{desk.doctor.pk}-{tomorrow.day}"


def test_a_moved_appointment_leaves_all_lists(desk, alpha):
    made = desk.due()
    with alpha.acting("reception") as acting:
        made.reschedule(morning(3), by=acting.person)
        assert (lists_of(made), stage_of(made)) == ("", "")
    assert str(made.pk) not in board(alpha)


def test_reception_sees_on_its_front_page_who_arrives_and_who_waits(desk, alpha, here):
    coming = desk.due(provider=desk.checker, patient=desk.patient(family_name="Lindqvist"))
    page = alpha.client("reception").get(f"{alpha.url}/front-desk/").content.decode()
    section = page[page.index('id="appointments-next"') :]
    assert section.index(str(here.pk)) < section.index(str(coming.pk))
    assert 'data-live-list="waiting"' in section and 'data-live-list="expected"' in section


def test_a_virtual_appointment_goes_on_without_a_room(desk, alpha):
    made = desk.due(kind="virtual")
    check_in(alpha, made)
    assert press(alpha, made, "room").status_code == 204
    with alpha.acting():
        assert (fresh(made).status, fresh(made).seen_in) == ("in_room", None)


def test_any_other_needs_a_room_that_is_free(desk, alpha, here):
    room = a_free_room(alpha)
    with alpha.acting("reception") as acting:
        room.occupy(by=acting.person)
    for choice in ("", room.pk):
        assert press(alpha, here, "room", room=choice).status_code == 422


def test_check_out_shows_what_is_owed_and_leads_to_the_next_appointment(desk, alpha):
    with alpha.acting():
        Price(kind="consultation", code="consultation", amount=Decimal("40.00"), valid_from=date(2020, 1, 1)).save()
    here = desk.due()
    check_in(alpha, here)
    press(alpha, here, "room", room=a_free_room(alpha).pk)
    press(alpha, here, "begin")
    page = alpha.client("reception").get(f"{alpha.url}/appointments/{here.pk}/check-out/").content.decode()
    assert "$40.00" in page and "With the provider" in page
    answer = press(alpha, here, "check-out", then="book")
    again = f"patient={here.patient_id}&type={here.type_id}&provider={here.provider_id}"
    assert answer["HX-Redirect"] == f"{alpha.url}/appointments/book/?{again}"
    with alpha.acting():
        assert fresh(here).status == "completed"
        assert fresh(here.visit).status == "registered", "the visit goes its own way"


STEPS = ["check-in", "room", "begin", "check-out", "undo", "no-show"]


@pytest.mark.parametrize("step", STEPS)
def test_no_step_without_the_right_and_none_in_another_hospital(desk, alpha, beta, here, step):
    assert press(alpha, here, step, role="pharmacy").status_code == 403
    stranger = beta.client("reception").post(f"{beta.url}/appointments/{here.pk}/{step}/")
    assert stranger.status_code == 404
    with alpha.acting():
        assert fresh(here).status == "arrived"


@pytest.mark.parametrize("path", ["desk", "rooms", "my-day"])
def test_the_boards_are_for_those_who_see_the_calendar(desk, alpha, path):
    assert alpha.client("pharmacy").get(f"{alpha.url}/{path}/").status_code == 403
    assert alpha.client("main_doctor").get(f"{alpha.url}/{path}/").status_code == 200


def test_a_house_without_a_location_says_so(alpha):
    assert "No location yet" in board(alpha)


# --- rooms ------------------------------------------------------------------------------


def test_the_rooms_show_who_is_inside_and_since_when(desk, alpha, here):
    room = a_free_room(alpha)
    press(alpha, here, "room", room=room.pk)
    page = alpha.client("reception").get(f"{alpha.url}/rooms/").content.decode()
    card = page[page.index(f'id="room-{room.pk}"') :].split("</li>")[0]
    assert "Amara Okafor" in card and "Occupied" in card and "data-waiting" in card and "Begin" in card


def test_one_click_cleans_a_room_but_nobody_is_sent_out_of_one(desk, alpha, here):
    room, client = a_free_room(alpha), alpha.client("reception")
    for status in ("cleaning", "occupied", "free"):
        assert client.post(f"{alpha.url}/rooms/{room.pk}/", {"status": status}, headers=HX).status_code == 204
        with alpha.acting():
            assert fresh(room).status == status
    press(alpha, here, "room", room=room.pk)
    answer = client.post(f"{alpha.url}/rooms/{room.pk}/", {"status": "free"}, headers=HX)
    assert answer.status_code == 409 and "Amara Okafor is in" in answer.content.decode()
    assert client.post(f"{alpha.url}/rooms/{room.pk}/", {"status": "gone"}, headers=HX).status_code == 422


def test_nobody_else_changes_a_room(desk, alpha, beta):
    room = a_free_room(alpha)
    assert alpha.client("pharmacy").post(f"{alpha.url}/rooms/{room.pk}/", {"status": "cleaning"}).status_code == 403
    assert beta.client("reception").post(f"{beta.url}/rooms/{room.pk}/", {"status": "cleaning"}).status_code == 404


# --- the provider's own day -------------------------------------------------------------


def my_day(hospital, role="main_doctor") -> str:
    return hospital.client(role).get(f"{hospital.url}/my-day/").content.decode()


def test_a_provider_sees_the_own_appointments_of_today_and_of_the_next_days(desk, alpha):
    today, later = desk.due(), desk.book(morning(2))
    other = desk.due(provider=desk.checker, patient=desk.patient())
    page = my_day(alpha)
    assert str(today.pk) in page and str(later.pk) in page and str(other.pk) not in page
    assert f'data-live-list="provider-{desk.doctor.pk}-{later.day}"' in page


def test_who_is_next_stands_on_top(desk, alpha):
    made = desk.due()
    assert "Next, at" in my_day(alpha)
    check_in(alpha, made)
    assert "Now: arrived" in my_day(alpha)


def test_a_provider_completes_with_one_click(desk, alpha, here):
    press(alpha, here, "room", role="main_doctor", room=a_free_room(alpha).pk)
    press(alpha, here, "begin", role="main_doctor")
    assert "Complete: Amara Okafor" in my_day(alpha)
    answer = press(alpha, here, "check-out", role="main_doctor", at="with_provider")
    assert "Completed" in answer.content.decode()


def test_who_is_no_provider_is_told_so(desk, alpha):
    assert "No appointments are made with you" in my_day(alpha, "reception")


def test_a_long_day_asks_no_more_often(desk, alpha):
    with alpha.acting():
        third = a_provider(alpha.admin, desk.location)
    client = alpha.client("reception")
    desk.due(patient=desk.patient())
    check_in(alpha, desk.due(provider=desk.checker))
    few = {path: len(queries(client, f"{alpha.url}/{path}/")) for path in ("desk", "rooms", "front-desk")}
    with alpha.acting():
        group = a_type("Group", capacity=20, needs_room=False)
    begins = soon()
    for number in range(12):
        made = desk.book(begins, type=group, provider=third, patient=desk.patient(family_name=f"Number {number}"))
        if number % 2:
            check_in(alpha, made)
    many = {path: len(queries(client, f"{alpha.url}/{path}/")) for path in few}
    assert many == few

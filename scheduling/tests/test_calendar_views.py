"""The calendar's pages, and the two addresses that move appointments about."""

from __future__ import annotations

import re
import uuid
from datetime import time, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from hospital.models import Absence, Role
from hospital.tests.asking import queries
from scheduling.models import Appointment, Hold, OpeningHours, Room, SpecialDay
from scheduling.moments import Span
from scheduling.tests.desks import Desk, a_location, a_provider, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def page(desk: Desk, role: str = "reception", **query: object) -> str:
    asked = {"day": morning().date().isoformat(), "location": desk.location.pk} | query
    answer = desk.hospital.client(role).get(f"{desk.hospital.url}/calendar/", asked)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def item(html: str, row: Appointment) -> str:
    """The list item of this appointment."""
    found = re.search(rf'<li class="[^"]*" id="block-{row.pk}".*?</li>', html)
    assert found, "it is not on the calendar"
    return found[0]


def post(desk: Desk, row: Appointment, what: str, role: str = "reception", **fields: object):
    return desk.hospital.client(role).post(f"{desk.hospital.url}/calendar/{row.pk}/{what}/", fields)


def wall(begins_at) -> str:
    return f"{begins_at:%Y-%m-%dT%H:%M}"


def fresh(row: Appointment) -> Appointment:
    return Appointment.objects.select_related("provider", "room").get(pk=row.pk)


# --- what stands where ------------------------------------------------------------------


def test_where_a_block_stands_is_said_by_classes_that_the_house_style_does_not_use():
    """A margin or a line height of the house style under the same name would move the block."""
    ours = set(re.findall(r"\.([a-z-]+-\d+) \{ --", Path("static/calendar.css").read_text()))
    others = "".join(path.read_text() for path in Path("static").rglob("*.css") if path.name != "calendar.css")
    assert len(ours) > 200 and ours.isdisjoint(re.findall(r"\.([a-z-]+-\d+)\b", others))


def test_an_appointment_stands_at_its_time_with_its_patient_type_and_status_in_words(desk):
    row = desk.book(morning(hour=9, minute=20))
    shown = item(page(desk), row)
    assert " at-h-9 at-m-20 for-h-0 for-m-30 " in shown
    assert row.patient.name in shown and "Check-up" in shown and "Booked" in shown


def test_in_a_week_it_stands_in_the_column_of_its_day(desk):
    row = desk.book(morning(hour=9))
    html = page(desk, span="week", provider=desk.doctor.pk)
    column = html[: html.index(f'id="block-{row.pk}"')].rpartition('data-day="')[2][:10]
    assert column == morning().date().isoformat()
    assert html.count('class="cal-column') == 7


def test_by_room_it_stands_in_the_column_of_its_room(desk):
    row = desk.book(morning(hour=9))
    html = page(desk, by="room")
    column = html[: html.index(f'id="block-{row.pk}"')].rpartition('data-room="')[2][:36]
    assert column == str(row.room_id)
    assert "No room" in html


def test_the_hours_are_from_the_earliest_to_the_latest_open_time(desk, alpha):
    with alpha.acting():
        house = a_location("Short house")
        a_provider(alpha.person("main_doctor", "Short Day"), house, hours=(time(8, 30), time(16, 15)))
    assert "first-8 hours-9" in page(desk, location=house.pk)


def test_what_is_outside_the_hours_is_in_sight_all_the_same(desk, alpha):
    with alpha.acting():
        house = a_location("Late house")
        doctor = a_provider(alpha.person("main_doctor", "Late Day"), house, hours=(time(9), time(12)))
    desk.book(morning(hour=19), provider=doctor, location=house, outside=True)
    assert "first-9 hours-11" in page(desk, location=house.pk)


def test_leave_closed_days_and_other_houses_are_named(desk, alpha):
    with alpha.acting():
        Absence(person=desk.doctor.person, begins_at=morning(hour=13), ends_at=morning(hour=15)).save()
        hill = a_location("Hill house")
        provider = a_provider(alpha.person("main_doctor", "Two Houses"), desk.location, hours=(time(8), time(12)))
        weekday = morning().weekday()
        provider.working_hours.create(location=hill, weekday=weekday, begins="13:00", ends="17:00")
        SpecialDay(location=desk.location, day=morning(2).date(), name="Founder's day").save()
    html = page(desk)
    assert re.search(r'cal-shade at-h-13 at-m-0 for-h-2 for-m-0"><span>.{0,60}On leave', html)
    assert re.search(r'cal-shade at-h-13 at-m-0 for-h-4 for-m-0"><span>.{0,60}At Hill house', html)
    assert "Not working" in html
    assert "Closed: Founder&#x27;s day" in page(desk, day=morning(2).date())


def test_a_held_time_says_who_holds_it_and_until_when(desk, alpha):
    with alpha.acting("reception") as acting:
        hold = Hold.place(desk.doctor, Span(morning(hour=10), morning(hour=11)), by=acting.person)
    html = page(desk, "main_doctor")
    assert f'id="hold-{hold.pk}"' in html and "Held by Reception" in html
    with alpha.acting():
        Hold.objects.get(pk=hold.pk).end()
    assert "Held by" not in page(desk)


def test_who_shares_a_time_shares_a_block(desk, alpha):
    with alpha.acting():
        group = a_type("Back school", capacity=8, needs_room=False)
    rows = [desk.book(morning(), type=group) for _ in range(3)]
    html = page(desk)
    assert html.count("cal-group") == 1 and "Back school: 3 of 8" in html
    assert all(row.patient.name in html for row in rows)


def test_what_is_cancelled_is_shown_on_request_only_and_beside_what_took_its_place(desk, alpha):
    gone = desk.book(morning())
    with alpha.acting("reception") as acting:
        gone.cancel("Ill", by=acting.person)
    taken = desk.book(morning())
    assert f"block-{gone.pk}" not in page(desk)
    html = page(desk, status="all")
    assert "of-2" in item(html, gone) and "of-2" in item(html, taken)
    assert {"lane-0", "lane-1"} == set(re.findall("lane-[01]", item(html, gone) + item(html, taken)))


def test_filters_by_provider_type_and_status(desk, alpha):
    with alpha.acting():
        other = a_type("Other")
    one, two = desk.book(morning()), desk.book(morning(), provider=desk.checker, type=other)
    for query, shown, hidden in (
        ({"provider": desk.checker.pk}, two, one),
        ({"type": desk.type.pk}, one, two),
    ):
        html = page(desk, **query)
        assert f"block-{shown.pk}" in html and f"block-{hidden.pk}" not in html
    assert "block-" not in page(desk, status="arrived")


def test_the_clock_of_the_house_counts_and_is_named_where_it_is_another(desk, alpha):
    with alpha.acting():
        far = a_location("Far house", time_zone="Asia/Kathmandu")
        doctor = a_provider(alpha.person("main_doctor", "Far Away"), far)
    row = desk.book(morning(hour=6), provider=doctor)
    html = page(desk, location=far.pk)
    assert "times of Far house (Asia/Kathmandu)" in html
    assert " at-h-11 at-m-45 " in item(html, row)
    assert "times of" not in page(desk)


def test_today_has_a_line_for_now_and_other_days_have_none(desk):
    now = timezone.now()
    html = page(desk, day=now.date())
    minute = re.search(r"cal-now at-h-(\d+) at-m-(\d+) ", html)
    assert abs(int(minute[1]) * 60 + int(minute[2]) - now.hour * 60 - now.minute) <= 5
    assert "cal-now" not in page(desk)


@pytest.mark.parametrize(
    "query",
    [
        {"day": "nonsense"},
        {"day": "9999-12-31"},
        {"location": "x", "provider": "x", "type": "x", "status": "x", "span": "x", "by": "x"},
        {"provider": str(uuid.uuid4()), "room": str(uuid.uuid4()), "by": "room", "span": "week"},
    ],
)
def test_an_address_that_says_nonsense_shows_today(desk, query):
    assert 'id="calendar"' in page(desk, **query)


def test_without_a_location_it_says_what_will_be_here(alpha):
    for path in ("calendar/", "calendar/sheets/"):
        assert alpha.client("reception").get(f"{alpha.url}/{path}").status_code == 200
    assert "There is no calendar yet" in alpha.client("reception").get(f"{alpha.url}/calendar/").content.decode()


def test_who_may_only_look_is_offered_no_handles(desk, alpha):
    row = desk.book(morning())
    assert f'data-pk="{row.pk}"' in page(desk)
    with alpha.acting():
        role = Role.objects.get(key="checker_doctor")
        role.allow_exactly(role.permissions - {"scheduling.book"})
    html = page(desk, "checker_doctor")
    assert f"block-{row.pk}" in html and f'data-pk="{row.pk}"' not in html


def test_it_asks_as_often_for_20_full_providers_as_for_two(desk, alpha):
    url = f"{alpha.url}/calendar/?day={morning().date()}"
    few = len(queries(alpha.client("reception"), url))
    with alpha.acting():
        more = [a_provider(alpha.person("main_doctor", f"Doctor {number}"), desk.location) for number in range(6)]
        a_type("Quick", minutes=15, needs_room=False)
        quick = a_type("Quicker", minutes=15, needs_room=False)
    patients = [desk.patient() for _ in range(6)]
    for number, provider in enumerate(more):
        for turn in range(5):
            desk.book(
                morning(hour=9 + (turn + number) % 6, minute=0), provider=provider, type=quick, patient=patients[turn]
            )
    many = len(queries(alpha.client("reception"), url))
    assert many == few <= 15  # with BEGIN and COMMIT


# --- on paper ---------------------------------------------------------------------------


def test_a_day_sheet_lists_what_a_provider_has_by_the_clock_of_the_house(desk):
    row, other = desk.book(morning(hour=9)), desk.book(morning(hour=10), provider=desk.checker)
    client = desk.hospital.client("main_doctor")
    asked = {"day": morning().date(), "location": desk.location.pk, "provider": desk.doctor.pk}
    html = client.get(f"{desk.hospital.url}/calendar/sheets/", asked).content.decode()
    assert row.patient.name in html and "09:00\N{EN DASH}09:30" in html and other.patient.number not in html
    both = client.get(f"{desk.hospital.url}/calendar/sheets/", asked | {"provider": ""}).content.decode()
    assert both.count('class="sheet"') == 2


# --- moved about ------------------------------------------------------------------------


def test_a_move_takes_it_to_another_time_and_provider(desk, alpha):
    row = desk.book(morning(hour=9))
    answer = post(desk, row, "move", begins=wall(morning(hour=11)), provider=desk.checker.pk)
    assert answer.status_code == 200
    with alpha.acting():
        made = fresh(Appointment(pk=answer.json()["pk"]))
        assert (made.begins_at, made.provider, made.moved_from_id) == (morning(hour=11), desk.checker, row.pk)
        assert fresh(row).status == "rescheduled"


def test_a_move_by_the_clock_of_the_house_and_with_another_length(desk, alpha):
    with alpha.acting():
        far = a_location("Far house", time_zone="Asia/Kathmandu")
        doctor = a_provider(alpha.person("main_doctor", "Far Away"), far)
    row = desk.book(morning(hour=6), provider=doctor)
    answer = post(desk, row, "move", begins=wall(morning(hour=14, minute=45)), minutes=50)
    with alpha.acting():
        made = fresh(Appointment(pk=answer.json()["pk"]))
        assert made.begins_at == morning(hour=9) and made.minutes == 50


def test_a_move_to_another_room_keeps_the_provider(desk, alpha):
    row = desk.book(morning())
    with alpha.acting():
        free = Room.objects.exclude(pk=row.room_id).first()
    made = post(desk, row, "move", begins=wall(morning()), room=free.pk).json()["pk"]
    with alpha.acting():
        assert (fresh(Appointment(pk=made)).room, fresh(Appointment(pk=made)).provider) == (free, desk.doctor)


def test_the_same_move_sent_twice_has_one_effect(desk, alpha):
    row, key = desk.book(morning()), uuid.uuid4()
    answers = [post(desk, row, "move", begins=wall(morning(hour=11)), form_key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    with alpha.acting():
        assert Appointment.objects.count() == 2


def test_a_move_onto_another_is_refused_with_the_next_free_slots(desk, alpha):
    row, other = desk.book(morning(hour=9)), desk.book(morning(hour=11))
    answer = post(desk, row, "move", begins=wall(morning(hour=11)))
    assert answer.status_code == 409
    assert "is taken at this time" in answer.json()["said"]
    slots = answer.json()["slots"]
    assert [slot["begins"][-5:] for slot in slots] == ["11:30", "11:45", "12:00"]
    with alpha.acting():
        assert fresh(row).status == fresh(other).status == "booked"
    assert post(desk, row, "move", begins=slots[0]["begins"]).status_code == 200


def test_a_move_outside_the_hours_is_asked_about_first(desk, alpha):
    with alpha.acting():
        OpeningHours(location=desk.location, weekday=morning().weekday(), begins="08:00", ends="18:00").save()
    row = desk.book(morning())
    to = {"begins": wall(morning(hour=19))}
    answer = post(desk, row, "move", **to)
    assert answer.status_code == 409 and answer.json()["outside"]
    assert post(desk, row, "move", outside="yes", **to).status_code == 200


def test_a_move_of_what_was_moved_already_says_so(desk):
    row = desk.book(morning())
    post(desk, row, "move", begins=wall(morning(hour=11)))
    again = post(desk, row, "move", begins=wall(morning(hour=12)))
    assert again.status_code == 409 and again.json()["said"]


@pytest.mark.parametrize("begins", ["", "nonsense", "2026-11-23T09:00Z", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_move_to_no_time_is_refused(desk, begins):
    answer = post(desk, desk.book(morning()), "move", begins=begins)
    assert answer.status_code == 422 and answer.json()["said"] == "Choose a day and a time."


def test_it_is_made_longer_until_the_next_one_is_in_the_way(desk, alpha):
    row = desk.book(morning(hour=9))
    desk.book(morning(hour=10))
    assert post(desk, row, "resize", minutes=60).status_code == 200
    refused = post(desk, row, "resize", minutes=75)
    assert refused.status_code == 409 and refused.json()["slots"][0]["begins"][-5:] == "10:30"
    for minutes in ("", "0", "4", "721", "x", "٣٠"):
        assert post(desk, row, "resize", minutes=minutes).status_code == 422
    with alpha.acting():
        assert fresh(row).ends_at - row.begins_at == timedelta(hours=1)


def test_who_may_not_book_moves_nothing_and_nothing_of_another_house_is_moved(desk, alpha, beta):
    row, theirs = desk.book(morning()), Desk(beta).book(morning())
    to = {"begins": wall(morning(hour=11)), "minutes": 45}
    for what in ("move", "resize"):
        assert post(desk, row, what, "pharmacy", **to).status_code == 403
        assert post(desk, theirs, what, **to).status_code == 404
    assert post(desk, row, "move", provider=theirs.provider_id, **to).status_code == 404

"""In which house an appointment takes place, in which of its rooms, and how long it may become there."""

from __future__ import annotations

from datetime import time

import pytest

from hospital.workflow import Refused
from scheduling.models import Appointment, Hold, Room, Taken, WorkingHours
from scheduling.moments import Span
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, a_location, a_provider, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


@pytest.fixture
def branch(desk):
    with desk.hospital.acting():
        return a_location("Branch")


@pytest.fixture
def visitor(desk, branch):
    """At home in the branch; each morning in the main house, in the afternoon in the branch."""
    with desk.hospital.acting():
        provider = a_provider(desk.hospital.person("main_doctor", "Visiting"), branch, hours=(time(13), time(18)))
        for weekday in range(7):
            WorkingHours(
                provider=provider, location=desk.location, weekday=weekday, begins=time(8), ends=time(12)
            ).save()
    return provider


def row_of(desk: Desk, pk) -> Appointment:
    with desk.hospital.acting():
        return Appointment.objects.shown().get(pk=pk)


def posted(desk: Desk, row: Appointment, what: str, **fields):
    return desk.hospital.client("reception").post(f"{desk.hospital.url}/calendar/{row.pk}/{what}/", fields)


def test_it_is_where_the_provider_works_then_also_if_it_may_lie_outside_the_hours(desk, visitor, branch):
    assert desk.book(morning(), provider=visitor).location == desk.location
    assert desk.book(morning(2), provider=visitor, outside=True).location == desk.location
    assert desk.book(morning(3, 20), provider=visitor, outside=True).location == branch
    assert desk.book(morning(4, 20), provider=visitor, outside=True, location=desk.location).location == desk.location


def test_another_house_than_the_provider_is_in_must_be_wanted(desk, visitor, branch):
    with pytest.raises(Refused, match="works at Main house then, and not at Branch") as refused:
        desk.book(morning(), provider=visitor, location=branch)
    assert refused.value.field == "outside"


def test_on_the_calendar_of_a_house_it_stays_in_the_house_whoever_gets_it(desk, visitor):
    row = desk.book(morning())
    to = {"begins": f"{morning(1, 20):%Y-%m-%dT%H:%M}", "provider": visitor.pk}
    assert posted(desk, row, "move", **to).json()["outside"]
    moved = posted(desk, row, "move", **to, outside="yes").json()
    assert row_of(desk, moved["pk"]).location == desk.location


def test_a_drop_where_the_provider_is_in_another_house_is_asked_about(desk, visitor):
    row = desk.book(morning(), provider=visitor)
    answer = posted(desk, row, "move", begins=f"{morning(1, 14):%Y-%m-%dT%H:%M}")
    assert answer.status_code == 409 and answer.json()["outside"] and "works at Branch" in answer.json()["said"]


def test_the_last_step_books_in_the_house_that_it_shows(desk, visitor):
    patient = desk.patient()
    at = f"?patient={patient.pk}&type={desk.type.pk}&at={key_of(visitor, morning())}"
    url = f"{desk.hospital.url}/appointments/book/last/{at}"
    client = desk.hospital.client("reception")
    assert "Main house" in client.get(url).content.decode()
    assert client.post(url, {"minutes": 30, "outside": "on"}).status_code == 302
    with desk.hospital.acting():
        assert Appointment.objects.get(patient=patient).location == desk.location


def test_a_room_of_another_house_or_out_of_use_is_refused(desk, branch):
    with desk.hospital.acting():
        other, closed = (
            Room.objects.filter(location=branch).first(),
            Room.objects.filter(location=desk.location).first(),
        )
        Room.objects.filter(pk=closed.pk).update(is_active=False)
        closed.refresh_from_db()
    for room in (other, closed):
        with pytest.raises(Refused, match="is no room of Main house"):
            desk.book(room=room)
        row = desk.book(morning(5))
        assert posted(desk, row, "move", begins=f"{morning(2):%Y-%m-%dT%H:%M}", room=room.pk).status_code == 422
        with desk.hospital.acting("reception") as acting:
            row_of(desk, row.pk).cancel("Done", by=acting.person)


def test_who_has_left_gets_no_more_appointments(desk):
    row = desk.book()
    with desk.hospital.acting():
        desk.doctor.person.is_active = False
        desk.doctor.person.save(update_fields=["is_active"])
    assert posted(desk, row, "move", begins=f"{morning(2):%Y-%m-%dT%H:%M}").status_code == 422
    assert row_of(desk, row.pk).status == "booked"


# --- longer -----------------------------------------------------------------------------


@pytest.fixture
def short_day(desk):
    """Until ten."""
    with desk.hospital.acting():
        desk.doctor.working_hours.update(begins="08:00", ends="10:00")
    return desk.doctor


def test_it_becomes_longer_than_the_day_only_if_somebody_says_so(desk, short_day):
    row = desk.book(morning(1, 9, 30))
    answer = posted(desk, row, "resize", minutes=45)
    assert answer.status_code == 409 and answer.json()["outside"]
    assert row_of(desk, row.pk).minutes == 30
    assert posted(desk, row, "resize", minutes=45, outside="yes").status_code == 200
    assert posted(desk, row, "resize", minutes=40).status_code == 200  # shorter, though still beyond the day
    assert row_of(desk, row.pk).minutes == 40


def test_it_does_not_grow_into_a_time_that_somebody_holds(desk):
    row = desk.book()
    with desk.hospital.acting("main_doctor") as acting:
        assert Hold.place(desk.doctor, Span(morning(minute=30), morning(minute=45)), by=acting.person)
    with desk.hospital.acting("reception") as acting, pytest.raises(Taken, match="holds this time"):
        row_of(desk, row.pk).resize(45, by=acting.person)


def test_who_shares_a_time_keeps_its_length(desk):
    with desk.hospital.acting():
        group = a_type("Group", capacity=3, needs_room=False)
    row = desk.book(type=group)
    with desk.hospital.acting("reception") as acting, pytest.raises(Refused, match="Several share this time"):
        row_of(desk, row.pk).resize(20, by=acting.person)


def test_a_begin_to_the_second_is_no_time_of_a_calendar(desk):
    row = desk.book()
    assert posted(desk, row, "move", begins=f"{morning(2):%Y-%m-%dT%H:%M}:30").status_code == 422

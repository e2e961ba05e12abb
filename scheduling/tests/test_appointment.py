"""Appointments: booked, moved, cancelled, missed, and never twice at one time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from clinical.models import Visit
from hospital.workflow import IllegalMove, Refused
from scheduling.models import Appointment, Hold, Offer, Room, Taken, Wish
from scheduling.moments import Span
from scheduling.tests.desks import Desk, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def test_an_appointment_gets_a_number_its_buffers_and_a_room(desk, alpha):
    with alpha.acting():
        kind = a_type("Surgery", minutes=40, before_minutes=10, after_minutes=5)
    made = desk.book(morning(), type=kind)
    assert made.number == "A-000001"
    assert made.busy_from == morning() - timedelta(minutes=10)
    assert made.busy_until == morning() + timedelta(minutes=45)
    with alpha.acting():
        assert made.room in Room.objects.all()


def test_the_same_provider_is_never_booked_twice(desk):
    desk.book(morning())
    with pytest.raises(Taken, match="is taken at this time"):
        desk.book(morning(minute=15))
    desk.book(morning(minute=30))


def test_the_same_patient_is_never_booked_twice(desk):
    amara = desk.patient()
    desk.book(morning(), patient=amara)
    with pytest.raises(Taken, match="has another appointment"):
        desk.book(morning(minute=15), patient=amara, provider=desk.checker)


def test_a_room_is_given_to_one_at_a_time(desk, alpha):
    with alpha.acting():
        Room.objects.exclude(name="Main house 1").delete()
    desk.book(morning())
    with pytest.raises(Taken, match="No room"):
        desk.book(morning(), provider=desk.checker)


def test_a_shared_time_takes_as_many_as_it_has_places(desk, alpha):
    with alpha.acting():
        group = a_type("Group", capacity=2)
    first, second = desk.book(type=group), desk.book(type=group)
    assert first.slot == second.slot and {first.seat, second.seat} == {0, 1} and first.room == second.room
    with pytest.raises(Taken, match="All 2 places"):
        desk.book(type=group)
    with pytest.raises(Taken):
        desk.book(morning(minute=10), type=group)


def test_outside_the_hours_only_if_somebody_says_so(desk, alpha):
    with alpha.acting():
        desk.doctor.working_hours.all().delete()
    with pytest.raises(Refused, match="does not work at this time"):
        desk.book()
    assert desk.book(outside=True).status == "booked"


def test_a_move_ends_one_and_begins_another(desk, alpha):
    first = desk.book(morning(), reason="Cough")
    with alpha.acting("reception") as acting:
        second = first.reschedule(morning(minute=15), by=acting.person, reason="The bus")
        assert fresh(first).status == "rescheduled" and fresh(first).end_reason == "The bus"
        assert second.moved_from == first and second.reason == "Cough" and second.history() == [first, second]


def test_a_move_to_a_taken_time_changes_nothing(desk, alpha):
    first = desk.book(morning())
    desk.book(morning(hour=10))
    with alpha.acting("reception") as acting:
        with pytest.raises(Taken):
            first.reschedule(morning(hour=10), by=acting.person)
        assert fresh(first).status == "booked" and Appointment.objects.count() == 2


def test_it_can_be_made_longer_until_the_next_begins(desk, alpha):
    first = desk.book(morning())
    desk.book(morning(hour=10))
    with alpha.acting("reception") as acting:
        first.resize(60, by=acting.person)
        assert fresh(first).minutes == 60
        with pytest.raises(Taken):
            first.resize(75, by=acting.person)
        assert fresh(first).minutes == 60


def test_a_cancellation_is_late_when_it_is_near(desk, alpha):
    soon, later = desk.due(), desk.book(morning(days=5))
    with alpha.acting("reception") as acting:
        with pytest.raises(Refused, match="Say why"):
            soon.cancel(" ", by=acting.person)
        for row in (soon, later):
            row.cancel("Ill", by=acting.person)
        assert fresh(soon).was_late and not fresh(later).was_late


def test_who_does_not_come_is_marked_and_may_still_come_today(desk, alpha):
    row = desk.due()
    with alpha.acting("reception") as acting:
        with pytest.raises(Refused, match="not begun"):
            row.miss(by=acting.person)
        row.begins_at = row.busy_from = timezone.now() - timedelta(minutes=1)
        row.save()
        row.miss(by=acting.person)
        row.undo_miss(by=acting.person)
        row.miss(by=acting.person)
        visit = row.check_in(by=acting.person)
        assert fresh(row).status == "arrived" and visit.kind == Visit.Kind.APPOINTMENT


def test_the_way_of_a_day_and_back_again(desk, alpha):
    row = desk.due(reason="Cough")
    with alpha.acting("reception") as acting:
        visit = row.check_in(by=acting.person)
        assert visit.complaint == "Cough" and visit.status == "registered"
        room = Room.objects.first()
        row.enter_room(room, by=acting.person)
        assert fresh(room).status == "occupied"
        row.begin(by=acting.person)
        row.complete(by=acting.person)
        assert fresh(room).status == "cleaning" and fresh(row).completed_at
        row.undo_complete(by=acting.person)
        assert fresh(room).status == "occupied"
        row.undo_begin(by=acting.person)
        row.leave_room(by=acting.person)
        assert fresh(room).status == "free"
        row.undo_check_in(by=acting.person)
        assert fresh(row).status == "booked" and fresh(visit).status == "cancelled"
        with pytest.raises(IllegalMove):
            row.begin(by=acting.person)


def test_one_patient_in_a_room(desk, alpha):
    one, other = desk.due(), desk.due(provider=desk.checker)
    with alpha.acting("reception") as acting:
        one.check_in(by=acting.person)
        other.check_in(by=acting.person)
        room = Room.objects.first()
        one.enter_room(room, by=acting.person)
        with pytest.raises(Refused, match="is occupied"):
            other.enter_room(room, by=acting.person)


def test_the_end_of_the_visit_ends_the_appointment(desk, alpha):
    row = desk.due()
    with alpha.acting("reception") as acting:
        visit = row.check_in(by=acting.person)
        row.enter_room(Room.objects.first(), by=acting.person)
        visit.leave("Had to go", by=acting.person)
        assert fresh(row).status == "cancelled" and fresh(row).end_reason == "Had to go"
        assert Room.objects.first().status == "cleaning"


def test_what_somebody_holds_nobody_else_gets(desk, alpha):
    busy = Span(morning(), morning(minute=30))
    with alpha.acting("main_doctor") as acting:
        assert Hold.place(desk.doctor, busy, by=acting.person)
    with alpha.acting("reception") as acting:
        assert Hold.place(desk.doctor, busy, by=acting.person) is None
    with pytest.raises(Taken, match="holds this time"):
        desk.book(morning())
    assert desk.book(morning(), role="main_doctor").status == "booked"
    with alpha.acting():
        assert not Hold.objects.standing().exists()


def test_a_freed_time_is_offered_to_the_first_who_waits_and_then_to_the_next(desk, alpha):
    row = desk.book(morning(days=3))
    wishes = []
    with alpha.acting("reception") as acting:
        for name in ("First", "Second"):
            wish = Wish(
                patient=desk.patient(given_name=name),
                type=desk.type,
                first_day=timezone.now().date(),
                last_day=morning(days=9).date(),
            )
            wish.add(by=acting.person)
            wishes.append(wish)
        row.cancel("Ill", by=acting.person)
        first = Offer.objects.get(outcome="")
        assert first.wish == wishes[0]
    with pytest.raises(Taken, match="waitlist holds"):
        desk.book(morning(days=3))
    with alpha.acting("reception") as acting:
        first.decline(by=acting.person)
        second = Offer.objects.get(outcome="")
        assert second.wish == wishes[1] and fresh(wishes[0]).status == "waiting"
        made = second.accept(by=acting.person)
        assert made.patient == wishes[1].patient and fresh(wishes[1]).appointment == made
        with pytest.raises(Refused, match="is over"):
            second.decline(by=acting.person)


def test_no_appointment_of_another_hospital_is_seen(desk, beta):
    desk.book()
    with beta.acting("reception"):
        assert not Appointment.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM scheduling_appointment")
            assert cursor.fetchone() == (0,)

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from clinical.models import Patient, QueuePlace, Visit
from clinical.tests.wards import a_patient, a_visit
from hospital.workflow import Refused

Q = QueuePlace.Queue


def in_threads(number, work):
    def alone(index):
        try:
            return work(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(alone, range(number)))


def test_tokens_have_no_gaps_and_no_doubles_under_twenty_threads(alpha):
    alpha.person("reception")
    with alpha.acting():
        patients = [a_patient(given_name=f"Amara {number}").pk for number in range(20)]

    def register(index):
        try:
            with alpha.acting("reception") as acting:
                patient = Patient.objects.get(pk=patients[index])
                visit = Visit.register(patient, complaint="", by=acting.person)
                if index % 4 == 3:
                    raise ZeroDivisionError
                return visit.place.token
        except ZeroDivisionError:
            return None

    tokens = [token for token in in_threads(20, register) if token]
    assert sorted(tokens) == list(range(1, 16))


def test_twenty_callers_call_each_patient_once(alpha):
    with alpha.acting():
        for number in range(5):
            a_visit(a_patient(given_name=f"Amara {number}"))

    def call(index):
        with alpha.acting("checker_doctor", f"Doctor {index}") as acting:
            place = QueuePlace.call_next(Q.EXAMINATION, to=f"Room {index}", by=acting.person)
            return place and place.token

    for index in range(20):
        alpha.person("checker_doctor", f"Doctor {index}")
    called = in_threads(20, call)
    won = [token for token in called if token]
    assert len(won) == len(set(won))
    with alpha.acting():
        assert QueuePlace.objects.exclude(called_at=None).count() == len(won)


def test_the_urgent_are_called_first_then_who_waits_longest(alpha):
    with alpha.acting("checker_doctor") as acting:
        for priority in ("routine", "urgent", "routine", "emergency"):
            a_visit(priority=priority)
        called = [QueuePlace.call_next(Q.EXAMINATION, to="Room 1", by=acting.person) for _ in range(5)]
        assert [place and place.label for place in called] == ["E-004", "E-002", "E-001", "E-003", None]


def test_a_call_says_who_called_to_where_and_counts_the_version_of_the_visit(alpha):
    with alpha.acting("checker_doctor") as acting:
        visit = a_visit()
        before = visit.version
        visit.place.call(to="Room 2", by=acting.person)
        place = QueuePlace.objects.get(visit=visit)
        assert (place.called_by, place.called_to, place.ended_at) == (acting.person, "Room 2", None)
        assert Visit.objects.get(pk=visit.pk).version == before + 1
        place.uncall(by=acting.person)
        assert QueuePlace.objects.get(visit=visit).called_at is None


def test_the_visit_takes_its_patient_from_queue_to_queue(alpha):
    with alpha.acting():
        visit = a_visit()
        visit.examine(by=None, symptoms="", findings="", vitals={})
        places = QueuePlace.objects.filter(visit=visit).order_by("entered_at")
        assert [(place.label, place.ended_at is None) for place in places] == [("E-001", False), ("C-001", True)]


def test_who_already_waits_in_a_queue_keeps_the_place(alpha):
    with alpha.acting():
        visit = a_visit()
        place = visit.place
        assert QueuePlace.enter(visit, Q.EXAMINATION, by=None) == place


def test_moving_on_ends_one_place_and_undo_restores_it_with_its_token(alpha):
    with alpha.acting("reception") as acting:
        visit = a_visit()
        first = visit.place
        second = first.move_to_queue(Q.CONSULTATION, by=acting.person, reason="Asked for the doctor")
        assert (visit.token, second.former, first.ended_at is None) == ("C-001", first, False)
        restored = second.undo(by=acting.person)
        visit = Visit.objects.get(pk=visit.pk)
        assert (restored, visit.token) == (first, "E-001")
        assert visit.place.entered_at == first.entered_at
        assert QueuePlace.objects.get(pk=second.pk).undone_at is not None


def test_an_ended_place_is_neither_called_nor_moved_nor_undone(alpha):
    with alpha.acting("reception") as acting:
        visit = a_visit()
        first = visit.place
        second = first.move_to_queue(Q.CONSULTATION, by=acting.person)
        for refuse in (
            lambda: first.call(to="1", by=acting.person),
            lambda: first.uncall(by=acting.person),
            lambda: first.move_to_queue(Q.PHARMACY, by=acting.person),
            lambda: first.undo(by=acting.person),
        ):
            with pytest.raises(Refused, match="E-001 is over"):
                refuse()
        second.undo(by=acting.person)
        with pytest.raises(Refused, match="C-001 is over"):
            second.undo(by=acting.person)


def test_a_step_of_the_visit_is_not_undone_in_the_queue(alpha):
    with alpha.acting("reception") as acting:
        visit = a_visit()
        with pytest.raises(Refused, match="nothing to undo"):
            visit.place.undo(by=acting.person)
        visit.place.move_to_queue(Q.PHARMACY, by=acting.person)
        visit.cancel("Left", by=None)
        with pytest.raises(Refused, match="is over"):
            QueuePlace.objects.get(queue=Q.PHARMACY).undo(by=acting.person)


@pytest.mark.parametrize(("queue", "why"), [("examination", "already waits"), ("cinema", "no such queue")])
def test_a_move_needs_another_queue(alpha, queue, why):
    with alpha.acting("reception") as acting, pytest.raises(Refused, match=why):
        a_visit().place.move_to_queue(queue, by=acting.person)


def test_the_database_refuses_a_second_open_place(alpha):
    with alpha.acting():
        visit = a_visit()
        with pytest.raises(IntegrityError), transaction.atomic():
            QueuePlace.objects.create(visit=visit, patient=visit.patient, queue="pharmacy", day="2026-01-01", token=1)


def test_tokens_begin_again_each_day_of_the_hospital(alpha):
    alpha.tenant.time_zone = "Asia/Kolkata"
    late = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    with time_machine.travel(late, tick=False) as clock, alpha.acting():
        assert [a_visit().token, a_visit().token] == ["E-001", "E-002"]
        clock.shift(timedelta(hours=1))
        visit = a_visit()
        assert (visit.token, str(visit.place.day)) == ("E-001", "2026-03-03")


def test_each_queue_counts_its_own_tokens(alpha):
    with alpha.acting("reception") as acting:
        visit = a_visit()
        a_visit()
        assert visit.place.move_to_queue(Q.LABORATORY, by=acting.person).label == "L-001"

"""CO-2: fifty people book overlapping times at once. What stands in the end overlaps nowhere, and nobody saw an error."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from hospital.tests.databases import somebody_waits_for
from hospital.tests.hospital import Hospital
from realtime.tests.server import wait_until
from scheduling.models import Appointment, Provider, Room, Taken
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, a_provider, a_type, morning

WRITERS = 50
ACTIVE = "('booked', 'arrived', 'in_room', 'with_provider', 'completed')"
OVERLAPS = f"""
    SELECT count(*) FROM scheduling_appointment a JOIN scheduling_appointment b ON a.id < b.id AND a.tenant_id = b.tenant_id
    WHERE a.status IN {ACTIVE} AND b.status IN {ACTIVE} AND (
        (a.provider_id = b.provider_id AND a.slot <> b.slot AND a.busy_from < b.busy_until AND b.busy_from < a.busy_until)
        OR (a.room_id = b.room_id AND a.slot <> b.slot AND a.busy_from < b.busy_until AND b.busy_from < a.busy_until)
        OR (a.patient_id = b.patient_id AND a.begins_at < b.ends_at AND b.begins_at < a.ends_at)
        OR (a.slot = b.slot AND a.seat = b.seat))
"""


@pytest.fixture(autouse=True, scope="module")
def connections_for_fifty():
    """A process lends twenty connections, which is enough for its threads; fifty at once stand for several processes."""
    options = connection.settings_dict["OPTIONS"]
    pool = options["pool"]
    connection.close()
    connection.close_pool()
    options["pool"] = {**pool, "max_size": WRITERS + 5, "timeout": 60}
    yield
    connection.close()
    connection.close_pool()
    options["pool"] = pool


def overlaps(hospital: Hospital) -> int:
    with hospital.acting(), connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        return cursor.fetchone()[0]


def all_at_once(works: list[Callable[[], object]]) -> list[object]:
    """Each in a thread with a connection of its own, begun together. An error is a result too."""
    barrier = Barrier(len(works))

    def go(work: Callable[[], object]) -> object:
        barrier.wait(60)
        try:
            return work()
        except Exception as error:  # counted by the test, whatever it is
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))


def booker(desk: Desk, begins_at: datetime, provider: Provider, patient, **fields) -> Callable[[], object]:
    return lambda: desk.book(begins_at, provider=provider, patient=patient, **fields)


def kinds(results: list[object]) -> Counter:
    return Counter(type(result).__name__ for result in results)


@pytest.fixture
def desk(alpha) -> Desk:
    desk = Desk(alpha)
    desk.book(morning(3))  # opens what is opened once
    return desk


def test_of_fifty_who_want_one_time_one_gets_it(desk):
    patients = [desk.patient() for _ in range(WRITERS)]
    results = all_at_once([booker(desk, morning(), desk.doctor, patient) for patient in patients])
    assert kinds(results) == {"Appointment": 1, "Taken": WRITERS - 1}
    assert overlaps(desk.hospital) == 0


def test_fifty_who_want_overlapping_times_get_all_of_them_that_do_not_overlap(desk):
    """Times a quarter of an hour apart, each half an hour long, with two providers, two rooms and few patients."""
    chance = random.Random(4)
    with desk.hospital.acting():
        Room.objects.filter(name="Main house 3").delete()
        third = a_provider(desk.hospital.person("main_doctor", "Third"), desk.location)
    patients, providers = [desk.patient() for _ in range(15)], [desk.doctor, desk.checker, third]
    wanted = [
        (morning() + timedelta(minutes=15 * chance.randrange(10)), chance.choice(providers), chance.choice(patients))
        for _ in range(WRITERS)
    ]
    results = all_at_once([booker(desk, *one) for one in wanted])
    assert set(kinds(results)) == {"Appointment", "Taken"}
    assert overlaps(desk.hospital) == 0
    for begins_at, provider, patient in wanted:  # nobody was sent away from what is free
        if free(desk, begins_at, provider, patient):
            pytest.fail(f"{begins_at} with {provider} was refused and is free")


def test_who_waited_for_the_rooms_gets_the_one_that_is_left(desk):
    """And not the one that was free before the wait."""
    first, second = desk.patient(), desk.patient()
    with ThreadPoolExecutor(1) as pool:
        with desk.hospital.acting() as acting, transaction.atomic():
            taken = Appointment.book(first, desk.type, desk.doctor, morning(), by=acting.person)
            waiting = pool.submit(booker(desk, morning(), desk.checker, second))
            wait_until(lambda: somebody_waits_for(connection), 30, "the second booking does not wait for the rooms")
        got = waiting.result(30)
    assert got.room != taken.room


def free(desk: Desk, begins_at: datetime, provider: Provider, patient) -> bool:
    try:
        desk.book(begins_at, provider=provider, patient=patient)
    except Taken:
        return False
    return True


def test_a_shared_time_gets_exactly_as_many_as_it_has_places(desk):
    with desk.hospital.acting():
        group = a_type("Group", capacity=12)
    patients = [desk.patient() for _ in range(WRITERS)]
    results = all_at_once([booker(desk, morning(), desk.doctor, patient, type=group) for patient in patients])
    assert kinds(results) == {"Appointment": 12, "Taken": WRITERS - 12}
    assert overlaps(desk.hospital) == 0
    with desk.hospital.acting():
        rows = list(Appointment.objects.filter(type=group))
    assert {row.seat for row in rows} == set(range(12)) and len({row.slot for row in rows}) == 1


def test_moving_and_booking_at_once_neither_doubles_nor_locks_up(desk):
    """Each moves to where another is, in both directions, while others book there."""
    rows = [
        desk.book(morning(1, hour), provider=provider)
        for hour in (8, 9, 10)
        for provider in (desk.doctor, desk.checker)
    ]
    hours = {8: 9, 9: 10, 10: 8}

    def mover(row: Appointment) -> Callable[[], object]:
        other = desk.checker if row.provider == desk.doctor else desk.doctor

        def move() -> object:
            with desk.hospital.acting("reception") as acting:
                mine = Appointment.objects.get(pk=row.pk)
                return mine.reschedule(morning(1, hours[row.begins_at.hour]), by=acting.person, provider=other)

        return move

    patients = [desk.patient() for _ in range(18)]
    bookers = [
        booker(desk, morning(1, 8 + n % 3), (desk.doctor, desk.checker)[n % 2], one) for n, one in enumerate(patients)
    ]
    results = all_at_once([mover(row) for row in rows] + bookers)
    assert set(kinds(results)) <= {"Appointment", "Taken"}
    assert overlaps(desk.hospital) == 0
    with desk.hospital.acting():
        assert Appointment.objects.active().filter(patient__in=[row.patient for row in rows]).count() == len(rows)


def test_fifty_at_the_page_see_a_booking_or_the_friendly_answer(desk):
    clients = [desk.hospital.client("reception", f"Desk {number % 10}") for number in range(WRITERS)]
    patients = [desk.patient() for _ in range(WRITERS)]
    url = f"{desk.hospital.url}/appointments/book/last/"

    def visitor(client, patient) -> Callable[[], object]:
        at = f"?patient={patient.pk}&type={desk.type.pk}&at={key_of(desk.doctor, morning())}"
        return lambda: client.post(url + at, {"minutes": "30", "reason": "Cough"})

    answers = all_at_once([visitor(*pair) for pair in zip(clients, patients, strict=True)])
    assert Counter(answer.status_code for answer in answers) == {302: 1, 409: WRITERS - 1}
    refused = [answer.content.decode() for answer in answers if answer.status_code == 409]
    assert all('name="pick"' in page and 'value="Cough"' in page for page in refused)
    assert overlaps(desk.hospital) == 0

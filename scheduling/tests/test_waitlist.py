"""To whom a freed time is offered, and to whom not."""

from __future__ import annotations

import re
from threading import Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hospital.models import Absence
from scheduling.models import Appointment, Offer, Series, Wish
from scheduling.tests.desks import Desk, a_type, morning

LOCK = re.compile(r'FROM "(\w+)"')


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def waits(desk: Desk, **fields) -> Wish:
    patient = fields.pop("patient", None) or desk.patient()
    days = {"first_day": timezone.now().date(), "last_day": morning(9).date()}
    with desk.hospital.acting("reception") as acting:
        wish = Wish(patient=patient, type=desk.type, **days, **fields)
        wish.add(by=acting.person)
    return wish


def cancelled(desk: Desk, row: Appointment) -> None:
    with desk.hospital.acting("reception") as acting:
        Appointment.objects.get(pk=row.pk).cancel("Ill", by=acting.person)


def offered(desk: Desk) -> list:
    with desk.hospital.acting():
        return list(Offer.objects.filter(outcome="").values_list("wish_id", flat=True))


def test_a_time_in_which_nobody_works_any_more_is_offered_to_nobody(desk):
    row, wish = desk.book(morning(3)), waits(desk)
    with desk.hospital.acting():
        Absence(person=desk.doctor.person, begins_at=morning(3, 0), ends_at=morning(4, 0)).save()
    cancelled(desk, row)
    assert offered(desk) == []
    other = desk.book(morning(5))
    cancelled(desk, other)
    assert offered(desk) == [wish.pk]


def test_whoever_gave_a_time_up_is_not_offered_it(desk):
    patient = desk.patient()
    row = desk.book(morning(3), patient=patient)
    waits(desk, patient=patient)
    second = waits(desk)
    cancelled(desk, row)
    assert offered(desk) == [second.pk]


def test_nothing_is_offered_to_the_dead(desk):
    row, wish = desk.book(morning(3)), waits(desk)
    with desk.hospital.acting():
        wish.patient.deceased_at = timezone.now()
        wish.patient.save(update_fields=["deceased_at"])
    cancelled(desk, row)
    assert offered(desk) == []


def test_two_times_that_are_freed_at_once_are_offered_to_two(desk):
    """The first of them is offered and not yet written: the second goes to the next who waits."""
    one, other = desk.book(morning(3)), desk.book(morning(3), provider=desk.checker)
    wishes = {waits(desk).pk, waits(desk).pk}

    def elsewhere() -> None:
        try:
            cancelled(desk, other)
        finally:
            connection.close()

    with desk.hospital.acting("reception") as acting, transaction.atomic():
        Appointment.objects.get(pk=one.pk).cancel("Ill", by=acting.person)
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join(2)  # the number of its event waits for ours; the choice was made before
    thread.join(60)
    assert set(offered(desk)) == wishes


def test_what_is_given_up_is_found_where_it_was_moved_to(desk):
    freed, later = desk.book(morning(3)), desk.book(morning(8))
    waits(desk, patient=later.patient, instead_of=later)
    with desk.hospital.acting("reception") as acting:
        moved = Appointment.objects.get(pk=later.pk).reschedule(morning(7), by=acting.person)
    cancelled(desk, freed)
    with desk.hospital.acting("reception") as acting:
        made = Offer.objects.get(outcome="").accept(by=acting.person)
        assert made.moved_from == moved
        theirs = Appointment.objects.filter(patient=later.patient, status="booked")
        assert [row.begins_at for row in theirs] == [morning(3)]


def test_an_earlier_time_is_waited_for_with_the_same_type(desk):
    later = desk.book(morning(8))
    with desk.hospital.acting():
        other = a_type("Surgery")
    days = {"first_day": morning(1).date(), "last_day": morning(7).date(), "part": "any"}
    client, url = desk.hospital.client("reception"), f"{desk.hospital.url}/waitlist/new/?appointment={later.pk}"
    assert client.post(url, {"type": other.pk, **days}).status_code == 422
    assert client.post(url, {"type": desk.type.pk, **days}).status_code == 302


def test_a_series_of_two_providers_locks_both_before_it_gives_up_the_first(desk):
    patient = desk.patient()
    with desk.hospital.acting("reception"):
        series = Series.objects.create(times=2)
    rows = [
        desk.book(morning(day), provider=provider, patient=patient, series=series)
        for day, provider in ((3, desk.checker), (4, desk.doctor))
    ]
    with desk.hospital.acting("reception") as acting, CaptureQueriesContext(connection) as asked:
        series.cancel(rows, "Ill", by=acting.person)
    locked = [LOCK.search(query["sql"]) for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
    first = [found[1] for found in locked if found][:3]
    assert first == ["clinical_patient", "scheduling_provider", "scheduling_provider"]

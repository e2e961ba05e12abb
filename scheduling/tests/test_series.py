"""Series: each date seen before it is booked, all or none, the same time of the wall all year."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import time_machine

from hospital.workflow import Refused
from scheduling.models import Appointment, Series
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def plan(desk: Desk, patient, begins_at: datetime | None = None, **rule) -> str:
    query = {"patient": patient.pk, "type": desk.type.pk, "at": key_of(desk.doctor, begins_at or morning(2)), **rule}
    return f"{desk.hospital.url}/series/new/?{urlencode(query)}"


def booked(desk: Desk) -> list[Appointment]:
    with desk.hospital.acting():
        return list(Appointment.objects.filter(status="booked").shown().order_by("begins_at"))


def weekly(desk: Desk, times: int = 3, patient=None) -> list[Appointment]:
    patient = patient or desk.patient()
    with desk.hospital.acting("reception") as acting:
        begins = [morning(2) + timedelta(weeks=week) for week in range(times)]
        return Series(times=times).book(patient, desk.type, desk.doctor, begins, by=acting.person, reason="Dressing")


def move(desk: Desk, row: Appointment, **more) -> str:
    local = row.begins_at
    query = {"scope": "following", "provider": desk.doctor.pk, "day": local.date(), "time": f"{local:%H:%M}", **more}
    return f"{desk.hospital.url}/appointments/{row.pk}/series/?{urlencode(query)}"


def test_a_series_is_seen_and_booked_as_a_whole(desk):
    client, patient = desk.hospital.client("reception"), desk.patient()
    address = plan(desk, patient, times=3, interval=2, unit="week")
    page = client.get(address).content.decode()
    assert "All 3 are free" in page
    answer = client.post(address, {"reason": "Dressing"})
    rows = booked(desk)
    assert [row.begins_at for row in rows] == [morning(2) + timedelta(weeks=week) for week in (0, 2, 4)]
    assert {row.reason for row in rows} == {"Dressing"} and len({row.series_id for row in rows}) == 1
    assert answer.headers["Location"].endswith(f"/series/{rows[0].series_id}/")
    assert client.get(answer.headers["Location"]).content.decode().count('id="coming-') == 3


def test_for_each_conflict_the_nearest_free_time_is_chosen_or_it_is_left_out(desk):
    client, patient = desk.hospital.client("reception"), desk.patient()
    desk.book(morning(9))
    desk.book(morning(16))
    address = plan(desk, patient, times=3)
    page = client.get(address).content.decode()
    assert "2 of 3 not free" in page
    near = re.findall(r'name="pick-1"[^>]* value="([^"]+)"', page)
    assert key_of(desk.doctor, morning(9) + timedelta(minutes=30)) in near and near[-1] == "none"
    client.post(address, {"pick-1": key_of(desk.doctor, morning(9) + timedelta(minutes=30)), "pick-2": "none"})
    mine = [row.begins_at for row in booked(desk) if row.patient_id == patient.pk]
    assert mine == [morning(2), morning(9) + timedelta(minutes=30)]


def test_without_a_choice_the_nearest_free_time_is_taken(desk):
    client, patient = desk.hospital.client("reception"), desk.patient()
    desk.book(morning(9))
    client.post(plan(desk, patient, times=2), {})
    [_, second] = [row for row in booked(desk) if row.patient_id == patient.pk]
    assert second.begins_at != morning(9) and abs(second.begins_at - morning(9)) == timedelta(minutes=30)


def test_a_date_that_is_taken_at_the_last_moment_undoes_them_all(desk):
    patient = desk.patient()
    desk.book(morning(9))
    with desk.hospital.acting("reception") as acting, pytest.raises(Refused, match="taken at this time"):
        Series(times=2).book(patient, desk.type, desk.doctor, [morning(2), morning(9)], by=acting.person)
    assert len(booked(desk)) == 1
    with desk.hospital.acting():
        assert not Series.objects.exists()


def test_a_hold_of_a_colleague_is_a_conflict_and_nothing_is_booked_by_hand_over_it(desk):
    client, patient = desk.hospital.client("reception"), desk.patient()
    answer = client.post(plan(desk, patient, times=2), {"pick-0": "none", "pick-1": "none"})
    assert answer.status_code == 422 and "left out" in answer.content.decode()
    client.post(plan(desk, patient, times=2), {"pick-0": "forged@2030-01-01T00:00"})
    assert [row.begins_at for row in booked(desk)] == [morning(9)]  # what was not offered is left out


@time_machine.travel(datetime(2027, 3, 1, 8, tzinfo=UTC), tick=True)
def test_the_time_on_the_wall_stays_when_the_clock_is_changed(alpha):
    """Summer time begins in Berlin on 28 March 2027."""
    desk, zone = Desk(alpha, time_zone="Europe/Berlin"), ZoneInfo("Europe/Berlin")
    first = datetime(2027, 3, 15, 9, 30, tzinfo=zone)
    alpha.client("reception").post(plan(desk, desk.patient(), first, times=4), {})
    rows = booked(desk)
    assert [f"{row.begins_at.astimezone(zone):%H:%M}" for row in rows] == ["09:30"] * 4
    assert [row.begins_at.astimezone(UTC).hour for row in rows] == [8, 8, 7, 7]


def test_a_month_without_such_a_day_has_its_last_one():
    assert Series(unit="month", times=4).days(date(2027, 12, 31)) == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
    ]


# --- one, the following, all ----------------------------------------------------------------


@pytest.mark.parametrize(("scope", "left"), [("this", 2), ("following", 1), ("all", 0)])
def test_one_the_following_or_all_are_cancelled(desk, scope, left):
    rows = weekly(desk)
    address = f"{desk.hospital.url}/appointments/{rows[1].pk}/cancel/"
    assert 'name="scope"' in desk.hospital.client("reception").get(address).content.decode()
    desk.hospital.client("reception").post(address, {"reason": "Moved away", "scope": scope})
    assert len(booked(desk)) == left


@pytest.mark.parametrize(("scope", "moved"), [("this", [1]), ("following", [1, 2]), ("all", [0, 1, 2])])
def test_one_the_following_or_all_are_moved(desk, scope, moved):
    rows, client = weekly(desk), desk.hospital.client("reception")
    address = move(desk, rows[1], scope=scope, day=(rows[1].begins_at + timedelta(days=1)).date(), time="10:30")
    assert f"All {len(moved)} are free" in client.get(address).content.decode()
    assert client.post(address, {"reason": "New shift"}).status_code == 302
    shift = timedelta(days=1, hours=1, minutes=30)
    wanted = [row.begins_at + (shift if number in moved else timedelta()) for number, row in enumerate(rows)]
    now = booked(desk)
    assert [row.begins_at for row in now] == wanted
    assert {row.series_id for row in now} == {rows[0].series_id} and {row.reason for row in now} == {"Dressing"}


def test_a_reason_made_by_hand_is_never_an_error_of_ours(desk):
    rows, client = weekly(desk), desk.hospital.client("reception")
    address = move(desk, rows[0], scope="this", day=(rows[0].begins_at + timedelta(days=1)).date(), time="10:30:15")
    assert client.post(address, {"reason": "Bus\0"}).status_code == 302
    assert {row.begins_at.second for row in booked(desk)} == {0}


def test_one_may_come_to_where_another_of_the_series_was(desk):
    rows, client = weekly(desk), desk.hospital.client("reception")
    address = move(desk, rows[0], scope="all", day=(rows[0].begins_at + timedelta(weeks=1)).date())
    assert "All 3 are free" in client.get(address).content.decode()
    client.post(address, {})
    assert [row.begins_at for row in booked(desk)] == [row.begins_at + timedelta(weeks=1) for row in rows]


def test_what_is_not_free_may_stay_where_it_is(desk):
    rows, client = weekly(desk), desk.hospital.client("reception")
    desk.book(morning(9, 15))
    address = move(desk, rows[0], scope="all", time="15:00")
    assert "1 of 3 not free" in client.get(address).content.decode()
    client.post(address, {"pick-1": "none"})
    mine = [row for row in booked(desk) if row.series_id]
    assert [row.begins_at.hour for row in mine] == [15, 9, 15]


def test_a_series_goes_over_to_another_provider(desk):
    rows, client = weekly(desk), desk.hospital.client("reception")
    client.post(move(desk, rows[0], scope="all", provider=desk.checker.pk), {})
    assert {row.provider for row in booked(desk)} == {desk.checker} and len(booked(desk)) == 3


def test_what_is_written_by_hand_is_refused(desk):
    [row, *_], client = weekly(desk), desk.hospital.client("reception")
    for wrong in ({"day": "9999-12-31"}, {"time": "25:00"}, {"scope": "x"}, {"provider": "x"}):
        assert client.get(move(desk, row, **wrong)).status_code == 422
    alone = desk.book(morning(1, 16))
    assert client.get(f"{desk.hospital.url}/appointments/{alone.pk}/series/").status_code == 409

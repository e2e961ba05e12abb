"""The clock on the wall, in every time zone there is: changed clocks, midnights, year ends, leap days, skipped days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.calendar import Clock
from scheduling.models import Location
from scheduling.moments import Span, begin_of, day_in, day_span, end_of, minute_in, span_of

ZONES = sorted(available_timezones())
SECOND, QUARTER, DAY = timedelta(seconds=1), timedelta(minutes=15), timedelta(days=1)
ODD_DAYS = [date(2024, 2, 29), date(2023, 12, 31), date(2024, 1, 1), date(2100, 2, 28), date(2100, 3, 1)]
SKIPPED = [
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Fakaofo", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Pacific/Kiritimati", date(1994, 12, 31)),
]
TIMES = [time(), time(0, 30), time(1, 30), time(2), time(2, 30), time(3), time(12), time(23, 30)]

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2012, 1, 2), date(2110, 12, 30)) | st.sampled_from(ODD_DAYS)
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@cache
def changes(name: str) -> list[date]:
    """The days of three years on which this clock is changed."""
    zone = ZoneInfo(name)
    every = [date(2024, 1, 1) + timedelta(days=number) for number in range(1096)]
    noons = [datetime.combine(day, time(12), tzinfo=UTC).astimezone(zone).utcoffset() for day in every]
    at = [day for day, before, after in zip(every[1:], noons, noons[1:], strict=False) if before != after]
    return [day + timedelta(days=number) for day in at for number in (-1, 0, 1)]


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def check_day(day: date, zone: ZoneInfo) -> None:
    """Days follow each other without a gap; each moment lies in the day that its clock shows."""
    span = day_span(day, zone)
    assert span.ends == day_span(day + DAY, zone).begins
    assert span.begins <= span.ends
    for quarter in range(span.length // QUARTER):
        assert day_in(span.begins + quarter * QUARTER, zone) == day
    assert shown(span.begins - SECOND, zone).date() < day <= shown(span.begins, zone).date()


def check_time(day: date, at: time, zone: ZoneInfo) -> None:
    """It begins when the clock first comes to this time, and ends when the clock last leaves it."""
    wall, begins, ends = datetime.combine(day, at), begin_of(day, at, zone), end_of(day, at, zone)
    assert shown(begins - SECOND, zone) < wall <= shown(begins, zone)
    end = wall + DAY if at == time() else wall
    assert shown(ends - SECOND, zone) < end
    assert all(shown(ends + quarter * QUARTER, zone) >= end for quarter in range(16))


@pytest.mark.parametrize("letter", sorted({name[0] for name in ZONES}))
def test_around_each_change_of_each_clock_days_are_complete_and_times_found(letter):
    for name in (name for name in ZONES if name[0] == letter):
        zone = ZoneInfo(name)
        for day in changes(name):
            check_day(day, zone)
            for at in TIMES:
                check_time(day, at, zone)


@given(zones, days, times)
@settings(max_examples=400, deadline=None)
def test_on_any_day_of_any_zone_days_are_complete_and_times_found(zone, day, at):
    check_day(day, zone)
    check_time(day, at, zone)


@pytest.mark.parametrize(("name", "day"), SKIPPED)
def test_a_skipped_day_has_no_time_and_its_neighbours_meet(name, day):
    zone = ZoneInfo(name)
    assert day_span(day, zone).length == timedelta()
    assert span_of(day, time(9), time(17), zone) is None
    assert day_span(day - DAY, zone).ends == day_span(day + DAY, zone).begins


@given(zones, days, times, times)
@settings(max_examples=400, deadline=None)
def test_what_lies_between_two_times_is_in_order_or_nothing_and_stays_in_its_day(zone, day, begins, ends):
    span = span_of(day, begins, ends, zone)
    if span is None:
        assert ends != time()
        return
    whole = day_span(day, zone)
    assert whole.begins <= span.begins < span.ends <= whole.ends


def test_an_hour_that_is_shown_twice_is_open_twice_and_a_skipped_one_not_at_all():
    lisbon = ZoneInfo("Europe/Lisbon")
    assert span_of(date(2026, 10, 25), time(0), time(1), lisbon).length == timedelta(hours=1)
    assert span_of(date(2026, 10, 25), time(1), time(2), lisbon).length == timedelta(hours=2)
    assert span_of(date(2026, 3, 29), time(1), time(2), lisbon) is None
    assert day_span(date(2026, 3, 29), lisbon).length == timedelta(hours=23)


@given(zones, days, times)
@settings(max_examples=300, deadline=None)
def test_a_time_of_the_clock_is_at_the_same_height_on_every_day(zone, day, at):
    begins, minute = begin_of(day, at, zone), at.hour * 60 + at.minute
    if shown(begins, zone) == datetime.combine(day, at):
        assert minute_in(begins, day, zone) == minute
    else:
        assert minute_in(begins, day, zone) > minute


@given(st.sampled_from(ZONES), days, times, st.integers(5, 240))
@settings(max_examples=300, deadline=None)
def test_what_is_drawn_is_as_long_as_it_takes_and_ends_within_the_day(name, day, at, minutes):
    zone = ZoneInfo(name)
    begins = begin_of(day, at, zone)
    if day_in(begins, zone) != day:
        return
    place = Clock(Location(time_zone=name)).place(Span(begins, begins + timedelta(minutes=minutes)), day)
    assert 0 <= place.begins < place.ends <= 1440
    assert place.ends - place.begins >= min(minutes, 1440 - place.begins)

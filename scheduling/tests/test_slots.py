"""Free slots against a model that looks at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hospital.models import Absence
from scheduling.diary import Diary
from scheduling.models import Appointment, Hold, OpeningHours, WorkingHours
from scheduling.moments import Span, span_of
from scheduling.slots import common, free_slots, merged, without
from scheduling.tests.desks import Desk, a_location, a_provider, a_type

START = datetime(2026, 3, 28, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ZONES = sorted(available_timezones())
CHANGES = [
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 5),
    date(2026, 2, 28),
]


def minutes(span: Span) -> set[int]:
    return set(range(int((span.begins - START) / MINUTE), int((span.ends - START) / MINUTE)))


def all_minutes(spans: list[Span]) -> set[int]:
    return set().union(*map(minutes, spans)) if spans else set()


def after(begins: int, length: int) -> Span:
    return Span(START + begins * MINUTE, START + (begins + length) * MINUTE)


spans = st.builds(after, st.integers(0, 1200), st.integers(1, 300))
some = st.lists(spans, max_size=6)


@given(some, some)
@settings(max_examples=300, deadline=None)
def test_spans_are_joined_shared_and_cut_as_their_minutes_are(ones, others):
    for found, wanted in (
        (merged(ones), all_minutes(ones)),
        (common(ones, others), all_minutes(ones) & all_minutes(others)),
        (without(ones, others), all_minutes(ones) - all_minutes(others)),
    ):
        assert all_minutes(found) == wanted
        assert all(one.begins < one.ends for one in found)
        assert all(one.ends <= other.begins for one, other in pairwise(found))


def naive(hours: list[Span], taken: list[Span], length: int, step: int, before: int, behind: int) -> list[Span]:
    open_minutes, busy, found = all_minutes(hours), all_minutes(taken), []
    begun = -1
    for minute in range(-10, 2000):
        if minute not in open_minutes:
            begun = -1
            continue
        begun = minute if begun < 0 else begun
        slot, around = range(minute, minute + length), range(minute - before, minute + length + behind)
        if (minute - begun) % step == 0 and open_minutes.issuperset(slot) and busy.isdisjoint(around):
            found.append(after(minute, length))
    return found


@given(some, some, st.integers(5, 90), st.sampled_from([5, 10, 15, 20, 30]), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=300, deadline=None)
def test_free_slots_are_those_that_a_look_at_every_minute_finds(hours, taken, length, step, before, behind):
    found = free_slots(
        hours, taken, length=length * MINUTE, step=step * MINUTE, before=before * MINUTE, after=behind * MINUTE
    )
    assert found == naive(hours, taken, length, step, before, behind)


@given(st.sampled_from(ZONES).map(ZoneInfo), st.sampled_from(CHANGES) | st.dates(date(2012, 1, 2), date(2110, 1, 1)))
@settings(max_examples=300, deadline=None)
def test_slots_keep_their_length_and_begin_where_the_clock_shows_a_time_in_every_zone(zone, day):
    whole = span_of(day, time(), time(), zone)
    slots = free_slots([whole] if whole else [], [], length=30 * MINUTE, step=30 * MINUTE)
    assert len(slots) == (whole.length // (30 * MINUTE) if whole else 0)
    for slot in slots:
        assert slot.length == 30 * MINUTE
        wall = slot.begins.astimezone(zone)
        again = wall.replace(tzinfo=None)
        assert slot.begins in {again.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    assert all(one.ends == other.begins for one, other in pairwise(slots))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Lisbon", date(2027, 3, 28)),
        ("Europe/Lisbon", date(2027, 10, 31)),
        ("Australia/Lord_Howe", date(2027, 4, 4)),
        ("America/St_Johns", date(2027, 3, 14)),
        ("Asia/Kathmandu", date(2028, 2, 29)),
        ("Pacific/Kiritimati", date(2027, 12, 31)),
        ("Africa/Cairo", date(2027, 4, 30)),
    ],
)
def test_a_diary_offers_what_a_look_at_every_minute_of_the_rows_finds(alpha, zone, day):
    """With opening hours, two working spans, leave, an appointment with buffers, one that is cancelled, and holds."""
    desk = Desk(alpha)
    with alpha.acting():
        house = a_location("Far house", time_zone=zone, rooms=0)
        OpeningHours(location=house, weekday=day.weekday(), begins=time(0), ends=time(17, 30)).save()
        provider = a_provider(alpha.person("main_doctor", "Far Away"), house, days=range(0))
        for begins, ends in ((time(0, 10), time(6)), (time(13), time(0))):
            WorkingHours(provider=provider, location=house, weekday=day.weekday(), begins=begins, ends=ends).save()
        short = a_type("Short", minutes=25, step_minutes=20, before_minutes=5, after_minutes=10, needs_room=False)
        begins = span_of(day, time(13), time(0), house.zone).begins
        Absence(person=provider.person, begins_at=begins + 90 * MINUTE, ends_at=begins + 120 * MINUTE).save()
    taken = desk.book(begins + 20 * MINUTE, provider=provider, type=short)
    gone = desk.book(begins + 140 * MINUTE, provider=provider, type=short)
    with alpha.acting("reception") as acting:
        gone.cancel("Ill", by=acting.person)
        Hold.place(provider, Span(begins + 200 * MINUTE, begins + 230 * MINUTE), by=acting.person)
    with alpha.acting():
        offered = [slot.span for slot in Diary([provider], day, day).slots(provider, day, short)]
        kept = [Appointment.objects.get(pk=taken.pk).busy, Hold.objects.standing().get().span]
    opens = span_of(day, time(), time(17, 30), house.zone)
    works = [span_of(day, time(0, 10), time(6), house.zone), span_of(day, time(13), time(), house.zone)]
    leave = Span(begins + 90 * MINUTE, begins + 120 * MINUTE)
    free = without(common(works, [opens]), [leave])
    assert offered == minute_by_minute(free, kept)
    assert offered


def minute_by_minute(free: list[Span], kept: list[Span]) -> list[Span]:
    found = []
    for span in free:
        begins = span.begins
        while begins < span.ends:
            ends = begins + 25 * MINUTE
            every = [begins + number * MINUTE for number in range(-5, 35)]
            held = any(one.begins <= moment < one.ends for one in kept for moment in every)
            if ends <= span.ends and not held:
                found.append(Span(begins, ends))
            begins += 20 * MINUTE
    return found

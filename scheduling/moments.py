"""From the clock on the wall to moments, and back, in any time zone.

Twice a year a clock jumps. A time that it skips is the moment at which it jumps; a time that it shows twice is the
first of the two when something begins, and the second when something ends; but if the clock goes back to that very
time, it has ended at the first. Some places have skipped whole days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = time()
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, order=True)
class Span:
    """From a moment up to, and without, another. Both in UTC."""

    begins: datetime
    ends: datetime

    @property
    def length(self) -> timedelta:
        return self.ends - self.begins

    def overlaps(self, other: Span) -> bool:
        return self.begins < other.ends and other.begins < self.ends

    def holds(self, other: Span) -> bool:
        return self.begins <= other.begins and other.ends <= self.ends


def begin_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows this time, or has just jumped over it."""
    return _moment(day, at, zone, fold=0)


def end_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment after which the clock never again shows less. Midnight is the one that ends the day."""
    if at == MIDNIGHT:
        return begin_of(day + timedelta(days=1), at, zone)
    late = _moment(day, at, zone, fold=1)
    goes_back = (late - SECOND).astimezone(zone).replace(tzinfo=None) >= datetime.combine(day, at)
    return begin_of(day, at, zone) if goes_back else late


def span_of(day: date, begins: time, ends: time, zone: ZoneInfo) -> Span | None:
    """What lies between two times of a day; nothing, if the clock jumps over all of it."""
    span = Span(begin_of(day, begins, zone), end_of(day, ends, zone))
    return span if span.begins < span.ends else None


def day_span(day: date, zone: ZoneInfo) -> Span:
    """The whole day: 23, 24 or 25 hours, and no time at all where a day was skipped."""
    return Span(begin_of(day, MIDNIGHT, zone), end_of(day, MIDNIGHT, zone))


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """As the clock there shows it. Without a zone, so that no template turns it into its own."""
    return moment.astimezone(zone).replace(tzinfo=None)


def day_in(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def minute_in(moment: datetime, day: date, zone: ZoneInfo) -> int:
    """What the clock shows, in minutes since the midnight that began the day."""
    local = moment.astimezone(zone)
    return (local.date() - day).days * 1440 + local.hour * 60 + local.minute


def _moment(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    wall = datetime.combine(day, at.replace(tzinfo=None))
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    return _jump(wall, zone)


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of the jump over this time of the wall, to the second, between the two readings of a skipped time."""
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while late - early > SECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)

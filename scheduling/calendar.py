"""What stands where on the calendar: columns of providers or rooms, their open time, and what is booked or held in it.

Everything is placed by the minutes that the location's clock shows, so that nine o'clock is at the same height on each
day. On a day on which the clock is changed, what is longer than it looks keeps its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import ClassVar
from uuid import UUID

from hospital.tones import tone_of
from scheduling.diary import OpenTime, opening
from scheduling.models import Appointment, Hold, Location, Provider, Room
from scheduling.moments import Span, day_span, minute_in
from scheduling.slots import common, merged, without

HOUR, DAY = 60, 1440
USUAL = (8 * HOUR, 18 * HOUR)  # what is shown where nobody works
LOWEST = 15  # minutes: what is drawn for less would not hold its words
LANES = 8


@dataclass(frozen=True)
class Place:
    """From one minute of the day's clock to another, in one of so many lanes beside each other."""

    begins: int
    ends: int
    lane: int = 0
    lanes: int = 1

    @property
    def time(self) -> str:
        begins, ends = self.begins, self.ends
        return f"{begins // HOUR:02}:{begins % HOUR:02}\N{EN DASH}{ends // HOUR:02}:{ends % HOUR:02}"

    @property
    def classes(self) -> str:
        """The classes of static/calendar.css that put it there."""
        high = self.ends - self.begins
        words = f"at-h-{self.begins // HOUR} at-m-{self.begins % HOUR} for-h-{high // HOUR} for-m-{high % HOUR}"
        return words if self.lanes == 1 else f"{words} lane-{self.lane} of-{self.lanes}"


@dataclass(frozen=True)
class Shade:
    """Time in which nobody can be booked, and why."""

    place: Place
    words: str
    is_work: bool = False  # of the time in which somebody would be there
    kind: ClassVar = "shade"

    @property
    def is_plain(self) -> bool:
        """Goes without saying in a list of the day."""
        return not self.is_work and self.place.ends - self.place.begins < DAY


@dataclass
class Block:
    """An appointment, or those that share one time."""

    rows: list[Appointment]
    place: Place
    begins: str
    ends: str
    can_move: bool
    kind: ClassVar = "block"

    @property
    def first(self) -> Appointment:
        return self.rows[0]

    @property
    def is_group(self) -> bool:
        return self.first.type.capacity > 1

    @property
    def is_short(self) -> bool:
        return self.place.ends - self.place.begins < 25

    @property
    def taken(self) -> int:
        return sum(row.is_active for row in self.rows)

    @cached_property
    def shown(self) -> dict[str, str]:
        """What the template writes: of hundreds on a page each word is looked up once, and is a word already."""
        row, tone = self.first, tone_of("appointment", self.first.status)
        marks = ["is-short"] if self.is_short else []
        marks += [] if self.is_group else [f"tone-{tone.name}"]
        return {
            "classes": " ".join([self.place.classes, *self.buffers, *marks, f"tint-{row.type.tone}"]),
            "key": str(row.slot if self.is_group else row.pk),
            "version": str(sum(row.version for row in self.rows)),
            "begins": self.begins,
            "ends": self.ends,
            "icon": tone.icon,
            "status": row.get_status_display(),
            "type": row.type.name,
            "who": row.patient.name,
            "provider": row.provider.person.name,
            "room": row.room.name if row.room else "",
            "minute": str(self.place.begins),
            "minutes": str(row.minutes),
            "step": str(row.type.step_minutes),
        }

    @property
    def buffers(self) -> list[str]:
        """The kept time before and after, to five minutes."""
        row = self.first
        around = {"before": row.begins_at - row.busy_from, "after": row.busy_until - row.ends_at}
        return [f"{side}-{max(5, length // timedelta(minutes=5) * 5)}" for side, length in around.items() if length]


@dataclass
class Held:
    """Time that somebody is about to book."""

    hold: Hold
    place: Place
    words: str
    kind: ClassVar = "held"


@dataclass
class Column:
    """One provider or room on one day."""

    day: date
    title: str
    sub: str = ""
    provider: Provider | None = None
    room: Room | None = None
    shades: list[Shade] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    is_today: bool = False

    @property
    def key(self) -> str:
        subject = self.provider or self.room
        return f"{self.day:%Y%m%d}-{subject.pk if subject else 'none'}"

    @property
    def entries(self) -> list[Shade | Held | Block]:
        """In the order of the day, as a list reads it."""
        return sorted([*self.shades, *self.holds, *self.blocks], key=lambda one: one.place.begins)

    @property
    def patients(self) -> int:
        return sum(block.taken for block in self.blocks)


class Clock:
    """The location's clock, and where it puts things."""

    def __init__(self, location: Location) -> None:
        self.zone = location.zone

    def place(self, span: Span, day: date) -> Place:
        begins, ends = minute_in(span.begins, day, self.zone), minute_in(span.ends, day, self.zone)
        length = int(span.length.total_seconds() // 60)
        return Place(max(0, begins), min(DAY, max(ends, begins + length)))

    def words(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%H:%M}"


class Sheet:
    """A calendar: columns, and the hours from the earliest to the latest that has something in it."""

    def __init__(self, location: Location, columns: list[Column], now: datetime) -> None:
        self.location, self.columns, self.now = location, columns, now
        today = location.today()
        for column in columns:
            column.is_today = column.day == today
        self.first, self.last = self._hours()

    def _hours(self) -> tuple[int, int]:
        """Whole hours of the clock."""
        places = [place for column in self.columns for place in drawn(column)]
        begins, ends = (
            min([p.begins for p in places], default=USUAL[0]),
            max([p.ends for p in places], default=USUAL[1]),
        )
        return begins // HOUR, -(-ends // HOUR)

    @property
    def hours(self) -> range:
        return range(self.first, self.last)

    @property
    def now_at(self) -> Place | None:
        minute = minute_in(self.now, self.location.today(), self.location.zone)
        return Place(minute, minute) if self.first * HOUR <= minute < self.last * HOUR else None


def drawn(column: Column) -> Iterable[Place]:
    """What must be in sight: open time, and everything that is booked or held."""
    shaded = sorted((shade.place.begins, shade.place.ends) for shade in column.shades if not shade.is_work)
    at = 0
    for begins, ends in [*shaded, (DAY, DAY)]:
        if at < begins:
            yield Place(at, begins)
        at = max(at, ends)
    yield from (block.place for block in column.blocks)
    yield from (held.place for held in column.holds)


# --- columns ----------------------------------------------------------------------------


def shades_of(open_time: OpenTime, provider: Provider, location: Location, day: date) -> list[Shade]:
    """Why a provider cannot be booked here: the house is closed, leave, another house, not working."""
    whole, clock = day_span(day, location.zone), Clock(location)
    if closed := location.closed_on(day):
        return [Shade(Place(0, DAY), f"Closed: {closed}")]
    left, found = [whole] if whole.length else [], []
    for words, spans in reasons(open_time, provider, location, day):
        found += [Shade(clock.place(span, day), words, True) for span in common(left, spans) if words]
        left = without(left, spans)
    found += [Shade(clock.place(span, day), "Not working") for span in left]
    return sorted(found, key=lambda shade: shade.place.begins)


def reasons(
    open_time: OpenTime, provider: Provider, location: Location, day: date
) -> Iterable[tuple[str, Sequence[Span]]]:
    planned = open_time.planned(provider, day)
    yield "On leave", common(work_of(planned), open_time.away.get(provider.person_id, ()))
    for shift in planned:
        yield "" if shift.location == location else f"At {shift.location}", shift.spans


def work_of(planned: Iterable) -> list[Span]:
    return merged(span for shift in planned for span in shift.spans)


def provider_columns(
    open_time: OpenTime,
    location: Location,
    providers: Iterable[Provider],
    days: Sequence[date],
    rows: Iterable[Appointment],
    holds: Iterable[Hold],
    may_book: Callable[[Appointment], bool],
) -> list[Column]:
    clock, of_rows, of_holds = Clock(location), by_subject(rows, "provider_id"), by_subject(holds, "provider_id")
    return [
        Column(
            day,
            str(provider) if len(days) == 1 else f"{day:%A}",
            "" if len(days) == 1 else f"{day:%-d %b}",
            provider=provider,
            shades=shades_of(open_time, provider, location, day),
            blocks=blocks_of(clock, of_rows.get(provider.pk, ()), day, may_book),
            holds=holds_of(clock, of_holds.get(provider.pk, ()), day),
        )
        for provider in providers
        for day in days
    ]


def room_columns(
    location: Location,
    rooms: Iterable[Room | None],
    days: Sequence[date],
    rows: Iterable[Appointment],
    may_book: Callable[[Appointment], bool],
) -> list[Column]:
    """One for each room, and one for those that need none."""
    clock, of_rows = Clock(location), by_subject(rows, "room_id")
    return [
        Column(
            day,
            (room.name if room else "No room") if len(days) == 1 else f"{day:%A}",
            (room.get_status_display() if room else "") if len(days) == 1 else f"{day:%-d %b}",
            room=room,
            shades=closed_at(location, day),
            blocks=blocks_of(clock, of_rows.get(room.pk if room else None, ()), day, may_book),
        )
        for room in rooms
        for day in days
    ]


def closed_at(location: Location, day: date) -> list[Shade]:
    if closed := location.closed_on(day):
        return [Shade(Place(0, DAY), f"Closed: {closed}")]
    clock = Clock(location)
    return [
        Shade(clock.place(span, day), "Closed")
        for span in without([day_span(day, location.zone)], opening(location, day))
    ]


def by_subject(rows: Iterable, name: str) -> dict[UUID | None, list]:
    found: dict[UUID | None, list] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


# --- what stands in them ----------------------------------------------------------------


def blocks_of(
    clock: Clock, rows: Iterable[Appointment], day: date, may_book: Callable[[Appointment], bool]
) -> list[Block]:
    """In order, beside each other where they overlap. Patients who share a time share a block."""
    whole, found = day_span(day, clock.zone), []
    inside = sorted((row for row in rows if whole.overlaps(row.span)), key=lambda row: (row.begins_at, row.slot))
    for _, group in groupby(inside, key=lambda row: (row.begins_at, row.slot)):
        shared = list(group)
        if shared[0].type.capacity > 1:
            found.append(block(clock, shared, day, can_move=False))
        else:
            found += [block(clock, [row], day, can_move=may_book(row)) for row in shared]
    return in_lanes(found)


def block(clock: Clock, rows: list[Appointment], day: date, *, can_move: bool) -> Block:
    span = rows[0].span
    return Block(rows, clock.place(span, day), clock.words(span.begins), clock.words(span.ends), can_move)


def in_lanes(blocks: list[Block]) -> list[Block]:
    """Beside each other what would lie upon each other. Those that touch, one after the other, share the same lanes."""
    cluster: list[Block] = []
    until = 0
    for one in sorted(blocks, key=lambda one: one.place.begins):
        if one.place.begins >= until:
            spread(cluster)
            cluster, until = [], 0
        cluster.append(one)
        until = max(until, bottom(one.place))
    spread(cluster)
    return blocks


def spread(cluster: list[Block]) -> None:
    ends: list[int] = []
    lanes = []
    for one in cluster:
        lane = next((number for number, end in enumerate(ends) if end <= one.place.begins), len(ends))
        ends[lane : lane + 1] = [bottom(one.place)]
        lanes.append(lane)
    for one, lane in zip(cluster, lanes, strict=True):
        one.place = replace(one.place, lane=min(lane, LANES - 1), lanes=min(len(ends), LANES))


def bottom(place: Place) -> int:
    return max(place.ends, place.begins + LOWEST)


def holds_of(clock: Clock, holds: Iterable[Hold], day: date) -> list[Held]:
    whole = day_span(day, clock.zone)
    return [
        Held(
            hold, clock.place(hold.span, day), f"Held by {hold.held_by}" if hold.held_by else "Offered to the waitlist"
        )
        for hold in holds
        if whole.overlaps(hold.span)
    ]

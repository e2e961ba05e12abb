"""A series before it is booked or moved: each date, what stands in its way, and what is free near it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hospital.workflow import Refused
from scheduling.diary import Diary, Slot, taken_of
from scheduling.models import Appointment, Location, Provider, Series
from scheduling.moments import begin_of, day_in, wall
from scheduling.picking import Choice, Wanted, picked

PLANNED, LEFT_OUT = "planned", "none"
NEAREST, AROUND = 3, 4


@dataclass(frozen=True)
class Occurrence:
    """One date of a series. `moving` is the appointment that comes from elsewhere to it."""

    number: int
    begins_at: datetime
    location: Location
    why: str
    nearest: list[Choice]
    chosen: str
    moving: Appointment | None = None

    @property
    def field(self) -> str:
        return f"pick-{self.number}"

    @property
    def at(self) -> datetime:
        return wall(self.begins_at, self.location.zone)

    @property
    def is_left_out(self) -> bool:
        return self.chosen == LEFT_OUT

    @property
    def time(self) -> datetime:
        """The time that is booked in the end."""
        return self.begins_at if self.chosen == PLANNED else picked(self.chosen)[1]


class Plan:
    """The dates as they would be booked with one provider; `choices` are what was chosen where one is not free."""

    def __init__(
        self,
        wanted: Wanted,
        provider: Provider,
        location: Location,
        times: list[datetime],
        *,
        choices: Mapping[str, str],
        moving: Iterable[Appointment] = (),
    ) -> None:
        self.wanted, self.provider, self.location = wanted, provider, location
        rows = list(moving)
        days = [day_in(at, location.zone) for at in times]
        first, last = min(days) - timedelta(days=AROUND), max(days) + timedelta(days=AROUND)
        self.diary = Diary([provider], first, last, leaving=rows)
        self.mine = taken_of(wanted.patient, rows)
        self.now = datetime.now(UTC)
        self.dates = [
            self.occurrence(number, at, choices, rows[number] if rows else None) for number, at in enumerate(times)
        ]

    @property
    def kept(self) -> list[Occurrence]:
        return [one for one in self.dates if not one.is_left_out]

    @property
    def conflicts(self) -> int:
        return sum(bool(one.why) for one in self.dates)

    def occurrence(
        self, number: int, at: datetime, choices: Mapping[str, str], moving: Appointment | None
    ) -> Occurrence:
        why = self.obstacle(at)
        nearest = self.near(at) if why else []
        offered = [choice.key for choice in nearest] if why else [PLANNED]
        usual = min(nearest, key=lambda choice: abs(choice.slot.begins_at - at)).key if nearest else LEFT_OUT
        chosen = choices.get(f"pick-{number}", usual if why else PLANNED)
        if chosen not in offered:
            chosen = LEFT_OUT
        return Occurrence(number, at, self.location, why, nearest, chosen, moving)

    def obstacle(self, at: datetime) -> str:
        """Why this time cannot be had; nothing, if it can."""
        wanted, span, busy = self.wanted, self.wanted.span(at), self.wanted.busy(at)
        if at < self.now:
            return "It has passed"
        day = day_in(at, self.location.zone)
        place = self.diary.open_at(self.provider, span)
        if place is None:
            closed = self.location.closed_on(day)
            return f"Closed: {closed}" if closed else f"{self.provider} does not work then"
        if any(span.overlaps(other) for other in self.mine):
            return "The patient has another appointment"
        if wanted.is_shared and any(slot.span == span for slot in self.shared(day)):
            return ""
        if any(busy.overlaps(other) for other in self.diary.taken(self.provider, wanted.by)):
            return "Taken"
        return "" if self.diary.has_room(place, span, wanted.type) else "No room is free"

    def shared(self, day: date) -> Iterable[Slot]:
        return self.diary.shared(self.provider, self.location, day, self.wanted.type)

    def near(self, at: datetime) -> list[Choice]:
        """The nearest free times of that day, or else of the days around it."""
        day = day_in(at, self.location.zone)
        for reach in range(AROUND):
            days = {day - timedelta(days=reach), day + timedelta(days=reach)}
            slots = [slot for one in days for slot in self.slots_of(one)]
            if slots:
                nearest = sorted(slots, key=lambda slot: (abs(slot.begins_at - at), slot.begins_at))[:NEAREST]
                return [Choice(slot) for slot in sorted(nearest, key=lambda slot: slot.begins_at)]
        return []

    def slots_of(self, day: date) -> list[Slot]:
        wanted = self.wanted
        return self.diary.slots(
            self.provider, day, wanted.type, by=wanted.by, also_taken=self.mine, minutes=wanted.minutes
        )


def times_of(series: Series, first: datetime, location: Location) -> list[datetime]:
    """The same time of the wall's clock on each day, also when the clock was changed in between."""
    local = first.astimezone(location.zone)
    return [begin_of(day, local.time(), location.zone) for day in series.days(local.date())]


def shifted(rows: Iterable[Appointment], days: int, at: time) -> list[datetime]:
    """So many days later (or earlier), at this time of each one's own clock."""
    try:
        return [begin_of(row.day + timedelta(days=days), at, row.location.zone) for row in rows]
    except OverflowError:
        raise Refused("Nobody plans so far ahead. Choose an earlier day.", status=422) from None

"""Choosing a time: what is looked for, the days with their free slots, and the key by which a button names one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from uuid import UUID

from django.utils import timezone

from clinical.models import Patient
from hospital.models import Person
from hospital.workflow import Refused
from scheduling.diary import Slot, free_days
from scheduling.models import Appointment, AppointmentType, Location, Provider, Wish
from scheduling.moments import Span, wall

NOON = time(12)
DAYS, OF_A_DAY, MANY, NEXT = 5, 12, 200, 6
AHEAD = timedelta(days=2 * 366)
PART = Wish.Part


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. `leaving` is the appointment that is about to be moved."""

    patient: Patient
    type: AppointmentType
    by: Person
    provider: Provider | None = None
    location: Location | None = None
    part: str = PART.ANY
    minutes: int | None = None
    leaving: Appointment | None = None

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes) if self.minutes else self.type.length

    @property
    def is_shared(self) -> bool:
        """Several may take the same time: it is not held for one of them."""
        return self.type.capacity > 1

    def span(self, begins_at: datetime) -> Span:
        return Span(begins_at, begins_at + self.length)

    def busy(self, begins_at: datetime) -> Span:
        span = self.span(begins_at)
        return Span(span.begins - self.type.before, span.ends + self.type.after)

    @cached_property
    def providers(self) -> list[Provider]:
        rows = Provider.objects.at_work().select_related("person", "location").prefetch_related("offerings")
        return [row for row in rows if self.provider in (None, row) and row.offers(self.type)]

    def days(self, first: date) -> Iterator[tuple[date, list[Slot]]]:
        """Days on which there is something free, from this one on."""
        found = free_days(
            self.type,
            self.providers,
            after=first,
            patient=self.patient,
            by=self.by,
            location=self.location,
            minutes=self.minutes,
            leaving=[self.leaving] if self.leaving else (),
        )
        for day, slots in found:
            if fitting := [slot for slot in slots if self.fits(slot)]:
                yield day, fitting

    def fits(self, slot: Slot) -> bool:
        return self.part == PART.ANY or (clock(slot).time() < NOON) == (self.part == PART.MORNING)

    def next_after(self, begins_at: datetime) -> list[Choice]:
        """The next free ones from this moment on."""
        found: list[Slot] = []
        for _, slots in self.days(begins_at.date() - timedelta(days=1)):
            found += [slot for slot in earliest(slots) if slot.begins_at >= begins_at]
            if len(found) >= NEXT:
                break
        return [Choice(slot) for slot in found[:NEXT]]


@dataclass(frozen=True)
class Choice:
    """One button."""

    slot: Slot

    @property
    def key(self) -> str:
        return key_of(self.slot.provider, self.slot.begins_at)

    @property
    def at(self) -> datetime:
        return clock(self.slot)

    @property
    def time(self) -> str:
        return f"{self.at:%H:%M}"

    @property
    def words(self) -> str:
        return f"{self.at:%A %-d %B, %H:%M}"


@dataclass(frozen=True)
class FreeDay:
    day: date
    choices: list[Choice]
    more: int = 0


@dataclass
class Page:
    """Some days, and where the next ones begin."""

    first: date
    days: list[FreeDay] = field(default_factory=list)
    later: date | None = None

    @property
    def earlier(self) -> date | None:
        """A week before, but nothing of the past."""
        today = timezone.localdate()
        return max(today, self.first - timedelta(days=7)) if self.first > today else None


def page_of(wanted: Wanted, first: date, *, whole: bool = False) -> Page:
    """The first days with something free, or all of one day."""
    page = Page(first)
    for day, slots in wanted.days(first):
        if whole and day != first:
            break
        if len(page.days) == DAYS:
            page.later = day
            break
        choices = [Choice(slot) for slot in earliest(slots)]
        shown = choices[: MANY if whole else OF_A_DAY]
        page.days.append(FreeDay(day, shown, len(choices) - len(shown)))
    if whole:
        page.later = first + timedelta(days=1)
    return page


def earliest(slots: Iterable[Slot]) -> list[Slot]:
    """One for each time: of several who are free, the one with the most free time that day."""
    slots = list(slots)
    free = Counter(slot.provider.pk for slot in slots)
    found: dict[tuple[datetime, UUID], Slot] = {}
    for slot in sorted(slots, key=lambda slot: (slot.begins_at, -free[slot.provider.pk])):
        found.setdefault((slot.begins_at, slot.location.pk), slot)
    return list(found.values())


def first_today(wanted: Wanted) -> list[Choice]:
    """For somebody who stands at the desk: the first free time of each, today by their location's clock."""
    found: list[Choice] = []
    for provider in wanted.providers:
        only = replace(wanted, provider=provider)
        day, slots = next(only.days(provider.location.today()), (None, []))
        if day == provider.location.today():
            found.append(Choice(slots[0]))
    return sorted(found, key=lambda choice: choice.slot.begins_at)


def clock(slot: Slot) -> datetime:
    return wall(slot.begins_at, slot.location.zone)


# --- the key of a button -----------------------------------------------------------------


def key_of(provider: Provider, begins_at: datetime) -> str:
    return f"{provider.pk}@{begins_at.astimezone(UTC):%Y-%m-%dT%H:%M}"


def picked(key: str) -> tuple[Provider, datetime]:
    """The provider and the moment; whatever else is sent is refused."""
    pk, _, moment = key.partition("@")
    try:
        provider, begins_at = UUID(pk), datetime.strptime(moment, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise damaged() from None
    if not -timedelta(days=1) < begins_at - timezone.now() < AHEAD:
        raise damaged()
    row = Provider.objects.at_work().select_related("person", "location").filter(pk=provider).first()
    if row is None:
        raise damaged()
    return row, begins_at


def damaged() -> Refused:
    return Refused("This is no time that can be booked. Choose one of the free slots.", status=422)

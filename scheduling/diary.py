"""Who works when, and what is taken: read once for some providers and days, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from clinical.models import Patient
from clinical.together import keep, together
from hospital.models import Absence, Person
from scheduling.models.appointment import Appointment
from scheduling.models.hold import Hold
from scheduling.models.place import Location, OpeningHours, Room, SpecialDay
from scheduling.models.provider import AppointmentType, Provider, WorkingHours
from scheduling.moments import Span, day_span, span_of
from scheduling.slots import common, free_slots, without

FAR = 366  # days that a search for the next free slots looks ahead
STEP = 14  # days that it reads at first; then twice as many each time


@dataclass(frozen=True)
class Slot:
    """A time that can be booked now. `seats` are those left in a shared one."""

    provider: Provider
    location: Location
    span: Span
    seats: int = 1

    @property
    def begins_at(self) -> datetime:
        return self.span.begins


@dataclass(frozen=True)
class Shift:
    """A provider's open time at one location on one day: working hours within the opening hours, without leave."""

    location: Location
    spans: list[Span]


def open_locations() -> dict[UUID, Location]:
    """With their hours and special days, in one round trip."""
    here = Location.objects.filter(is_active=True)
    hours = OpeningHours.objects.filter(location__in=here.order_by())
    special = SpecialDay.objects.filter(location__in=here.order_by())
    told = together(locations=here, opening_hours=hours, special_days=special)
    found = {location.pk: location for location in told["locations"]}
    for name in ("opening_hours", "special_days"):
        rows = grouped(told[name], "location_id")
        for location in found.values():
            keep(location, name, rows.get(location.pk, []))
    return found


class OpenTime:
    """When these providers are to be found, and where; nothing of what is booked."""

    def __init__(
        self,
        providers: Iterable[Provider],
        first: date,
        last: date,
        *,
        locations: dict[UUID, Location] | None = None,
    ) -> None:
        self.providers, self.first, self.last = list(providers), first, last
        self.locations = open_locations() if locations is None else locations
        # A day of one clock may lie a day beside another's.
        self.window = Span(midnight(first - timedelta(days=2)), midnight(last + timedelta(days=3)))
        self.hours: dict[UUID, list[WorkingHours]] = grouped(
            WorkingHours.objects.filter(provider__in=self.providers).order_by("begins"), "provider_id"
        )
        self.away = self._absences()

    def _absences(self) -> dict[UUID, list[Span]]:
        people = {provider.person_id for provider in self.providers}
        rows = Absence.objects.filter(person__in=people, begins_at__lt=self.window.ends).filter(
            Q(ends_at=None) | Q(ends_at__gt=self.window.begins)
        )
        found: dict[UUID, list[Span]] = defaultdict(list)
        for row in rows:
            ends = min(moment for moment in (row.ends_at, row.ended_at, self.window.ends) if moment is not None)
            if row.begins_at < ends:
                found[row.person_id].append(Span(row.begins_at, ends))
        return found

    # --- open time -----------------------------------------------------------------------

    def planned(self, provider: Provider, day: date) -> list[Shift]:
        """Where this provider works on this day, leave or not."""
        by_place: dict[UUID, list[Span]] = defaultdict(list)
        for hours in self.hours.get(provider.pk, ()):
            location = self.locations.get(hours.location_id)
            if location is None or not hours.is_on(day):
                continue
            span = span_of(day, hours.begins, hours.ends, location.zone)
            if span is not None:
                by_place[location.pk].append(span)
        places = [(self.locations[pk], spans) for pk, spans in by_place.items()]
        shifts = [Shift(location, common(spans, opening(location, day))) for location, spans in places]
        return [shift for shift in shifts if shift.spans]

    def shifts(self, provider: Provider, day: date) -> list[Shift]:
        """Where this provider is to be found on this day, and when."""
        away = self.away.get(provider.person_id, ())
        shifts = [Shift(shift.location, without(shift.spans, away)) for shift in self.planned(provider, day)]
        return [shift for shift in shifts if shift.spans]

    def open_at(self, provider: Provider, span: Span) -> Location | None:
        """Where the provider works during all of this span."""
        for shift in self._shifts_around(provider, span):
            if any(open.holds(span) for open in shift.spans):
                return shift.location
        return None

    def _shifts_around(self, provider: Provider, span: Span) -> Iterator[Shift]:
        day = span.begins.date() - timedelta(days=1)
        for offset in range(3):
            yield from self.shifts(provider, day + timedelta(days=offset))


class Diary(OpenTime):
    """The open time, and what is taken of it, but for what is `leaving`: appointments about to be moved."""

    def __init__(
        self, providers: Iterable[Provider], first: date, last: date, *, leaving: Iterable[Appointment] = ()
    ) -> None:
        super().__init__(providers, first, last)
        inside = {"busy_from__lt": self.window.ends, "busy_until__gt": self.window.begins}
        booked = Appointment.objects.active().filter(**inside).exclude(pk__in=[row.pk for row in leaving])
        self.appointments: dict[UUID, list[Appointment]] = grouped(
            booked.filter(provider__in=self.providers), "provider_id"
        )
        self.holds: dict[UUID, list[Hold]] = grouped(
            Hold.objects.standing().filter(provider__in=self.providers, **inside).select_related("held_by"),
            "provider_id",
        )
        self.rooms: dict[UUID, list[Room]] = grouped(Room.objects.filter(is_active=True), "location_id")
        self.rooms_taken: dict[UUID, list[Span]] = defaultdict(list)
        for room, begins, ends in booked.filter(room__isnull=False).values_list("room_id", "busy_from", "busy_until"):
            self.rooms_taken[room].append(Span(begins, ends))

    # --- what is free ---------------------------------------------------------------------

    def slots(
        self,
        provider: Provider,
        day: date,
        type: AppointmentType,
        *,
        by: Person | None = None,
        also_taken: Iterable[Span] = (),
        minutes: int | None = None,
    ) -> list[Slot]:
        """The free slots of a provider on a day, in order. `also_taken` is the patient's own time."""
        if not provider.offers(type):
            return []
        length = timedelta(minutes=minutes) if minutes else type.length
        mine = list(also_taken)
        taken = self.taken(provider, by)
        found = []
        for shift in self.shifts(provider, day):
            free = free_slots(
                shift.spans,
                taken,
                length=length,
                step=type.step,
                before=type.before,
                after=type.after,
                not_before=timezone.now(),
            )
            seats = type.capacity
            found += [
                Slot(provider, shift.location, span, seats)
                for span in free
                if self.has_room(shift.location, span, type)
            ]
            found += self.shared(provider, shift.location, day, type)
        return sorted(
            (slot for slot in found if not any(slot.span.overlaps(other) for other in mine)),
            key=lambda slot: slot.begins_at,
        )

    def taken(self, provider: Provider, by: Person | None) -> list[Span]:
        holds = [hold.span for hold in self.holds.get(provider.pk, ()) if by is None or hold.held_by_id != by.pk]
        return [row.busy for row in self.appointments.get(provider.pk, ())] + holds

    def has_room(self, location: Location, span: Span, type: AppointmentType) -> bool:
        if not type.needs_room:
            return True
        busy = Span(span.begins - type.before, span.ends + type.after)
        rooms = self.rooms.get(location.pk, ())
        return any(not any(busy.overlaps(other) for other in self.rooms_taken.get(room.pk, ())) for room in rooms)

    def shared(self, provider: Provider, location: Location, day: date, type: AppointmentType) -> Iterator[Slot]:
        """Times that others have already, with seats left."""
        if type.capacity == 1:
            return
        whole, now = day_span(day, location.zone), timezone.now()
        seated: dict[Span, int] = defaultdict(int)
        for row in self.appointments.get(provider.pk, ()):
            if row.type_id == type.pk and whole.begins <= row.begins_at < whole.ends and row.begins_at >= now:
                seated[row.span] += 1
        for span, number in seated.items():
            if number < type.capacity:
                yield Slot(provider, location, span, type.capacity - number)


def opening(location: Location, day: date) -> list[Span]:
    """When the house is open on this day. A house without any hours is open whenever somebody works there."""
    if location.closed_on(day):
        return []
    rows = list(location.opening_hours.all())
    if not rows:
        return [day_span(day, location.zone)]
    spans = (span_of(day, row.begins, row.ends, location.zone) for row in rows if row.weekday == day.weekday())
    return [span for span in spans if span is not None]


def next_free(
    type: AppointmentType,
    providers: Iterable[Provider],
    *,
    after: date,
    most: int = 8,
    patient: Patient | None = None,
    by: Person | None = None,
    location: Location | None = None,
    minutes: int | None = None,
    days: int = FAR,
) -> list[Slot]:
    """The first free slots from this day on, of any of these providers, the earliest first."""
    found: list[Slot] = []
    for _, slots in free_days(
        type, providers, after=after, patient=patient, by=by, location=location, minutes=minutes, days=days
    ):
        found += slots
        if len(found) >= most:
            break
    return found[:most]


def free_days(
    type: AppointmentType,
    providers: Iterable[Provider],
    *,
    after: date,
    patient: Patient | None = None,
    by: Person | None = None,
    location: Location | None = None,
    minutes: int | None = None,
    days: int = FAR,
    leaving: Collection[Appointment] = (),
) -> Iterator[tuple[date, list[Slot]]]:
    """Each day from this one on with what is free on it, also where that is nothing. Reads further only as it is asked."""
    providers = [provider for provider in providers if provider.offers(type)]
    mine = taken_of(patient, leaving)
    for first, last in stretches(after, days):
        diary = Diary(providers, first, last, leaving=leaving)
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            slots = [
                slot
                for provider in providers
                for slot in diary.slots(provider, day, type, by=by, also_taken=mine, minutes=minutes)
                if location is None or slot.location == location
            ]
            yield day, sorted(slots, key=lambda slot: slot.begins_at)


def stretches(after: date, days: int) -> Iterator[tuple[date, date]]:
    """The days in stretches, each twice as long as the one before: a search that finds nothing soon asks seldom."""
    first, end, step = after, after + timedelta(days=days), STEP
    while first < end:
        last = min(first + timedelta(days=step), end) - timedelta(days=1)
        yield first, last
        first, step = last + timedelta(days=1), step * 2


def taken_of(patient: Patient | None, leaving: Iterable[Appointment] = ()) -> list[Span]:
    if patient is None:
        return []
    rows = Appointment.objects.active().filter(patient=patient, ends_at__gt=timezone.now())
    rows = rows.exclude(pk__in=[row.pk for row in leaving])
    return [Span(begins, ends) for begins, ends in rows.values_list("begins_at", "ends_at")]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def grouped(rows: Iterable, key: str) -> dict:
    found = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found

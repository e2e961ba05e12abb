"""Where and with whom appointments are made, and those that are to come. What has come already is in the visits' plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.demo.houses import House
from clinical.models import Patient
from hospital.models import Absence, Person, Tenant
from hospital.workflow import Refused
from scheduling.diary import Slot, next_free
from scheduling.models import (
    Appointment,
    AppointmentType,
    Location,
    OpeningHours,
    Provider,
    Room,
    Series,
    SpecialDay,
    Wish,
    WorkingHours,
)

MINUTE = timedelta(minutes=1)
LENGTHS = (None, 10, 5)
NEAR = (5, 0, 10, 15, -5, 20, 25, -10, 30, 35, 40, 45, 50, 60, -20, -30, -40)  # minutes after somebody registers
MIDNIGHT = time(0)
WEEKDAYS, ALL_DAYS = range(5), range(7)
TYPES = (
    AppointmentType(name="Check-up", minutes=20, tone="blue", instructions="Bring the medicines that you take."),
    AppointmentType(name="Consultation", minutes=30, tone="teal", step_minutes=30),
    AppointmentType(name="Follow-up", minutes=15, tone="green"),
    AppointmentType(
        name="Minor procedure",
        service="96920",  # the insurer of the demo wants an authorisation for it
        minutes=40,
        tone="orange",
        before_minutes=5,
        after_minutes=10,
        step_minutes=20,
        instructions="Eat nothing for four hours before. Have somebody take you home.",
    ),
    AppointmentType(
        name="Video consultation",
        minutes=20,
        tone="purple",
        is_virtual=True,
        needs_room=False,
        instructions="Open the address five minutes before, in a quiet room.",
    ),
    AppointmentType(name="Diabetes group", minutes=60, tone="pink", capacity=8, step_minutes=60),
)


@dataclass(frozen=True)
class Site:
    name: str
    address: str
    phone: str
    time_zone: str
    country: str
    region: str = ""
    rooms: int = 3


SITES = {
    "riverside": (
        Site("Riverside Main", "1 River Street, Springfield", "(413) 555-0190", "America/New_York", "US", "MA", 6),
        Site("Riverside West", "88 Lake Shore, Chicago", "(312) 555-0142", "America/Chicago", "US", "IL", 2),
    ),
    "lakeside": (
        Site("Lakeside Clinic", "3 Station Street, Keswick", "020 7946 0190", "Europe/London", "GB", "ENG", 5),
        Site("Lakeside Oslo", "Storgata 12, Oslo", "+47 21 00 00 00", "Europe/Oslo", "NO", "", 2),
    ),
}


@dataclass
class Book:
    """`on_duty` sees patients at any hour, as a hospital does; the doctors keep hours."""

    house: House
    tenant: Tenant
    clock: Clock
    day: Day
    chance: Random
    locations: list[Location] = field(default_factory=list)
    types: dict[str, AppointmentType] = field(default_factory=dict)

    def set_up(self) -> None:
        self.locations = [self.location(site) for site in SITES[self.house.slug]]
        for kind in TYPES:
            fields = {one.name: getattr(kind, one.name) for one in AppointmentType._meta.fields if one.name not in OWN}
            self.types[kind.name] = AppointmentType.objects.create(**fields)
        staff = self.day.people
        self.on_duty = self.provider(staff["checker_doctor"], 0, "teal", ALL_DAYS, ((MIDNIGHT, MIDNIGHT),))
        office = ((time(8, 30), time(12, 30)), (time(13, 15), time(17)))
        self.doctor = self.provider(staff["main_doctor"], 1, "purple", WEEKDAYS, office)
        self.doctor.video_url = f"https://video.example/{self.house.slug}/{self.doctor.person.name.split()[0].lower()}"
        self.doctor.save()
        self.on_duty.offer_exactly(self.types[name] for name in ("Check-up", "Follow-up", "Minor procedure"))
        elsewhere = Person.objects.get(email="everywhere@hospitals.example")
        self.visiting = self.provider(elsewhere, 2, "orange", range(1, 4), ((time(9), time(15)),), self.locations[1])

    def location(self, site: Site) -> Location:
        made = Location.objects.create(
            name=site.name,
            address=site.address,
            phone=site.phone,
            time_zone=site.time_zone,
            country=site.country,
            region=site.region,
        )
        is_main = not self.locations and site is SITES[self.house.slug][0]
        begins, ends = (MIDNIGHT, MIDNIGHT) if is_main else (time(8), time(18))
        for weekday in ALL_DAYS if is_main else WEEKDAYS:
            OpeningHours(location=made, weekday=weekday, begins=begins, ends=ends).save()
        for number in range(1, site.rooms + 1):
            Room(location=made, name=f"Room {number}").save()
        inventory = made.today() + timedelta(days=24)
        SpecialDay(location=made, day=inventory, name="Stocktaking").save()
        return made

    def provider(
        self,
        person: Person,
        position: int,
        tone: str,
        days: range,
        hours: tuple[tuple[time, time], ...],
        location: Location | None = None,
    ) -> Provider:
        location = location or self.locations[0]
        made = Provider(person=person, location=location, position=position, tone=tone)
        made.save()
        for weekday in days:
            for begins, ends in hours:
                WorkingHours(provider=made, location=location, weekday=weekday, begins=begins, ends=ends).save()
        return made

    # --- those who come, or have come -----------------------------------------------------

    def for_visit(self, patient: Patient, reason: str, registered: datetime) -> Appointment | None:
        """The appointment for which somebody registers then; nothing, where no time or room is left."""
        self.clock.at = registered - timedelta(days=self.chance.randrange(1, 9), minutes=self.chance.randrange(300))
        return self.near(patient, registered, reason)

    def near(self, patient: Patient, moment: datetime, reason: str = "") -> Appointment | None:
        """With whoever is on duty, on the same day."""
        near = [floor(moment) + minutes * MINUTE for minutes in NEAR]
        times = [begins for begins in near if self.day_of(begins) == self.day_of(moment)]
        for minutes in LENGTHS:
            for begins in times:
                made = self.one(patient, "Check-up", self.on_duty, begins, minutes, reason=reason)
                if made is not None:
                    return made
        return None

    def first_near(self, patient: Patient, moments: Iterable[datetime]) -> Appointment | None:
        """Near the first of these where time and a room are left: some hours are full."""
        return next(filter(None, (self.near(patient, moment) for moment in moments)), None)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.locations[0].zone).date()

    def booked(
        self, patient: Patient, kind: str, provider: Provider, begins: datetime, **fields: Any
    ) -> Appointment | None:
        """As long as the type takes, or shorter where the time is short."""
        tries = (self.one(patient, kind, provider, begins, minutes, **fields) for minutes in LENGTHS)
        return next((made for made in tries if made is not None), None)

    def one(
        self, patient: Patient, kind: str, provider: Provider, begins: datetime, minutes: int | None, **fields: Any
    ) -> Appointment | None:
        with self.day.as_("reception") as by, suppress(Refused):
            return Appointment.book(
                patient, self.types[kind], provider, begins, by=by, minutes=minutes, outside=True, **fields
            )
        return None

    # --- today, and the days to come ------------------------------------------------------

    def fill(self, patients: Iterator[Patient], now: datetime) -> None:
        self.today(patients, now)
        self.coming_days(patients)

    def today(self, patients: Iterator[Patient], now: datetime) -> None:
        """Who did not come, who cancelled late, who moved, and who is still to come."""
        before, after = self.left_of_today(now)
        self.clock.at = now - timedelta(days=3)
        missed = self.first_near(next(patients), [now - before * part for part in (0.55, 0.8, 0.3)])
        moved = self.first_near(next(patients), [now - before * 0.3, now + after * 0.5, now + after * 0.9])
        cancelled = self.first_near(next(patients), [now + after * part for part in (0.1, 0.3, 0.7)])
        coming = [self.near(next(patients), now + after * part) for part in (0.25, 0.4, 0.6, 0.8)]
        self.clock.at = now - before * 0.6
        with self.day.as_("reception") as by:
            if moved:
                self.move_to_next_week(moved, by)
            if cancelled:
                cancelled.cancel("The child is ill", by=by)
        for row in coming[:2]:
            if row:
                with self.day.as_("reception"):
                    row.confirm()
        self.clock.at = now
        if missed and missed.begins_at < now:
            with self.day.as_("reception") as by:
                missed.miss(by=by)

    def left_of_today(self, now: datetime) -> tuple[timedelta, timedelta]:
        """What of the day is over, and what is left of it: three hours of each at most. A day just begun counts from noon."""
        local = now.astimezone(self.locations[0].zone)
        begun = local.replace(hour=0, minute=0, second=0, microsecond=0)
        most, over = timedelta(hours=3), local - begun
        before = min(most, over) if over > most / 2 else over + timedelta(hours=12)
        return before, min(most, begun + timedelta(days=1) - local)

    def move_to_next_week(self, appointment: Appointment, by: Person) -> None:
        slots = self.free("Check-up", [self.on_duty], ahead=5)
        if slots:
            appointment.reschedule(slots[0].begins_at, by=by, reason="Has to work", minutes=20)

    def free(self, kind: str, providers: list[Provider], *, ahead: int, most: int = 12) -> list[Slot]:
        first = self.locations[0].today() + timedelta(days=ahead)
        return next_free(self.types[kind], providers, after=first, most=most, days=28)

    def coming_days(self, patients: Iterator[Patient]) -> None:
        for ahead, kind, provider, number in (
            (1, "Consultation", self.doctor, 4),
            (1, "Check-up", self.on_duty, 2),
            (2, "Consultation", self.doctor, 3),
            (2, "Video consultation", self.doctor, 2),
            (3, "Minor procedure", self.doctor, 1),
            (1, "Consultation", self.visiting, 3),
        ):
            slots = self.free(kind, [provider], ahead=ahead, most=number * 2)[::2]
            for slot in slots[:number]:
                self.booked(next(patients), kind, provider, slot.begins_at)
        self.group(patients)
        self.series(next(patients))
        self.waitlist(patients)
        self.leave()

    def group(self, patients: Iterator[Patient]) -> None:
        for slot in self.free("Diabetes group", [self.doctor], ahead=4, most=1):
            for _ in range(4):
                self.booked(next(patients), "Diabetes group", self.doctor, slot.begins_at)

    def series(self, patient: Patient) -> None:
        weekly = Series.objects.create(times=4)
        for slot in self.free("Follow-up", [self.doctor], ahead=3, most=1):
            day = slot.begins_at.astimezone(slot.location.zone)
            for week in weekly.days(day.date()):
                begins = datetime.combine(week, day.time(), tzinfo=slot.location.zone)
                self.booked(patient, "Follow-up", self.doctor, begins, reason="Change of dressing", series=weekly)

    def waitlist(self, patients: Iterator[Patient]) -> None:
        """One is asked about a time that has just become free; the others wait."""
        first, last = self.locations[0].today(), self.locations[0].today() + timedelta(days=21)
        for kind, part, note in (
            ("Consultation", "any", "Can come at short notice"),
            ("Consultation", "morning", ""),
            ("Minor procedure", "any", "Prefers a Friday"),
        ):
            self.wait(next(patients), kind, part, note, first, last)
        withdrawn = self.wait(next(patients), "Check-up", "afternoon", "", first, last)
        with self.day.as_("reception") as by:
            withdrawn.withdraw(by=by)
            freed = Appointment.objects.filter(status="booked", provider=self.doctor, type=self.types["Consultation"])
            row = freed.filter(begins_at__date__gt=first).order_by("begins_at").last()
            if row:
                row.cancel("Feels well again", by=by)

    def wait(self, patient: Patient, kind: str, part: str, note: str, first: date, last: date) -> Wish:
        wish = Wish(patient=patient, type=self.types[kind], part=part, note=note, first_day=first, last_day=last)
        with self.day.as_("reception") as by:
            wish.add(by=by)
        return wish

    def leave(self) -> None:
        """The visiting doctor has declared leave, over an appointment that is booked."""
        row = Appointment.objects.filter(status="booked", provider=self.visiting).order_by("begins_at").last()
        if row:
            begins = row.begins_at - 10 * MINUTE
            Absence(person=self.visiting.person, begins_at=begins, ends_at=begins + timedelta(hours=8)).declare(by=None)


OWN = ("id", "tenant", "version", "created_at", "updated_at")


def floor(moment: datetime) -> datetime:
    """The five minutes that it lies in."""
    return moment - timedelta(minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond)

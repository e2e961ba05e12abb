"""A house with a doctor, hours, rooms and types for the tests of this app."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from clinical.models import Patient
from clinical.tests.wards import a_patient
from hospital.models import Person
from hospital.tests.hospital import Hospital
from scheduling.models import Appointment, AppointmentType, Location, Provider, Room, WorkingHours

NOON_TO_NOON = (time(0), time(0))


def a_location(name: str = "Main house", *, rooms: int = 3, **fields: Any) -> Location:
    location = Location.objects.create(name=name, **fields)
    for number in range(1, rooms + 1):
        Room(location=location, name=f"{name} {number}").save()
    return location


def a_type(name: str = "Check-up", **fields: Any) -> AppointmentType:
    return AppointmentType.objects.create(name=name, **{"minutes": 30, **fields})


def a_provider(person: Person, location: Location, *, days: range = range(7), hours: Any = NOON_TO_NOON) -> Provider:
    """Works every day around the clock, unless told otherwise."""
    provider = Provider(person=person, location=location)
    provider.save()
    for weekday in days:
        WorkingHours(provider=provider, location=location, weekday=weekday, begins=hours[0], ends=hours[1]).save()
    return provider


def morning(days: int = 1, hour: int = 9, minute: int = 0) -> datetime:
    """A time so many days from now, in UTC."""
    day = timezone.now().date() + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), tzinfo=UTC)


def next_weekday(weekday: int) -> date:
    today = timezone.now().date()
    return today + timedelta(days=(weekday - today.weekday()) % 7 or 7)


class Desk:
    """`Desk(alpha)`: the checker doctor and the doctor are providers of one house."""

    def __init__(self, hospital: Hospital, **location: Any) -> None:
        self.hospital = hospital
        with hospital.acting():
            self.location = a_location(**location)
            self.type = a_type()
            self.doctor = a_provider(hospital.main_doctor, self.location)
            self.checker = a_provider(hospital.checker_doctor, self.location)

    def patient(self, **fields: Any) -> Patient:
        with self.hospital.acting("reception"):
            return a_patient(**fields)

    def book(self, begins_at: datetime | None = None, *, role: str = "reception", **fields: Any) -> Appointment:
        patient = fields.pop("patient", None) or self.patient()
        provider = fields.pop("provider", self.doctor)
        kind = fields.pop("type", self.type)
        with self.hospital.acting(role) as acting:
            return Appointment.book(patient, kind, provider, begins_at or morning(), by=acting.person, **fields)

    def due(self, **fields: Any) -> Appointment:
        """One of today that is about to begin; late in the evening it reaches beyond the hours of the day."""
        return self.book(soon(), **{"outside": True, **fields})


def soon() -> datetime:
    """A few minutes from now, and still today: at the very end of the day it is the last moment of it."""
    now = timezone.now()
    later = now + timedelta(minutes=2)
    return later if later.date() == now.date() else now

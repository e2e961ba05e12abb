"""Appointments for other calendars, after RFC 5545. Patients have no names there: a feed lies on servers of others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import icalendar
from django.db import connection
from django.utils import timezone

from hospital.templatetags.ui import initials
from scheduling.letters import where
from scheduling.models import Appointment, Provider

PRODUCT = "-//Hospital//Appointments//EN"
PAST, FUTURE = timedelta(days=30), timedelta(days=400)
GONE = (Appointment.Status.CANCELLED, Appointment.Status.RESCHEDULED, Appointment.Status.NO_SHOW)
CONTENT_TYPE = "text/calendar; charset=utf-8"

# From each row back to the first of its history: that one names it for good, and every save on the way counts.
ORIGINS = """
    WITH RECURSIVE way AS (
        SELECT id AS of, id, moved_from_id, version FROM scheduling_appointment WHERE id = ANY(%s)
        UNION ALL
        SELECT way.of, before.id, before.moved_from_id, before.version
        FROM way JOIN scheduling_appointment before ON before.id = way.moved_from_id
    )
    SELECT of, (array_agg(id) FILTER (WHERE moved_from_id IS NULL))[1], sum(version) FROM way GROUP BY of
"""


def feed_of(provider: Provider) -> bytes:
    """What is booked with this provider, and what no longer is."""
    now = timezone.now()
    rows = Appointment.objects.filter(provider=provider, begins_at__gt=now - PAST, begins_at__lt=now + FUTURE)
    return written(rows.shown(), f"Appointments of {provider}", for_patient=False)


def file_of(appointment: Appointment, *, for_patient: bool = False) -> bytes:
    return written([appointment], "", for_patient=for_patient)


def written(rows: Iterable[Appointment], name: str, *, for_patient: bool) -> bytes:
    rows = list(rows)
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    if name:
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", timedelta(minutes=15), parameters={"value": "DURATION"})
    for appointment, uid, sequence in latest(rows):
        calendar.add_component(event(appointment, uid, sequence, for_patient=for_patient))
    if rows:
        days = [row.begins_at.date() for row in rows]
        calendar.add_missing_timezones(min(days) - timedelta(days=366), max(days) + timedelta(days=366))
    return calendar.to_ical()


def latest(rows: list[Appointment]) -> list[tuple[Appointment, UUID, int]]:
    """Of an appointment that was moved only where it stands last: its name stays, its sequence grows."""
    origins = origins_of(rows)
    found: dict[UUID, tuple[Appointment, UUID, int]] = {}
    for row in rows:
        uid, sequence = origins[row.pk]
        if uid not in found or found[uid][2] < sequence:
            found[uid] = (row, uid, sequence)
    return list(found.values())


def origins_of(rows: list[Appointment]) -> dict[UUID, tuple[UUID, int]]:
    with connection.cursor() as cursor:
        cursor.execute(ORIGINS, [[row.pk for row in rows]])
        return {pk: (origin, int(sequence)) for pk, origin, sequence in cursor.fetchall()}


def event(appointment: Appointment, uid: UUID, sequence: int, *, for_patient: bool) -> icalendar.Event:
    zone = appointment.location.zone
    made = icalendar.Event()
    made.add("uid", f"{uid}@appointments")
    made.add("sequence", sequence)
    made.add("dtstamp", appointment.updated_at)
    made.add("last-modified", appointment.updated_at)
    made.add("dtstart", appointment.begins_at.astimezone(zone))
    made.add("dtend", appointment.ends_at.astimezone(zone))
    made.add("status", "CANCELLED" if appointment.status in GONE else "CONFIRMED")
    made.add("transp", "TRANSPARENT" if appointment.status in GONE else "OPAQUE")
    made.add("class", "PRIVATE")
    made.add("location", where(appointment))
    if for_patient:
        made.add("summary", f"Appointment with {appointment.provider}")
        made.add("description", appointment.type.instructions)
    else:
        made.add("summary", f"{anonymous(appointment)}: {appointment.type}")
        made.add("description", f"{appointment.number}, {appointment.get_status_display().lower()}")
    return made


def anonymous(appointment: Appointment) -> str:
    """Initials and number: the provider knows who it is, and a stranger who reads the calendar does not."""
    return f"{initials(appointment.patient.name)} {appointment.patient.number}"

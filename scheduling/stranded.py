"""Appointments that are booked and cannot take place as things stand: somebody must find another time for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from scheduling.diary import OpenTime
from scheduling.models import Appointment

AWAY, CLOSED, GONE, OUTSIDE = "away", "closed", "gone", "outside"
WORDS = {AWAY: "Away", CLOSED: "Closed", GONE: "No longer here", OUTSIDE: "Outside the hours"}


@dataclass(frozen=True)
class Stranded:
    appointment: Appointment
    kind: str
    words: str


def stranded() -> list[Stranded]:
    """The earliest first, in a constant number of queries."""
    rows = Appointment.objects.filter(status=Appointment.Status.BOOKED, begins_at__gt=timezone.now()).shown()
    return list(among(list(rows)))


def among(rows: list[Appointment]) -> Iterable[Stranded]:
    if not rows:
        return
    open_time = OpenTime({row.provider for row in rows}, rows[0].day, max(row.day for row in rows))
    for row in rows:
        kind, words = reason(row, open_time)
        if kind:
            yield Stranded(row, kind, words)


def reason(row: Appointment, open_time: OpenTime) -> tuple[str, str]:
    provider, location = row.provider, open_time.locations.get(row.location_id)
    if not provider.is_at_work:
        return GONE, f"{provider} no longer sees patients"
    if any(away.overlaps(row.span) for away in open_time.away.get(provider.person_id, ())):
        return AWAY, f"{provider} is away"
    if location is None:
        return CLOSED, f"{row.location} is no longer used"
    if closed := location.closed_on(row.day):
        return CLOSED, f"{location} is closed: {closed}"
    at = open_time.open_at(provider, row.span)
    if at is None:
        return OUTSIDE, f"{provider} does not work then"
    return (OUTSIDE, f"{provider} works at {at} then") if at != location else ("", "")

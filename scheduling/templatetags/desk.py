"""What the templates of appointments need: the lists of a row, its next step, the way back, and the desk on other pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import timezone

from clinical.templatetags.visits import stamp
from hospital.context import current
from scheduling import board
from scheduling.models import Appointment, Location
from scheduling.models.entry import BOOK, CHECK_IN
from scheduling.moments import day_span

register = template.Library()


@register.simple_tag
def appointment_lists(appointment: Appointment) -> str:
    return board.lists_of(appointment)


@register.simple_tag
def appointment_sort(appointment: Appointment) -> str:
    """By the time that was agreed, on every list."""
    return f"{stamp(appointment.begins_at)} {appointment.serial:012}"


@register.simple_tag
def appointment_step(appointment: Appointment) -> board.Step:
    return board.next_step(appointment)


@register.simple_tag
def appointment_undo(appointment: Appointment) -> board.Undo | None:
    return board.undo_of(appointment)


@register.simple_tag
def appointment_times(appointment: Appointment) -> list[board.Passed]:
    return board.times_of(appointment)


@register.filter
def clock(moment: datetime | None, location: Location) -> str:
    """The time by the clock of the location."""
    return f"{moment.astimezone(location.zone):%H:%M}" if moment else ""


@register.filter
def may_miss(appointment: Appointment) -> bool:
    """Whether the acting role may say that the patient did not come."""
    begun = appointment.begins_at <= timezone.now()
    return begun and Appointment.Status.NO_SHOW in appointment.moves() and current().may(CHECK_IN)


@register.filter
def may_change(appointment: Appointment) -> bool:
    return appointment.status == Appointment.Status.BOOKED and current().may(BOOK)


@register.inclusion_tag("scheduling/desk/_next.html", takes_context=True)
def appointments_next(context: template.Context) -> dict[str, Any]:
    """Who arrives next and who waits, for the front page of the desk: of all locations, the earliest first."""
    acting = current()
    if not acting.may(CHECK_IN):
        return {"may_see": False}
    rows = expected(list(Location.objects.filter(is_active=True)))
    return {
        "may_see": True,
        "expected": [row for row in rows if row.status == Appointment.Status.BOOKED],
        "waiting": [row for row in rows if row.status == Appointment.Status.ARRIVED],
        "acting": acting,
        "csrf_token": context.get("csrf_token"),
        "form_key": context.get("form_key"),
    }


def expected(locations: list[Location]) -> list[Appointment]:
    """Booked for today, or here and waiting; each location has a day of its own."""
    spans = [day_span(location.today(), location.zone) for location in locations]
    if not spans:
        return []
    rows = Appointment.objects.filter(
        status__in=(Appointment.Status.BOOKED, Appointment.Status.ARRIVED),
        begins_at__gte=min(span.begins for span in spans),
        begins_at__lt=max(span.ends for span in spans),
    )
    return [row for row in rows.shown().order_by("begins_at", "serial") if row.is_today]


@register.simple_tag
def next_booking(appointment: Appointment) -> str:
    """The address where the next appointment of the same kind is booked."""
    again = {"patient": appointment.patient_id, "type": appointment.type_id, "provider": appointment.provider_id}
    return f"{reverse('scheduling:book')}?{urlencode(again)}"

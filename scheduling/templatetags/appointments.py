"""`{% appointments_section patient %}`: what is booked for somebody, on the pages of other apps."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from clinical.models import Patient
from hospital.context import current
from scheduling.models import Appointment

register = template.Library()
FEW = 10


@register.inclusion_tag("scheduling/appointment/_section.html")
def appointments_section(patient: Patient) -> dict[str, Any]:
    """Nothing for those who may not see the calendar."""
    acting = current()
    may_see = acting.may("scheduling.view_calendar")
    coming, past = both(patient) if may_see else ([], [])
    return {
        "patient": patient,
        "coming": coming,
        "past": past[:FEW],
        "more": len(past) > FEW,
        "may_see": may_see,
        "may_book": acting.may("scheduling.book"),
        "acting": acting,
    }


def both(patient: Patient) -> tuple[list[Appointment], list[Appointment]]:
    """To come, the next first; over, the latest first."""
    rows = Appointment.objects.filter(patient=patient).shown()
    still = ("booked", *Appointment.HERE)
    coming = list(rows.filter(status__in=still, ends_at__gt=timezone.now()).order_by("begins_at")[:30])
    gone = rows.exclude(status="rescheduled").order_by("-begins_at")[: FEW + 31]
    return coming, [row for row in gone if row not in coming][: FEW + 1]

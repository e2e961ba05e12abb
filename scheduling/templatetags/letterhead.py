"""`{% letterhead visit %}`: from which house a letter about a visit comes, and how it is reached."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Case, IntegerField, Q, Value, When

from clinical.models import Visit
from hospital.context import current
from scheduling.models import Appointment, Location

register = template.Library()


@register.inclusion_tag("scheduling/_letterhead.html")
def letterhead(visit: Visit) -> dict[str, Any]:
    return {"house": current().tenant.name, "location": location_of(visit)}


def location_of(visit: Visit) -> Location | None:
    """Where the visit was agreed; of one without an appointment the first house that is in use."""
    agreed = Q(pk__in=Appointment.objects.filter(visit=visit).values("location"))
    first = Case(When(agreed, then=Value(0)), default=Value(1), output_field=IntegerField())
    return Location.objects.filter(agreed | Q(is_active=True)).order_by(first, "name").first()

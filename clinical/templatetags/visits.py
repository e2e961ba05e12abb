"""What the templates of visits need: the next step, and the lists in which a row stands."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template

from clinical import days
from clinical.models import QueuePlace, Visit
from clinical.steps import Step, next_step
from clinical.vitals import BY_CODE

register = template.Library()
OWING = (Visit.Payment.UNPAID, Visit.Payment.PARTIAL)


@register.simple_tag(name="next_step")
def next_step_tag(visit: Visit) -> Step:
    return next_step(visit)


@register.simple_tag
def lists_of(visit: Visit) -> str:
    """The live lists that take this row: those of the front desk, and the queue where the patient waits."""
    names = []
    if visit.ended_at is None or days.day_of(visit.ended_at) == days.today():
        names += ["visits", "visits-open" if visit.is_open else "visits-over"]
    if visit.is_open and visit.payment in OWING:
        names.append("visits-owing")
    if visit.place:
        names += [visit.place.queue, f"visits-{visit.place.queue}"]
    return " ".join(names)


@register.simple_tag
def sort_of(visit: Visit) -> str:
    """Text that sorts as `Visits.in_order` does: open before over, urgent before routine, then who waits longest."""
    place = visit.place
    first = f"0{place.priority}" if place else "05" if visit.is_open else "15"
    return f"{first} {stamp(place.entered_at if place else visit.registered_at)} {visit.serial:012}"


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


@register.simple_tag
def latest_first(moment: datetime) -> str:
    """Text that sorts backwards in time."""
    return f"{10**16 - int(moment.timestamp() * 10**6):017}"


@register.filter
def queue_label(queue: str) -> str:
    return str(QueuePlace.Queue(queue).label)


@register.filter
def shown_unit(code: str) -> str:
    vital = BY_CODE.get(code)
    return vital.shown_unit if vital else ""

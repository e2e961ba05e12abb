"""Much news at once, of visits that are there: what it does to a page is nothing, and it fills a line."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from clinical.tests.wards import a_visit
from hospital.tests.hospital import Hospital
from realtime.models import Event
from realtime.signals import hint_after_commit


def some_visits(hospital: Hospital, count: int) -> list[UUID]:
    with hospital.acting("reception"):
        return [a_visit(complaint="One of many").pk for _ in range(count)]


def flood(hospital: Hospital, visits: list[UUID], *, times: int) -> None:
    """Tells of each of these visits so many times, in one commit."""
    with hospital.acting(), transaction.atomic():
        for _ in range(times):
            for visit in visits:
                tell(visit)
        hint_after_commit(str(hospital.tenant.pk))


def tell(visit: UUID) -> None:
    """Reception hears it, with the row of the visit as it is."""
    Event.objects.create(name="visit:created", object_id=visit, roles=["reception"], loudness={"reception": "info"})

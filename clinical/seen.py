"""Who has read what: the audit knows which page of a patient was opened, by whom, in which role."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from clinical.who_may import roles_that_may
from hospital.models import AuditEntry

Reading = tuple[UUID, datetime]


def readings(lines: Q, permission: str, *, since: datetime) -> list[Reading]:
    """Each time that somebody read what these lines are about, in a role that may; not where it was masked."""
    reading = roles_that_may(permission).values("key")
    found = AuditEntry.objects.filter(lines, at__gte=since, role__in=reading).exclude(after__has_key="masked")
    return cast(list[Reading], list(found.exclude(person_id=None).order_by("at").values_list("person_id", "at")))


def who_opened(patient_id: UUID, pages: Q, permission: str, *, since: datetime) -> dict[UUID, str]:
    """Whoever opened one of these pages in a role that may read what stands there, and how that is known."""
    opened = readings(pages & Q(patient_id=patient_id, action="view"), permission, since=since)
    return {person: f"opened it on {moment(at)}" for person, at in opened}


def moment(at: datetime) -> str:
    return f"{timezone.localtime(at):%-d %b, %H:%M}"

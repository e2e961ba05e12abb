"""Who may release what somebody else entered, and what waits for a doctor's eyes."""

from __future__ import annotations

from django.db.models import Q

from clinical.models import LabOrder
from clinical.models.laboratory import Orders
from clinical.who_may import roles_that_may
from hospital.models import Membership, Person

PROCESS = "clinical.process_lab"


def colleagues_who_release(person: Person) -> list[str]:
    """The names of the others who work in the laboratory's roles; the laboratory's own come first."""
    roles = roles_that_may(PROCESS)
    here = Membership.objects.filter(is_active=True, person__is_active=True, role__in=roles).exclude(person=person)
    rows = here.order_by("role__key", "person__name").values_list("person__name", "role__key")
    return list(dict.fromkeys(name for name, key in sorted(rows, key=lambda row: row[1] != "lab_technician")))


def mine(person: Person) -> Q:
    """What this person ordered, and what is of a patient whose doctor it is."""
    return Q(ordered_by=person) | Q(visit__doctor=person)


def unreviewed() -> Orders:
    return LabOrder.objects.filter(status=LabOrder.Status.RELEASED)

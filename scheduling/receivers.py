"""What a visit's end means for the appointment that it came from, inside the transaction."""

from __future__ import annotations

from typing import Any

from clinical.models import Visit
from hospital.workflow import moved
from scheduling.models import Appointment


def listen() -> None:
    moved.connect(visit_moved, sender=Visit, dispatch_uid="scheduling.visit_moved")


def visit_moved(sender: Any, instance: Visit, after: str, **kwargs: Any) -> None:
    if after in Visit.OVER:
        for appointment in Appointment.objects.filter(visit=instance, status__in=Appointment.HERE):
            appointment.visit_ended(instance)

"""What a visit's end and a patient's death mean for appointments, inside the transaction."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from clinical.models import Patient, Visit
from clinical.models.patient import died
from hospital.models import Person
from hospital.workflow import moved
from scheduling.models import Appointment, Wish


def listen() -> None:
    moved.connect(visit_moved, sender=Visit, dispatch_uid="scheduling.visit_moved")
    died.connect(patient_died, sender=Patient, dispatch_uid="scheduling.patient_died")


def visit_moved(sender: Any, instance: Visit, after: str, **kwargs: Any) -> None:
    if after in Visit.OVER:
        for appointment in Appointment.objects.filter(visit=instance, status__in=Appointment.HERE):
            appointment.visit_ended(instance)


def patient_died(sender: Any, instance: Patient, by: Person | None, **kwargs: Any) -> None:
    """What is still to come is called off; the times go to the waitlist."""
    to_come = Appointment.objects.filter(
        patient=instance, status=Appointment.Status.BOOKED, ends_at__gt=timezone.now()
    ).select_related("provider", "location", "type")
    for appointment in to_come.order_by("begins_at"):
        appointment.cancel("The patient has died", by=None)
    for wish in Wish.objects.filter(patient=instance, status__in=(Wish.Status.WAITING, Wish.Status.OFFERED)):
        wish.withdraw(by=None)

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from hospital.tenancy import TenantKey
from hospital.workflow import SYSTEM, Workflow

if TYPE_CHECKING:
    from clinical.models.laboratory import LabOrder, LabTest
    from clinical.models.queue import QueuePlace
    from hospital.models import Person


class Visit(Workflow):
    """A patient's way through the house on one day, from the front desk to the pharmacy."""

    class Status(models.TextChoices):
        REGISTERED = "registered", "Registered"
        CHECKED = "checked", "Checked"
        LAB_PENDING = "lab_pending", "Tests pending"
        LAB_DONE = "lab_done", "Tests done"
        DIAGNOSED = "diagnosed", "Diagnosed"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        LEFT = "left", "Left"

    class Payment(models.TextChoices):
        UNPAID = "unpaid", "Unpaid"
        PARTIAL = "partial", "Partly paid"
        PAID = "paid", "Paid"
        WAIVED = "waived", "Waived"

    class Kind(models.TextChoices):
        WALK_IN = "walk_in", "Walk-in"
        APPOINTMENT = "appointment", "Appointment"

    class Priority(models.TextChoices):
        ROUTINE = "routine", "Routine"
        URGENT = "urgent", "Urgent"
        EMERGENCY = "emergency", "Emergency"

    CLOSING = {Status.CANCELLED: "clinical.close_visit", Status.LEFT: "clinical.close_visit"}
    MOVES = {
        Status.REGISTERED: {Status.CHECKED: "clinical.examine", Status.LAB_PENDING: "clinical.order_tests", **CLOSING},
        Status.CHECKED: {Status.LAB_PENDING: "clinical.order_tests", Status.DIAGNOSED: "clinical.diagnose", **CLOSING},
        Status.LAB_PENDING: {Status.LAB_DONE: SYSTEM, Status.CHECKED: SYSTEM, **CLOSING},
        Status.LAB_DONE: {Status.DIAGNOSED: "clinical.diagnose", Status.LAB_PENDING: "clinical.diagnose", **CLOSING},
        Status.DIAGNOSED: {Status.DONE: SYSTEM, Status.LAB_PENDING: "clinical.diagnose", **CLOSING},
        Status.DONE: {Status.DIAGNOSED: "clinical.reopen_visit"},
    }
    OVER = (Status.DONE, Status.CANCELLED, Status.LEFT)

    serial = models.PositiveBigIntegerField("number", editable=False)
    patient = TenantKey("clinical.Patient", related_name="visits")
    complaint = models.TextField("reason for the visit", blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.WALK_IN)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.ROUTINE)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.REGISTERED, editable=False)
    payment = models.CharField(max_length=8, choices=Payment.choices, default=Payment.UNPAID, editable=False)
    registered_at = models.DateTimeField(default=timezone.now, editable=False)
    registered_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    checker = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    doctor = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    gate_override_reason = models.CharField(max_length=200, blank=True, editable=False)
    gate_override_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    gate_override_at = models.DateTimeField(null=True, editable=False)
    consultation_finished_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(max_length=200, blank=True, editable=False)

    class Meta(Workflow.Meta):
        ordering = ["-registered_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="visit_number_once")]
        indexes = [
            models.Index(fields=["tenant", "-registered_at"], name="visit_by_time"),
            models.Index(fields=["tenant", "patient", "-registered_at"], name="visit_of_patient"),
            models.Index(fields=["tenant", "status", "registered_at"], condition=models.Q(ended_at=None), name="visit_open"),
            models.Index(fields=["tenant", "ended_at"], condition=models.Q(ended_at__isnull=False), name="visit_ended"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("clinical:visit", args=[self.pk])

    @property
    def number(self) -> str:
        return f"V-{self.serial:06}"

    @property
    def is_open(self) -> bool:
        return self.status not in self.OVER

    @property
    def place(self) -> QueuePlace | None:
        """Where the visit waits now."""
        if "open_places" not in self.__dict__:
            self.open_places = list(self.places.filter(ended_at=None)[:1])
        return next(iter(self.open_places), None)

    @property
    def token(self) -> str:
        return self.place.label if self.place else ""

    @classmethod
    def register(cls, patient: Any, *, complaint: str, by: Person | None, priority: str = Priority.ROUTINE, kind: str = Kind.WALK_IN) -> Visit:
        raise NotImplementedError

    def examine(self, *, by: Person, symptoms: str, findings: str, vitals: dict, tests: Iterable[LabTest] = ()) -> Any:
        raise NotImplementedError

    def order_tests(self, tests: Iterable[LabTest], *, by: Person | None, priority: str = "routine", reason: str = "") -> list[LabOrder]:
        raise NotImplementedError

    def labs_settled(self) -> None:
        raise NotImplementedError

    def diagnose(self, *, by: Person, diagnoses: list[dict]) -> None:
        raise NotImplementedError

    def settle(self) -> None:
        raise NotImplementedError

    def cancel(self, reason: str, *, by: Person) -> None:
        raise NotImplementedError

    def leave(self, reason: str, *, by: Person) -> None:
        raise NotImplementedError

    def reopen(self, reason: str, *, by: Person) -> None:
        raise NotImplementedError

    def assign_checker(self, person: Person | None, *, by: Person) -> None:
        raise NotImplementedError

    def assign_doctor(self, person: Person | None, *, by: Person) -> None:
        raise NotImplementedError

    def set_payment(self, payment: str) -> None:
        raise NotImplementedError

    def override_gate(self, reason: str, *, by: Person) -> None:
        raise NotImplementedError

    def check_gate(self, step: str) -> None:
        raise NotImplementedError

    @transaction.atomic
    def touch(self) -> None:
        raise NotImplementedError

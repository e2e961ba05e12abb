"""What the doctor prescribes, and what becomes of it at the pharmacy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from clinical.models.pharmacy import Batch, Medicine
from clinical.allergies import allergies_against
from hospital.models import Counter
from hospital.tenancy import TenantKey
from hospital.workflow import Refused, Workflow

if TYPE_CHECKING:
    from clinical.models.visit import Visit
    from hospital.models import Person

PRESCRIBE = "clinical.prescribe"
DISPENSE = "clinical.dispense"
VALID_FOR = timedelta(days=90)


class Prescription(Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Waiting at the pharmacy"
        DISPENSING = "dispensing", "Partly dispensed"
        DISPENSED = "dispensed", "Dispensed"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.DRAFT: {Status.ACTIVE: PRESCRIBE, Status.CANCELLED: PRESCRIBE},
        Status.ACTIVE: {
            Status.DISPENSING: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.DISPENSING: {
            Status.DISPENSING: DISPENSE,
            Status.DISPENSED: DISPENSE,
        },
    }
    AT_PHARMACY = (Status.ACTIVE, Status.DISPENSING)
    OPEN = (Status.DRAFT, *AT_PHARMACY)

    number_value = models.PositiveBigIntegerField("number", editable=False, db_column="number")
    visit = TenantKey("clinical.Visit", related_name="prescriptions")
    patient = TenantKey("clinical.Patient", related_name="prescriptions")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    note = models.TextField(blank=True, default="", help_text="For the pharmacy.")
    prescribed_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    prescribed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True, default="")

    class Meta(Workflow.Meta):
        ordering = ["-number_value"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number_value"], name="prescription_number_once")]
        indexes = [
            models.Index(fields=["tenant", "status", "prescribed_at"], name="prescription_at_pharmacy"),
            models.Index(fields=["tenant", "patient", "-prescribed_at"], name="prescription_of_patient"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"R-{self.number_value:06}"


class PrescriptionLine(Workflow):
    class Status(models.TextChoices):
        PENDING = "pending", "To dispense"
        PARTIAL = "partial", "Partly dispensed"
        DISPENSED = "dispensed", "Dispensed"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.PENDING: {
            Status.PARTIAL: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.PARTIAL: {Status.PARTIAL: DISPENSE, Status.DISPENSED: DISPENSE, Status.DECLINED: DISPENSE},
    }
    UNSETTLED = (Status.PENDING, Status.PARTIAL)

    prescription = TenantKey(Prescription, related_name="lines")
    medicine = TenantKey(Medicine, related_name="prescription_lines")
    position = models.PositiveSmallIntegerField(default=0)
    dose = models.CharField(max_length=60, blank=True, default="")
    frequency = models.CharField(max_length=60, blank=True, default="")
    duration_days = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(365)])
    instructions = models.CharField(max_length=250, blank=True, default="")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Prescribed.")
    dispensed = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    short_reason = models.CharField(max_length=250, blank=True, default="", help_text="Why less was issued than asked.")
    decline_reason = models.CharField(max_length=250, blank=True, default="")
    allergy_reason = models.CharField(max_length=250, blank=True, default="", help_text="Why it is given in spite of an allergy.")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(Workflow.Meta):
        ordering = ["prescription", "position", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="line_prescribes_something"),
            models.CheckConstraint(condition=models.Q(dispensed__lte=models.F("quantity")), name="line_not_more_than_prescribed"),
            models.CheckConstraint(condition=models.Q(returned__lte=models.F("dispensed")), name="line_not_more_back_than_given"),
        ]

    def __str__(self) -> str:
        return f"{self.medicine} × {self.quantity}"

    @property
    def outstanding(self) -> int:
        return self.quantity - self.dispensed

"""What the patient takes, as others prescribed it or as somebody told us; and who looked at it last."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from clinical.models.history import OutsideEncounter, Practitioner
from clinical.models.of_chart import SAID, Coded, Recorded, of_patient, once
from hospital.tenancy import TenantKey, TenantModel


class MedicationStatement(Recorded, Coded):
    """A medicine that somebody else prescribed, or that the patient says to take."""

    class Source(models.TextChoices):
        ELSEWHERE = "elsewhere", "Prescribed elsewhere"
        PATIENT = "patient", "Told by the patient"
        FAMILY = "family", "Told by the family"
        COUNTER = "counter", "Bought without prescription"

    class Status(models.TextChoices):
        ACTIVE = "active", "Taken"
        ON_HOLD = "on-hold", "Paused"
        STOPPED = "stopped", "Stopped"
        COMPLETED = "completed", "Completed"
        UNKNOWN = "unknown", "Unknown"

    ENDED: ClassVar = {"status": "stopped"}
    END_DAY: ClassVar = "ended"

    patient = TenantKey("clinical.Patient", related_name="medication_statements")
    status = models.CharField(max_length=20, default="unknown")
    intent = models.CharField(max_length=20, blank=True, default="")
    dosage = models.TextField(blank=True, default="")
    as_needed = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    authored_at = models.DateTimeField(null=True)
    authored_said = models.CharField(**SAID)
    ended_at = models.DateTimeField(null=True)
    ended_said = models.CharField(**SAID)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.ELSEWHERE)
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    encounter = TenantKey(OutsideEncounter, null=True, related_name="medication_statements", editable=False)
    practitioner = TenantKey(Practitioner, null=True, related_name="medication_statements", editable=False)

    class Meta(Coded.Meta):
        ordering = ["-authored_at", "text"]
        constraints = [once("medication_statement")]
        indexes = [of_patient("medication", "authored_at")]

    @property
    def is_active(self) -> bool:
        return self.status in ("active", "on-hold")

    @property
    def is_current(self) -> bool:
        return self.is_active


class MedicineReview(TenantModel):
    """Somebody looked at what is taken, and said whether it goes on. Never changed; the newest counts.

    It is about a statement of this chart, or about a line that we prescribed.
    """

    class Decision(models.TextChoices):
        CONTINUE = "continue", "Goes on"
        STOP = "stop", "Stopped"

    patient = TenantKey("clinical.Patient", related_name="medicine_reviews")
    statement = TenantKey(MedicationStatement, null=True, related_name="reviews")
    line = TenantKey("clinical.PrescriptionLine", null=True, related_name="reviews")
    decision = models.CharField(max_length=8, choices=Decision.choices)
    reason = models.CharField(max_length=250, blank=True, default="")
    at = models.DateTimeField(default=timezone.now, editable=False)
    by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["tenant", "patient", "-at"], name="medicine_review_of_patient")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(statement=None) ^ models.Q(line=None), name="medicine_review_of_one_thing"
            ),
            models.CheckConstraint(
                condition=~models.Q(decision="stop", reason=""), name="medicine_review_stops_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}, {self.at:%Y-%m-%d}"

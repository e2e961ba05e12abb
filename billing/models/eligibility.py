"""An insurer was asked whether somebody is insured (270), and what it said (271): both are kept as they were."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone

from clinical.models.lab_result import by_person, moment
from hospital.tenancy import EditableModel, TenantKey, TenantManager


class EligibilityChecks(models.QuerySet):
    def waiting(self) -> EligibilityChecks:
        return self.filter(outcome=EligibilityCheck.Outcome.WAITING)


class EligibilityCheck(EditableModel):
    """One question about one policy. The answer is written on it once."""

    class Outcome(models.TextChoices):
        WAITING = "", "Not answered"
        ACTIVE = "active", "Insured"
        INACTIVE = "inactive", "Not insured"
        REFUSED = "refused", "Not answered by the insurer"
        UNCLEAR = "unclear", "Neither yes nor no"

    in_the_clear: ClassVar = ("trace",)

    serial = models.PositiveBigIntegerField(editable=False)
    patient = TenantKey("clinical.Patient", related_name="eligibility_checks", editable=False)
    policy = TenantKey("clinical.Policy", related_name="eligibility_checks", editable=False)
    payer = TenantKey("clinical.Payer", related_name="eligibility_checks", editable=False)
    trace = models.CharField(max_length=50, editable=False, help_text="By which the insurer's answer is known.")
    service_on = models.DateField(editable=False)
    question = models.TextField(editable=False, help_text="The 270, as it was written.")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_by = by_person()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default="", editable=False)
    answer = models.TextField(blank=True, default="", editable=False, help_text="The 271, as it came.")
    benefits = models.JSONField(default=list, editable=False)
    refusals = models.JSONField(default=list, editable=False)
    answered_at = moment()
    answered_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(EligibilityChecks)()

    class Meta(EditableModel.Meta):
        ordering = ["-serial"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="eligibility_serial_once"),
            models.UniqueConstraint(fields=["tenant", "trace"], name="eligibility_trace_once"),
            models.CheckConstraint(
                name="eligibility_answered_whole",
                condition=models.Q(outcome="", answered_at=None, answer="")
                | models.Q(answered_at__isnull=False) & ~models.Q(outcome="") & ~models.Q(answer=""),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "policy", "-serial"], name="eligibility_of_policy")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:eligibility", args=[self.pk])

    @property
    def number(self) -> str:
        return f"EL-{self.serial:06}"

    @property
    def is_waiting(self) -> bool:
        return self.outcome == self.Outcome.WAITING

"""A laboratory that looks at what is taken out, and how long it may take before somebody asks."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from hospital.tenancy import EditableModel, TenantManager

DAYS = [MinValueValidator(1)]


class PathologyLabs(models.QuerySet):
    def offered(self) -> PathologyLabs:
        return self.filter(is_active=True)


class PathologyLab(EditableModel):
    """The three tiers are days after a biopsy was sent: said, said again, and urgent."""

    name = models.CharField(max_length=80)
    address = models.CharField(max_length=200, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    hl7_id = models.CharField(
        "name in HL7 messages", max_length=80, blank=True, default="", help_text="As MSH-3 or MSH-4 of its results say."
    )
    first_days = models.PositiveSmallIntegerField("overdue after days", default=7, validators=DAYS)
    second_days = models.PositiveSmallIntegerField("again after days", default=10, validators=DAYS)
    third_days = models.PositiveSmallIntegerField("urgent after days", default=14, validators=DAYS)
    is_active = models.BooleanField("offered", default=True)

    objects: ClassVar = TenantManager.from_queryset(PathologyLabs)()

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        verbose_name = "pathology laboratory"
        verbose_name_plural = "pathology laboratories"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="pathology_lab_once",
                violation_error_message="There is a laboratory with this name already.",
            ),
            models.CheckConstraint(
                name="pathology_lab_tiers",
                condition=Q(first_days__gte=1)
                & Q(second_days__gt=F("first_days"))
                & Q(third_days__gt=F("second_days")),
                violation_error_message="Each tier is later than the one before it.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tiers(self) -> tuple[int, int, int]:
        return self.first_days, self.second_days, self.third_days

from __future__ import annotations

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from billing.money import ZERO, spoken
from clinical.models import Patient, Policy
from hospital.tenancy import EditableModel, TenantKey

CONSULTATION = "consultation"  # the code of the one price for seeing a patient


class Kind(models.TextChoices):
    CONSULTATION = "consultation", "Consultation"
    TEST = "test", "Laboratory test"
    MEDICINE = "medicine", "Medicine"
    PROCEDURE = "procedure", "Procedure"


class Price(EditableModel):
    """What one costs from a day on. The newest that has begun counts; older ones stay for what was charged then."""

    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(
        max_length=60,
        help_text="Code of the test or medicine in the catalogue, or of the procedure (CPT or your own); “consultation” for the consultation.",
    )
    amount = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        validators=[MinValueValidator(ZERO)],
        help_text="For one. 0 makes it free of charge.",
    )
    valid_from = models.DateField()
    payer = TenantKey(
        "clinical.Payer",
        null=True,
        blank=True,
        related_name="prices",
        help_text="For whoever is insured there. Empty: for all others.",
    )
    tax_rate = models.DecimalField(
        "tax, percent",
        max_digits=5,
        decimal_places=2,
        default=ZERO,
        validators=[MinValueValidator(ZERO), MaxValueValidator(100)],
        help_text="The tax that the price contains.",
    )

    class Meta(EditableModel.Meta):
        ordering = ["kind", "code", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "code", "valid_from", "payer"],
                nulls_distinct=False,
                name="price_once_a_day",
                violation_error_message="There is a price from this day on already.",
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=models.Q(tax_rate__range=(0, 100)), name="price_tax_is_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}: {spoken(self.amount)}"

    @classmethod
    def on(cls, day: date, kind: str, code: str, *, patient: Patient | None = None) -> Price | None:
        """The price that counts on a day: the one of the patient's insurer before the one for everybody.

        None means that nobody has set one, which is not the same as free.
        """
        rows = cls.objects.filter(kind=kind, code=code, valid_from__lte=day)
        if patient is None:
            return rows.filter(payer=None).order_by("-valid_from").first()
        rank = payers_of(patient, day).values("order")[:1]
        ranked = rows.annotate(rank=models.Subquery(rank)).filter(models.Q(payer=None) | models.Q(rank__isnull=False))
        return ranked.order_by(models.F("rank").asc(nulls_last=True), "-valid_from").first()


def payers_of(patient: Patient, day: date) -> models.QuerySet:
    """The patient's policies with the payer of the price that asks, which count on this day. With a payer out of use nothing is agreed."""
    return Policy.objects.paying(patient, day).filter(payer=models.OuterRef("payer"), payer__is_active=True)

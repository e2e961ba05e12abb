from __future__ import annotations

from datetime import date

from django.core.validators import MinValueValidator
from django.db import models

from billing.money import ZERO, spoken
from hospital.tenancy import EditableModel

CONSULTATION = "consultation"  # the code of the one price for seeing a patient


class Kind(models.TextChoices):
    CONSULTATION = "consultation", "Consultation"
    TEST = "test", "Laboratory test"
    MEDICINE = "medicine", "Medicine"


class Price(EditableModel):
    """What one costs from a day on. The newest that has begun counts; older ones stay for what was charged then."""

    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(
        max_length=60, help_text="Code of the test or medicine in the catalogue; “consultation” for the consultation."
    )
    amount = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        validators=[MinValueValidator(ZERO)],
        help_text="For one. 0 makes it free of charge.",
    )
    valid_from = models.DateField()

    class Meta(EditableModel.Meta):
        ordering = ["kind", "code", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "code", "valid_from"], name="price_once_a_day"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}: {spoken(self.amount)}"

    @classmethod
    def on(cls, day: date, kind: str, code: str) -> Price | None:
        """The price that counts on a day. None means that nobody has set one, which is not the same as free."""
        return cls.objects.filter(kind=kind, code=code, valid_from__lte=day).order_by("-valid_from").first()

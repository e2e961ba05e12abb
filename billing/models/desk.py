"""How the desk of an organisation works with money: one row, and without it these defaults."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from hospital.tenancy import EditableModel


class DeskRules(EditableModel):
    discount_limit = models.DecimalField(
        "discounts without a second look, percent",
        max_digits=5,
        decimal_places=2,
        default=Decimal(100),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Of what a visit costs. More needs the permission to give discounts above the limit.",
    )
    cash_needs_drawer = models.BooleanField(
        "cash only with an open drawer", default=False, help_text="Whoever takes or gives cash has counted a drawer."
    )
    follow_up_days = models.PositiveSmallIntegerField(
        "free follow-up within days",
        default=0,
        validators=[MaxValueValidator(365)],
        help_text="A visit so soon after one that was charged costs no consultation. 0: every visit costs it.",
    )
    due_days = models.PositiveSmallIntegerField(
        "invoices are due within days", default=30, validators=[MaxValueValidator(365)]
    )

    class Meta(EditableModel.Meta):
        verbose_name = verbose_name_plural = "rules of the desk"
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="desk_rules_once"),
            models.CheckConstraint(
                name="desk_rules_sane",
                condition=models.Q(discount_limit__range=(0, 100), follow_up_days__lte=365, due_days__lte=365),
            ),
        ]

    def __str__(self) -> str:
        return "Rules of the desk"

    @classmethod
    def here(cls) -> DeskRules:
        return cls.objects.first() or cls()

"""Insurers, their levels of appeal, and what they want to be asked for."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms

from clinical.models import AppealLevel, AuthorisationRule, Payer
from hospital.merge import MergeForm


class PayerForm(MergeForm, forms.ModelForm):
    instance: Payer

    class Meta:
        model = Payer
        fields = (
            "name",
            "identifier",
            "filing",
            "filing_days",
            "phone",
            "address",
            "city",
            "state",
            "postcode",
            "receiver_id",
            "receiver_name",
            "is_active",
        )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class OfPayer(MergeForm, forms.ModelForm):
    """One row of an insurer's rules."""

    instance: Any

    def __init__(self, *args: Any, payer: Payer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.payer = payer

    def _get_validation_exclusions(self) -> set[str]:
        """Whose it is stands in no field, and decides what is once only."""
        return cast(Any, super())._get_validation_exclusions() - {"payer"}


class AppealLevelForm(OfPayer):
    class Meta:
        model = AppealLevel
        fields = ("level", "name", "days")


class RuleForm(OfPayer):
    class Meta:
        model = AuthorisationRule
        fields = ("code", "from_units", "from_amount", "note", "is_active")
        labels: ClassVar = {"note": "What it wants to see"}

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()

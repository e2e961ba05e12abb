from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from billing.money import read, spoken, step
from hospital.context import current


class AmountField(forms.DecimalField):
    """Money as people type it. A field of type "number" would swallow the comma of half the world."""

    widget = forms.TextInput
    default_error_messages = {"invalid": "Write the amount with one decimal point, and no other marks: 1234.50."}

    def to_python(self, value: Any) -> Decimal | None:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        amount = read(value)
        if amount is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return amount

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "decimal", "autocomplete": "off"}


def in_coins(amount: Decimal) -> Decimal:
    """An amount that can be paid in the money of the organisation."""
    if amount != amount.quantize(step()):
        raise forms.ValidationError(f"The smallest amount in {current().tenant.currency} is {step()}.")
    return amount


class Part(forms.Form):
    """Some of what there is, with the reason."""

    words = "Only {} is left."
    amount = AmountField(max_digits=12, decimal_places=2)
    reason = forms.CharField(max_length=200)

    def __init__(self, *args: Any, due: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.due = due
        self.fields["amount"].label = f"Amount in {current().tenant.currency}"
        self.fields["amount"].help_text = f"At most {spoken(due)}."

    def clean_amount(self) -> Decimal:
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("It is more than nothing.")
        in_coins(amount)
        if amount > self.due:
            raise forms.ValidationError(self.words.format(spoken(self.due)))
        return amount


class Waive(forms.Form):
    reason = forms.CharField(max_length=200, help_text="It stays with the charge, with your name.")

"""Forms about money. What is wrong is said at the field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from billing.models import Payment
from billing.models.payment import too_much
from billing.money import read, spoken, step
from hospital.context import current

REFERENCE_NEEDED: dict[str, str] = {
    Payment.Method.TRANSFER: "Write the bank's reference, so that the transfer can be found again.",
    Payment.Method.INSURANCE: "Write the insurer and the number of the policy or approval.",
}


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


class TakePayment(forms.Form):
    amount = AmountField(max_digits=12, decimal_places=2)
    method = forms.ChoiceField(choices=Payment.Method.choices, initial=Payment.Method.CASH, widget=forms.RadioSelect)
    reference = forms.CharField(
        max_length=80, required=False, help_text="Card slip, bank reference, or insurer and policy number."
    )

    def __init__(self, *args: Any, due: Decimal, **kwargs: Any) -> None:
        kwargs["initial"] = {"amount": due.quantize(step())}
        super().__init__(*args, **kwargs)
        self.due = due
        amount = self.fields["amount"]
        amount.label = f"Amount in {current().tenant.currency}"
        amount.help_text = f"{spoken(due)} is due. Less is a part payment."

    def clean_amount(self) -> Decimal:
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("A payment is more than nothing.")
        if amount != amount.quantize(step()):
            raise forms.ValidationError(f"The smallest amount in {current().tenant.currency} is {step()}.")
        if amount > self.due:
            raise forms.ValidationError(too_much(self.due))
        return amount

    def clean(self) -> dict:
        needed = REFERENCE_NEEDED.get(self.cleaned_data.get("method", ""))
        if needed and not self.cleaned_data.get("reference"):
            self.add_error("reference", needed)
        return self.cleaned_data


class Waive(forms.Form):
    reason = forms.CharField(max_length=200, help_text="It stays with the charge, with your name.")


class SetPrice(forms.Form):
    unit_price = AmountField(
        label="Price of one",
        max_digits=12,
        decimal_places=2,
        min_value=0,
        help_text="0 makes it free of charge. It counts for this charge only; the price list is in the administration.",
    )

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms

from billing.forms.amounts import AmountField, in_coins
from billing.models import Package, Payment
from billing.models.payment import too_much
from billing.money import spoken, step
from hospital.context import current

REFERENCE_NEEDED: dict[str, str] = {
    Payment.Method.TRANSFER: "Write the bank's reference, so that the transfer can be found again.",
    Payment.Method.INSURANCE: "Write the insurer and the number of the policy or approval.",
}


class Deposit(forms.Form):
    """Money that comes in."""

    amount = AmountField(max_digits=12, decimal_places=2)
    method = forms.ChoiceField(choices=Payment.Method.choices, initial=Payment.Method.CASH, widget=forms.RadioSelect)
    reference = forms.CharField(
        max_length=80, required=False, help_text="Card slip, bank reference, or insurer and policy number."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = f"Amount in {current().tenant.currency}"

    def clean_amount(self) -> Decimal:
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("A payment is more than nothing.")
        return in_coins(amount)

    def clean(self) -> dict:
        needed = REFERENCE_NEEDED.get(self.cleaned_data.get("method", ""))
        if needed and not self.cleaned_data.get("reference"):
            self.add_error("reference", needed)
        return self.cleaned_data


class TakePayment(Deposit):
    def __init__(self, *args: Any, due: Decimal, **kwargs: Any) -> None:
        kwargs["initial"] = {"amount": due.quantize(step())}
        super().__init__(*args, **kwargs)
        self.due = due
        self.fields["amount"].help_text = f"{spoken(due)} is due. Less is a part payment."

    def clean_amount(self) -> Decimal:
        amount = super().clean_amount()
        if amount > self.due:
            raise forms.ValidationError(too_much(self.due))
        return amount


class OfVisits(forms.Form):
    """Which visits of a patient it is for, each with what is due."""

    visits = forms.MultipleChoiceField(label="For", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, owing: list[Any], most: Decimal | None = None, **kwargs: Any) -> None:
        due = sum((visit.due for visit in owing), Decimal(0))
        keys = [str(visit.pk) for visit in owing]
        kwargs["initial"] = {"visits": keys, "amount": (due if most is None else min(due, most)).quantize(step())}
        super().__init__(*args, **kwargs)
        words = [f"{visit.number}: {spoken(visit.due)}" for visit in owing]
        cast(forms.MultipleChoiceField, self.fields["visits"]).choices = list(zip(keys, words, strict=True))


class TakeForVisits(OfVisits, Deposit):
    field_order = ("visits", "amount", "method", "reference")


class UseDeposit(OfVisits):
    amount = AmountField(max_digits=12, decimal_places=2)

    def __init__(self, *args: Any, most: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, most=most, **kwargs)
        self.fields["amount"].label = f"Amount in {current().tenant.currency}"
        self.fields["amount"].help_text = f"{spoken(most)} is deposited."

    def clean_amount(self) -> Decimal:
        return in_coins(self.cleaned_data["amount"])


class SetPrice(forms.Form):
    unit_price = AmountField(
        label="Price of one",
        max_digits=12,
        decimal_places=2,
        min_value=0,
        help_text="0 makes it free of charge. It counts for this charge only; the price list is in the administration.",
    )
    reason = forms.CharField(
        max_length=200, required=False, help_text="Needed if it is less than the price list says: a discount, then."
    )


class ChoosePackage(forms.Form):
    package = forms.ChoiceField(
        widget=forms.RadioSelect, help_text="Only those that fit what was charged, and make it cheaper."
    )

    def __init__(self, *args: Any, packages: list[Package], **kwargs: Any) -> None:
        choices = [(str(package.pk), str(package)) for package in packages]
        if len(choices) == 1:
            kwargs.setdefault("initial", {"package": choices[0][0]})
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["package"]).choices = choices

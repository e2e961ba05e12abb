from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from billing.forms.amounts import AmountField, in_coins
from billing.models.drawer import coins, worth
from billing.money import ZERO, spoken


class OpenDrawer(forms.Form):
    amount = AmountField(
        label="Cash in it now", max_digits=12, decimal_places=2, min_value=0, help_text="The change you begin with."
    )

    def clean_amount(self) -> Decimal:
        return in_coins(self.cleaned_data["amount"])


class MoveCash(forms.Form):
    direction = forms.ChoiceField(
        choices=[("out", "Taken out"), ("in", "Put in")], initial="out", widget=forms.RadioSelect
    )
    amount = AmountField(max_digits=12, decimal_places=2, min_value=Decimal("0.01"))
    reason = forms.CharField(max_length=200, help_text="To the safe, change from the bank.")

    def clean_amount(self) -> Decimal:
        return in_coins(self.cleaned_data["amount"])

    @property
    def signed(self) -> Decimal:
        amount = self.cleaned_data["amount"]
        return amount if self.cleaned_data["direction"] == "in" else -amount


class CloseDrawer(forms.Form):
    """How many of each note and coin lie in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for coin in coins():
            self.fields[coin_field(coin)] = forms.IntegerField(
                label=f"How many of {spoken(Decimal(coin))}",
                min_value=0,
                max_value=100_000,
                required=False,
                widget=forms.NumberInput({"data-coin": coin}),
            )
        self.fields["reason"] = forms.CharField(
            max_length=200, required=False, help_text="Needed if the sum is not what it should be."
        )

    def clean(self) -> dict[str, Any]:
        if not self.errors and all(self.cleaned_data.get(coin_field(coin)) is None for coin in coins()):
            raise forms.ValidationError(
                "Nothing is counted yet. Write how many there are; a single 0 if the drawer is empty."
            )
        return self.cleaned_data

    @property
    def pieces(self) -> dict[str, int]:
        return {coin: self.cleaned_data.get(coin_field(coin)) or 0 for coin in coins()}

    @property
    def counted(self) -> Decimal:
        """What was typed so far, as far as it can be read."""
        return worth(self.pieces) if self.is_bound else ZERO


def coin_field(coin: str) -> str:
    return f"of_{coin.replace('.', '_')}"

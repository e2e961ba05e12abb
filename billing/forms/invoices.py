from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from django import forms

from billing.forms.amounts import AmountField, in_coins
from billing.models import Charge, InvoiceLine
from billing.models.invoice import creditable
from billing.money import spoken
from hospital.templatetags.ui import day


class DraftInvoice(forms.Form):
    charges = forms.MultipleChoiceField(label="For", widget=forms.CheckboxSelectMultiple)
    note = forms.CharField(max_length=300, required=False, help_text="Printed under the lines.")

    def __init__(self, *args: Any, charges: Iterable[Charge], **kwargs: Any) -> None:
        rows = list(charges)
        kwargs["initial"] = {"charges": [str(charge.pk) for charge in rows]}
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["charges"]).choices = [
            (str(charge.pk), f"{charge.visit.number}: {charge.text}, {spoken(charge.rest + charge.allocated)}")
            for charge in rows
        ]


def named(line: InvoiceLine) -> str:
    """Two visits may have a line of the same text."""
    return f"{line.text} ({', '.join(filter(None, (line.visit_number, day(line.done_at))))})"


class Credit(forms.Form):
    """So much of each line, and why."""

    reason = forms.CharField(max_length=200, help_text="Printed on the credit note.")

    def __init__(self, *args: Any, lines: Iterable[InvoiceLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = {f"line_{line.pk}": line for line in lines}
        most = creditable(self.lines.values())
        for name, line in self.lines.items():
            left = most[line]
            self.fields[name] = AmountField(
                label=named(line), max_digits=12, decimal_places=2, min_value=0, max_value=left, required=False
            )
            self.fields[name].help_text = f"At most {spoken(left)}."
        self.order_fields([*self.lines, "reason"])

    def clean(self) -> dict:
        for name in self.lines:
            if amount := self.cleaned_data.get(name):
                in_coins(amount)
        if not self.errors and not self.amounts:
            raise forms.ValidationError("Write at least one amount.")
        return self.cleaned_data

    @property
    def amounts(self) -> dict[Any, Decimal]:
        return {line.pk: amount for name, line in self.lines.items() if (amount := self.cleaned_data.get(name))}

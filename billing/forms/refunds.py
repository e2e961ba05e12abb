from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms

from billing.forms.amounts import Part
from billing.models import Payment
from billing.models.discount import limit_in_words
from billing.models.payer_refund import WAYS


class GiveDiscount(Part):
    """`limit` is what whoever asks may let off of the visit; none for whom there is no limit."""

    words = "Only {} is due on this visit. A discount is at most that."

    def __init__(self, *args: Any, limit: Decimal | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if limit is not None and limit < self.due:
            self.fields["amount"].help_text = limit_in_words(limit)


class AskRefund(Part):
    words = "Only {} of this payment is left to refund."


class DecideRefund(forms.Form):
    decision = forms.ChoiceField(
        choices=[("approve", "Approve: what it covered is due again"), ("reject", "Reject")], widget=forms.RadioSelect
    )
    reason = forms.CharField(max_length=200, required=False, help_text="Needed to reject.")

    def clean(self) -> dict:
        if self.cleaned_data.get("decision") == "reject" and not self.cleaned_data.get("reason"):
            self.add_error("reason", "Say why it is rejected.")
        return self.cleaned_data


class SendBack(Part):
    words = "Only {} was paid too much."


class DecidePayerRefund(DecideRefund):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("approve", "Approve: it is owed to the payer"), ("reject", "Reject: it stays on no claim")]
        cast(forms.ChoiceField, self.fields["decision"]).choices = choices


class PayBack(forms.Form):
    method = forms.ChoiceField(label="Paid out by", choices=WAYS, initial=WAYS[0][0], widget=forms.RadioSelect)
    reference = forms.CharField(
        label="Number of the transfer or cheque", max_length=50, help_text="The payer finds the money by it."
    )


class PayOut(forms.Form):
    method = forms.ChoiceField(label="Paid out by", choices=Payment.Method.choices, widget=forms.RadioSelect)

from __future__ import annotations

from django import forms

from billing.forms.amounts import Part
from billing.models import Payment


class GiveDiscount(Part):
    words = "Only {} is due on this visit. A discount is at most that."


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


class PayOut(forms.Form):
    method = forms.ChoiceField(label="Paid out by", choices=Payment.Method.choices, widget=forms.RadioSelect)

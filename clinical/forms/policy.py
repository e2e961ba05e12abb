"""Insurance, as it is written on the card and as the insurer says."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical.forms.patient import DateInput
from clinical.models import Patient, Policy
from hospital.merge import MergeForm


class PolicyForm(MergeForm, forms.ModelForm):
    class Meta:
        model = Policy
        fields = (
            "insurer",
            "member_number",
            "group_number",
            "holder_relation",
            "order",
            "copay",
            "valid_from",
            "valid_until",
            "is_active",
        )
        widgets = {"valid_from": DateInput(), "valid_until": DateInput()}

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient = patient
        if self.instance._state.adding:
            del self.fields["is_active"]
            taken = set(patient.policies.in_use().values_list("order", flat=True))
            self.initial["order"] = min(set(Policy.Order.values) - taken, default=Policy.Order.SECONDARY)

    def _get_validation_exclusions(self) -> set[str]:
        """Whose it is takes part in the question whether there is one already."""
        return super()._get_validation_exclusions() - {"patient", "is_active"}


class Verify(forms.Form):
    until = forms.DateField(label="Verified until", widget=DateInput(), help_text="The last day, as the insurer says.")

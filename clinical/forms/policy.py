"""Insurance, as it is written on the card and as the insurer says."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from clinical.forms.patient import DateInput
from clinical.models import Patient, Payer, Policy
from clinical.models.policy import TAKEN
from hospital.merge import MergeForm


class PolicyForm(MergeForm, forms.ModelForm):
    instance: Policy

    class Meta:
        model = Policy
        fields = (
            "insurer",
            "member_number",
            "group_number",
            "holder_relation",
            "holder_given_name",
            "holder_family_name",
            "holder_birth_date",
            "holder_sex",
            "order",
            "copay",
            "valid_from",
            "valid_until",
            "is_active",
        )
        widgets = {
            "insurer": forms.TextInput({"list": "insurers"}),
            "holder_birth_date": DateInput(),
            "valid_from": DateInput(),
            "valid_until": DateInput(),
        }
        help_texts: ClassVar = {
            "insurer": "As the list has it, where it is there: its rules then count for this policy.",
            "holder_given_name": "Where the patient is not the holder: claims name who is.",
        }

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient = patient
        self.insurers = Payer.objects.in_use().values_list("name", flat=True)
        if self.instance._state.adding:
            del self.fields["is_active"]
            taken = set(patient.policies.in_use().values_list("order", flat=True))
            self.initial["order"] = min(set(Policy.Order.values) - taken, default=Policy.Order.SECONDARY)

    def clean(self) -> dict[str, Any]:
        """One policy in use at each place: asked here, since whose it is stands in no field."""
        cleaned = super().clean()
        others = self.instance.patient.policies.in_use().exclude(pk=self.instance.pk)
        if cleaned.get("is_active", True) and others.filter(order=cleaned.get("order") or 0).exists():
            self.add_error("order", TAKEN)
        return cleaned


class Verify(forms.Form):
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    until = forms.DateField(label="Verified until", widget=DateInput(), help_text="The last day, as the insurer says.")

"""Vital signs that somebody measures outside an examination."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from clinical import vitals
from clinical.forms.examination import VitalField
from clinical.models import Patient
from hospital.forms import Moment


class VitalsForm(forms.Form):
    """At least one of them."""

    at = forms.DateTimeField(label="Measured at", widget=Moment())
    note = forms.CharField(label="Note", max_length=250, required=False)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        now = timezone.now()
        numbers = {vital.name: VitalField(vital, patient, now) for vital in vitals.VITALS}
        vars(self)["base_fields"] = {**numbers, **type(self).base_fields}
        super().__init__(*args, **kwargs)
        self.patient, self.initial["at"] = patient, timezone.localtime(now)

    def measured(self) -> list[forms.BoundField]:
        return [self[vital.name] for vital in vitals.VITALS]

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at > timezone.now() + timedelta(minutes=1):
            raise forms.ValidationError("This is still to come.")
        if at.year < 1900 or (self.patient.birth_date and at.date() < self.patient.birth_date):
            raise forms.ValidationError("This is before the patient was born. Check the day.")
        return at

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.values:
            raise forms.ValidationError("Write at least one value.")
        return cleaned

    @property
    def values(self) -> dict[str, Decimal]:
        """By LOINC code."""
        found = {vital.code: self.cleaned_data.get(vital.name) for vital in vitals.VITALS}
        return {code: value for code, value in found.items() if value is not None}

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from clinical import vitals
from clinical.models import Examination, Observation, Patient, Visit
from hospital.merge import MergeForm, last_change

WORDS = ("symptoms", "findings")
WITH_UNIT = re.compile(r"([-+\d.,]+)\s*([^\d\s.,].*)")


class VitalField(forms.DecimalField):
    """A measured number; the range for age and sex stands below it, and nonsense is refused.

    With another unit behind it (98.6 F, 150 lb) it is read in ours.
    """

    def __init__(self, vital: vitals.Vital, patient: Patient, at: datetime) -> None:
        self.vital, self.patient, self.at = vital, patient, at
        limits = vital.limits(patient, at)
        super().__init__(
            label=vital.label,
            required=False,
            decimal_places=vital.decimals,
            help_text=f"Normal {limits.words}" if limits.words else "",
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        )

    def to_python(self, value: Any) -> Decimal | None:
        """With a decimal point or a comma."""
        if not isinstance(value, str):
            return super().to_python(value)
        match = WITH_UNIT.fullmatch(value.strip())
        number, unit = match.groups() if match else (value, "")
        measured = super().to_python(number.replace(",", "."))
        return self._in_our_unit(measured, unit) if measured is not None and unit else measured

    def _in_our_unit(self, measured: Decimal, unit: str) -> Decimal:
        ours = vitals.in_our_unit(self.vital.code, measured, unit)
        if ours is None:
            raise forms.ValidationError(f"“{unit}” is not a unit of this. Write it in {self.vital.shown_unit}.")
        return ours.quantize(Decimal(1).scaleb(-self.vital.decimals))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        try:
            vitals.check(self.vital.code, value, self.patient, self.at)
        except vitals.Implausible as error:
            raise forms.ValidationError(str(error)) from error


class ExamineForm(MergeForm, forms.Form):
    """Symptoms, vital signs and findings of one visit. Two doctors at the same visit are merged, field by field."""

    symptoms = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="What the patient says."
    )
    findings = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="What you see, hear and feel."
    )

    instance: Examination

    def __init__(self, *args: Any, visit: Visit, **kwargs: Any) -> None:
        self.instance = visit.examinations.first() or Examination(visit=visit, patient=visit.patient)
        now = timezone.now()
        numbers = {vital.name: VitalField(vital, visit.patient, now) for vital in vitals.VITALS}
        vars(self)["base_fields"] = {**numbers, **type(self).base_fields}
        super().__init__(*args, **kwargs)

    def values_now(self) -> dict[str, Any]:
        measured = {} if self.instance._state.adding else self.instance.vitals
        numbers = {
            vital.name: measured[vital.code].quantize(Decimal(1).scaleb(-vital.decimals))
            for vital in vitals.VITALS
            if vital.code in measured
        }
        return {**{name: getattr(self.instance, name) for name in WORDS}, **numbers}

    def changed_by(self, name: str) -> tuple[str, datetime | None]:
        if name in WORDS:
            return last_change(self.instance, name)
        row = Observation.objects.filter(examination=self.instance, code=vitals.BY_NAME[name].code).first()
        return (str(row.recorded_by or ""), row.updated_at) if row else ("", None)

    def measured(self) -> list[forms.BoundField]:
        return [self[vital.name] for vital in vitals.VITALS]

    def record(self) -> dict[str, Any]:
        """What `Visit.examine` and `Examination.amend` take."""
        cleaned = self.cleaned_data
        values = {vital.code: cleaned[vital.name] for vital in vitals.VITALS}
        return {**{name: cleaned[name] for name in WORDS}, "vitals": values}

"""The rule of a series, and where one that stands is moved to."""

from __future__ import annotations

from datetime import date
from datetime import time as clock
from typing import Any

from django import forms
from django.utils import timezone

from clinical.forms.patient import DateInput
from hospital.choices import offer
from scheduling.forms.appointment import Scope
from scheduling.models import Appointment, Provider, Series
from scheduling.picking import AHEAD


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class Rule(forms.ModelForm):
    class Meta:
        model = Series
        fields = ("interval", "unit", "times")
        labels = {"interval": "Every", "unit": "Weeks or months"}

    def __init__(self, data: Any = None, *, first: date) -> None:
        super().__init__(data)
        self.first = first

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not self.errors and Series(**found).days(self.first)[-1] > timezone.localdate() + AHEAD:
            raise forms.ValidationError("The last one would be more than two years ahead. Choose fewer.")
        return found


class Words(forms.Form):
    """What each one of the series carries."""

    reason = forms.CharField(max_length=200, required=False, help_text="In the patient's words.")
    note = forms.CharField(max_length=300, required=False, label="Note for the desk")


class MoveSeries(forms.Form):
    scope = Scope(label="Move")
    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(queryset=None, label="With", empty_label=None)
    day = forms.DateField(label="This one on", widget=DateInput())
    time = forms.TimeField(label="All at", widget=TimeInput())

    def __init__(self, data: Any = None, *, appointment: Appointment) -> None:
        local = appointment.begins_at.astimezone(appointment.location.zone)
        first = {
            "scope": Scope.FOLLOWING,
            "provider": appointment.provider_id,
            "day": local.date(),
            "time": local.time(),
        }
        super().__init__(data, initial=first)
        who = Provider.objects.at_work().for_type(appointment.type).select_related("person")
        offer(self, "provider", who.order_by("position", "person__name"))

    def clean_time(self) -> clock:
        return self.cleaned_data["time"].replace(second=0, microsecond=0)

    def clean_day(self) -> date:
        day = self.cleaned_data["day"]
        if abs(day - timezone.localdate()) > AHEAD:
            raise forms.ValidationError("Nobody plans so far ahead. Choose another day.")
        return day

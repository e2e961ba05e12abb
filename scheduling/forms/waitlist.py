"""Forms of the waitlist, and of a patient's answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from clinical.models import Patient
from hospital.choices import offer
from scheduling.models import Appointment, AppointmentType, Provider, Wish

AHEAD = timedelta(days=28)


class Cancel(forms.Form):
    """A patient says why, so that the desk knows whether to call."""

    reason = forms.CharField(
        label="Why can you not come?",
        max_length=150,
        error_messages={"required": "Write why, in a few words."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class Wait(forms.ModelForm):
    """`instead_of` is the appointment that is rescheduled when an earlier time is taken."""

    type: forms.ModelChoiceField[AppointmentType] = forms.ModelChoiceField(
        queryset=None, empty_label="Choose", label="For"
    )
    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Anyone", label="With"
    )

    class Meta:
        model = Wish
        fields = ["type", "provider", "first_day", "last_day", "part", "note"]
        widgets = {
            "first_day": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "last_day": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    def __init__(self, *args: Any, patient: Patient, instead_of: Appointment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient, self.instance.instead_of = patient, instead_of
        offer(self, "type", AppointmentType.objects.filter(is_active=True))
        offer(self, "provider", Provider.objects.at_work().select_related("person"))
        for name, value in self.usual(instead_of).items():
            self.initial.setdefault(name, value)

    def usual(self, instead_of: Appointment | None) -> dict[str, Any]:
        today = timezone.localdate()
        if instead_of is None:
            return {"first_day": today, "last_day": today + AHEAD}
        before = max(instead_of.day - timedelta(days=1), today)
        return {
            "type": instead_of.type_id,
            "provider": instead_of.provider_id,
            "first_day": today,
            "last_day": before,
        }

    def clean_last_day(self) -> Any:
        day = self.cleaned_data["last_day"]
        if day < timezone.localdate():
            raise forms.ValidationError("This day has passed.")
        return day

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        kind, provider = said.get("type"), said.get("provider")
        if kind and provider and not provider.offers(kind):
            self.add_error("provider", f"{provider} does not offer “{kind}”. Choose another one, or anyone.")
        if kind and self.instance.instead_of and kind != self.instance.instead_of.type:
            self.add_error("type", f"The appointment that is given up is for “{self.instance.instead_of.type}”.")
        if kind and self.waits_already(kind):
            self.add_error("type", f"{self.instance.patient.name} waits for “{kind}” already.")
        return said

    def waits_already(self, kind: AppointmentType) -> bool:
        open_ones = Wish.objects.filter(status__in=(Wish.Status.WAITING, Wish.Status.OFFERED))
        current = open_ones.filter(patient=self.instance.patient, type=kind, last_day__gte=timezone.localdate())
        return current.exists()

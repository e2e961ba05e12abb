"""What is asked about a specimen."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical.models import LabOrder, QueuePlace
from clinical.scanned import Where, places_to_go

SCANNED = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "data-scan": ""}


class ScanField(forms.CharField):
    """A scanner types into it and ends with Enter; so can a person."""

    def __init__(self, label: str, example: str) -> None:
        widget = forms.TextInput(attrs={**SCANNED, "placeholder": example})
        super().__init__(label=label, max_length=60, widget=widget)


class Receive(forms.Form):
    scan = ScanField("Label", "S-000123-K")


class Confirm(forms.Form):
    """At the patient: both must belong together."""

    patient = ScanField("Wristband or patient number", "P-000123")
    scan = ScanField("Label on the tube", "S-000123-K")


class Round(forms.Form):
    """To whom the round goes. What is not on offer narrows nothing."""

    location = forms.ChoiceField(required=False)
    room = forms.ChoiceField(required=False)
    priority = forms.ChoiceField(required=False, choices=[("", "All"), *LabOrder.Priority.choices])
    queue = forms.ChoiceField(required=False, choices=[("", "All"), *QueuePlace.Queue.choices])

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        for name, known in zip(("location", "room"), places_to_go(), strict=True):
            asked = data.get(name, "")[:60]
            known += [asked] if asked and asked not in known else []  # nobody waits there any more
            self.fields[name] = forms.ChoiceField(required=False, choices=[("", "All"), *((one, one) for one in known)])
        self.is_valid()

    @property
    def asked(self) -> tuple[Where, str]:
        said = {name: self.cleaned_data.get(name) or "" for name in self.fields}
        return Where(said["queue"], said["location"], said["room"]), said["priority"]

    @property
    def is_narrow(self) -> bool:
        return any(self.cleaned_data.values())


class RejectSpecimen(forms.Form):
    reason = forms.ChoiceField(choices=LabOrder.Rejection.choices, widget=forms.RadioSelect, label="What is wrong")


class Store(forms.Form):
    rack = forms.CharField(max_length=30)
    position = forms.CharField(max_length=10, required=False)


class Find(forms.Form):
    q = forms.CharField(required=False, label="Number of a specimen, or a patient", max_length=60)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs |= SCANNED

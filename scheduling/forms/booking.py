"""From what is looked for to the last step."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from clinical.forms.patient import DateInput
from hospital.choices import offer
from scheduling.models import Appointment, AppointmentType, Location, Provider, Room
from scheduling.picking import AHEAD, PART, Wanted

LONGEST = 720


class Minutes(forms.IntegerField):
    def __init__(self, **more: Any) -> None:
        super().__init__(min_value=5, max_value=LONGEST, label="Length in minutes", **more)
        self.widget.attrs["step"] = 5


class Looking(forms.Form):
    """What the free slots are narrowed by, in the address of the page."""

    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(
        queryset=None, required=False, label="With", empty_label="Anyone"
    )
    location: forms.ModelChoiceField[Location] = forms.ModelChoiceField(
        queryset=None, required=False, label="At", empty_label="Any location"
    )
    part = forms.ChoiceField(choices=PART.choices, required=False, label="Time of day")
    day = forms.DateField(required=False, label="From", widget=DateInput())

    def __init__(self, data: Any, *, type: AppointmentType) -> None:
        super().__init__(data)
        who = Provider.objects.at_work().for_type(type).select_related("person").order_by("position", "person__name")
        offer(self, "provider", who.distinct())
        places = Location.objects.filter(is_active=True)
        offer(self, "location", places)
        if len(places) < 2:
            del self.fields["location"]

    def clean_part(self) -> str:
        return self.cleaned_data["part"] or PART.ANY

    def clean_day(self) -> date:
        """Not before today, and no further than anybody plans."""
        today = timezone.localdate()
        asked = self.cleaned_data["day"]
        if asked and asked > today + AHEAD:
            raise forms.ValidationError("Nobody plans so far ahead. Choose an earlier day.")
        return max(asked or today, today)


class LastStep(forms.Form):
    """What is said about an appointment whose time is chosen."""

    reason = forms.CharField(
        max_length=200, required=False, help_text="In the patient's words.", widget=forms.TextInput()
    )
    note = forms.CharField(max_length=300, required=False, label="Note for the desk")
    room: forms.ModelChoiceField[Room] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Any that is free"
    )
    minutes = Minutes()
    outside = forms.BooleanField(required=False, label="It may lie outside the hours")

    def __init__(self, data: Any = None, *, wanted: Wanted, location: Location) -> None:
        super().__init__(data, initial={"minutes": int(wanted.length.total_seconds() // 60)})
        self.location = location
        offer(self, "room", Room.objects.filter(location=location, is_active=True))
        if wanted.type.is_virtual:
            del self.fields["room"]
        if wanted.is_shared:
            del self.fields["minutes"]
        if wanted.leaving is not None:
            self.fields["reason"].label, self.fields["reason"].help_text = "Why it is moved", ""
            del self.fields["note"]

    def book(self, wanted: Wanted, provider: Provider, begins_at: Any) -> Appointment:
        said = self.cleaned_data | {"location": self.location, "by": wanted.by}
        if wanted.leaving is not None:
            return wanted.leaving.reschedule(begins_at, provider=provider, **said)
        return Appointment.book(wanted.patient, wanted.type, provider, begins_at, **said)


class WalkIn(forms.Form):
    reason = forms.CharField(max_length=200, required=False, help_text="In the patient's words.")

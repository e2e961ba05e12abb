"""Check-in: what the patient is asked at the desk, in one form."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db import transaction

from clinical import days, phones
from clinical.forms.patient import DateInput
from clinical.models import Confirmation, Patient, Policy, Visit
from clinical.models.policy import INSURANCE
from hospital.context import current
from scheduling.models import Appointment

if TYPE_CHECKING:
    from hospital.models import Person

CONTACT = ("phone", "email", "line", "postal_code", "city")
KNOWN, VERIFIED, NONE, LATER = "known", "verified", "none", "later"


class CheckIn(forms.ModelForm):
    """The details can be corrected in place; only what was changed here is written."""

    confirmed = forms.BooleanField(
        label="Name, date of birth, address and telephone are confirmed",
        required=False,
        help_text="Kept with your name and the time.",
    )
    insurance = forms.ChoiceField(widget=forms.RadioSelect, label="Insurance")
    until = forms.DateField(
        required=False, label="Verified until", widget=DateInput(), help_text="The last day, as the insurer says."
    )
    priority = forms.ChoiceField(choices=Visit.Priority.choices, initial=Visit.Priority.ROUTINE)

    class Meta:
        model = Patient
        fields = CONTACT
        widgets = {"phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"})}

    def __init__(self, data: Any = None, *, appointment: Appointment, patient: Patient, policies: list[Policy]) -> None:
        super().__init__(data, instance=patient)
        self.appointment = appointment
        self.policy = next((policy for policy in policies if policy.has_begun and not policy.has_run_out), None)
        for name in CONTACT:
            self.fields[name].show_hidden_initial = True
        self.offer_insurance()

    def offer_insurance(self) -> None:
        """Nothing is said for the patient or the insurer that nobody asked: chosen already is only what is known."""
        field, policy = cast(forms.ChoiceField, self.fields["insurance"]), self.policy
        choices = [(NONE, "Pays without insurance"), (LATER, "Not asked today")]
        if policy is not None and current().may(INSURANCE):
            choices.insert(0, (VERIFIED, f"{policy.insurer}, verified now"))
        if policy is not None and policy.is_verified:
            choices.insert(0, (KNOWN, f"{policy.insurer}, verified until {policy.verified_until:%-d %b %Y}"))
        if len(choices) == 2:
            del self.fields["until"]
        else:
            self.initial["until"] = policy.good_until if policy else None
        field.choices, field.initial = choices, KNOWN if choices[0][0] == KNOWN else LATER

    @property
    def contact(self) -> list[forms.BoundField]:
        return [self[name] for name in CONTACT]

    def clean_phone(self) -> str:
        return phones.normalise(self.cleaned_data["phone"])

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("insurance") == VERIFIED and "until" not in self.errors:
            self.check_until(self.cleaned_data.get("until"))
        return self.cleaned_data

    def check_until(self, until: date | None) -> None:
        policy = self.policy
        if until is None or until < days.today():
            self.add_error("until", "Write until when the insurer pays: today or later.")
        elif policy is not None and policy.valid_until and until > policy.valid_until:
            self.add_error("until", f"The policy itself ends on {policy.valid_until:%-d %b %Y}.")

    @transaction.atomic
    def check_in(self, *, by: Person) -> Visit:
        patient, data = self.appointment.patient, self.cleaned_data
        changed = {name: data[name] for name in CONTACT if name in self.changed_data}
        if changed:
            patient.change(by=by, **changed)
        if data["confirmed"]:
            Confirmation.record(patient, Confirmation.What.DETAILS, by=by)
        if data["insurance"] == VERIFIED and self.policy is not None:
            self.policy.verify(by=by, until=data["until"])
        elif data["insurance"] == NONE:
            Confirmation.record(patient, Confirmation.What.NO_INSURANCE, by=by)
        return self.appointment.check_in(by=by, priority=data["priority"])

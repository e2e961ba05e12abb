"""What an insurer is asked for, what it answers, and what is used of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast

from django import forms
from django.utils import timezone

from billing.models import Authorisation, AuthorisationLetter, AuthorisationNote
from clinical import days
from clinical.forms.patient import DateInput
from clinical.models import Patient, Policy
from hospital.choices import offer
from hospital.forms import Moment
from hospital.merge import MergeForm
from hospital.models import Membership, Person

LEAST = Decimal("0.01")


class OfPatient(forms.ModelForm):
    """What there is to choose is known before anything is merged."""

    instance: Any
    policy: forms.ModelChoiceField[Policy] = forms.ModelChoiceField(queryset=None, empty_label="Choose the policy")

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient = patient
        mine = patient.policies.in_use() | patient.policies.filter(pk=self.instance.policy_id)
        offer(self, "policy", mine.order_by("order"))
        cast(forms.ModelChoiceField, self.fields["doctor"]).empty_label = "Nobody in particular"
        offer(self, "doctor", doctors())


class AuthorisationForm(MergeForm, OfPatient):
    instance: Authorisation

    class Meta:
        model = Authorisation
        fields = (
            "policy",
            "code",
            "service",
            "units",
            "diagnoses",
            "urgency",
            "wanted_from",
            "wanted_until",
            "doctor",
            "justification",
        )
        widgets: ClassVar = {
            "wanted_from": DateInput(),
            "wanted_until": DateInput(),
            "justification": forms.Textarea({"rows": 6}),
        }
        help_texts: ClassVar = {"doctor": "Who hears first if it is denied."}

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()

    def clean_policy(self) -> Policy:
        policy = self.cleaned_data["policy"]
        if policy.payer_id is None:
            raise forms.ValidationError(
                f"{policy.insurer} is not in the list of insurers. Whoever keeps it can add it."
            )
        return policy

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        begins, ends = cleaned.get("wanted_from"), cleaned.get("wanted_until")
        if begins and ends and ends < begins:
            self.add_error("wanted_until", "The last day must not be before the first.")
        return cleaned


def doctors() -> Any:
    held = Membership.objects.filter(is_active=True, role__key="main_doctor").values("person_id")
    return Person.objects.filter(is_active=True, pk__in=held).order_by("name")


def words(label: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=label, max_length=500, required=required, widget=forms.Textarea({"rows": 3}))


def answer_by() -> forms.DateField:
    return forms.DateField(label="Answer expected by", required=False, widget=DateInput())


class Send(forms.Form):
    words = words("How it was sent", required=False)
    answer_by = answer_by()


class Wait(forms.Form):
    words = words("What the insurer said, or was told", required=False)
    answer_by = answer_by()


class WantMore(forms.Form):
    words = words("What the insurer wants to know")
    answer_by = forms.DateField(label="It wants to know by", required=False, widget=DateInput())


class Approve(forms.Form):
    payer_number = forms.CharField(label="Number of the authorisation", max_length=50)
    units = forms.DecimalField(label="Units granted", min_value=LEAST, max_digits=8, decimal_places=2)
    valid_from = forms.DateField(label="From", widget=DateInput())
    valid_until = forms.DateField(label="Until", widget=DateInput(), help_text="The last day.")
    words = words("What the insurer said", required=False)


class Deny(forms.Form):
    words = words("Why the insurer denies it")
    decided_on = forms.DateField(
        label="Day of the decision", initial=days.today, widget=DateInput(), help_text="As the insurer's letter says."
    )


class Appeal(forms.Form):
    words = words("What the appeal says")
    answer_by = answer_by()


class Withdraw(forms.Form):
    words = words("Why")


class Use(forms.Form):
    units = forms.DecimalField(min_value=LEAST, max_digits=8, decimal_places=2, initial=1)
    used_on = forms.DateField(label="Day", widget=DateInput())
    note = forms.CharField(max_length=200, required=False)


class GiveBack(forms.Form):
    note = forms.CharField(label="Why these units are given back", max_length=200)


class LogForm(forms.ModelForm):
    """A conversation with the insurer, as it was. Nobody changes it afterwards."""

    class Meta:
        model = AuthorisationNote
        fields = ("way", "whom", "reference", "at", "words")
        widgets: ClassVar = {"at": Moment(), "words": forms.Textarea({"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].required = True
        self.initial["at"] = timezone.localtime().replace(second=0, microsecond=0)

    def clean_at(self) -> Any:
        if self.cleaned_data["at"] > timezone.now():
            raise forms.ValidationError("This moment has not come yet.")
        return self.cleaned_data["at"]


class LetterForm(forms.Form):
    direction = forms.ChoiceField(choices=AuthorisationLetter.Direction.choices, initial="from")
    title = forms.CharField(max_length=200, required=False, help_text="Empty: as the file is called.")
    file = forms.FileField(help_text="PDF, picture or text.")

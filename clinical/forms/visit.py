from __future__ import annotations

from typing import Any, cast

from django import forms

from clinical.models import QueuePlace, Visit
from clinical.models.ending import UnderWay
from hospital.choices import offer
from hospital.models import Membership, Person


class VisitForm(forms.ModelForm):
    class Meta:
        model = Visit
        fields = ("complaint", "priority")
        widgets = {"complaint": forms.Textarea(attrs={"rows": 2}), "priority": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["complaint"].required = True
        self.fields["complaint"].help_text = "In the patient's words."


class Reason(forms.Form):
    """One sentence of why, for a step that needs it."""

    reason = forms.CharField(max_length=200, label="Reason")


class EndVisit(Reason):
    """Whoever ends a visit in the middle confirms what was given and begun, as it is at that moment."""

    knowing = forms.CharField(required=False, widget=forms.HiddenInput)
    all_the_same = forms.BooleanField(
        label="End the visit all the same",
        error_messages={"required": "Say that you know what was given or begun, or go back."},
    )

    def __init__(self, data: Any = None, *, under_way: UnderWay) -> None:
        super().__init__(data)
        self.under_way = under_way
        self.initial["knowing"] = under_way.stamp
        if not under_way:
            del self.fields["all_the_same"]

    def clean(self) -> dict[str, Any]:
        if self.under_way and self.cleaned_data.get("knowing") != self.under_way.stamp:
            self.data = {"reason": self.cleaned_data.get("reason", ""), "knowing": self.under_way.stamp}
            raise forms.ValidationError("Meanwhile more was given or begun. Look again at what is named here.")
        return self.cleaned_data


class Move(forms.Form):
    queue = forms.ChoiceField(choices=QueuePlace.Queue.choices, widget=forms.RadioSelect, label="To")
    reason = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, place: QueuePlace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["queue"]).choices = [
            choice for choice in QueuePlace.Queue.choices if choice[0] != place.queue
        ]


class Assign(forms.Form):
    checker: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, label="Checker doctor", empty_label="Nobody yet"
    )
    doctor: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Nobody yet"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "checker", who_may("checker_doctor"))
        offer(self, "doctor", who_may("main_doctor"))


def who_may(role: str) -> Any:
    ids = Membership.objects.filter(role__key=role, is_active=True).values_list("person_id", flat=True)
    return Person.objects.filter(pk__in=list(ids), is_active=True)

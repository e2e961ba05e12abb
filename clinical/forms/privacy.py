"""Restricting a chart, and naming who may open it."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical.models import ChartGrant, Patient
from hospital.choices import offer
from hospital.models import Membership, Person


class Restrict(forms.Form):
    reason = forms.CharField(max_length=200, help_text="For example: works here. It is shown on this page only.")


class Unrestrict(forms.Form):
    reason = forms.CharField(max_length=200, label="Why it is no longer restricted")


class Grant(forms.Form):
    person: forms.ModelChoiceField[Person] = forms.ModelChoiceField(queryset=None, empty_label="Choose a person")
    reason = forms.CharField(max_length=200, help_text="For example: treats this patient.")

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Membership.objects.filter(is_active=True).values("person_id")
        held = ChartGrant.objects.standing().filter(patient=patient).values("person_id")
        offer(self, "person", Person.objects.filter(is_active=True, pk__in=here).exclude(pk__in=held))

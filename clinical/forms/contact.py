"""Whom to call, who belongs to whom, and the list of tags."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from clinical import phones
from clinical.models import Patient, PatientContact, PatientRelation, Tag
from clinical.names import fold
from hospital.merge import MergeForm


class ContactForm(MergeForm, forms.ModelForm):
    instance: PatientContact

    class Meta:
        model = PatientContact
        fields = ("kind", "relationship", "name", "phone", "email", "address", "may_be_told", "note")
        widgets = {
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "address": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient = patient
        self.fields["name"].required = True
        self.fields["email"] = forms.EmailField(label="E-mail", required=False, max_length=255)

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        return typed if typed == self.instance.phone else phones.normalise(typed)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        same = self.instance.patient.contacts.exclude(pk=self.instance.pk).filter(
            relationship=cleaned.get("relationship", ""), name=cleaned.get("name", "")
        )
        if same.exists():
            self.add_error("name", "This contact is recorded already, perhaps as one that ended.")
        return cleaned


class RelationForm(forms.Form):
    """The other patient by number, or by whatever finds exactly one."""

    kind = forms.ChoiceField(label="The other one is the", choices=[("", "Choose"), *PatientRelation.Kind.choices])
    other = forms.CharField(label="Other patient", max_length=100, help_text="The number, or a name that only one has.")
    note = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient

    def clean_other(self) -> Patient:
        typed = self.cleaned_data["other"]
        other = the_one(typed, but=self.patient)
        if not is_meant(other, typed):
            born = f", born {other.birth_date:%-d %b %Y}" if other.birth_date else ""
            raise ValidationError(f"Only {other.name}{born} is like this. Write {other.number} if that is the one.")
        return other

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        standing = PatientRelation.objects.standing()
        pair = {"patient": cleaned.get("other"), "other": self.patient, "kind": cleaned.get("kind")}
        if all(pair.values()) and standing.filter(**pair).exists():
            self.add_error("other", "This is recorded already.")
        return cleaned


class RelationEdit(MergeForm, forms.ModelForm):
    """What the one is to the other. Who they are stays: another pair is another relation."""

    instance: PatientRelation

    class Meta:
        model = PatientRelation
        fields = ("kind", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].label = f"{self.instance.patient.name} is the"
        self.fields["kind"].help_text = f"of {self.instance.other.name}."

    def clean_kind(self) -> str:
        kind, relation = self.cleaned_data["kind"], self.instance
        same = PatientRelation.objects.standing().filter(patient=relation.patient, other=relation.other, kind=kind)
        if same.exclude(pk=relation.pk).exists():
            raise ValidationError("This is recorded already.")
        return kind


class OtherRecord(forms.Form):
    other = forms.CharField(
        label="The other record", max_length=100, help_text="The number, or a name that only one has."
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient

    def clean_other(self) -> Patient:
        return the_one(self.cleaned_data["other"], but=self.patient)


def is_meant(patient: Patient, typed: str) -> bool:
    """Whether the number or words of the name were typed, and not something that is only like them."""
    words = fold(typed).split()
    return patient.number == typed.strip().upper() or all(
        any(part.startswith(word) for part in fold(patient.name).split()) for word in words
    )


def the_one(text: str, *, but: Patient) -> Patient:
    """The patient whom this text finds, if it finds one only."""
    found = list(Patient.objects.exclude(pk=but.pk).search(text)[:5])
    exact = [patient for patient in found if patient.number == text.strip().upper()] or found
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise ValidationError("Nobody is found by this. Write the number, such as P-000123.")
    names = ", ".join(f"{patient.name} {patient.number}" for patient in exact)
    raise ValidationError(f"Several are found: {names}. Write the number.")


class TagForm(MergeForm, forms.ModelForm):
    class Meta:
        model = Tag
        fields = ("name", "tone", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["is_active"]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].strip()
        if "," in name:
            raise ValidationError("A comma stands between tags. Write one word or a few without it.")
        if Tag.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is a tag of this name.")
        return name

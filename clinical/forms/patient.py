from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from clinical import days, phones
from clinical.models import Patient
from hospital.forms import Moment
from hospital.merge import MergeForm

OLDEST = 130  # years; nobody has been shown to live longer
IDENTITY = ("given_name", "family_name", "birth_date", "birth_date_estimated", "sex", "phone", "document_number")
ADDRESS = ("email", "line", "city", "state", "postal_code", "country")


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PatientForm(forms.ModelForm):
    class Meta:
        model = Patient
        fields: tuple[str, ...] = (*IDENTITY, *ADDRESS, "tags")
        widgets: dict[str, Any] = {
            "birth_date": DateInput(),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            "given_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "family_name": forms.TextInput(attrs={"autocomplete": "off"}),
        }
        help_texts = {"tags": "Short words, with commas between them, such as: wheelchair, interpreter."}

    def clean_phone(self) -> str:
        return phones.normalise(self.cleaned_data["phone"])

    def clean_birth_date(self) -> date | None:
        born = self.cleaned_data["birth_date"]
        if born and born > days.today():
            raise forms.ValidationError("This day is still to come. Write the day of birth.")
        if born and born.year < days.today().year - OLDEST:
            raise forms.ValidationError(
                f"Nobody lives longer than {OLDEST} years. Write the year of birth with four digits."
            )
        return born

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"] if tag.strip()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("birth_date_estimated") and not cleaned.get("birth_date") and "birth_date" not in self.errors:
            self.add_error("birth_date", "Write the day that you estimate.")
        return cleaned


class RegisterPatient(PatientForm):
    """A new patient. Who does not know the day of birth says an age, which becomes an estimated day."""

    age = forms.IntegerField(
        label="Or age in years",
        required=False,
        min_value=0,
        max_value=OLDEST,
        help_text="Only if the date is not known.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = (
        "given_name",
        "family_name",
        "birth_date",
        "age",
        "sex",
        "phone",
        "document_number",
        *ADDRESS,
        "tags",
    )

    class Meta(PatientForm.Meta):
        fields = tuple(name for name in PatientForm.Meta.fields if name != "birth_date_estimated")
        widgets = {**PatientForm.Meta.widgets, "sex": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sex"].initial = None  # asked, not assumed: the ranges depend on it

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        years = cleaned.pop("age", None)
        if cleaned.get("birth_date") is None and years is not None and "birth_date" not in self.errors:
            cleaned["birth_date"], cleaned["birth_date_estimated"] = years_ago(years), True
        return cleaned

    def further(self) -> list[forms.BoundField]:
        """What can wait until there is time."""
        return [self[name] for name in (*ADDRESS, "tags")]

    def has_further_errors(self) -> bool:
        return any(field.errors for field in self.further())

    def duplicates(self) -> list[tuple[Patient, int, list[str]]]:
        return Patient.duplicates_of(**describing(self.cleaned_data))

    def unseen(self, duplicates: list[tuple[Patient, int, list[str]]]) -> bool:
        """Whether there is one that reception has not been asked about."""
        return not {str(patient.pk) for patient, _, _ in duplicates} <= set(self.cleaned_data["seen"].split())

    def details(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class TypedSoFar(forms.Form):
    """A registration that is still being typed: what cannot be read yet counts as empty."""

    given_name = forms.CharField(required=False, max_length=120)
    family_name = forms.CharField(required=False, max_length=120)
    birth_date = forms.DateField(required=False)
    phone = forms.CharField(required=False, max_length=30)
    document_number = forms.CharField(required=False, max_length=60)

    def clean_phone(self) -> str:
        return phones.normalise(self.cleaned_data["phone"])

    def duplicates(self) -> list[tuple[Patient, int, list[str]]]:
        self.is_valid()
        return Patient.duplicates_of(**describing(self.cleaned_data))


class EditPatient(MergeForm, PatientForm):
    class Meta(PatientForm.Meta):
        fields = (*PatientForm.Meta.fields, "deceased_at")
        widgets = {**PatientForm.Meta.widgets, "deceased_at": Moment()}

    def clean_deceased_at(self) -> Any:
        died = self.cleaned_data["deceased_at"]
        if died and days.day_of(died) > days.today():
            raise forms.ValidationError("This day is still to come.")
        if died and died.year < 1800:
            raise forms.ValidationError("Check the year.")
        return died


def describing(cleaned: dict[str, Any]) -> dict[str, Any]:
    """What `Patient.duplicates_of` compares."""
    empty = {"given_name": "", "family_name": "", "birth_date": None, "phone": "", "document_number": ""}
    return {name: cleaned.get(name) or nothing for name, nothing in empty.items()}


def years_ago(years: int) -> date:
    """A day of birth with which somebody is of this age for the rest of this year."""
    return date(days.today().year - years, 1, 1)

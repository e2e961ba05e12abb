from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any, cast

from django import forms
from django.utils import timezone

from clinical import days, phones
from clinical.ages import OLDEST, NoAge, born
from clinical.models import Patient, Tag
from hospital.merge import MergeForm

IDENTITY = ("given_name", "family_name", "birth_date", "birth_date_estimated", "sex", "phone", "document_number")
ADDRESS = ("email", "line", "city", "state", "postal_code", "country")


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TagBoxes(forms.CheckboxSelectMultiple):
    """Boxes; where a form is opened again with what was merged, the list stands in one value."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        values = super().value_from_datadict(data, files, name)
        return listed(values[0]) if values and len(values) == 1 else values

    def format_value(self, value: Any) -> list[str]:
        return super().format_value(listed(value) if isinstance(value, str) else value)


class TagsField(forms.MultipleChoiceField):
    """Words of the house's list. As a text it is JSON: a tag may hold a comma."""

    widget = TagBoxes

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        return sorted(super().to_python(listed(value) if isinstance(value, str) else value), key=str.casefold)


def listed(text: str) -> list[str]:
    try:
        read = json.loads(text)
    except ValueError:
        return [text]
    return read if isinstance(read, list) and all(isinstance(one, str) for one in read) else [text]


class PatientForm(forms.ModelForm):
    tags = TagsField(required=False)

    class Meta:
        model = Patient
        fields: tuple[str, ...] = (*IDENTITY, *ADDRESS, "tags")
        widgets: dict[str, Any] = {
            "birth_date": DateInput(),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            "given_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "family_name": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Tag.objects.filter(is_active=True).values_list("name", flat=True)
        names = sorted({*offered, *self.instance.tags}, key=str.casefold)
        cast(TagsField, self.fields["tags"]).choices = [(name, name) for name in names]
        if not names:
            del self.fields["tags"]

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

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("birth_date_estimated") and not cleaned.get("birth_date") and "birth_date" not in self.errors:
            self.add_error("birth_date", "Write the day that you estimate.")
        return cleaned


class RegisterPatient(PatientForm):
    """A new patient. Who does not know the day of birth says an age, which becomes an estimated day."""

    age = forms.CharField(
        label="Or age",
        required=False,
        max_length=30,
        help_text="Only if the date is not known: 40, about 40, 8 months, 3 weeks.",
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

    def clean_age(self) -> date | None:
        return day_of_birth(self.cleaned_data["age"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        estimated = cleaned.pop("age", None)
        if cleaned.get("birth_date") is None and estimated is not None and "birth_date" not in self.errors:
            cleaned["birth_date"], cleaned["birth_date_estimated"] = estimated, True
        return cleaned

    def further(self) -> list[forms.BoundField]:
        """What can wait until there is time."""
        return [self[name] for name in (*ADDRESS, "tags") if name in self.fields]

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
    email = forms.EmailField(required=False)

    def clean_phone(self) -> str:
        return phones.normalise(self.cleaned_data["phone"])

    def duplicates(self) -> list[tuple[Patient, int, list[str]]]:
        self.is_valid()
        return Patient.duplicates_of(**describing(self.cleaned_data))


class EditPatient(MergeForm, PatientForm):
    """Who is not identified yet is, once there is a name."""


class UnknownPatient(forms.Form):
    """One click is enough: nothing of it must be filled in."""

    sex = forms.ChoiceField(
        choices=Patient.Sex.choices, required=False, initial=Patient.Sex.UNKNOWN, widget=forms.RadioSelect
    )
    age = forms.CharField(label="About how old", required=False, max_length=30, help_text="40, about 40, 3 weeks.")

    def clean_age(self) -> date | None:
        return day_of_birth(self.cleaned_data["age"])

    def details(self) -> dict[str, Any]:
        estimated = self.cleaned_data["age"]
        sex = self.cleaned_data["sex"] or Patient.Sex.UNKNOWN
        return {"sex": sex, "birth_date": estimated, "birth_date_estimated": estimated is not None}


class Death(forms.Form):
    day = forms.DateField(label="Day", widget=DateInput())
    time = forms.TimeField(label="Time", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    estimated = forms.BooleanField(label="The time is estimated", required=False)
    said_by = forms.CharField(
        label="Who says so", max_length=120, help_text="The doctor, the family, the register: a name and what they are."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        day = cleaned.get("day")
        if day and not days.today().year - OLDEST <= day.year:
            self.add_error("day", "Check the year.")
        elif day and day > days.today():
            self.add_error("day", "This day is still to come.")
        elif day:
            cleaned["at"] = timezone.make_aware(datetime.combine(day, cleaned.get("time") or time(0, 0)))
            if cleaned["at"] > timezone.now():
                self.add_error("time", "This time is still to come.")
        return cleaned

    def details(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "at": cleaned["at"],
            "said_by": cleaned["said_by"],
            "estimated": cleaned["estimated"],
        }


class Photo(forms.Form):
    photo = forms.FileField(
        label="Photo",
        widget=forms.FileInput(attrs={"accept": "image/*", "capture": "user"}),
        help_text="A telephone opens its camera. The photo is made small, and what the camera wrote into it is dropped.",
    )


def describing(cleaned: dict[str, Any]) -> dict[str, Any]:
    """What `Patient.duplicates_of` compares."""
    texts = ("given_name", "family_name", "phone", "document_number", "email")
    empty = {**dict.fromkeys(texts, ""), "birth_date": None}
    return {name: cleaned.get(name) or nothing for name, nothing in empty.items()}


def day_of_birth(age: str) -> date | None:
    if not age.strip():
        return None
    try:
        return born(age)
    except NoAge as error:
        raise forms.ValidationError(str(error)) from error

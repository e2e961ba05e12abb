"""The laboratory's catalogue: tests, panels, tubes and conditions."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from clinical import ucum
from clinical.forms.patient import DateInput
from clinical.models import LabCondition, LabTest, Panel, SpecimenType
from hospital.choices import offer
from hospital.forms import Moment
from hospital.merge import MergeForm

MARKS = ("abnormal", "critical")


class Answers(forms.CharField):
    """The answers of a coded test, one a line: `positive | Positive | abnormal`."""

    widget = forms.Textarea(attrs={"rows": 5, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else "\n".join(map(line_of, value or ()))

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        lines = self.prepare_value(value).splitlines()  # of what was typed, or of the answers as they are kept
        return [option_of(line) for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != self.prepare_value(data)


def line_of(option: dict[str, Any]) -> str:
    marks = [mark for mark in MARKS if option.get(mark)]
    return " | ".join([option["code"], option["label"], *([" ".join(marks)] if marks else [])])


def option_of(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in line.split("|")]
    marks = parts[2].split() if len(parts) > 2 else []
    if len(parts) not in (2, 3) or not all(parts[:2]) or not set(marks) <= set(MARKS) or len(parts[0]) > 40:
        raise forms.ValidationError(f"“{line.strip()[:60]}” is no answer. Write: positive | Positive | abnormal")
    return {"code": parts[0], "label": parts[1], **{mark: mark in marks for mark in MARKS}}


class TypeChoice(forms.ModelChoiceField):
    """The tubes of the open tenant: asked when a form is made, since there is none when this is read."""

    def __deepcopy__(self, memo: dict[int, Any]) -> TypeChoice:
        copy = super().__deepcopy__(memo)
        copy.queryset = SpecimenType.objects.all()
        return copy


class TestForm(MergeForm, forms.ModelForm):
    __test__ = False  # pytest would take the name for a test
    options = Answers(
        required=False,
        label="Answers",
        help_text="Of a test with several answers, one a line: positive | Positive | abnormal. Or critical, or nothing.",
    )

    specimen_type = TypeChoice(queryset=None, required=False, label="Tube or container", empty_label="None")

    instance: LabTest

    class Meta:
        model = LabTest
        fields = (
            "code",
            "name",
            "group",
            "loinc",
            "kind",
            "unit",
            "decimals",
            "options",
            "specimen",
            "specimen_type",
            "bench",
            "minutes_routine",
            "minutes_urgent",
            "minutes_stat",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["specimen"].label = "Material"
        self.fields["is_active"].label = "Offered"
        self.fields["kind"].label = "What comes out"

    def clean_unit(self) -> str:
        unit = self.cleaned_data["unit"].strip()
        if not ucum.is_unit(unit):
            raise forms.ValidationError(
                f"“{unit}” is no unit of UCUM that is known here. Write mmol/L, 10*3/uL or [IU]/L."
            )
        return unit


class PanelForm(MergeForm, forms.ModelForm):
    members = forms.CharField(
        label="Tests",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="The codes of its tests, in the order in which they are shown: NA, K, CL.",
    )

    instance: Panel

    class Meta:
        model = Panel
        fields = ("code", "name", "loinc", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_active"].label = "Offered"

    def values_now(self) -> dict[str, Any]:
        own = {name: self.instance.serializable_value(name) for name in self.fields if name != "members"}
        return {**own, "members": self.codes_now()}

    def codes_now(self) -> str:
        if self.instance._state.adding:
            return ""
        return ", ".join(member.test.code for member in self.instance.members.select_related("test"))

    def changed_by(self, name: str) -> Any:
        return ("", None) if name == "members" else super().changed_by(name)

    def clean_members(self) -> str:
        """The same codes, as they are written; each must be there."""
        codes = self.cleaned_data["members"].replace(",", " ").split()
        known = {test.code.lower(): test for test in LabTest.objects.filter(code__in=[*codes, *map(str.upper, codes)])}
        unknown = [code for code in codes if code.lower() not in known]
        if unknown:
            raise forms.ValidationError(f"There is no test {', '.join(unknown)}.")
        self.tests = list(dict.fromkeys(known[code.lower()] for code in codes))
        return ", ".join(test.code for test in self.tests)

    def save(self, commit: bool = True) -> Panel:
        panel = super().save(commit)
        if {"members"} & set(self.changes):
            panel.set_tests(self.tests)
        return panel


class TypeForm(MergeForm, forms.ModelForm):
    instance: SpecimenType

    class Meta:
        model = SpecimenType
        fields = (
            "code",
            "name",
            "tube",
            "cap",
            "millilitres",
            "handling",
            "stable_hours",
            "keep_days",
            "rank",
            "is_active",
        )


class ConditionForm(MergeForm, forms.ModelForm):
    instance: LabCondition

    class Meta:
        model = LabCondition
        fields = ("code", "name", "weeks", "rank", "is_active")


class NewEdition(forms.Form):
    """From when the grid is valid, and why it was changed."""

    valid_from = forms.DateTimeField(label="Valid from", widget=Moment())
    reason = forms.CharField(max_length=200, label="Why", widget=forms.TextInput(attrs={"placeholder": "New analyser"}))

    def clean_valid_from(self) -> Any:
        """The minute that the page was opened in counts as now: nothing becomes valid in the past."""
        at, now = self.cleaned_data["valid_from"], timezone.now()
        if (now - at).total_seconds() > 3600:
            raise forms.ValidationError("A version cannot begin in the past: results have their range already.")
        return max(at, now)


class Preview(forms.Form):
    """Somebody for whom the range is looked up: a girl of 3 days, a woman in week 30."""

    sex = forms.ChoiceField(choices=[("female", "Female"), ("male", "Male"), ("unknown", "Unknown")], required=False)
    age = forms.CharField(required=False, max_length=10, widget=forms.TextInput(attrs={"placeholder": "3 d, 30 y"}))
    condition: forms.ModelChoiceField[LabCondition] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="None", to_field_name="code"
    )
    weeks = forms.IntegerField(required=False, min_value=0, max_value=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "condition", LabCondition.objects.filter(is_active=True))

    def clean_age(self) -> int | None:
        from clinical.range_grid import hours

        try:
            return hours(self.cleaned_data["age"].strip())
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None

    @property
    def facts(self) -> dict[str, int | None]:
        condition = self.cleaned_data.get("condition")
        return {condition.code: self.cleaned_data.get("weeks")} if condition else {}


class KnownCondition(forms.Form):
    """A condition of a patient from a day on; weeks where it counts them."""

    condition: forms.ModelChoiceField[LabCondition] = forms.ModelChoiceField(queryset=None, empty_label="Choose one")
    weeks = forms.IntegerField(required=False, min_value=0, max_value=60, label="Weeks on that day")
    begins_on = forms.DateField(label="Since", widget=DateInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "condition", LabCondition.objects.filter(is_active=True))
        self.initial["begins_on"] = timezone.localdate()

    def clean_begins_on(self) -> date:
        if self.cleaned_data["begins_on"] > timezone.localdate():
            raise forms.ValidationError("This day has not come yet.")
        return self.cleaned_data["begins_on"]

    def clean(self) -> dict[str, Any]:
        condition, weeks = self.cleaned_data.get("condition"), self.cleaned_data.get("weeks")
        if condition and condition.weeks != LabCondition.Weeks.NONE and weeks is None and "weeks" not in self.errors:
            self.add_error("weeks", f"{condition} is counted in weeks. Say how many.")
        return self.cleaned_data

"""What an administrator keeps for biopsies: diagnoses, laboratories and letters."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms

from clinical.letters import HELP
from clinical.models import BiopsyLetter, Icd10Code, PathologyCode, PathologyLab
from hospital.merge import MergeForm
from hospital.models import Person


class CodeForm(MergeForm, forms.ModelForm):
    """A change is a new version of the diagnosis, and says why."""

    instance: PathologyCode
    reason = forms.CharField(
        max_length=200, required=False, label="Why it is changed", help_text="Kept with the version."
    )

    class Meta:
        model = PathologyCode
        fields = ("code", "name", "malignancy", "follow_up", "icd10", "morphology", "is_active")
        labels: ClassVar = {"malignancy": "Level", "follow_up": "Usually follows"}
        help_texts: ClassVar = {
            "code": "Capital letters, digits and hyphens. Reports and messages name it.",
            "malignancy": "A malignant diagnosis is an alert to the doctor who ordered the biopsy.",
            "morphology": "As 8720/3; it is understood in messages, if one diagnosis has it only.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["malignancy"]).choices = PathologyCode._meta.get_field(
            "malignancy"
        ).get_choices(blank_choice=[("", "Choose the level")])
        if self.instance._state.adding:
            del self.fields["reason"]

    def values_now(self) -> dict[str, Any]:
        names = (name for name in self.fields if name != "reason")
        return {**{name: self.instance.serializable_value(name) for name in names}, "reason": ""}

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip()

    def clean_icd10(self) -> str:
        code = self.cleaned_data["icd10"].strip().upper()
        if code and not Icd10Code.objects.filter(code=code).exists():
            raise forms.ValidationError(f"ICD-10-CM has no {code}. Leave it empty, or look it up.")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        changed = {name for name in self.changes if name != "reason"}
        if "reason" in self.fields and changed and not cleaned.get("reason"):
            self.add_error("reason", "Say why the diagnosis is changed. Reports keep the version that they have.")
        return cleaned

    def save_by(self, person: Person) -> PathologyCode:
        fields = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        if self.instance._state.adding:
            return PathologyCode.add(by=person, **fields)
        row = PathologyCode.objects.get(pk=self.instance.pk)  # the form has written into its own
        if {name for name in self.changes if name != "reason"}:
            row.revise(by=person, reason=self.cleaned_data["reason"], **fields)
        return row


class LaboratoryForm(MergeForm, forms.ModelForm):
    instance: PathologyLab

    class Meta:
        model = PathologyLab
        fields = ("name", "address", "phone", "hl7_id", "first_days", "second_days", "third_days", "is_active")

    def save_by(self, person: Person) -> PathologyLab:
        return self.save()


class LetterForm(MergeForm, forms.ModelForm):
    instance: BiopsyLetter

    class Meta:
        model = BiopsyLetter
        fields = ("name", "purpose", "subject", "body", "is_active")
        widgets: ClassVar = {"body": forms.Textarea({"rows": 14})}
        help_texts: ClassVar = {"body": HELP}

    def save_by(self, person: Person) -> BiopsyLetter:
        return self.save()

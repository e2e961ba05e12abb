"""What colleagues write into a chart: one form for each part of it, all merged field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms

from clinical import days, vaccines
from clinical.allergens import allergen_classes, substances_offered
from clinical.models import Allergy, Icd10Code, Immunization, MedicationStatement, Patient, Problem, Procedure, Visit
from clinical.models.history import PRICE_LIST
from clinical.models.of_chart import MISTAKE, Verification
from clinical.partial import PartialDateField, stored, typed
from hospital.choices import choose_from
from hospital.merge import MergeForm, last_change

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SEVERITIES = [("", "Severity not known"), *Problem.Severity.choices]
REACTIONS = range(1, 4)
STANDING = [choice for choice in Verification.choices if choice[0] != MISTAKE]


class Offering(forms.TextInput):
    """A text with proposals, which need not be taken. The template writes them beside the field."""

    def __init__(self, name: str, offers: Iterable[str]) -> None:
        super().__init__(attrs={"list": f"{name}-offers", "autocomplete": "off"})
        self.offers = offers


def manifestation(label: str) -> forms.CharField:
    return forms.CharField(label=label, max_length=120, required=False)


def severity(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=SEVERITIES, required=False)


class PartForm(MergeForm, forms.ModelForm):
    """`DAYS` names the fields that are days, perhaps known only by their year, and the columns where they are kept."""

    DAYS: ClassVar[dict[str, str]] = {}
    instance: Any

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.patient = patient

    def values_now(self) -> dict[str, Any]:
        row = self.instance
        plain = {name: row.serializable_value(name) for name in self.fields if name in (self._meta.fields or ())}
        return {**plain, **{name: self._day(stem) for name, stem in self.DAYS.items()}}

    def _day(self, stem: str) -> str:
        return typed(getattr(self.instance, f"{stem}_at"), getattr(self.instance, f"{stem}_said"))

    def changed_by(self, name: str) -> tuple[str, Any]:
        return last_change(self.instance, f"{self.DAYS[name]}_said" if name in self.DAYS else name)

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        """These values of fields, as columns of the row."""
        found = {name: value for name, value in values.items() if name in (self._meta.fields or ())}
        for name, stem in self.DAYS.items():
            if name in values:
                found[f"{stem}_at"], found[f"{stem}_said"] = stored(values[name])
        return found


class ProblemForm(PartForm):
    """In words; with its code where there is one."""

    DAYS: ClassVar = {"onset": "onset"}

    onset = PartialDateField(label="Since")
    field_order = ("text", "code", "onset", "clinical_status", "severity", "verification", "rank", "note")

    class Meta:
        model = Problem
        fields = ("text", "code", "clinical_status", "severity", "verification", "rank", "note")
        labels = {"text": "Problem", "code": "ICD-10-CM", "clinical_status": "Status", "verification": "Certainty"}
        widgets = {
            "text": forms.TextInput(),
            "code": forms.TextInput(attrs={"autocomplete": "off", "maxlength": 255}),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_from(self, "verification", STANDING)
        choose_from(self, "severity", SEVERITIES)

    def clean_code(self) -> str:
        """A code that came with an imported record may be of another system, and stays."""
        code = str(self.cleaned_data["code"]).strip()
        if code == self.instance.code and self.instance.system != ICD10:
            return code
        if code and not Icd10Code.objects.filter(code=code.upper()).exists():
            raise forms.ValidationError("This is not a code of ICD-10-CM. Look it up by words, or leave it empty.")
        return code.upper()

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        found = super().columns(values)
        if found.get("code") and found["code"] != self.theirs.get("code"):
            found["system"] = ICD10
        return found


class AllergyForm(PartForm):
    DAYS: ClassVar = {"onset": "onset"}

    allergen_class = forms.ChoiceField(
        label="Class",
        required=False,
        help_text="If all of a group are meant. A medicine of the class warns, whatever its name is.",
    )
    onset = PartialDateField(label="Since")
    field_order = ("substance", "allergen_class", "category", "criticality", "verification", "onset")
    manifestation_1, severity_1 = manifestation("Reaction"), severity("How severe")
    manifestation_2, severity_2 = manifestation("Second reaction"), severity("How severe is the second")
    manifestation_3, severity_3 = manifestation("Third reaction"), severity("How severe is the third")

    class Meta:
        model = Allergy
        fields = ("substance", "allergen_class", "category", "criticality", "verification", "note")
        labels = {"verification": "Certainty"}
        widgets = {
            "substance": Offering("substance", substances_offered()),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name != "note"), "note"])
        self.fields["substance"].required = False
        groups = [(one.key, one.name) for one in allergen_classes().values()]
        choose_from(self, "allergen_class", [("", "None"), *groups])
        choose_from(self, "verification", STANDING)
        if self.instance._state.adding:
            begins = {"verification": Verification.CONFIRMED, "category": Allergy.Category.MEDICATION}
            self.initial = {**self.initial, **begins}

    def values_now(self) -> dict[str, Any]:
        found, known = super().values_now(), reactions_of(self.instance)
        for at, one in zip(REACTIONS, known, strict=False):
            found |= {f"manifestation_{at}": one["manifestation"], f"severity_{at}": one["severity"]}
        return found

    def changed_by(self, name: str) -> tuple[str, Any]:
        return last_change(self.instance, "reactions") if name[-1].isdigit() else super().changed_by(name)

    def clean(self) -> dict[str, Any]:
        """A class alone is enough: then it is the substance."""
        cleaned = super().clean()
        group = allergen_classes().get(cleaned.get("allergen_class", ""))
        cleaned["substance"] = cleaned.get("substance") or (group.name if group else "")
        if not cleaned["substance"] and "substance" not in self.errors:
            self.add_error("substance", "Write the substance, or choose a class.")
        for at in REACTIONS:
            if cleaned.get(f"severity_{at}") and not cleaned.get(f"manifestation_{at}"):
                self.add_error(f"manifestation_{at}", "Write what happened, or leave the severity empty.")
        return cleaned

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        found = super().columns(values)
        if any(name[-1].isdigit() for name in values):
            found["reactions"] = self._reactions()
            found["reaction"] = reactions_in_words(found["reactions"])
        return found

    def _reactions(self) -> list[dict[str, str]]:
        given = [
            {name: self.cleaned_data[f"{name}_{at}"] for name in ("manifestation", "severity")} for at in REACTIONS
        ]
        return [one for one in given if one["manifestation"]]


def reactions_of(row: Allergy) -> list[dict[str, str]]:
    """What came in words only, from a record, is one reaction."""
    if row.reactions or not row.reaction:
        return list(row.reactions)
    return [{"manifestation": row.reaction[:120], "severity": ""}]


def reactions_in_words(reactions: list[dict[str, str]]) -> str:
    return "; ".join(
        f"{one['manifestation']} ({one['severity']})" if one["severity"] else one["manifestation"] for one in reactions
    )


class MedicationForm(PartForm):
    DAYS: ClassVar = {"since": "authored"}

    since = PartialDateField(label="Since")
    field_order = ("text", "dosage", "as_needed", "reason", "source", "status", "since", "note")

    class Meta:
        model = MedicationStatement
        fields = ("text", "dosage", "as_needed", "reason", "source", "status", "note")
        labels = {"text": "Medicine, with its strength", "as_needed": "Only when needed", "source": "Known from"}
        widgets = {
            "text": forms.TextInput(),
            "dosage": forms.TextInput(attrs={"placeholder": "1 tablet twice a day"}),
            "reason": forms.TextInput(),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["status"] = forms.ChoiceField(choices=MedicationStatement.Status.choices)
        if self.instance._state.adding:
            self.initial = {**self.initial, "status": "active", "source": "patient"}


class ImmunizationForm(PartForm):
    """A vaccine of the table, or one in words from a card."""

    DAYS: ClassVar = {"given": "occurred"}

    code = forms.ChoiceField(label="Vaccine", required=False)
    text = forms.CharField(
        label="Vaccine in words", max_length=255, required=False, help_text="Only for one that the list does not have."
    )
    given = PartialDateField(label="Day")
    field_order = (
        "code",
        "text",
        "status",
        "given",
        "dose",
        "lot",
        "site",
        "route",
        "given_by",
        "status_reason",
        "note",
    )

    class Meta:
        model = Immunization
        fields = ("code", "text", "status", "dose", "lot", "site", "route", "given_by", "status_reason", "note")
        labels = {"status_reason": "Why it was not given"}
        widgets = {
            "site": Offering("site", vaccines.SITES),
            "route": Offering("route", vaccines.ROUTES),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        happened = [("completed", "Given"), ("not-done", "Not given")]
        self.fields["status"] = forms.ChoiceField(label="What happened", choices=happened)
        known = [(one.code, f"{one.name} (CVX {one.code})") for one in vaccines.vaccines().values()]
        if self.instance.code and self.instance.code not in vaccines.vaccines():
            known.insert(0, (self.instance.code, f"{self.instance.text} ({self.instance.code})"))
        choose_from(self, "code", [("", "Another"), *known])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("code") and not cleaned.get("text") and cleaned["code"] in vaccines.vaccines():
            cleaned["text"] = vaccines.vaccines()[cleaned["code"]].name
        if not cleaned.get("text") and "code" not in self.errors:
            self.add_error("code", "Choose the vaccine, or write it in words.")
        if cleaned.get("status") == "not-done" and not cleaned.get("status_reason"):
            self.add_error("status_reason", "Say why, refused by the patient for example.")
        if cleaned.get("status") == "completed" and not cleaned.get("given") and "given" not in self.errors:
            self.add_error("given", "Write the day, the month or the year.")
        return cleaned

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        found = super().columns(values)
        if found.get("code") in vaccines.vaccines():
            found["system"] = vaccines.CVX
        return found


class ProcedureForm(PartForm):
    """With a code it was done here and is charged. The code that came with an imported record is no such code, and stays."""

    DAYS: ClassVar = {"done": "performed"}

    done = PartialDateField(label="Day")
    code = forms.CharField(
        label="Charge by the code",
        max_length=60,
        required=False,
        help_text="CPT or your own. Only for what was done here in the visit that is open; empty for what was done before or elsewhere.",
    )
    field_order = ("text", "done", "code", "reason", "outcome", "note")

    class Meta:
        model = Procedure
        fields = ("text", "code", "reason", "outcome", "note")
        labels = {"text": "Procedure"}
        widgets = {name: forms.TextInput() for name in ("text", "reason", "outcome")} | {
            "note": forms.Textarea(attrs={"rows": 2})
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.fhir_id:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        code = cleaned.get("code")
        if code and code != self.instance.code:
            self._check_visit(cleaned)
        return cleaned

    def _check_visit(self, cleaned: dict[str, Any]) -> None:
        visit = Visit.objects.here(self.instance.patient.pk)
        if visit is None:
            self.add_error("code", "There is no open visit to charge it in. Register one, or leave this empty.")
            return
        day = cleaned.get("done") or days.today().isoformat()
        if day < days.day_of(visit.registered_at).isoformat():
            self.add_error(
                "done", "Only what was done in the open visit is charged. Correct the day, or leave the code empty."
            )
        elif "done" in cleaned:
            cleaned["done"] = day

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        found = super().columns(values)
        if "code" in found:
            found["system"] = PRICE_LIST if found["code"] else ""
        return found


class EndForm(forms.Form):
    """When it ended, if that is known, and why."""

    on = PartialDateField(label="Ended")
    because = forms.CharField(label="Why", max_length=250, required=False)

    def __init__(self, *args: Any, needs_reason: bool, has_day: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["because"].required = needs_reason
        if not has_day:
            del self.fields["on"]


class MistakeForm(forms.Form):
    because = forms.CharField(
        label="What is wrong with it",
        max_length=250,
        help_text="It stays to be read among the mistakes, and counts no more.",
    )

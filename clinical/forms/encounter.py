"""Writing a note: its sections merged one by one, what stands beside them, and the signatures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms

from clinical.forms.body_map import OnBodyMap, Place, pictures_of
from clinical.forms.visit import Reason
from clinical.models import (
    CosignRule,
    Document,
    Encounter,
    EncounterSection,
    Lesion,
    NoteTemplate,
    PlanItem,
    QuickText,
    Unmerged,
)
from clinical.models.encounter import COSIGN
from clinical.models.encounter_parts import LONGEST
from clinical.models.note_template import Shape
from clinical.note_catalogue import templates
from clinical.together import rows_of, together
from clinical.who_may import people_who_may
from hospital.choices import offer
from hospital.http import Request
from hospital.merge import Conflict, MergeForm
from hospital.models import Person
from hospital.signing import Signing
from hospital.tenancy import EditableModel


class Words(forms.CharField):
    """Text as it is typed, with one kind of line end, whatever the browser sends."""

    def __init__(self, section: EncounterSection) -> None:
        super().__init__(
            label=section.title, required=False, strip=False, max_length=LONGEST, widget=widget_of(section)
        )
        self.error_messages["max_length"] = "It may have %(limit_value)d characters, and has %(show_value)d."

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\0", "")


def widget_of(section: EncounterSection) -> forms.Widget:
    if section.shape == Shape.CHOICE:
        known = dict.fromkeys([*section.choices, section.text] if section.text else section.choices)
        return forms.Select(choices=[("", "Not said"), *((one, one) for one in known)])
    common = {"placeholder": section.hint, "data-section": section.key, "autocomplete": "off", "spellcheck": "true"}
    return forms.TextInput(common) if section.shape == Shape.LINE else forms.Textarea({**common, "rows": 3})


class Sections(forms.Form):
    def __init__(self, *args: Any, note: Encounter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance: EditableModel = note
        self.rows = {row.key: row for row in rows_of(note, "sections", "written_by")}
        self.fields = {key: Words(row) for key, row in self.rows.items()}


class NoteForm(MergeForm, Sections):
    """All sections in one form. Each is merged by itself: by the words it was opened with, not by a version."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bases: dict[str, str] = {}
        super().__init__(*args, **kwargs)

    def values_now(self) -> dict[str, Any]:
        return {key: row.text for key, row in self.rows.items()}

    def changed_by(self, name: str) -> tuple[str, datetime | None]:
        row = self.rows[name]
        return str(row.written_by or ""), row.written_at

    @property
    def is_stale(self) -> bool:
        return True

    def _merge(self, name: str, cleaned: dict[str, Any]) -> None:
        if f"opened-{name}" not in self.data or name not in self.data:
            cleaned[name] = self.theirs[name]  # this page does not know the section
        super()._merge(name, cleaned)

    def _conflict(self, name: str, mine: Any, theirs: Any) -> Conflict:
        self.bases[name] = cast(str, self._base(name))
        return super()._conflict(name, mine, theirs)

    def save(self, *, by: Person) -> None:
        """What is clear is written; what two have changed is kept beside it until somebody chooses."""
        self.is_valid()
        asked = {conflict.field: conflict.mine for conflict in self.conflicts}
        texts = {name: value for name, value in self.cleaned_data.items() if name not in asked}
        note = cast(Encounter, self.instance)
        note.write(texts, by=by)
        Unmerged.objects.filter(section__encounter=note, person=by).exclude(section__key__in=asked).delete()
        for name in asked:
            said = {"text": self.cleaned_data[name], "opened": self.bases[name]}
            Unmerged.objects.update_or_create(section=self.rows[name], person=by, defaults=said)

    @property
    def bound_rows(self) -> list[tuple[EncounterSection, forms.BoundField]]:
        return [(row, self[key]) for key, row in self.rows.items()]


def left_unmerged(note: Encounter, person: Person) -> list[dict[str, str]]:
    """What this person typed, and nobody chose about yet."""
    rows = Unmerged.objects.filter(section__encounter=note, person=person)
    return in_words(rows.select_related("section__written_by"))


def in_words(rows: Iterable[Unmerged]) -> list[dict[str, str]]:
    return [
        {
            "field": row.section.key,
            "label": row.section.title,
            "mine": row.text,
            "theirs": row.section.text,
            "by": str(row.section.written_by or ""),
        }
        for row in rows
    ]


class BeginNote(forms.Form):
    template: forms.ModelChoiceField[NoteTemplate] = forms.ModelChoiceField(
        queryset=None, empty_label=None, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = [one.pk for one in templates()]
        field = cast("forms.ModelChoiceField[NoteTemplate]", self.fields["template"])
        field.queryset = NoteTemplate.objects.filter(pk__in=keys)
        field.initial = keys[0] if keys else None


class PlanForm(forms.ModelForm):
    class Meta:
        model = PlanItem
        fields = ("text", "due_on", "who")
        widgets = {
            "due_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            "who": forms.TextInput({"list": "who"}),
        }


class LesionForm(OnBodyMap, MergeForm, forms.ModelForm):
    photo: forms.ModelChoiceField[Document] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="None", help_text="A picture among the patient's documents."
    )

    class Meta:
        model = Lesion
        fields = ("site", "laterality", "kind", "size_mm", "description", "photo")
        widgets: ClassVar = {"description": forms.Textarea({"rows": 2})}

    def __init__(self, *args: Any, note: Encounter, asked: dict[str, str] | None = None, **kwargs: Any) -> None:
        self.asked, self.note = asked or {}, note
        super().__init__(*args, **kwargs)
        self.offer_sites()
        offer(self, "photo", pictures_of(note.patient_id))

    def taken(self) -> Iterable[Place]:
        others = self.note.lesions.exclude(pk=self.instance.pk).filter(site=self.cleaned_data["site"])
        return [(one.x, one.y) for one in others]

    def values_now(self) -> dict[str, Any]:
        names = [name for name in self.fields if name != "pointed"]
        now = {**{name: self.instance.serializable_value(name) for name in names}, **self.asked}
        return {**now, "pointed": f"{now['site']}|{now['laterality']}"}


class SignNote(Signing):
    """Password or code again; and by whom it is co-signed, if a colleague asks for it or a rule does."""

    cosigner: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, label="Co-signed by", empty_label="Nobody"
    )
    seen = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)
    field_order = ("cosigner", "proof")

    def __init__(self, *args: Any, request: Request, note: Encounter, **kwargs: Any) -> None:
        super().__init__(*args, request=request, initial={"seen": note.stamp}, **kwargs)
        person = request.acting.person
        colleagues = people_who_may(COSIGN).exclude(pk=person.pk)
        told = together(rules=CosignRule.for_person(person)[:1], people=colleagues.only("id", "name"))
        rule = next(iter(told["rules"]), None)
        field = cast("forms.ModelChoiceField[Person]", self.fields["cosigner"])
        field.queryset = colleagues
        field.required = rule is not None
        field.error_messages["required"] = "Your notes are co-signed. Choose by whom."
        if rule is not None:
            field.initial, field.empty_label = rule.cosigner_id, "Choose"
        field.choices = [("", field.empty_label), *((one.pk, one) for one in told["people"])]


class HandOver(Reason):
    """Another colleague who co-signs."""

    cosigner: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, label="Co-signed by", empty_label="Choose"
    )
    field_order = ("cosigner", "reason")

    def __init__(self, *args: Any, note: Encounter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "cosigner", people_who_may(COSIGN).exclude(pk__in=[note.provider_id, note.cosigner_id]))


class Confirm(Signing):
    """The password or the code, and nothing else."""


class AddendumForm(Signing):
    text = forms.CharField(label="What is added", max_length=LONGEST, widget=forms.Textarea({"rows": 5}))
    field_order = ("text", "proof")


class QuickTextForm(MergeForm, forms.ModelForm):
    class Meta:
        model = QuickText
        fields = ("code", "text")
        widgets: ClassVar = {"text": forms.Textarea({"rows": 4})}

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].lstrip(".").lower()
        if QuickText.objects.filter(person=self.person, code=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"You have a quick text .{code} already.")
        return code

"""What the doctor writes: diagnoses and prescription lines, as many as wanted, and a note for the pharmacy.

Each row of the form has a key of its own; the fields `diagnosis` and `line` name the keys that are there, so that the
browser adds a row by adding it and removes it by removing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models.functions import Upper

from clinical.allergies import allergies_against
from clinical.dosing import VALIDITY, is_far_above, lasts_too_long, most_of, needed
from clinical.forms.pharmacy import Number
from clinical.models import Allergy, Diagnosis, Icd10Code, Medicine, Visit
from clinical.models.prescription_line import too_many

KEY = re.compile(r"[a-z0-9]{1,40}")
TYPED_ROWS = 3
FREQUENCIES = (
    "once a day",
    "twice a day",
    "three times a day",
    "four times a day",
    "every 8 hours",
    "every 6 hours",
    "at night",
    "when needed",
)
Values = Mapping[str, list[str]]


def key_of(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.lower())[:40]


class Row(forms.Form):
    """One row. Without JavaScript its code is typed, and a mark removes it."""

    remove = forms.BooleanField(required=False)
    named_by = ""

    def __init__(self, key: str, values: Values, *, sent: bool) -> None:
        self.key = key
        given = {name: values[f"{key}-{name}"][-1] for name in self.base_fields if values.get(f"{key}-{name}")}
        if sent:
            super().__init__({f"{key}-{name}": value for name, value in given.items()}, prefix=key)
        else:
            super().__init__(initial=given, prefix=key)
        self.typed = given.get(self.named_by, "").strip().upper()
        self.is_there = bool(self.typed) and not given.get("remove")

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Where, and what is wrong."""
        names = [name for name in self.fields if name in self.errors]
        return [(self[name].id_for_label, f"{self.title}: {' '.join(map(str, self.errors[name]))}") for name in names]

    @property
    def title(self) -> str:
        return self.typed


class DiagnosisRow(Row):
    named_by = "code"

    code = forms.CharField(max_length=10)
    certainty = forms.ChoiceField(choices=Diagnosis.Certainty.choices, required=False)
    note = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs={"placeholder": "Note"}))
    found: Icd10Code | None = None

    def clean_code(self) -> str:
        if self.found is None:
            raise forms.ValidationError("This is not a code of ICD-10-CM. Look it up by words.")
        if not self.found.billable:
            raise forms.ValidationError("This is a group of diagnoses. Choose one inside it.")
        return self.found.code

    @property
    def entry(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("code", "certainty", "note")}


class LineRow(Row):
    named_by = "medicine"

    medicine = forms.CharField(max_length=30)
    dose = forms.CharField(
        max_length=60, error_messages={"required": "Write how much is taken at once, such as 1 tablet."}
    )
    frequency = forms.CharField(max_length=60, required=False, widget=forms.TextInput(attrs={"list": "frequencies"}))
    duration_days = Number(max_value=365, required=False, label="Days")
    quantity = Number(error_messages={"required": "Write how many are to be dispensed."})
    instructions = forms.CharField(
        max_length=250, required=False, widget=forms.TextInput(attrs={"placeholder": "After food, until finished"})
    )
    allergy_reason = forms.CharField(max_length=250, required=False, label="Why it is prescribed all the same")
    meant = forms.BooleanField(required=False, label="This quantity is intended")
    found: Medicine | None = None
    matches: list = []

    @property
    def title(self) -> str:
        return str(self.found or self.typed)

    def clean_medicine(self) -> str:
        if self.found is None:
            raise forms.ValidationError("This medicine is not in the list. Look it up by its name.")
        return self.found.code

    def clean_quantity(self) -> int:
        quantity = self.cleaned_data["quantity"]
        if self.found and quantity > most_of(self.found.unit):
            raise forms.ValidationError(too_many(self.found))
        return quantity

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if not said.get("frequency") and not said.get("instructions"):
            self.add_error("frequency", "Write how often it is taken, or how.")
        if self.doubt and not said.get("meant"):
            self.add_error("quantity", self.doubt)
        return said

    @property
    def directions(self) -> dict[str, str]:
        said = {name: str(self[name].value() or "") for name in ("dose", "frequency")}
        return {**said, "unit": self.found.unit, "strength": self.found.strength} if self.found else {}

    @property
    def needed(self) -> int | None:
        days = str(self["duration_days"].value() or "")
        return needed(days=int(days) if days.isdecimal() else None, **self.directions) if self.found else None

    @property
    def doubt(self) -> str:
        """What is odd about the quantity; nothing mostly."""
        written, wanted = str(self["quantity"].value() or ""), self.needed
        if not self.found or not written.isdecimal():
            return ""
        quantity = int(written)
        if is_far_above(quantity, wanted):
            return f"{wanted} are enough for these directions. Write fewer, or tick that this quantity is intended."
        days = lasts_too_long(quantity, **self.directions) if wanted is None else None
        if days is None:
            return ""
        return (
            f"{quantity} last {days} days with these directions; a prescription is valid for {VALIDITY}. "
            "Write fewer, or tick that this quantity is intended."
        )

    def clean_allergy_reason(self) -> str:
        reason = self.cleaned_data["allergy_reason"].strip()
        if self.matches and not reason:
            raise forms.ValidationError(f"{self.matches[0]}. Say why, or remove it.")
        return reason

    @property
    def entry(self) -> dict[str, Any]:
        names = ("dose", "frequency", "duration_days", "quantity", "instructions", "allergy_reason")
        return {"medicine": self.found, **{name: self.cleaned_data[name] for name in names}}


class ConsultationForm:
    """Both lists, and the note. `sent` says whether a person has sent it, or it stands as it was left."""

    def __init__(self, visit: Visit, values: Values, allergies: Iterable[Allergy], *, sent: bool = False) -> None:
        self.visit, self.values, self.sent = visit, values, sent
        self.diagnoses = with_codes(self._rows(DiagnosisRow, "diagnosis"))
        self.lines = with_medicines(self._rows(LineRow, "line"), list(allergies))
        self.note = self._last("note")
        self.primary = self._last("primary") or next((row.key for row in self.diagnoses), "")
        self.wants: list[str] = []

    @classmethod
    def left_as(cls, visit: Visit, values: Values | None, allergies: Iterable[Allergy]) -> ConsultationForm:
        """What was typed and not signed yet; without it, what is recorded."""
        return cls(visit, recorded(visit) if values is None else values, allergies)

    def _rows(self, kind: type[Row], name: str) -> list[Any]:
        keys = dict.fromkeys(key for key in self.values.get(name, []) if KEY.fullmatch(key))
        rows = (kind(key, self.values, sent=self.sent) for key in keys)
        return [row for row in rows if row.is_there]

    def _last(self, name: str) -> str:
        return (self.values.get(name) or [""])[-1]

    def require(self, *, lines: bool) -> bool:
        """Whether it can be signed: with lines, or without any."""
        if not self.diagnoses:
            self.wants.append("Record at least one diagnosis.")
        if lines and not self.lines:
            self.wants.append(
                "There is nothing to send to the pharmacy. Add a medicine, or finish without a prescription."
            )
        if not lines and self.lines:
            self.wants.append("There are medicines on the page. Send them to the pharmacy, or remove them.")
        return not self.problems

    @property
    def problems(self) -> list[tuple[str, str]]:
        found = [("", sentence) for sentence in self.wants]
        if self.sent:
            found += [problem for row in (*self.diagnoses, *self.lines) for problem in row.problems]
        return found

    @property
    def diagnosis_entries(self) -> list[dict[str, Any]]:
        return [{**row.entry, "is_primary": row.key == self.primary} for row in self.diagnoses]

    @property
    def line_entries(self) -> list[dict[str, Any]]:
        return [row.entry for row in self.lines]

    @property
    def typed_diagnoses(self) -> list[DiagnosisRow]:
        """Empty rows for those who have no JavaScript."""
        return [DiagnosisRow(f"typed{number}", {}, sent=False) for number in range(TYPED_ROWS)]

    @property
    def typed_lines(self) -> list[LineRow]:
        return [LineRow(f"typedline{number}", {}, sent=False) for number in range(TYPED_ROWS)]


def with_codes(rows: list[DiagnosisRow]) -> list[DiagnosisRow]:
    known = Icd10Code.objects.defer("search").in_bulk([row.typed for row in rows]) if rows else {}
    for row in rows:
        row.found = known.get(row.typed)
    return rows


def with_medicines(rows: list[LineRow], allergies: list[Allergy]) -> list[LineRow]:
    """With the medicine, its stock, and the allergies that speak against it."""
    codes = [row.typed for row in rows]
    found = Medicine.objects.annotate(upper=Upper("code")).filter(is_active=True, upper__in=codes)
    known = {medicine.upper: medicine for medicine in found.prefetch_related("batches")} if rows else {}
    for row in rows:
        row.found = known.get(row.typed)
        row.matches = allergies_against(row.found, allergies) if row.found else []
    return rows


def recorded(visit: Visit) -> dict[str, list[str]]:
    """The diagnoses of the visit, as the fields of the form."""
    return as_fields(visit.diagnoses.standing())


def as_fields(diagnoses: Iterable[Diagnosis]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {"diagnosis": []}
    for row in diagnoses:
        values |= fields_of(row)
        values["diagnosis"].append(key_of(row.code))
        if row.is_primary:
            values["primary"] = [key_of(row.code)]
    return values


def fields_of(row: Diagnosis) -> dict[str, list[str]]:
    key = key_of(row.code)
    return {f"{key}-{name}": [getattr(row, name)] for name in ("code", "certainty", "note")}

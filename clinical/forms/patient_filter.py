"""Which patients a list shows, and in which order."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Exists, F, OuterRef

from clinical import days
from clinical.models import Patient, Tag, Visit
from clinical.models.patient import Patients

ORDERS: dict[str, tuple[str, list]] = {
    "name": ("Name", ["family_name", "given_name", "id"]),
    "new": ("Newest first", ["-mrn"]),
    "young": ("Youngest first", [F("birth_date").desc(nulls_last=True), "id"]),
    "old": ("Oldest first", [F("birth_date").asc(nulls_last=True), "id"]),
}
STATES = (
    ("", "All"),
    ("open", "With an open visit"),
    ("unidentified", "Not identified"),
    ("deceased", "Deceased"),
    ("living", "Living"),
)


class PatientFilter(forms.Form):
    """What cannot be read counts as not asked."""

    q = forms.CharField(required=False, max_length=100, strip=True)
    tag = forms.ChoiceField(required=False)
    sex = forms.ChoiceField(required=False, choices=[("", "Any"), *Patient.Sex.choices])
    age_from = forms.IntegerField(label="Age from", required=False, min_value=0, max_value=130)
    age_to = forms.IntegerField(label="Age to", required=False, min_value=0, max_value=130)
    state = forms.ChoiceField(label="Show", required=False, choices=STATES)
    order = forms.ChoiceField(
        label="Order", required=False, choices=[(key, label) for key, (label, _) in ORDERS.items()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Tag.objects.values_list("name", flat=True)
        cast(forms.ChoiceField, self.fields["tag"]).choices = [("", "Any"), *((name, name) for name in names)]
        self.is_valid()

    @property
    def query(self) -> str:
        return self.cleaned_data.get("q", "")

    @property
    def is_asked(self) -> bool:
        return any(value for name, value in self.cleaned_data.items() if name not in ("q", "order"))

    def found(self) -> Patients:
        asked = self.cleaned_data
        rows = Patient.objects.search(self.query) if self.query else Patient.objects.filter(merged_into=None)
        if asked.get("tag"):
            rows = rows.filter(tags__contains=[asked["tag"]])
        if asked.get("sex"):
            rows = rows.filter(sex=asked["sex"])
        if asked.get("age_from") is not None:
            rows = rows.filter(birth_date__lte=birthday(asked["age_from"]))
        if asked.get("age_to") is not None:
            rows = rows.filter(birth_date__gt=birthday(asked["age_to"] + 1))
        rows = in_state(rows, asked.get("state", ""))
        order = asked.get("order")
        return rows.order_by(*ORDERS[order or "name"][1]) if order or not self.query else rows


def in_state(rows: Patients, state: str) -> Patients:
    if state == "open":
        return rows.filter(Exists(Visit.objects.filter(patient=OuterRef("pk"), ended_at=None)))
    if state == "unidentified":
        return rows.filter(is_unidentified=True)
    if state == "deceased":
        return rows.exclude(deceased_at=None)
    return rows.filter(deceased_at=None) if state == "living" else rows


def birthday(years: int) -> date:
    """The latest day of birth of somebody who is that old today."""
    today = days.today()
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)

"""What a doctor asks of the laboratory: panels, tests, how urgent, and what is true of the patient now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count
from django.utils import timezone

from clinical.models import LabCondition, LabOrder, LabTest, Panel, PatientCondition, Visit
from hospital.choices import offer
from hospital.context import current

RECENT = timedelta(hours=24)
FAVOURITES, REMEMBERED = 8, timedelta(days=180)


class OrderTests(forms.Form):
    """Inside the examination, where none may be right, or alone on a page (`required=True`)."""

    panels: forms.ModelMultipleChoiceField[Panel] = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )
    tests: forms.ModelMultipleChoiceField[LabTest] = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )
    facts: forms.ModelMultipleChoiceField[LabCondition] = forms.ModelMultipleChoiceField(
        queryset=None, required=False, to_field_name="code", label="True now", widget=forms.CheckboxSelectMultiple
    )
    priority = forms.ChoiceField(choices=LabOrder.Priority.choices, widget=forms.RadioSelect, initial="routine")
    reason = forms.CharField(max_length=200, label="Why more tests")
    again = forms.BooleanField(required=False, label="Order it again")

    def __init__(self, *args: Any, visit: Visit, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visit, self.must_choose = visit, required
        self.ordered = set(visit.lab_orders.open().values_list("test_id", flat=True))
        offer(self, "tests", LabTest.objects.filter(is_active=True).exclude(pk__in=self.ordered))
        offer(self, "panels", Panel.objects.filter(is_active=True))
        self._offer_conditions()
        self.fields["priority"].required = required
        if visit.status != Visit.Status.DIAGNOSED:
            del self.fields["reason"]

    def _offer_conditions(self) -> None:
        self.conditions = list(LabCondition.objects.filter(is_active=True))
        offer(self, "facts", LabCondition.objects.filter(is_active=True))
        known = PatientCondition.facts(self.visit.patient, timezone.now())
        self.initial["facts"] = list(known)
        for condition in self.conditions:
            if condition.weeks != LabCondition.Weeks.NONE:
                field = forms.IntegerField(min_value=0, max_value=60, required=False, label=f"{condition}, weeks")
                self.fields[f"weeks_{condition.code}"] = field
                self.initial[f"weeks_{condition.code}"] = known.get(condition.code)

    def clean_priority(self) -> str:
        return self.cleaned_data["priority"] or LabOrder.Priority.ROUTINE

    def clean(self) -> dict[str, Any]:
        if self.must_choose and not self.is_chosen and not self.errors.keys() & {"tests", "panels"}:
            self.add_error("tests", "Choose at least one test.")
        if not self.cleaned_data.get("again") and (twice := self._recently_chosen()):
            names = ", ".join(sorted(str(test) for test in twice))
            self.add_error("again", f"Ordered for this patient in the last 24 hours: {names}. Tick to order it again.")
        return self.cleaned_data

    @property
    def is_chosen(self) -> bool:
        return bool(self.cleaned_data.get("tests") or self.cleaned_data.get("panels"))

    def _recently_chosen(self) -> set[LabTest]:
        chosen = set(self.cleaned_data.get("tests") or ())
        for panel in self.cleaned_data.get("panels") or ():
            chosen.update(test for test in panel.tests() if test.pk not in self.ordered)
        return {test for test in chosen if test.pk in self.recent}

    def order(self) -> dict[str, Any]:
        """What the visit's verbs take."""
        names = ("tests", "panels", "priority", "reason")
        said = {condition.code: self._weeks_of(condition) for condition in self.cleaned_data["facts"]}
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data} | {"facts": said}

    def _weeks_of(self, condition: LabCondition) -> int | None:
        return self.cleaned_data.get(f"weeks_{condition.code}")

    # --- what the page shows ------------------------------------------------------------------

    @cached_property
    def recent(self) -> dict[UUID, datetime]:
        """Tests of this patient of the last 24 hours, in any visit, and when the last was ordered."""
        rows = LabOrder.objects.counted().filter(
            patient_id=self.visit.patient_id, ordered_at__gte=timezone.now() - RECENT
        )
        return dict(rows.order_by("ordered_at").values_list("test_id", "ordered_at"))

    @cached_property
    def offered(self) -> list[LabTest]:
        return list(LabTest.objects.filter(is_active=True).order_by("group", "name"))

    def groups(self) -> Iterator[tuple[str, list[dict]]]:
        """The headings, each with its tests and whether they are chosen or already ordered."""
        for group, tests in groupby(self.offered, key=lambda test: test.group):
            yield group, [self._choice(test) for test in tests]

    def favourites(self) -> list[LabTest]:
        """What this person orders most, to be chosen with one click."""
        mine = LabOrder.objects.filter(ordered_by=current().person, ordered_at__gte=timezone.now() - REMEMBERED)
        most = mine.values("test_id").annotate(count=Count("pk")).order_by("-count", "test_id")
        there = {test.pk: test for test in self.offered if test.pk not in self.ordered}
        return [there[row["test_id"]] for row in most[: FAVOURITES * 2] if row["test_id"] in there][:FAVOURITES]

    def panel_choices(self) -> list[dict]:
        chosen = {str(value) for value in self["panels"].value() or ()}
        rows = Panel.objects.filter(is_active=True).prefetch_related("members__test")
        return [self._panel_choice(panel, chosen) for panel in rows]

    def _panel_choice(self, panel: Panel, chosen: set[str]) -> dict:
        tests = [member.test for member in panel.members.all() if member.test.is_active]
        is_ordered = bool(tests) and all(test.pk in self.ordered for test in tests)
        is_chosen = is_ordered or str(panel.pk) in chosen
        return {"panel": panel, "tests": tests, "is_ordered": is_ordered, "is_chosen": is_chosen}

    def condition_choices(self) -> list[dict]:
        chosen = {str(value) for value in self["facts"].value() or ()}
        return [
            {"condition": one, "is_chosen": one.code in chosen, "weeks": self._weeks_field(one)}
            for one in self.conditions
        ]

    def _weeks_field(self, condition: LabCondition) -> forms.BoundField | None:
        name = f"weeks_{condition.code}"
        return self[name] if name in self.fields else None

    def _choice(self, test: LabTest) -> dict:
        is_ordered = test.pk in self.ordered
        is_chosen = is_ordered or str(test.pk) in self._chosen
        return {"test": test, "is_ordered": is_ordered, "is_chosen": is_chosen, "recent": self.recent.get(test.pk)}

    @cached_property
    def _chosen(self) -> set[str]:
        return {str(value) for value in self["tests"].value() or ()}

"""Ordering tests, and writing down what came out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms

from clinical import filetypes
from clinical.filetypes import ACCEPTED
from clinical.models import Document, LabOrder, LabTest, Visit
from clinical.models.document import clean_name
from hospital.choices import offer
from hospital.http import Request
from hospital.workflow import Refused


class OrderTests(forms.Form):
    """Which tests, inside the examination, where none may be right, or alone on a page (`required=True`)."""

    tests: forms.ModelMultipleChoiceField[LabTest] = forms.ModelMultipleChoiceField(
        queryset=None, widget=forms.CheckboxSelectMultiple
    )
    priority = forms.ChoiceField(choices=LabOrder.Priority.choices, widget=forms.RadioSelect, initial="routine")
    reason = forms.CharField(max_length=200, label="Why more tests")

    def __init__(self, *args: Any, visit: Visit, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visit = visit
        self.ordered = set(visit.lab_orders.open().values_list("test_id", flat=True))
        tests = self.fields["tests"]
        offer(self, "tests", LabTest.objects.filter(is_active=True).exclude(pk__in=self.ordered))
        tests.required = required
        tests.error_messages["required"] = "Choose at least one test."
        self.fields["priority"].required = required
        if visit.status != Visit.Status.DIAGNOSED:
            del self.fields["reason"]

    def clean_priority(self) -> str:
        return self.cleaned_data["priority"] or LabOrder.Priority.ROUTINE

    def order(self) -> dict[str, Any]:
        """What the visit's verbs take."""
        return dict(self.cleaned_data)

    def groups(self) -> Iterator[tuple[str, list[dict]]]:
        """The headings, each with its tests and whether they are chosen or already ordered."""
        chosen = {str(value) for value in self["tests"].value() or ()}
        rows = LabTest.objects.filter(is_active=True).order_by("group", "name")
        for group, tests in groupby(rows, key=lambda test: test.group):
            yield group, [self._choice(test, chosen) for test in tests]

    def _choice(self, test: LabTest, chosen: set[str]) -> dict:
        is_ordered = test.pk in self.ordered
        return {"test": test, "is_ordered": is_ordered, "is_chosen": is_ordered or str(test.pk) in chosen}


class ResultLine(forms.Form):
    """The result of one order: its control is that of the test's kind. Left empty, nothing is entered."""

    value = forms.CharField(required=False)
    note = forms.CharField(required=False, max_length=500, widget=forms.TextInput(attrs={"placeholder": "Note"}))

    def __init__(self, *args: Any, order: LabOrder, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "prefix": f"order-{order.pk}"})
        self.order, self.test = order, order.test
        self.fields["value"] = self._control()
        self.fields["note"].label = f"Note on {order.test}"
        if order.result:
            self.initial = {"value": order.result.value_code or order.result.value_text, "note": order.result.note}

    def _control(self) -> forms.Field:
        kind, label = self.test.kind, str(self.test)
        if kind == LabTest.Kind.CODED:
            options = [("", ""), *((option["code"], option["label"]) for option in self.test.options)]
            return forms.ChoiceField(choices=options, required=False, label=label)
        if kind == LabTest.Kind.TEXT:
            return forms.CharField(required=False, label=label, widget=forms.Textarea(attrs={"rows": 2}))
        if kind == LabTest.Kind.FILE:
            return forms.FileField(required=False, label=label, widget=forms.FileInput(attrs={"accept": ACCEPTED}))
        keyboard = {"inputmode": "decimal", "autocomplete": "off", "class": "num"}
        return forms.CharField(required=False, label=label, max_length=20, widget=forms.TextInput(attrs=keyboard))

    @property
    def limits(self) -> Any:
        """The limits that will apply, to be read while typing."""
        return self.test.limits_for(self.order.patient, self.order.collected_at or self.order.ordered_at)

    def clean_value(self) -> Any:
        value = self.cleaned_data["value"]
        try:
            if value and self.test.kind == LabTest.Kind.NUMERIC:
                self.test.read(value)
            elif value and self.test.kind == LabTest.Kind.FILE:
                filetypes.recognise(value, clean_name(value.name))
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from None
        return value

    @property
    def is_entered(self) -> bool:
        return bool(self.cleaned_data["value"]) and self.has_changed()

    def save(self, *, by: Any) -> None:
        value = self.cleaned_data["value"]
        if self.test.kind == LabTest.Kind.FILE:
            value = self._filed(value, by)
        self.order.enter_result(value, by=by, note=self.cleaned_data["note"])

    def _filed(self, file: Any, by: Any) -> Document | None:
        """A note alone keeps the file that was filed before."""
        if not hasattr(file, "chunks"):
            return self.order.result.document if self.order.result else None
        order, category = self.order, Document.Category.LAB_REPORT
        title = f"{self.test} {order.number}"
        return Document.upload(
            file, patient=order.patient, visit=order.visit, lab_order=order, by=by, title=title, category=category
        )


class Results:
    """All lines of a visit, saved together or not at all."""

    ENTERED_IN = (LabOrder.Status.RECEIVED, LabOrder.Status.IN_PROGRESS, LabOrder.Status.RESULTED)

    def __init__(self, orders: list[LabOrder], request: Request | None = None) -> None:
        data, files = (request.POST, request.FILES) if request else (None, None)
        rows = [order for order in orders if order.status in self.ENTERED_IN]
        self.lines = [ResultLine(data, files, order=order) for order in rows]

    def is_valid(self) -> bool:
        """Each line is looked at, so that every mistake is shown at once."""
        return not self.errors

    @property
    def errors(self) -> list[tuple[ResultLine, str]]:
        return [(line, str(sentence)) for line in self.lines for found in line.errors.values() for sentence in found]

    def save(self, *, by: Any) -> int:
        entered = [line for line in self.lines if line.is_entered]
        for line in entered:
            line.save(by=by)
        return len(entered)


class Reject(forms.Form):
    reason = forms.ChoiceField(choices=LabOrder.Rejection.choices, widget=forms.RadioSelect, label="What is wrong")

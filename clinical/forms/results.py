"""The grid in which results are typed: each line is one cell, and two people at the same grid merge by cell."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from clinical import filetypes
from clinical.filetypes import ACCEPTED
from clinical.filing import clean_name
from clinical.models import Document, LabOrder, LabResult, LabTest, ResultDraft
from clinical.privacy import is_masked
from hospital.http import Request
from hospital.models import Person
from hospital.workflow import Refused


class ResultLine(forms.Form):
    """The result of one order: its control is that of the test's kind. Left empty, nothing is entered.

    `seen` is the version that the cell was opened with, and `again` what is typed a second time if it is critical.
    """

    value = forms.CharField(required=False)
    note = forms.CharField(required=False, max_length=500, widget=forms.TextInput(attrs={"placeholder": "Note"}))
    again = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, order: LabOrder, draft: ResultDraft | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "prefix": f"order-{order.pk}"})
        self.order, self.test = order, order.test
        self.is_masked = is_masked(order.patient)
        self.draft = None if self.is_masked else draft
        self.fields["value"] = self._control()
        self.fields["note"].label = f"Note on {order.test}"
        if self.test.kind == LabTest.Kind.CODED:
            self.fields["again"] = self._control()
        self.fields["again"].label = f"{order.test} again"
        value, note = self.shown(order.result)
        self.initial = {"value": value, "note": note, "seen": self.version}
        if self.draft:
            self.initial |= {"value": self.draft.value, "note": self.draft.note}
        self.other = self._met() if self.is_bound else None

    @property
    def version(self) -> int:
        return self.order.result.sequence if self.order.result else 0

    def shown(self, result: LabResult | None) -> tuple[str, str]:
        """What the cell shows of it: nothing of a chart that is closed to this person."""
        return (result.cell, result.note) if result and not self.is_masked else ("", "")

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

    def _met(self) -> LabResult | None:
        """What a colleague entered while this cell was open. A cell that was not touched here takes it over."""
        now, seen = self.order.result, self._typed("seen")
        if now is None or not seen.isdecimal() or int(seen) == now.sequence:
            return None
        was = self.shown(self.order.results.filter(sequence=int(seen)).first())
        typed = (self._typed("value"), self._typed("note"))
        mine = {"seen": str(now.sequence)}
        met = None if typed in (was, self.shown(now)) else now
        if met is None:
            mine |= dict(zip(("value", "note"), self.shown(now), strict=True))
        self.data = as_changed(self.data, {self.add_prefix(name): text for name, text in mine.items()})
        return met

    def _typed(self, name: str) -> str:
        return str(self.data.get(self.add_prefix(name), "")).strip()

    @property
    def limits(self) -> Any:
        """The limits that will apply, to be read while typing."""
        return self.order.limits_at(self.order.collected_at or self.order.ordered_at)

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

    def clean(self) -> dict:
        values = self.cleaned_data
        if self.other and values.get("value"):
            who = self.other.entered_by.name if self.other.entered_by else self.other.source
            self.add_error("value", f"{who} entered {self.other} meanwhile. Leave yours to replace it, or type theirs.")
        elif (
            values.get("value")
            and self.is_changed
            and self.is_critical
            and values.get("again", "").strip() != values["value"].strip()
        ):
            self.add_error("again", f"{self.in_words(values['value'])} is critical. Enter it again to confirm it.")
        return values

    @property
    def is_critical(self) -> bool:
        value = self.cleaned_data.get("value") or ""
        if self.test.kind == LabTest.Kind.NUMERIC:
            return "critical" in self.limits.flag(self.test.read(value)) if value else False
        option = self.test.option(value) if self.test.kind == LabTest.Kind.CODED else None
        return bool(option and option.get("critical"))

    def in_words(self, value: str) -> str:
        option = self.test.option(value)
        return option["label"] if option else value

    @property
    def asks_again(self) -> bool:
        return bool(self.errors.get("again")) or bool(self._typed("again"))

    @property
    def is_changed(self) -> bool:
        """Other than what is saved."""
        now, values = self.order.result, self.cleaned_data
        if hasattr(values["value"], "chunks"):
            return True
        value, note = self.shown(now)
        return (values["value"] or "", values["note"]) != ("" if now and now.document_id else value, note)

    @property
    def is_entered(self) -> bool:
        """A note alone keeps the file that was filed before."""
        has_value = bool(self.cleaned_data["value"]) or bool(self.order.result and self.order.result.document_id)
        return has_value and self.is_changed

    def hold(self) -> None:
        """From here on nobody else enters it. Whoever did so since the cell was looked at is not overwritten."""
        known = self.version
        self.order.lock_with_visit()
        if self.version != known:
            raise Refused(f"A colleague entered {self.test} meanwhile. Save again: it is shown beside yours.")

    def save(self, *, by: Person) -> None:
        self.hold()
        self.order.enter_result(self.saved_value(by), by=by, note=self.cleaned_data["note"])

    def saved_value(self, by: Person) -> Any:
        value = self.cleaned_data["value"]
        return self._filed(value, by) if self.test.kind == LabTest.Kind.FILE else value

    def _filed(self, file: Any, by: Person) -> Document | None:
        if not hasattr(file, "chunks"):
            return self.order.result.document if self.order.result else None
        order, category = self.order, Document.Category.LAB_REPORT
        title = f"{self.test} {order.number}"
        return Document.upload(
            file, patient=order.patient, visit=order.visit, lab_order=order, by=by, title=title, category=category
        )


def as_changed(data: Any, changes: dict[str, str]) -> QueryDict:
    changed = data.copy()
    for name, value in changes.items():
        changed[name] = value
    return changed


class Results:
    """All lines of a grid, saved together or not at all."""

    ENTERED_IN = (LabOrder.Status.RECEIVED, LabOrder.Status.IN_PROGRESS, LabOrder.Status.RESULTED)

    def __init__(self, orders: list[LabOrder], person: Person, request: Request | None = None) -> None:
        data, files = (request.POST, request.FILES) if request else (None, None)
        rows = [order for order in orders if order.status in self.ENTERED_IN]
        drafts = {draft.order_id: draft for draft in ResultDraft.objects.filter(order__in=rows, person=person)}
        self.lines = [ResultLine(data, files, order=order, draft=drafts.get(order.pk)) for order in rows]
        self.has_drafts = any(line.draft for line in self.lines)

    @property
    def keys(self) -> list[Any]:
        return [line.order.pk for line in self.lines]

    def is_valid(self) -> bool:
        """Each line is looked at, so that every mistake is shown at once."""
        return not self.errors

    @property
    def errors(self) -> list[tuple[ResultLine, str]]:
        return [(line, str(sentence)) for line in self.lines for found in line.errors.values() for sentence in found]

    def save(self, *, by: Person) -> int:
        entered = [line for line in self.lines if line.is_entered]
        for line in entered:
            line.save(by=by)
        ResultDraft.objects.filter(order__in=self.keys, person=by).delete()
        return len(entered)

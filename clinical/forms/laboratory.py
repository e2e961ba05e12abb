"""Writing down what came out, and what is done about it."""

from __future__ import annotations

from typing import Any

from django import forms

from clinical.forms.results import ResultLine
from clinical.models import LabOrder, LabTest
from hospital.models import Person
from hospital.workflow import Refused


class Reject(forms.Form):
    reason = forms.ChoiceField(choices=LabOrder.Rejection.choices, widget=forms.RadioSelect, label="What is wrong")


class Decision(forms.Form):
    """What the doctor decided when looking at a result."""

    note = forms.CharField(
        label="What was decided",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="May stay empty.",
    )


class Call(forms.Form):
    called = forms.CharField(label="Who answered", max_length=120)
    read_back = forms.CharField(
        label="Read back",
        max_length=200,
        help_text="The value as it was said back to you.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CorrectResult(ResultLine):
    """A new version of a released result."""

    reason = forms.CharField(max_length=300, label="Why it is corrected")

    def __init__(self, *args: Any, order: LabOrder, **kwargs: Any) -> None:
        super().__init__(*args, order=order, **kwargs)
        self.fields["value"].required, self.fields["value"].label = True, "Value"
        self.fields["note"].label = "Note"
        self.fields["again"].label = "The value again, if it is critical"
        if self.test.kind == LabTest.Kind.FILE:
            self.fields["value"].required = False
        self.words = ""

    def apply(self, *, by: Person) -> bool:
        """Whether it could be corrected; else the form says why not."""
        values = self.cleaned_data
        try:
            self.hold()
            correction = self.order.correct(self.saved_value(by), values["reason"], by=by, note=values["note"])
        except Refused as refused:
            self.add_error(refused.field if refused.field in self.fields else None, str(refused))
            return False
        is_out = correction.status == correction.Status.RELEASED
        self.words = f"{self.test} is corrected." if is_out else "The correction waits for a colleague to release it."
        return True

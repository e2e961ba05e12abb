from __future__ import annotations

from typing import Any

from django import forms

from clinical.forms.visit import Reason
from hospital.merge import MergeForm
from scheduling.models import Appointment, Series


class Scope(forms.ChoiceField):
    """How much of a series."""

    THIS, FOLLOWING, ALL = "this", "following", "all"

    def __init__(self, **more: Any) -> None:
        choices = [(self.THIS, "Only this one"), (self.FOLLOWING, "This and those after it"), (self.ALL, "All of them")]
        super().__init__(choices=choices, widget=forms.RadioSelect, initial=self.THIS, **more)

    @classmethod
    def rows(cls, series: Series, appointment: Appointment, scope: str) -> list[Appointment]:
        if scope == cls.THIS:
            return [appointment]
        return series.to_come(appointment if scope == cls.FOLLOWING else None)


class CancelAppointment(Reason):
    def __init__(self, data: Any = None, *, appointment: Appointment) -> None:
        super().__init__(data)
        self.appointment = appointment
        if appointment.series is not None:
            self.fields["scope"] = Scope(label="Cancel")

    def save(self, *, by: Any) -> None:
        row, reason = self.appointment, self.cleaned_data["reason"]
        if row.series is None:
            row.cancel(reason, by=by)
        else:
            row.series.cancel(Scope.rows(row.series, row, self.cleaned_data["scope"]), reason, by=by)


class DescribeAppointment(MergeForm, forms.ModelForm):
    class Meta:
        model = Appointment
        fields = ("reason", "note")

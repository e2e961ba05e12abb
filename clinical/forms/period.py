"""From a day to a day, as filters of lists and plots have it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms

from clinical import days
from clinical.forms.patient import DateInput
from clinical.partial import EARLIEST

Bounds = tuple[datetime | None, datetime | None]


class PeriodForm(forms.Form):
    """What cannot be read narrows nothing, and is said at the field."""

    since = forms.DateField(label="From", required=False, widget=DateInput())
    until = forms.DateField(label="To", required=False, widget=DateInput())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        for name in ("since", "until"):
            if cleaned.get(name) and not EARLIEST <= cleaned[name].year < 2200:
                self.add_error(name, "Check the year.")
        if since and until and until < since:
            self.add_error("until", "This is before the first day.")
        return cleaned

    @property
    def bounds(self) -> Bounds:
        """The first moment, and the first one that is no longer meant."""
        self.is_valid()
        since: date | None = self.cleaned_data.get("since")
        until: date | None = self.cleaned_data.get("until")
        return (days.bounds(since)[0] if since else None, days.bounds(until)[1] if until else None)

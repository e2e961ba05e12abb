"""A day that may be known only by its month or its year, as it is typed, kept and shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.utils import formats, timezone

from clinical import days

PARTIAL = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?")
MONTH_FIRST = re.compile(r"(?P<month>\d{1,2})[/.](?P<year>\d{4})")
EARLIEST = 1850
FORMS = {4: "Y", 7: "M Y", 10: "j M Y"}


class PartialDateField(forms.CharField):
    """2019, 2019-05 or 2019-05-12. Its value is that text."""

    def __init__(self, **options: Any) -> None:
        help_text = options.pop("help_text", "A year, a month or a day: 2019, 2019-05, 2019-05-12.")
        attrs = {"placeholder": "YYYY-MM-DD", "autocomplete": "off", "inputmode": "numeric"}
        super().__init__(**{"required": False, "max_length": 10, **options}, help_text=help_text)
        self.widget.attrs.update(attrs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if not text:
            return ""
        match = PARTIAL.fullmatch(text) or MONTH_FIRST.fullmatch(text)
        if match is None:
            raise forms.ValidationError("Write a year, a month or a day: 2019, 2019-05 or 2019-05-12.")
        return self._checked({name: int(part) for name, part in match.groupdict().items() if part})

    def _checked(self, parts: dict[str, int]) -> str:
        try:
            first = date(parts["year"], parts.get("month", 1), parts.get("day", 1))
        except ValueError as error:
            raise forms.ValidationError("This day is not in the calendar.") from error
        if first.year < EARLIEST or first > days.today():
            raise forms.ValidationError("Check the year." if first.year < EARLIEST else "This is still to come.")
        return first.isoformat()[: {1: 4, 2: 7, 3: 10}[len(parts)]]


def stored(said: str) -> tuple[datetime | None, str]:
    """The beginning of that time, for order, and the text."""
    if not said:
        return None, ""
    year, month, day = [*map(int, said.split("-")), 1, 1][:3]
    return datetime(year, month, day, tzinfo=UTC), said


def typed(at: datetime | None, said: str) -> str:
    """As the field would have it: what is kept may have a time of day, which nobody types."""
    if said and len(said) <= 10:
        return said
    return f"{timezone.localtime(at):%Y-%m-%d}" if at else ""


def day_in_words(at: datetime | None, said: str = "") -> str:
    """As exactly as the record knew it: a year, a month or a day, never broken into two lines."""
    if at is None:
        return said or "day unknown"
    form = FORMS.get(len(said))
    # A bare date has no zone: 1999-05 is May 1999 in every hospital.
    day = formats.date_format(at, form) if form else formats.date_format(timezone.localtime(at), "j M Y")
    return day.replace(" ", "\N{NO-BREAK SPACE}")

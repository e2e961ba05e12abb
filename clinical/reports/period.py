"""Days of the hospital's own calendar, and the days before them to compare with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django import forms
from django.db import models
from django.db.models.functions import TruncDate
from django.http import QueryDict

from clinical import days
from hospital.context import current

LONGEST = 732
DAY = timedelta(days=1)
PRESETS = (("1", "Today"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"))
USUAL = 30


@dataclass(frozen=True)
class Period:
    """From the first moment of the first day to the last moment of the last, in the tenant's time zone."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def ending_today(cls, length: int) -> Period:
        today = days.today()
        return cls(today - DAY * (length - 1), today, current().tenant.zone)

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), tzinfo=self.zone)

    @property
    def end(self) -> datetime:
        """The first moment that no longer belongs to it."""
        return datetime.combine(self.last + DAY, time(), tzinfo=self.zone)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @cached_property
    def days(self) -> list[date]:
        return [self.first + DAY * number for number in range(self.length)]

    @property
    def before(self) -> Period:
        """As many days, just before."""
        return Period(self.first - DAY * self.length, self.first - DAY, self.zone)

    @property
    def with_before(self) -> Period:
        return Period(self.before.first, self.last, self.zone)

    @property
    def has_today(self) -> bool:
        return self.first <= days.today() <= self.last

    @property
    def words(self) -> str:
        return day_words(self.first) if self.length == 1 else f"{day_words(self.first)} to {day_words(self.last)}"

    def has(self, field: str) -> models.Q:
        """Rows whose moment is inside."""
        return models.Q(**{f"{field}__gte": self.start, f"{field}__lt": self.end})

    def by_day(self, rows: models.QuerySet, field: str, value: models.Aggregate) -> Callable[[Period], list]:
        """One value for each day, of this period and the one before, in one query; a day without rows has nought."""
        both = rows.filter(self.with_before.has(field)).order_by().annotate(on=TruncDate(field, tzinfo=self.zone))
        found = dict(both.values("on").annotate(value=value).values_list("on", "value"))
        return lambda period: [found.get(day) or 0 for day in period.days]

    def label(self, day: date) -> str:
        return f"{day:%a} {day.day}" if self.length <= 7 else f"{day.day} {day:%b}"


def day_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class Choice(forms.Form):
    """The filter of the analytics page: a number of days until today, or two dates."""

    first = forms.DateField(label="From", widget=Day())
    last = forms.DateField(label="To", widget=Day())

    def clean(self) -> dict:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last:
            if last < first:
                raise forms.ValidationError("The last day is before the first.")
            if (last - first).days >= LONGEST:
                raise forms.ValidationError("Choose at most two years.")
            if not 2000 <= first.year <= last.year <= 2200:
                raise forms.ValidationError("Choose days between the years 2000 and 2200.")
        return self.cleaned_data


def chosen(query: QueryDict) -> tuple[Period, str, Choice]:
    """The period, the preset it comes from (none: own dates), and the form that shows it."""
    if "first" in query or "last" in query:
        form = Choice(query)
        if form.is_valid():
            return Period(form.cleaned_data["first"], form.cleaned_data["last"], current().tenant.zone), "", form
        return Period.ending_today(USUAL), "", form
    preset = query.get("days", "")
    length = int(preset) if preset in dict(PRESETS) else USUAL
    period = Period.ending_today(length)
    return period, str(length), Choice(initial={"first": period.first, "last": period.last})

"""The words of the chart's templates: `{% load chart %}`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import formats, timezone

from clinical.courses import tidy, unit_in_words, vitals_of
from clinical.models import Observation, Patient
from clinical.partial import FORMS, day_in_words

register = template.Library()


@register.simple_tag
def said(at: datetime | None, written: str = "") -> str:
    """A time as exactly as the record knew it: a year, a month, a day, or a day and a time."""
    if at is None:
        return written or "day unknown"
    form = FORMS.get(len(written))
    # A bare date has no zone: 1999-05 is May 1999 in every hospital.
    return formats.date_format(at, form) if form else formats.date_format(timezone.localtime(at), "j M Y, H:i")


@register.simple_tag
def day_said(at: datetime | None, written: str = "") -> str:
    """The same without the time of day, and never broken into two lines."""
    return day_in_words(at, written)


@register.simple_tag
def tidied(value: Decimal) -> str:
    return str(tidy(value))


@register.simple_tag
def measured(row: Observation) -> str:
    """The value of an observation with its unit."""
    value = row.value if row.value_number is None else tidy(row.value_number)
    return f"{value} {unit_in_words(row.unit)}".strip()


@register.inclusion_tag("_vitals.html")
def vitals_strip(patient: Patient) -> dict[str, Any]:
    return {"vitals": vitals_of(patient)}


@register.simple_tag
def age_in(patient: Patient, year: int) -> str:
    """How old the patient became in that year."""
    if patient.birth_date is None or year < patient.birth_date.year:
        return ""
    died = patient.deceased_at
    if died is not None and year > died.year:
        return "after death"
    return "birth" if year == patient.birth_date.year else f"turned {year - patient.birth_date.year}"


@register.filter
def is_of(row: Any, part: Any) -> bool:
    """Whether this row is one that the part writes; the others come from elsewhere in the house."""
    return bool(part.is_written) and isinstance(row, part.model)


@register.simple_tag(takes_context=True)
def plot_with(context: template.Context, chosen: list[str], key: str) -> str:
    return plot_of(context, [*chosen, key])


@register.simple_tag(takes_context=True)
def plot_without(context: template.Context, chosen: list[str], key: str) -> str:
    return plot_of(context, [one for one in chosen if one != key])


def plot_of(context: template.Context, keys: list[str]) -> str:
    """This page with these courses in the plot."""
    query = context["request"].GET.copy()
    query.setlist("of", keys)
    return f"?{query.urlencode()}"

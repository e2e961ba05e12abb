"""The words of the pages about patients: `{% load patients %}`."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from clinical.models import Patient, Tag
from hospital.context import current_or_none

register = template.Library()


@register.filter
def tone_of(tones: dict[str, str], tag: str) -> str:
    """The colour of a tag; a word that is in no list is blue."""
    return tones.get(tag, Tag.Tone.INFO)


@register.filter
def died(patient: Patient) -> str:
    """With the time of day only if one was said: midnight stands for a day without one."""
    at = timezone.localtime(patient.deceased_at)
    when = date_format(at, "j M Y" if at.time() == time() else "j M Y, H:i")
    return f"about {when}" if patient.deceased_estimated else when


@register.inclusion_tag("clinical/patient/_tags.html")
def tags_of(patient: Patient) -> dict[str, Any]:
    return {"patient": patient, "tones": Tag.tones() if patient.tags and current_or_none() else {}}

"""`{% care_section visit %}`: diagnoses and prescriptions of a visit, each for those who may read them."""

from __future__ import annotations

from typing import Any

from django import template

from clinical.models import Visit
from clinical.stock import plural
from hospital.context import current

register = template.Library()


@register.filter
def pieces(number: int, unit: str) -> str:
    """`1 tablet`, `20 tablets`."""
    return f"{number} {unit if number == 1 else plural(unit)}"


@register.filter
def signed(number: int) -> str:
    """With its sign, and with a minus as wide as a figure."""
    return f"{number:+}".replace("-", "\N{MINUS SIGN}") if number else "0"


@register.inclusion_tag("clinical/prescription/_section.html", takes_context=True)
def care_section(context: template.Context, visit: Visit) -> dict[str, Any]:
    acting = current()
    reads_chart, reads_lines = acting.may("clinical.view_chart"), acting.may("clinical.view_prescription")
    return {
        "visit": visit,
        "acting": acting,
        "reads_chart": reads_chart,
        "reads_lines": reads_lines,
        "diagnoses": visit.diagnoses.standing().select_related("recorded_by") if reads_chart else [],
        "prescriptions": visit.prescriptions.shown(),
        "csrf_token": context.get("csrf_token"),
        "form_key": context.get("form_key"),
    }

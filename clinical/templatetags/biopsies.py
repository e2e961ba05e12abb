"""`{% biopsy_section visit %}`: the biopsies of a visit, on whatever page is about it."""

from __future__ import annotations

from typing import Any

from django import template

from clinical.models import Biopsy, Visit
from clinical.models.biopsy import ORDER, VIEW
from hospital.context import current

register = template.Library()


@register.inclusion_tag("clinical/biopsy/_section.html", takes_context=True)
def biopsy_section(context: template.Context, visit: Visit) -> dict[str, Any]:
    acting = current()
    sees = acting.may(VIEW)
    return {
        "visit": visit,
        "acting": acting,
        "sees": sees,
        "biopsies": list(Biopsy.objects.filter(visit=visit).order_by("serial")) if sees else [],
        "may_order": acting.may(ORDER) and visit.is_open,
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def depth(name: str) -> int:
    """How far below its specimen a part stands: A is 0, A1 is 1, A1.2 is 2."""
    return 0 if len(name) == 1 else 1 + name.count(".")

"""`{% authorisations_section patient %}`: what insurers were asked for and granted. `{{ amount|units }}`: without needless noughts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse

from billing.models import Authorisation
from billing.models.authorisation import MANAGE, VIEW
from clinical.models import Patient
from hospital.context import current

register = template.Library()
MOST = 20


@register.filter
def units(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}".replace("-", "\N{MINUS SIGN}")


@register.simple_tag
def step_url(row: Authorisation, step: Any) -> str:
    return reverse(f"billing:authorisation_{step.key}", args=[row.pk])


@register.inclusion_tag("billing/authorisation/_section.html")
def authorisations_section(patient: Patient) -> dict[str, Any]:
    """The newest; nothing for those who have nothing to do with it."""
    acting = current()
    if not acting.may(VIEW):
        return {"may_see": False}
    rows = Authorisation.objects.filter(patient=patient).shown()[:MOST]
    return {"may_see": True, "may_ask": acting.may(MANAGE), "patient": patient, "rows": rows}

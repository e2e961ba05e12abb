"""`{% balance patient %}`: what a patient owes, on the pages of the desk."""

from __future__ import annotations

from typing import Any

from django import template

from billing.models.account import open_accounts
from billing.money import ZERO
from clinical.models import Patient
from hospital.context import current

register = template.Library()


@register.inclusion_tag("billing/account/_balance.html")
def balance(patient: Patient) -> dict[str, Any]:
    """Over all visits. Nothing for those who may not see accounts."""
    acting = current()
    if not acting.may("billing.view_account"):
        return {"may_see": False}
    accounts = list(open_accounts().filter(patient=patient).order_by("registered_at"))
    return {
        "may_see": True,
        "accounts": accounts,
        "due": sum((visit.due for visit in accounts), ZERO),
        "may_take": acting.may("billing.take_payment"),
        "currency": acting.tenant.currency,
        "patient": patient,
    }

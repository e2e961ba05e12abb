"""On the pages of the desk: `{% balance patient %}`, what a patient owes, and `{% service_of appointment %}`, what comes to it at check-out."""

from __future__ import annotations

from typing import Any

from django import template

from billing.models.account import open_accounts
from billing.models.price import Kind, Price
from billing.money import ZERO
from billing.procedures import to_be_charged
from clinical import days
from clinical.models import Patient
from hospital.context import current
from scheduling.models import Appointment

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


@register.inclusion_tag("billing/account/_service.html")
def service_of(appointment: Appointment) -> dict[str, Any]:
    """So that nobody is sent home before it was asked for."""
    acting = current()
    code = to_be_charged(appointment) if acting.may("billing.view_account") else ""
    price = Price.on(days.today(), Kind.PROCEDURE, code, patient=appointment.patient) if code else None
    return {"code": code, "text": appointment.type.name, "price": price, "currency": acting.tenant.currency}

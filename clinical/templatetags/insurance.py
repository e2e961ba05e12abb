"""`{% insurance_section patient %}`: who pays for a patient, and until when that is verified."""

from __future__ import annotations

from typing import Any

from django import template

from clinical.models import Confirmation, Patient
from clinical.models.policy import INSURANCE
from hospital.context import current

register = template.Library()


@register.inclusion_tag("clinical/policy/_section.html")
def insurance_section(patient: Patient) -> dict[str, Any]:
    """Nothing for those who have nothing to do with it."""
    acting = current()
    if not acting.may(INSURANCE):
        return {"may_see": False}
    return {
        "may_see": True,
        "patient": patient,
        "policies": patient.policies.select_related("verified_by"),
        "confirmed": Confirmation.last(patient),
        "acting": acting,
    }

"""What whoever books should know of insurers: see scheduling/cautions.py."""

from __future__ import annotations

from datetime import date

from billing.models import covering
from clinical.models import Patient, Policy
from scheduling.models import AppointmentType


def must_be_authorised(patient: Patient, type: AppointmentType, day: date) -> list[str]:
    """An insurer wants to be asked before this service, and nothing that it granted covers the day."""
    if not type.service:
        return []
    paying = Policy.objects.paying(patient, day).exclude(payer=None).select_related("payer")
    return [
        f"{policy.insurer} wants to authorise {type} ({type.service}) before, and no authorisation covers {day:%-d %b %Y}."
        for policy in paying
        if policy.payer
        and policy.payer.rules_for(type.service)
        and covering(patient, policy.payer, type.service, day) is None
    ]


CAUTIONS = (must_be_authorised,)

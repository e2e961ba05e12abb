"""What colleagues hear about money."""

from __future__ import annotations

from billing.models import Payment
from billing.money import spoken
from realtime.catalogue import Levels, LiveEvent, Loudness, created


def loudness(payment: Payment) -> Levels:
    """The checker doctor hears only the one that lets the patient in."""
    return {"checker_doctor": Loudness.NOTICE if payment.opens_gate else None}


def title(payment: Payment, role: str) -> str:
    if role == "checker_doctor":
        return f"{payment.patient.name} has paid and can be examined"
    return f"{spoken(payment.amount)} received from {payment.patient.name}"


EVENTS = (
    LiveEvent(
        "payment:received",
        Payment,
        when=created,
        hears=("reception", "billing", "admin", "checker_doctor"),
        loudness=loudness,
        title=title,
        link=lambda payment: payment.visit.get_absolute_url(),
    ),
)

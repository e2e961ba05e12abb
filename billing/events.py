"""What colleagues hear about money."""

from __future__ import annotations

from billing.models import Charge, Payment
from billing.money import spoken
from hospital.context import current
from realtime.catalogue import Levels, LiveEvent, Loudness, changed, created, either

SEES_ACCOUNTS = "billing.view_account"


def loudness(payment: Payment) -> Levels:
    """The checker doctor hears only the one that lets the patient in."""
    return {"checker_doctor": Loudness.NOTICE if payment.lets_in else None}


def title(payment: Payment, role: str) -> str:
    if role == "checker_doctor" or not current().may(SEES_ACCOUNTS):
        return f"{payment.patient.name} has paid and can be examined"
    return f"{spoken(payment.amount)} received from {payment.patient.name}"


EVENTS = (
    LiveEvent(
        "payment:received",
        Payment,
        when=created,
        hears=("reception", "billing", "admin", "checker_doctor"),
        needs=(SEES_ACCOUNTS, "clinical.view_visit"),
        loudness=loudness,
        title=title,
        link=lambda payment: payment.visit.get_absolute_url(),
    ),
    LiveEvent(
        "patient:balance_changed",
        Charge,
        when=either(created, changed("amount", "cancelled_at", "waived_at")),
        hears=("reception", "billing"),
        needs=(SEES_ACCOUNTS,),
        title="{0.patient.name}: {0.text}",
        link=lambda charge: charge.visit.get_absolute_url(),
    ),
)

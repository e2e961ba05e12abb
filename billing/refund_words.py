"""What is said when money is asked back, by a patient or for a payer, and when that is decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from realtime.catalogue import Levels, Loudness, said

if TYPE_CHECKING:
    from uuid import UUID

    from billing.models import PayerRefund, Refund
    from billing.models.refund import MoneyBack


@said("notice for billing when it is asked for, else info")
def loudness(refund: MoneyBack) -> Levels:
    return {"billing": Loudness.NOTICE} if refund.status == refund.Status.REQUESTED else Loudness.INFO


def who_asked(refund: MoneyBack) -> Iterable[UUID]:
    """They wait for the decision, to give the money back."""
    is_decided = refund.status in (refund.Status.APPROVED, refund.Status.REJECTED)
    return [refund.requested_by_id] if is_decided and refund.requested_by_id else []


def about(refund: Refund) -> UUID:
    return refund.payment.patient_id


def about_claim(refund: PayerRefund) -> UUID | None:
    """Of what is none of ours, nobody is the patient."""
    return refund.heard.claim.patient_id if refund.heard.claim else None


def title(refund: Refund, role: str) -> str:
    return f"{refund.spoken_amount} back to {refund.payment.patient.name}: {refund.in_words}"

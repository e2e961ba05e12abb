"""What is said when money comes in or goes out: of a patient's payment, of a refund, of what a payer paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.urls import reverse

from billing.models import JournalEntry, PayerRefund, Payment, Refund, Remittance
from billing.money import spoken
from hospital.context import current
from realtime.catalogue import Levels, Loudness, said

if TYPE_CHECKING:
    from uuid import UUID

SEES_ACCOUNTS = "billing.view_account"
Kind = JournalEntry.Kind
SOURCES: dict[str, type[models.Model]] = {
    Kind.PAYMENT: Payment,
    Kind.PAYOUT: Refund,
    Kind.REMITTANCE: Remittance,
    Kind.PAYER_BACK: PayerRefund,
}
NOT_THE_PATIENTS = (
    *(Kind.ALLOCATION, Kind.PAYOUT, Kind.REMITTANCE, Kind.PAYER_PAID, Kind.CONTRACT, Kind.GIVEN_UP),
    *(Kind.SENT_BACK, Kind.PAYER_BACK),
)


@said("money is posted, or given back")
def money_moved(entry: JournalEntry, created: bool, fields: frozenset[str] | None) -> bool:
    return created and entry.kind in SOURCES


@said("an entry that changes what the patient owes")
def changes_balance(entry: JournalEntry, created: bool, fields: frozenset[str] | None) -> bool:
    """Money that goes from a payment to a charge stays the patient's; what payers settle never was."""
    return created and entry.kind not in NOT_THE_PATIENTS


def source_of(entry: JournalEntry) -> Payment | Refund | Remittance | PayerRefund | None:
    """Read once: each role's words ask for it. An entry of nothing does not reach its COMMIT."""
    if "_source" not in vars(entry):
        vars(entry)["_source"] = SOURCES[entry.kind]._default_manager.filter(pk=entry.source_id).first()
    return vars(entry)["_source"]


def loudness(entry: JournalEntry) -> Levels:
    """The checker doctor hears only the payment that lets the patient in."""
    lets_in = entry.kind == Kind.PAYMENT and getattr(source_of(entry), "lets_in", False)
    return {"checker_doctor": Loudness.NOTICE if lets_in else None}


def title(entry: JournalEntry, role: str) -> str:
    source = source_of(entry)
    if isinstance(source, Remittance):
        return f"{spoken(source.total)} from {source.payer or source.payer_name or 'a payer'}"
    if isinstance(source, PayerRefund):
        return f"{spoken(source.amount)} sent back to {source.payer}"
    patient = entry.whose
    name = patient.name if patient else "a patient"
    if role == "checker_doctor" or not current().may(SEES_ACCOUNTS):
        return f"{name} has paid and can be examined"
    amount = spoken(source.amount) if source else "Money"
    return f"{amount} given back to {name}" if entry.kind == Kind.PAYOUT else f"{amount} received from {name}"


def moved(entry: JournalEntry, role: str) -> str:
    patient = entry.whose
    return f"{patient.name if patient else 'A patient'}: {entry.get_kind_display().lower()}"


def about(entry: JournalEntry) -> UUID | None:
    patient = entry.whose
    return patient.pk if patient else None


def link(entry: JournalEntry) -> str:
    source = source_of(entry) if entry.kind in SOURCES else None
    if isinstance(source, Remittance | PayerRefund):
        return source.get_absolute_url()
    if entry.visit:
        return entry.visit.get_absolute_url()
    return reverse("billing:patient_account", args=[entry.patient_id]) if entry.patient_id else ""

"""What a payer paid and why not more (835), as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.money import ZERO
from billing.x12.fields import Dated, Procedure, Ref, Sum
from billing.x12.parties import Party, ref

CONTRACTUAL, OTHER, PAYER_INITIATED, PATIENT = "CO", "OA", "PI", "PR"
GROUPS = {
    CONTRACTUAL: "contractual",
    OTHER: "other",
    PAYER_INITIATED: "payer initiated",
    PATIENT: "patient",
    "CR": "correction",  # before version 5010
}
STATUSES = {
    "1": "processed as primary",
    "2": "processed as secondary",
    "3": "processed as tertiary",
    "4": "denied",
    "5": "pended",
    "19": "processed as primary, sent on",
    "20": "processed as secondary, sent on",
    "21": "processed as tertiary, sent on",
    "22": "reversal of a payment",
    "23": "not ours, sent on",
    "25": "predetermination, no payment",
}
PENDED, NOT_OURS, FORECAST = "5", "23", "25"


@dataclass(frozen=True)
class Adjustment:
    """Why `amount` of the charge is not paid. `group` says who bears it; a negative amount gives back."""

    group: str
    reason: str
    amount: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class PaidLine:
    procedure: Procedure | None
    charge: Decimal
    paid: Decimal
    revenue_code: str = ""
    units: Decimal | None = None
    submitted: Procedure | None = None  # where the payer paid another procedure than was claimed
    submitted_units: Decimal | None = None
    dates: tuple[Dated, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    refs: tuple[Ref, ...] = ()
    amounts: tuple[Sum, ...] = ()
    quantities: tuple[Sum, ...] = ()
    remarks: tuple[str, ...] = ()
    position: int = field(default=0, compare=False)

    @property
    def control_number(self) -> str:
        """The one that the claim gave to its line, if the payer gives it back."""
        return ref(self.refs, "6R")

    @property
    def missing(self) -> Decimal:
        """What charge, payment and adjustments leave unexplained."""
        return self.charge - self.paid - total(self.adjustments)

    @property
    def day(self) -> date | None:
        return first_day(self.dates, "472", "150")


@dataclass(frozen=True, kw_only=True)
class PaidClaim:
    """`control_number` is ours (CLP01, CLM01 of the claim), `payer_control_number` the payer's (CLP07)."""

    control_number: str
    status: str
    charge: Decimal
    paid: Decimal
    patient_owes: Decimal | None = None
    filing: str = ""
    payer_control_number: str = ""
    place: str = ""
    frequency: str = ""
    patient: Party | None = None
    subscriber: Party | None = None
    corrected_subscriber: Party | None = None
    rendering: Party | None = None
    sent_on_to: Party | None = None
    corrected_payer: Party | None = None
    other_subscriber: Party | None = None
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[PaidLine, ...] = ()
    dates: tuple[Dated, ...] = ()
    refs: tuple[Ref, ...] = ()
    amounts: tuple[Sum, ...] = ()
    quantities: tuple[Sum, ...] = ()
    remarks: tuple[str, ...] = ()
    outcomes: tuple[tuple[str, ...], ...] = ()  # MIA and MOA as they stand: how Medicare came to its amounts
    position: int = field(default=0, compare=False)

    @property
    def is_reversal(self) -> bool:
        return self.status == "22"

    @property
    def is_denied(self) -> bool:
        return self.status == "4"

    @property
    def is_payment(self) -> bool:
        """A predetermination says what would be paid, and pays nothing."""
        return self.status != "25"

    @property
    def every_adjustment(self) -> tuple[Adjustment, ...]:
        return (*self.adjustments, *(one for line in self.lines for one in line.adjustments))

    @property
    def missing(self) -> Decimal:
        return self.charge - self.paid - total(self.every_adjustment)

    @property
    def patient_share(self) -> Decimal:
        """The only adjustments that may become the patient's balance."""
        return total(self.every_adjustment, PATIENT)

    @property
    def day(self) -> date | None:
        return first_day(self.dates, "232", "233") or next((line.day for line in self.lines if line.day), None)


@dataclass(frozen=True, kw_only=True)
class ProviderAdjustment:
    """PLB: for no claim. A positive amount lowers the payment."""

    provider: str
    reason: str
    reference: str
    amount: Decimal
    fiscal_year_ends: date | None = None
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, kw_only=True)
class Remittance:
    payer: Party | None
    payee: Party | None
    total: Decimal
    is_debit: bool = False
    handling: str = ""
    method: str = ""
    day: date | None = None
    produced: date | None = None
    trace: str = ""
    originator: str = ""
    currency: str = ""
    receiver: str = ""
    claims: tuple[PaidClaim, ...] = ()
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    version: str = ""

    @property
    def claims_paid(self) -> Decimal:
        return sum((claim.paid for claim in self.claims if claim.is_payment), ZERO)

    @property
    def held_back(self) -> Decimal:
        return sum((one.amount for one in self.provider_adjustments), ZERO)

    @property
    def missing(self) -> Decimal:
        """What claims and provider adjustments leave unexplained of the payment."""
        return (-self.total if self.is_debit else self.total) - (self.claims_paid - self.held_back)


def total(adjustments: tuple[Adjustment, ...], *groups: str) -> Decimal:
    return sum((one.amount for one in adjustments if not groups or one.group in groups), ZERO)


def first_day(dates: tuple[Dated, ...], *codes: str) -> date | None:
    return next((one.begins for code in codes for one in dates if one.code == code and one.begins), None)

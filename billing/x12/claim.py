"""A professional claim (837P) as plain values: what is written, and what is read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.money import ZERO
from billing.x12.fields import Dated, Procedure, Ref, Sum
from billing.x12.parties import Party, ref
from billing.x12.remittance import Adjustment, total

ORIGINAL, REPLACEMENT, VOID = "1", "7", "8"
SELF = "18"
PRIMARY, SECONDARY, TERTIARY = "P", "S", "T"
ORDERS = "PSTABCDEFGH"
AUTHORISATION, REFERRAL, PAYER_CONTROL, LINE_CONTROL = "G1", "9F", "F8", "6R"
DELAYS = (*map(str, range(1, 12)), "15")  # why a claim is filed late (CLM20)
ONSET, ACCIDENT, ADMISSION, DISCHARGE = "431", "439", "435", "096"
UNITS, MINUTES = "UN", "MJ"


@dataclass(frozen=True, kw_only=True)
class LineAdjudication:
    """What another payer, named by its number, did with a line."""

    payer: str
    paid: Decimal
    procedure: Procedure
    units: Decimal
    adjustments: tuple[Adjustment, ...] = ()
    day: date | None = None


@dataclass(frozen=True, kw_only=True)
class Drug:
    """A national drug code with its amount, in UN, ML, GR, F2 or ME."""

    code: str
    quantity: Decimal
    unit: str = "UN"


@dataclass(frozen=True, kw_only=True)
class ServiceLine:
    """`pointers` are numbers of the claim's diagnoses, from one, the first being the main one for this line."""

    procedure: Procedure
    charge: Decimal
    units: Decimal
    begins: date | None
    ends: date | None = None
    pointers: tuple[int, ...] = (1,)
    measure: str = UNITS
    place: str = ""
    is_emergency: bool = False
    refs: tuple[Ref, ...] = ()
    note: str = ""
    drug: Drug | None = None
    rendering: Party | None = None
    adjudications: tuple[LineAdjudication, ...] = ()
    position: int = field(default=0, compare=False)

    @property
    def control_number(self) -> str:
        """The payer gives it back with the line in the remittance."""
        return ref(self.refs, LINE_CONTROL)


@dataclass(frozen=True, kw_only=True)
class OtherCoverage:
    """Another payer of the same patient; if it has paid already, what it did (coordination of benefits)."""

    order: str
    relationship: str = SELF
    group: str = ""
    group_name: str = ""
    filing: str = "CI"
    insurance: str = ""
    subscriber: Party
    payer: Party
    adjustments: tuple[Adjustment, ...] = ()
    amounts: tuple[Sum, ...] = ()
    assigned: str = "Y"
    patient_signature: str = ""
    release: str = "Y"
    adjudicated: date | None = None

    @property
    def paid(self) -> Decimal | None:
        return next((one.amount for one in self.amounts if one.code == "D"), None)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`patient` is left out where the subscriber is the patient. `diagnoses` are written without a point."""

    number: str
    charge: Decimal
    billing: Party
    subscriber: Party
    payer: Party
    lines: tuple[ServiceLine, ...]
    diagnoses: tuple[str, ...] = ()
    patient: Party | None = None
    relationship: str = SELF
    order: str = PRIMARY
    group: str = ""
    group_name: str = ""
    filing: str = "CI"
    insurance: str = ""
    is_icd10: bool = True
    place: str = "11"
    frequency: str = ORIGINAL
    provider_signature: str = "Y"
    assignment: str = "A"
    assigned: str = "Y"
    release: str = "Y"
    patient_signature: str = ""
    causes: tuple[str, ...] = ()
    accident_state: str = ""
    delay: str = ""
    dates: tuple[Dated, ...] = ()
    refs: tuple[Ref, ...] = ()
    amounts: tuple[Sum, ...] = ()
    note_kind: str = "ADD"
    note: str = ""
    pay_to: Party | None = None
    referring: Party | None = None
    rendering: Party | None = None
    facility: Party | None = None
    supervising: Party | None = None
    others: tuple[OtherCoverage, ...] = ()
    position: int = field(default=0, compare=False)

    @property
    def authorisation(self) -> str:
        return ref(self.refs, AUTHORISATION)

    @property
    def payer_control_number(self) -> str:
        return ref(self.refs, PAYER_CONTROL)

    @property
    def charged(self) -> Decimal:
        return sum((line.charge for line in self.lines), ZERO)


@dataclass(frozen=True, kw_only=True)
class ClaimFile:
    """A transaction (837P) with all its claims."""

    submitter: Party
    receiver: Party
    reference: str
    day: date | None
    clock: str = ""  # of the sender, who does not say where on earth it stands
    claims: tuple[Claim, ...] = ()
    purpose: str = "00"  # 18: the same again
    kind: str = "CH"  # chargeable; RP reports what is not to be paid
    version: str = field(default="", compare=False)


def unexplained(claim: Claim, other: OtherCoverage) -> Decimal:
    """What another payer's payment and adjustments leave of the charge. Zero where it has not decided yet."""
    decided = [one for line in claim.lines for one in line.adjudications if one.payer == other.payer.id]
    if other.paid is None:
        return ZERO
    on_lines = sum((total(one.adjustments) for one in decided), ZERO)
    return claim.charge - other.paid - total(other.adjustments) - on_lines

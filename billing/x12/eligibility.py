"""Is somebody insured, and for what: the question (270) and the answer (271)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.x12.fields import Dated, Procedure, Ref
from billing.x12.parties import Party

ACTIVE, INACTIVE = ("1", "2", "3", "4", "5"), ("6", "7", "8")
SUBSCRIBER = "18"
WHOLE_PLAN = "30"
# Dates: of the plan, the eligibility and the benefit as periods, and the end of each.
PERIODS_OF_COVER, ENDS_OF_COVER = ("291", "307", "292"), ("347", "357", "349")
COVER = (*PERIODS_OF_COVER, *ENDS_OF_COVER)
INFORMATION = {
    "1": "active",
    "2": "active, full risk with the provider",
    "3": "active, services paid per head",
    "4": "active, primary care paid per head",
    "5": "active, under investigation",
    "6": "not active",
    "7": "not active, an update is pending",
    "8": "not active, under investigation",
    "A": "co-insurance",
    "B": "co-payment",
    "C": "deductible",
    "CB": "basis of the cover",
    "D": "description of the benefit",
    "E": "excluded",
    "F": "limit",
    "G": "most that the patient pays",
    "H": "without limit",
    "I": "not covered",
    "J": "cost containment",
    "K": "reserve",
    "L": "primary care provider",
    "M": "condition from before the cover",
    "MC": "coordinator of managed care",
    "N": "only by a certain provider",
    "P": "disclaimer",
    "Q": "second opinion before surgery",
    "R": "another payer",
    "S": "history of a year before",
    "T": "the card was reported as lost",
    "U": "whom to ask",
    "V": "cannot be processed",
    "W": "another source of data",
    "X": "health care facility",
    "Y": "spend down",
}
# Service type codes that insurers answer with most often, in our words.
SERVICES = {
    "1": "medical care",
    "2": "surgery",
    "3": "consultation",
    "4": "X-ray",
    "5": "laboratory",
    "6": "radiation therapy",
    "7": "anaesthesia",
    "8": "surgical assistance",
    "12": "equipment, bought",
    "18": "equipment, rented",
    "20": "second opinion before surgery",
    "23": "dental diagnosis",
    "24": "gums",
    "25": "fillings and crowns",
    "30": "the plan in general",
    "33": "chiropractor",
    "35": "dental care",
    "42": "care at home",
    "45": "hospice",
    "47": "hospital",
    "48": "hospital, admitted",
    "50": "hospital, not admitted",
    "51": "hospital, accident",
    "52": "hospital, emergency",
    "53": "hospital, day surgery",
    "54": "long-term care",
    "62": "MRI and CT",
    "68": "well baby care",
    "69": "maternity",
    "73": "diagnostic tests",
    "76": "dialysis",
    "78": "chemotherapy",
    "80": "immunisations",
    "81": "routine physical",
    "82": "family planning",
    "86": "emergency",
    "88": "pharmacy",
    "93": "podiatry",
    "98": "office visit",
    "99": "doctor's visit, admitted",
    "A4": "psychiatry",
    "A6": "psychotherapy",
    "A7": "psychiatry, admitted",
    "A8": "psychiatry, not admitted",
    "AD": "occupational therapy",
    "AE": "physical medicine",
    "AF": "speech therapy",
    "AG": "skilled nursing",
    "AI": "substance abuse",
    "AL": "eyes and glasses",
    "BG": "cardiac rehabilitation",
    "BH": "paediatrics",
    "BY": "office visit, when ill",
    "BZ": "office visit, when well",
    "DM": "durable equipment",
    "MH": "mental health",
    "PT": "physiotherapy",
    "UC": "urgent care",
}
PERIODS = {
    "6": "hour",
    "7": "day",
    "21": "years",
    "22": "service year",
    "23": "calendar year",
    "24": "year to date",
    "25": "contract",
    "26": "episode",
    "27": "visit",
    "29": "remaining",
    "32": "lifetime",
    "33": "lifetime, remaining",
    "34": "month",
    "35": "week",
    "36": "admission",
}
REFUSALS = {
    "15": "something is missing that the payer needs",
    "33": "the question has an error",
    "41": "we are not authorised to ask",
    "42": "the payer cannot answer now",
    "43": "the provider's number is not valid",
    "44": "the provider's name is not valid",
    "45": "the provider's specialty is not valid",
    "46": "the provider's telephone number is not valid",
    "47": "the provider's state is not valid",
    "48": "the number of the referring provider is not valid",
    "49": "the provider is not the primary care physician",
    "50": "the provider may not ask",
    "51": "the payer does not know the provider",
    "52": "the service is outside the provider's contract",
    "56": "the date does not fit",
    "57": "the date of service is not valid",
    "58": "the date of birth is missing or not valid",
    "60": "the birth is after the service",
    "61": "the death is before the service",
    "62": "the date of service is too far away",
    "63": "the date of service is in the future",
    "64": "the patient's number is missing or not valid",
    "65": "the patient's name is missing or not valid",
    "66": "the patient's gender is missing or not valid",
    "67": "the patient is not known",
    "68": "there are two patients of this number",
    "71": "the date of birth is another one",
    "72": "the member number is missing or not valid",
    "73": "the name of the insured is missing or not valid",
    "74": "the gender of the insured is missing or not valid",
    "75": "the insured is not known",
    "76": "there are two insured of this number",
    "77": "the insured is known, the patient is not",
    "78": "the insured is not in the group or plan",
    "79": "the identification of a participant is not valid",
    "80": "the payer has not answered",
    "97": "the provider's address is not valid",
    "T4": "the payer's name or number is missing",
}


@dataclass(frozen=True)
class Refusal:
    """AAA: why there is no answer. `follow_up` says what to do: C mend and ask again, N do not ask again, R or S ask again."""

    reason: str
    follow_up: str = ""

    @property
    def words(self) -> str:
        return REFUSALS.get(self.reason, f"reason {self.reason}")


@dataclass(frozen=True, kw_only=True)
class Benefit:
    """EB. `percent` is of one: 0.2 is 20 %. `in_network` is Y, N, W (both) or U."""

    information: str
    level: str = ""
    services: tuple[str, ...] = ()
    insurance: str = ""
    plan: str = ""
    period: str = ""
    amount: Decimal | None = None
    percent: Decimal | None = None
    quantity_kind: str = ""
    quantity: Decimal | None = None
    needs_authorisation: str = ""
    in_network: str = ""
    procedure: Procedure | None = None
    dates: tuple[Dated, ...] = ()
    refs: tuple[Ref, ...] = ()
    messages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    parties: tuple[Party, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def words(self) -> str:
        return INFORMATION.get(self.information, f"information {self.information}")


@dataclass(frozen=True, kw_only=True)
class Member:
    """The person who was asked about: the subscriber, or a dependant with `subscriber` above."""

    person: Party
    subscriber: Party | None = None
    relationship: str = SUBSCRIBER
    payer: Party | None = None
    provider: Party | None = None
    traces: tuple[str, ...] = ()
    dates: tuple[Dated, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_active(self) -> bool | None:
        """None where the answer says neither, or both."""
        said = {one.information in ACTIVE for one in self.of_cover}
        return said.pop() if len(said) == 1 else None

    @property
    def last_day(self) -> date | None:
        """The first day on which the answer lets the cover end."""
        dates = [*self.dates, *(when for one in self.of_cover for when in one.dates)]
        ends = [(when.ends if when.code in PERIODS_OF_COVER else when.begins) for when in dates if when.code in COVER]
        return min(filter(None, ends), default=None)

    @property
    def of_cover(self) -> list[Benefit]:
        """What it says of the plan as a whole; of single services only where that is all."""
        told = [one for one in self.benefits if one.information in (*ACTIVE, *INACTIVE)]
        return [one for one in told if not one.services or WHOLE_PLAN in one.services] or told


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    reference: str
    day: date | None
    members: tuple[Member, ...] = ()
    refusals: tuple[Refusal, ...] = ()  # of the whole question: the payer does not answer, or does not know us
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """One question of a 270. `services` are service type codes; 30 is the plan as a whole."""

    payer: Party
    provider: Party
    subscriber: Party
    dependant: Party | None = None
    relationship: str = "19"
    services: tuple[str, ...] = ("30",)
    begins: date | None = None
    ends: date | None = None
    trace: str = ""


@dataclass(frozen=True)
class Inquiries:
    reference: str
    asked: tuple[Inquiry, ...]

"""Elements to values. What cannot be read as what it should be is complained about, and never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.money import CENT, ZERO
from billing.x12.complaints import Complaints
from billing.x12.segments import Segment

NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,9})?|\.\d{1,9})", re.ASCII)
DAY = re.compile(r"(\d{4}|\d{2})(\d{2})(\d{2})", re.ASCII)
PERIOD = re.compile(r"(\d{8}|\d{6})-(\d{8}|\d{6})", re.ASCII)
CENTURY = 70  # of years with two digits


@dataclass(frozen=True)
class Dated:
    """`code` says what of: 472 the service, 232 and 233 its beginning and end. Of a period both ends are there."""

    code: str
    begins: date | None
    ends: date | None = None


@dataclass(frozen=True)
class Ref:
    code: str
    value: str


@dataclass(frozen=True)
class Sum:
    code: str
    amount: Decimal


@dataclass(frozen=True)
class Procedure:
    """`kind` is HC for HCPCS and CPT, AD for dental codes, NU for revenue codes, N4 for drugs."""

    code: str
    modifiers: tuple[str, ...] = ()
    kind: str = "HC"
    description: str = ""


class Fields:
    """Reads elements of segments, and tells `complaints` what was wrong with them."""

    def __init__(self, complaints: Complaints) -> None:
        self.complaints = complaints

    def quantity(self, segment: Segment, number: int) -> Decimal | None:
        text = segment.at(number)
        if not text:
            return None
        if not NUMBER.fullmatch(text):
            self.complaints.error("It is no number.", segment.spoken, segment.position, number)
            return None
        return Decimal(text)

    def amount(self, segment: Segment, number: int) -> Decimal | None:
        value = self.quantity(segment, number)
        if value is None:
            return None
        if value != value.quantize(CENT):
            self.complaints.error("It has more than two places.", segment.spoken, segment.position, number)
            return value
        return value.quantize(CENT) + ZERO  # which has no negative zero

    def money(self, segment: Segment, number: int) -> Decimal:
        """An amount that must be there."""
        if not segment.at(number):
            self.complaints.error("The amount is missing.", segment.spoken, segment.position, number)
        value = self.amount(segment, number)
        return ZERO if value is None else value

    def needed(self, segment: Segment, number: int, what: str) -> str:
        if not segment.at(number):
            self.complaints.error(f"The {what} is missing.", segment.spoken, segment.position, number)
        return segment.at(number)

    def day(self, segment: Segment, number: int) -> date | None:
        return self._day(segment.at(number), segment, number)

    def dated(self, segment: Segment) -> Dated:
        """A DTM (code, day) or a DTP (code, shape, day or period)."""
        number = 3 if segment.name == "DTP" else 2
        begins, ends = self.period(segment, number)
        return Dated(segment.at(1), begins, ends)

    def period(self, segment: Segment, number: int) -> tuple[date | None, date | None]:
        text = segment.at(number)
        found = PERIOD.fullmatch(text)
        if found is None:
            return self._day(text, segment, number), None
        return self._day(found[1], segment, number), self._day(found[2], segment, number)

    def _day(self, text: str, segment: Segment, number: int) -> date | None:
        if not text:
            return None
        found = DAY.fullmatch(text[:8] if len(text) in (12, 14) else text)  # with hours and minutes
        try:
            if found is None:
                raise ValueError
            return date(year_of(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            self.complaints.warn("It is no day of the calendar.", segment.spoken, segment.position, number)
            return None

    def procedure(self, segment: Segment, number: int) -> Procedure | None:
        """A composite: kind, code, up to four modifiers, description."""
        parts = segment.components(number)
        if not any(parts):
            return None
        if segment.component_mark(segment.at(number)) != segment.marks.component:
            words = "Its components are separated by another mark than the file says."
            self.complaints.warn(words, segment.spoken, segment.position, number)
        kind, code, *more = [*parts, "", ""][: max(2, len(parts))]
        if not code:
            self.complaints.warn(
                "The kind or the code of the procedure is missing.", segment.spoken, segment.position, number
            )
            kind, code = "", kind
        description = ":".join(filter(None, more[4:5]))
        return Procedure(code, tuple(filter(None, more[:4])), kind, description)


def year_of(digits: str) -> int:
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) < CENTURY else 1900)

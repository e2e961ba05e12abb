"""The data types of chapter 2A as this house needs them: moments, names, addresses, telephones, numbers of persons, codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from django.core.exceptions import ValidationError

from clinical import phones
from clinical.hl7.reading import Value
from clinical.measure import NotANumber, read_number
from hospital.context import current

MOMENT = re.compile(
    r"\A(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.\d{1,6})?)?)?)?)?)?(?:([+-])(\d{2})(\d{2}))?\Z"
)
SSN = "http://hl7.org/fhir/sid/us-ssn"
# Table 0203: numbers of an account, a stay or an order are nobody's own.
NOT_OF_A_PERSON = {"AN", "VN", "ACSN", "PLAC", "FILL", "FI", "BA"}


@dataclass(frozen=True)
class Moment:
    """A time as it was said. `at` begins it; a time without an offset is by this organisation's own clock."""

    at: datetime
    day: date
    said: str
    has_time: bool
    is_partial: bool


def moment(text: str) -> Moment | None:
    found = MOMENT.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    zone = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1) if found[7] else None
    try:
        at = datetime(
            year or 0,
            month or 1,
            day or 1,
            hour or 0,
            minute or 0,
            min(second or 0, 59),
            tzinfo=current().tenant.zone if zone is None else timezone(zone),
        )
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if year is None or year < 1850:
        return None
    return Moment(at, at.date(), text.strip()[:40], hour is not None, day is None)


@dataclass(frozen=True)
class Number:
    """A person's number with whoever gives it out (CX)."""

    value: str
    systems: tuple[str, ...]
    kind: str
    text: str

    @property
    def system(self) -> str:
        return self.systems[0]

    @property
    def words(self) -> str:
        whose = "the sender's own" if self.system.startswith("hl7:") else self.system
        return f"{self.value} ({self.text or whose})"


def number_of(value: Value, *, own: str) -> Number | None:
    """`own`: who gives out the numbers for which nobody is named."""
    said = value.part(1)[:255]
    if not said or value.is_deleted:
        return None
    names = tuple(filter(None, (*authority(value, 4), *authority(value, 6))))
    kind = value.part(5)[:20]
    if "USSSA" in names:
        names = (SSN,)
    return Number(said, names[:2] or (own,), kind, (value.part(6) or value.part(4))[:255])


def authority(value: Value, component: int) -> tuple[str, str]:
    """An HD: the universal id first, which means the same everywhere."""
    name, universal, kind = (*value.subs(component), "", "", "")[:3]
    oid = f"urn:oid:{universal}" if kind.upper() == "ISO" and universal else universal
    return oid[:255], name[:255]


@dataclass(frozen=True)
class Name:
    given: str
    family: str

    @property
    def full(self) -> str:
        return f"{self.given} {self.family}".strip()


def name_of(values: list[Value]) -> Name:
    """The legal one of several, else the first. Titles are left out; a prefix belongs to the family name."""
    chosen = [value for value in values if value.part(7) == "L"] or values
    if not chosen:
        return Name("", "")
    value = chosen[0]
    family, prefix, own = (*value.subs(1), "", "", "")[:3]
    shown = family or f"{prefix} {own}".strip()
    return Name(f"{value.part(2)} {value.part(3)}".strip()[:120], shown[:120])


def address_of(values: list[Value]) -> dict[str, str]:
    """The home of several addresses, else the first."""
    value = next((one for one in values if one.part(7) in ("H", "L", "P")), values[0])
    street = [part for part in value.subs(1)[:3] if part]
    line = ", ".join(filter(None, (" ".join(dict.fromkeys(street)), value.part(2))))
    return {
        "line": line[:200],
        "city": value.part(3)[:100],
        "state": value.part(4)[:100],
        "postal_code": value.part(5)[:20],
        "country": value.part(6)[:60],
    }


def telephone(value: Value) -> str:
    """As it was said: whole, or from its pieces."""
    pieces = [value.part(5), value.part(6), value.part(7)]
    if value.part(3) in ("Internet", "X.400") and not value.part(7):
        return "" if "@" in value.part(1) + value.part(4) else value.part(1)
    country = f"+{pieces[0]}" if pieces[0].isdigit() and pieces[1] else ""
    built = " ".join(filter(None, (country, pieces[1], pieces[2]))) if pieces[2] else ""
    return (value.part(1) or value.part(12) or built)[:60]


def e_mail(value: Value) -> str:
    return next((part[:254] for part in (value.part(4), value.part(1)) if "@" in part), "")


def normal_phone(said: str) -> str:
    """E.164, or nothing if it is no number of that form."""
    try:
        return phones.normalise(said)
    except ValidationError:
        return ""


@dataclass(frozen=True)
class Code:
    """A coded word (CE, CWE). Of two codings the LOINC one counts; the other is kept, for a table of local codes."""

    code: str
    text: str
    system: str
    local: str

    @property
    def is_loinc(self) -> bool:
        return self.system == "LN"

    @property
    def name(self) -> str:
        return self.text or self.code

    @property
    def key(self) -> str:
        """How a sender's own word is remembered."""
        return f"{self.code}|{self.system}"[:255]


def code_of(value: Value) -> Code:
    one, other = (value.part(1), value.part(2), value.part(3)), (value.part(4), value.part(5), value.part(6))
    if other[2] == "LN" and one[2] != "LN":
        one, other = other, one
    code, text, system = one if one[0] else (other if other[0] else one)
    original = value.part(9)
    return Code(code, (text or original or other[1])[:255], system.upper(), other[0])


def decimal_of(text: str) -> tuple[str, Decimal] | None:
    """A comparator and a number, if the text is one."""
    try:
        found = read_number(text)
    except NotANumber:
        return None
    return found.comparator, found.number

"""Numbers as laboratories write them, and what they mean against their limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"\A(<=|>=|<|>|≤|≥)?\s*([-+\u2212]?\d{1,10}(?:[.,]\d{1,8})?)\Z")
UNITS = {"10*3/uL": "10³/µL", "10*6/uL": "10⁶/µL", "{INR}": "", "m[IU]/L": "mIU/L", "ug/mL": "µg/mL", "Cel": "°C"}
SPELLINGS = {"≤": "<=", "≥": ">="}


class NotANumber(ValueError):
    """What was typed cannot be read as one number."""


@dataclass(frozen=True)
class Measured:
    """A number, perhaps only known to be beyond it: "<0.01"."""

    number: Decimal
    comparator: str = ""

    @property
    def decimals(self) -> int:
        return max(0, -int(self.number.as_tuple().exponent))

    def __str__(self) -> str:
        return f"{self.comparator}{self.number}"


def read_number(text: str) -> Measured:
    """A number with a decimal point or comma. Digits are never grouped, since 1,234 means different things."""
    match = NUMBER.match(text.strip())
    if match is None:
        raise NotANumber(text)
    comparator = match[1] or ""
    number = Decimal(match[2].replace(",", ".").replace("\u2212", "-"))
    return Measured(number, SPELLINGS.get(comparator, comparator))


@dataclass(frozen=True)
class Limits:
    """Outside low and high is abnormal; outside the critical ones somebody is called."""

    low: Decimal | None = None
    high: Decimal | None = None
    critical_low: Decimal | None = None
    critical_high: Decimal | None = None

    @classmethod
    def around(cls, ranges: Iterable[Any]) -> Limits:
        """The narrowest limits that contain all of these; without a range there is no limit."""
        rows = list(ranges)
        return cls(
            least([row.low for row in rows]),
            greatest([row.high for row in rows]),
            least([row.critical_low for row in rows]),
            greatest([row.critical_high for row in rows]),
        )

    def times(self, size: Decimal) -> Limits:
        """The same in another unit."""
        return Limits(*(None if one is None else one * size for one in astuple(self)))

    @property
    def words(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{plain(self.low)}\u2013{plain(self.high)}"
        if self.high is not None:
            return f"up to {plain(self.high)}"
        return f"from {plain(self.low)}" if self.low is not None else ""

    def flag(self, value: Measured) -> str:
        """Empty inside the limits. A value "<5" says nothing about the upper ones, ">5" nothing about the lower."""
        if not value.comparator.startswith(">"):
            if self._below(value, self.critical_low):
                return "critical_low"
            if self._below(value, self.low):
                return "low"
        if not value.comparator.startswith("<"):
            if self._above(value, self.critical_high):
                return "critical_high"
            if self._above(value, self.high):
                return "high"
        return ""

    @staticmethod
    def _below(value: Measured, limit: Decimal | None) -> bool:
        if limit is None:
            return False
        return value.number < limit or (value.comparator == "<" and value.number == limit)

    @staticmethod
    def _above(value: Measured, limit: Decimal | None) -> bool:
        if limit is None:
            return False
        return value.number > limit or (value.comparator == ">" and value.number == limit)


def least(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return min(known) if known and len(known) == len(values) else None


def greatest(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None


def plain(number: Decimal) -> str:
    """Without the zeros that a column adds: 4.0000 is 4, and 100 stays 100."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_words(unit: str) -> str:
    """A unit of UCUM as people write it."""
    return UNITS.get(unit, unit)

"""The grid of ranges as it is typed, checked as a whole: what overlaps, what is out of order, and which ages have none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Any

from clinical.measure import Limits, NotANumber, plain, read_number
from clinical.models import LabCondition, ReferenceRange

HOUR_OF = {"h": 1, "d": 24, "w": 168, "mo": 730, "y": 8766}
AGE = re.compile(r"\A(\d{1,6})\s*(h|d|w|mo|y)?\Z")
LIMITS = ("low", "high", "critical_low", "critical_high")
COLUMNS = ("sex", "age_from", "age_to", "condition", "weeks_from", "weeks_to", *LIMITS, "source")
MOST_ROWS = 60
TOP = 130 * HOUR_OF["y"]


@dataclass
class Row:
    """One line of the grid: what was typed, what it means, and what is wrong with it."""

    typed: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(self.typed[name] for name in COLUMNS if name != "sex")

    @property
    def ages(self) -> tuple[int, int]:
        return self.values["age_from_hours"], self.values["age_to_hours"] or TOP

    @property
    def weeks(self) -> tuple[int, int]:
        return self.values["weeks_from"] or 0, self.values["weeks_to"] or 99

    def range(self) -> ReferenceRange:
        return ReferenceRange(**self.values)

    def overlaps(self, other: Row) -> bool:
        """Whether somebody could fit both. The own sex wins over any, a condition over none: those may meet."""
        same = all(self.values[name] == other.values[name] for name in ("sex", "condition"))
        return same and crosses(self.ages, other.ages) and crosses(self.weeks, other.weeks)


def crosses(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


class Grid:
    """`rows` as they were typed, `possible` the limits beyond which it is a typing error. Valid if nothing has an error."""

    def __init__(self, rows: Iterable[dict[str, str]], possible: tuple[str, str], decimals: int) -> None:
        conditions = {condition.code: condition for condition in LabCondition.objects.all()}
        self.decimals = decimals
        self.typed_possible = possible
        self.rows = [read(typed, conditions, decimals) for typed in list(rows)[:MOST_ROWS]]
        self.errors: list[str] = []
        self.possible = Limits(*(self._possible(text) for text in possible))
        self.filled = [row for row in self.rows if not row.is_empty]
        if self.is_readable:
            self._check()

    def _possible(self, text: str) -> Decimal | None:
        try:
            return number(text)
        except ValueError as problem:
            self.errors.append(f"Possible: {problem}")
            return None

    @property
    def is_readable(self) -> bool:
        return not self.errors and not any(row.errors for row in self.filled)

    @property
    def is_valid(self) -> bool:
        return self.is_readable

    def _check(self) -> None:
        if not self.filled:
            self.errors.append("Write at least one range.")
        for row in self.filled:
            row.errors.extend(out_of_order(row, self.possible))
        for one, other in combinations(self.filled, 2):
            if one.overlaps(other):
                other.errors.append(f"Overlaps with the one {span(one)}.")

    @property
    def gaps(self) -> list[str]:
        """Ages for which somebody without a condition has no range: allowed, since not every age has one, but said."""
        if not self.is_valid:
            return []
        return [
            f"{label}: none {words}"
            for sex, label in (("female", "Female"), ("male", "Male"))
            for words in holes([row.ages for row in self.filled if fits_plainly(row, sex)])
        ]

    def limits(self, sex: str, hours: int | None, facts: dict[str, int | None]) -> tuple[Limits, list[ReferenceRange]]:
        """What the preview shows, and from which lines."""
        from clinical.models.lab_range import nearest

        fitting = nearest([row for row in (line.range() for line in self.filled) if row.fits(sex, hours, facts)], sex)
        return Limits.around(fitting), fitting


def fits_plainly(row: Row, sex: str) -> bool:
    return row.values["condition"] is None and row.values["sex"] in ("any", sex)


def holes(spans: list[tuple[int, int]]) -> list[str]:
    at, found = 0, []
    for start, end in sorted(spans):
        if start > at:
            found.append(f"from {age_words(at)} to {age_words(start)}")
        at = max(at, end)
    if at < TOP:
        found.append(f"from {age_words(at)}")
    return found


def read(typed: dict[str, str], conditions: dict[str, LabCondition], decimals: int) -> Row:
    row = Row({name: typed.get(name, "").strip() for name in COLUMNS})
    if row.is_empty:
        return row
    row.values["sex"] = row.typed["sex"] if row.typed["sex"] in ReferenceRange.Sex.values else "any"
    row.values["condition"] = conditions.get(row.typed["condition"])
    row.values["source"] = row.typed["source"][:200]
    readers = {
        "age_from": hours,
        "age_to": hours,
        "weeks_from": weeks,
        "weeks_to": weeks,
        **dict.fromkeys(LIMITS, number),
    }
    for name, reader in readers.items():
        try:
            row.values[KEYS.get(name, name)] = reader(row.typed[name])
        except ValueError as problem:
            row.errors.append(str(problem))
    if not row.errors:
        row.values["age_from_hours"] = row.values["age_from_hours"] or 0
        row.errors.extend(wrong_spans(row))
    return row


KEYS = {"age_from": "age_from_hours", "age_to": "age_to_hours"}


def hours(text: str) -> int | None:
    """3 d is 72: h, d, w, mo, y; a bare number is hours."""
    if not text:
        return None
    match = AGE.match(text.lower())
    if match is None:
        raise ValueError(f"“{text}” is no age. Write 12 h, 3 d, 2 w, 6 mo or 18 y.")
    return int(match[1]) * HOUR_OF[match[2] or "h"]


def weeks(text: str) -> int | None:
    if text and not (text.isdigit() and int(text) <= 60):
        raise ValueError(f"“{text}” is no number of weeks.")
    return int(text) if text else None


def number(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        measured = read_number(text)
    except NotANumber:
        raise ValueError(f"“{text}” is not a number.") from None
    if measured.comparator or measured.decimals > 4 or abs(measured.number) >= 10**10:
        raise ValueError(f"“{text}” cannot be a limit. Write a plain number with at most four decimals.")
    return measured.number


def wrong_spans(row: Row) -> list[str]:
    found = []
    if row.ages[0] >= row.ages[1]:
        found.append("The age begins after it ends.")
    if row.weeks[0] >= row.weeks[1]:
        found.append("The weeks begin after they end.")
    condition = row.values["condition"]
    has_weeks = row.values["weeks_from"] is not None or row.values["weeks_to"] is not None
    if has_weeks and (condition is None or condition.weeks == LabCondition.Weeks.NONE):
        found.append("Weeks need a condition that counts them, such as pregnant.")
    if all(row.values[name] is None for name in LIMITS):
        found.append("Write at least one limit.")
    return found


def out_of_order(row: Row, possible: Limits) -> list[str]:
    """Possible, critical, normal: each lies inside the one before."""
    values = row.values
    order = [
        possible.low,
        values["critical_low"],
        values["low"],
        values["high"],
        values["critical_high"],
        possible.high,
    ]
    known = [limit for limit in order if limit is not None]
    if known == sorted(known):
        return []
    return ["The limits are out of order: possible, critical low, low, high, critical high, possible."]


def span(row: Row) -> str:
    until = row.values["age_to_hours"]
    ages = f"from {age_words(row.ages[0])}" + (f" to {age_words(until)}" if until else "")
    return f"{ages}, {row.values['condition']}" if row.values["condition"] else ages


def age_words(number: int | None) -> str:
    """In the greatest unit that needs no fraction: 72 is 3 d. As the grid reads it."""
    if number is None:
        return ""
    if number == 0:
        return "0"
    for unit in ("y", "mo", "w", "d"):
        if number % HOUR_OF[unit] == 0:
            return f"{number // HOUR_OF[unit]} {unit}"
    return f"{number} h"


def typed_of(row: ReferenceRange) -> dict[str, str]:
    """A line of the grid from a range."""
    limits = {name: plain(getattr(row, name)) if getattr(row, name) is not None else "" for name in LIMITS}
    week = {name: "" if getattr(row, name) is None else str(getattr(row, name)) for name in ("weeks_from", "weeks_to")}
    return {
        "sex": row.sex,
        "age_from": age_words(row.age_from_hours),
        "age_to": age_words(row.age_to_hours),
        "condition": row.condition.code if row.condition else "",
        "source": row.source,
        **week,
        **limits,
    }

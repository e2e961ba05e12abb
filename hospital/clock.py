"""Times as people say them: how long ago, how long waiting, how old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def minutes_between(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds() // MINUTE))


def waiting_in_words(minutes: int) -> str:
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def ago_in_words(then: datetime, now: datetime) -> str:
    """static/app.js says the same words while the page stands; a test compares the two."""
    seconds = int((now - then).total_seconds())
    if abs(seconds) < MINUTE:
        return "just now"
    words = _span(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _span(seconds: int) -> str:
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} h"
    if seconds < 60 * DAY:
        return f"{seconds // DAY} days"
    return f"{seconds // (30 * DAY)} months" if seconds < 730 * DAY else f"{seconds // (365 * DAY)} years"


@dataclass(frozen=True)
class Age:
    number: int
    unit: str  # day, week, month, year
    estimated: bool = False

    SHORT = {"day": "d", "week": "wk", "month": "mo", "year": "y"}

    @property
    def short(self) -> str:
        return f"{self._about}{self.number} {self.SHORT[self.unit]}"

    @property
    def long(self) -> str:
        return f"{self._about}{self.number} {self.unit}{'' if self.number == 1 else 's'}"

    @property
    def _about(self) -> str:
        return "~" if self.estimated else ""


def age_between(born: date, on: date, *, estimated: bool = False) -> Age:
    """Days for the newborn, weeks to 3 months, months to 2 years, years after that: the units that wards use."""
    days = max(0, (on - born).days)
    if days < 28:
        return Age(days, "day", estimated)
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    if months < 3:
        return Age(days // 7, "week", estimated)
    return Age(months, "month", estimated) if months < 24 else Age(months // 12, "year", estimated)

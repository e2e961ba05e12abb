"""An age as somebody says it, and the day of birth that follows from it."""

from __future__ import annotations

import re
from datetime import date, timedelta

from clinical import days

OLDEST = 130  # years; nobody has been shown to live longer
SAID = re.compile(
    r"\A(?:about|around|approximately|approx\.?|ca\.?|~)?\s*(\d{1,4})\s*([a-z]*)\.?(?:\s+old)?\Z", re.IGNORECASE
)
UNITS = {
    **dict.fromkeys(("", "y", "yr", "yrs", "year", "years"), 365.25),
    **dict.fromkeys(("mo", "month", "months"), 30.44),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7.0),
    **dict.fromkeys(("d", "day", "days"), 1.0),
}


class NoAge(ValueError):
    """What was typed is no age; the words say how one is written."""


def born(text: str) -> date:
    """“about 40” is the first of January forty years ago; “3 weeks” is that day. Both are estimates."""
    match = SAID.match(text.strip())
    unit = UNITS.get(match[2].casefold()) if match else None
    if match is None or unit is None:
        raise NoAge("Write an age such as 40, about 40, 8 months, 3 weeks or 2 days.")
    number, today = int(match[1]), days.today()
    if number * unit > OLDEST * 365.25:
        raise NoAge(f"Nobody lives longer than {OLDEST} years.")
    if unit > 365:
        return date(today.year - number, 1, 1)
    return today - timedelta(days=round(number * unit))

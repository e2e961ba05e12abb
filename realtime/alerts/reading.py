"""Whether what was typed is the value that was to be read back."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

NUMBER = re.compile(r"\A([<>]?)\s*([+-]?\d+(?:[.,]\d+)?)\s*(.*)\Z", re.DOTALL)

THOUSANDS = re.compile(r"\d,\d{3}(?!\d)")


def is_ambiguous(typed: str, expected: str) -> bool:
    """ "1,200" is 1.2 to one reader and 1200 to another, unless that is how the alert says it."""
    return plain(typed) != plain(expected) and THOUSANDS.search(plain(typed)) is not None


def reads_as(typed: str, expected: str) -> bool:
    """Numbers by their value ("6.90" is 6.9), words without regard to case. A unit may be typed; a wrong one may not."""
    typed, expected = plain(typed), plain(expected)
    if typed == expected:
        return bool(typed)
    mine, theirs = parts(typed), parts(expected)
    if mine is None or theirs is None:
        return False
    return mine[:2] == theirs[:2] and mine[2] in ("", theirs[2])


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").casefold().split())


def parts(text: str) -> tuple[str, Decimal, str] | None:
    """Comparator, number, unit."""
    match = NUMBER.match(text)
    if match is None:
        return None
    try:
        return match[1], Decimal(match[2].replace(",", ".")), match[3]
    except InvalidOperation:
        return None

"""How many pieces make sense: at the most, and for the directions where their words can be read as numbers."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from clinical.stock import plural

# On one line. Nobody carries more home, so that a larger number is a slip of the finger.
MOST = {
    "tablet": 720,
    "capsule": 720,
    "sachet": 360,
    "ampoule": 120,
    "vial": 60,
    "bottle": 24,
    "tube": 24,
    "inhaler": 12,
}
MOST_OF_OTHERS = 1000
FAR_ABOVE = 2  # times what is needed
VALIDITY = 90  # days of a prescription
GRAMS = {"g": Decimal(1), "mg": Decimal("0.001"), "µg": Decimal("0.000001")}

NUMBER = r"(\d+(?:[.,]\d+)?|\d+/\d+|½)"
DOSE = re.compile(rf"(?:up to )?{NUMBER}\s*([a-zµ%]*)")
STRENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(mg|g|µg|IU|mL)")
EVERY = re.compile(r"every (\d+) hours?")
TIMES = re.compile(r"(?:up to )?(\w+)(?: times)?(?: a| per|/)? ?(?:day|daily)")
WORDS = {"once": 1, "twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "one": 1}
ONCE = re.compile(r"daily|(?:at|every) (?:night|bedtime)|(?:in|every) (?:the )?(?:morning|evening)|before breakfast")


def most_of(unit: str) -> int:
    return MOST.get(unit, MOST_OF_OTHERS)


def needed(*, dose: str, frequency: str, days: int | None, unit: str, strength: str) -> int | None:
    """So many pieces are needed for these directions. None where they leave it open."""
    at_once, a_day = pieces_in(dose, unit, strength), times_a_day(frequency)
    if at_once is None or a_day is None or not days:
        return None
    return math.ceil(at_once * a_day * days)


def is_far_above(quantity: int, wanted: int | None) -> bool:
    return wanted is not None and quantity > FAR_ABOVE * wanted


def lasts_too_long(quantity: int, *, dose: str, frequency: str, unit: str, strength: str) -> int | None:
    """So many days the quantity lasts, where that is longer than a prescription is valid.

    Asked where `needed` is open, most often because nobody wrote for how many days. The frequency must be readable; a
    dose that is not counts as one piece.
    """
    a_day = times_a_day(frequency)
    if a_day is None:
        return None
    days = int(quantity / (a_day * (pieces_in(dose, unit, strength) or 1)))
    return days if days > VALIDITY else None


def pieces_in(dose: str, unit: str, strength: str) -> Decimal | None:
    """`2 tablets` are two, and so is `1 g` of tablets of 500 mg."""
    read = DOSE.fullmatch(dose.strip().lower())
    if read is None:
        return None
    number, measure = fraction(read[1]), read[2]
    if measure in ("", unit, plural(unit)):
        return number
    one = STRENGTH.fullmatch(strength)
    if one is None:
        return None
    whole = in_grams(number, measure), in_grams(Decimal(one[1]), one[2].lower())
    return whole[0] / whole[1] if whole[0] and whole[1] else None


def in_grams(number: Decimal, measure: str) -> Decimal | None:
    return number * GRAMS[measure] if measure in GRAMS else None


def fraction(text: str) -> Decimal:
    if text == "½":
        return Decimal("0.5")
    over, _, under = text.replace(",", ".").partition("/")
    return Decimal(over) / (Decimal(under) or 1) if under else Decimal(over)


def times_a_day(frequency: str) -> Decimal | None:
    text = " ".join(frequency.lower().split())
    if every := EVERY.fullmatch(text):
        return Decimal(24) / int(every[1]) if int(every[1]) else None
    if ONCE.fullmatch(text):
        return Decimal(1)
    times = TIMES.fullmatch(text)
    if times is None:
        return None
    count = WORDS.get(times[1]) or (int(times[1]) if times[1].isdecimal() else 0)
    return Decimal(count) if count else None

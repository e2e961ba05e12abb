"""Findings of a pathology report that have a field, by a word of their name. What cannot be read for certain is not stated."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from clinical.hl7.observations import Result
from clinical.hl7.values import decimal_of

MILLIMETRES = {"": Decimal(1), "mm": Decimal(1), "cm": Decimal(10), "um": Decimal("0.001")}
CLARK = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}
UNINVOLVED = re.compile(r"\b(uninvolved|(not|no|without) (involved|involvement|positive))\b")
# Nothing is there: this alone does not make a margin clear.
NOT_REACHED = re.compile(r"\b(no|not|without)\b[^.;,:]*\b(present at|extends? to)\b")
INVOLVED = re.compile(
    r"\b(involved|positive|incomplete(ly)?|extends? to|present at|"
    r"(not|cannot be \w+ as) (\w+ )?(clear|free|negative|complete(ly)?))\b"
)
DENIED = re.compile(r"\b(no|not|cannot|without|indeterminate|absent|unknown)\b")
ABSENT = re.compile(
    r"(absent|none|negative|no ulceration|no(?=\W*\Z)|not (identified|present|seen|detected|ulcerated))\b"
    r"(?!.*\b(present|identified|assess|applicable|determin|stated|given|evaluat)\w*)"
)
PRESENT = re.compile(r"\b(present|yes|positive|identified)\b")
# Of two that one report says, the first of these counts.
GRAVER = {"margins": ("involved", "close", "", "clear"), "ulceration": ("present", "", "absent")}


def name_of(result: Result) -> str:
    return result.code.name.casefold()


def millimetres(result: Result) -> Decimal | None:
    """Nothing, where it cannot be read as millimetres: “<0.5” is no thickness."""
    found = decimal_of(result.words)
    factor = MILLIMETRES.get(result.unit.casefold())
    if found is None or found[0] or factor is None or not 0 <= found[1] * factor <= 100:
        return None
    return (found[1] * factor).quantize(Decimal("0.01"))


def breslow(result: Result) -> dict[str, Any]:
    thickness = millimetres(result)
    return {} if thickness is None else {"breslow_mm": thickness}


def clark(result: Result) -> dict[str, Any]:
    word = result.words.upper().replace("LEVEL", "").strip()
    level = CLARK.get(word, word)
    return {"clark": level} if level in CLARK.values() else {}


def mitoses(result: Result) -> dict[str, Any]:
    found = decimal_of(result.words)
    is_per_area = result.unit.casefold() in ("", "/mm2", "{mitoses}/mm2", "per mm2")
    return {"mitoses": found[1]} if found and not found[0] and is_per_area and 0 <= found[1] <= 500 else {}


def ulceration(result: Result) -> dict[str, Any]:
    """Not stated, where somebody could not say: only plain words count as absent."""
    word = re.sub(r"\Aulceration\W*(is )?", "", result.words.casefold().strip())
    if ABSENT.match(word):
        return {"ulceration": "absent"}
    is_there = PRESENT.match(word) or (PRESENT.search(word) and not DENIED.search(word))
    return {"ulceration": "present" if is_there else ""}


def margins(result: Result) -> dict[str, Any]:
    """Involved, if any part of the words says so. Clear, if nothing speaks against it."""
    word = UNINVOLVED.sub("clear", NOT_REACHED.sub("", result.words.casefold()))
    if INVOLVED.search(word):
        return {"margins": "involved"}
    if re.search(r"\bclose\b", word):
        return {"margins": "close"}
    if re.search(r"\b(clear|negative|free)\b", word) and not DENIED.search(word):
        return {"margins": "clear"}
    distance = millimetres(result)
    return {"margins": ""} if distance is None else {"margin_mm": distance.quantize(Decimal("0.1"))}


def stage(result: Result) -> dict[str, Any]:
    return {"stage": result.words.strip()[:40]}


FINDERS: tuple[tuple[str, Callable[[Result], dict[str, Any]]], ...] = (
    ("breslow", breslow),
    ("clark", clark),
    ("mitos", mitoses),
    ("mitotic", mitoses),
    ("ulcerat", ulceration),
    ("margin", margins),
    ("stage", stage),
)


def finding_of(result: Result) -> dict[str, Any]:
    name = name_of(result)
    return next((read(result) for word, read in FINDERS if word in name), {})


def graver(name: str, one: Any, other: Any) -> Any:
    """Of two that one report says, what must not be missed."""
    if name in GRAVER:
        return min(one, other, key=GRAVER[name].index)
    if name == "stage":
        return one if one == other else f"{one}, {other}"[:40]
    return min(one, other) if name == "margin_mm" else max(one, other)

"""Pieces of somebody else's JSON: each is what it should be, or `Broken` says in words what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Node = dict[str, Any]


SURROGATE = re.compile("[\ud800-\udfff]")


class Broken(Exception):
    """This entry cannot be taken, and why."""


# --- parts ------------------------------------------------------------------------------


def part(node: Node, key: str) -> Node:
    """An object, or an empty one."""
    value = node.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken(f"“{key}” is not an object.")
    return value


def parts(node: Node, key: str) -> list[Node]:
    """A list of objects; a single one counts as a list of one, as some senders write it."""
    value = node.get(key)
    if value is None:
        return []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in found):
        raise Broken(f"“{key}” is not a list of objects.")
    return found


def text(node: Node, key: str) -> str:
    return clean(node.get(key), key)


def texts(node: Node, key: str) -> list[str]:
    value = node.get(key)
    found = value if isinstance(value, list) else [value]
    return [words for one in found if (words := clean(one, key))]


def clean(value: Any, key: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken(f"“{key}” is not text.")
    if not is_text(value):
        raise Broken(f"“{key}” contains characters that are no text.")
    return value.strip()


def is_text(value: Any) -> bool:
    """Whether the database can keep it: no NUL, and no half of a surrogate pair."""
    return isinstance(value, str) and "\0" not in value and (value.isascii() or not SURROGATE.search(value))


def truth(node: Node, key: str) -> bool:
    value = node.get(key)
    if value is not None and not isinstance(value, bool):
        raise Broken(f"“{key}” is neither true nor false.")
    return bool(value)


def number(node: Node, key: str, *, places: int = 4) -> Decimal | None:
    """A decimal, rounded to what its column keeps."""
    value = node.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Broken(f"“{key}” is not a number.")
    exact = Decimal(value)
    if not exact.is_finite() or exact.adjusted() > 9:
        raise Broken(f"“{key}” is too large a number.")
    return round(exact, places) + 0


# --- codes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Concept:
    """A CodeableConcept: the words that a person reads, and its first useful code."""

    text: str = ""
    code: str = ""
    system: str = ""

    @property
    def fields(self) -> dict[str, str]:
        return {"text": self.text, "code": self.code, "system": self.system}


def concept(node: Node, key: str) -> Concept:
    return concept_of(part(node, key))


def concepts(node: Node, key: str) -> list[Concept]:
    return [found for one in parts(node, key) if (found := concept_of(one)).text]


def concept_of(node: Node) -> Concept:
    codings = parts(node, "coding")
    coding = next((one for one in codings if truth(one, "userSelected")), codings[0] if codings else {})
    code, display = text(coding, "code"), text(coding, "display")
    return Concept(text(node, "text") or display or code, code, text(coding, "system"))


def named(node: Node, key: str) -> Concept:
    """A concept that the row cannot do without."""
    found = concept(node, key)
    if not found.text:
        raise Broken(f"“{key}” has neither a text nor a code.")
    return found


def code_of(node: Node, key: str) -> str:
    """The bare code of a concept, as for a clinical status; in older records a plain word."""
    value = node.get(key)
    return value.strip() if isinstance(value, str) else concept(node, key).code


def choice(value: str, among: Any, key: str, *, default: str) -> str:
    if not value:
        return default
    if value not in among:
        raise Broken(f"“{key}” is “{value[:40]}”, which is not one of {', '.join(among)}.")
    return value


# --- times ------------------------------------------------------------------------------

WHEN = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<part>\d+))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
PLAUSIBLE = range(1600, 2200)


@dataclass(frozen=True)
class When:
    """A time as it was said: only a year, a month, a day, or an instant with its zone."""

    at: datetime | None = None
    said: str = ""

    def fields(self, name: str) -> dict[str, Any]:
        return {f"{name}_at": self.at, f"{name}_said": self.said}

    @property
    def is_partial(self) -> bool:
        return bool(self.said) and len(self.said) < len("2000-01-01")

    @property
    def day(self) -> date | None:
        return date(*(int(one) for one in [*self.said[:10].split("-"), "1", "1"][:3])) if self.said else None


NEVER = When()


def when(node: Node, key: str) -> When:
    said = text(node, key)
    return moment(said, key) if said else NEVER


def first_when(node: Node, *keys: str) -> When:
    """Of a choice of types: the first that is there. A Period gives its start."""
    for key in keys:
        found = when(part(node, key), "start") if key.endswith("Period") else when(node, key)
        if found.said:
            return found
    return NEVER


def moment(said: str, key: str) -> When:
    match = WHEN.fullmatch(said)
    if match is None or not said.isascii():
        raise Broken(f"“{key}” is “{said[:40]}”, which is not a FHIR date.")
    if int(match["year"]) not in PLAUSIBLE:
        raise Broken(f"“{key}” is in the year {match['year']}.")
    try:
        return When(instant(match).astimezone(UTC), said[:40])
    except ValueError as error:
        raise Broken(f"“{key}” is “{said[:40]}”, which is not in the calendar.") from error


def instant(match: re.Match[str]) -> datetime:
    day = (int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    # A leap second is written :60; there is no such value here, so it becomes the last one before.
    clock = (int(match["hour"] or 0), int(match["minute"] or 0), min(59, int(match["second"] or 0)))
    return datetime(*day, *clock, int((match["part"] or "0")[:6].ljust(6, "0")), tzinfo=zone(match["zone"]))


def zone(written: str | None) -> Any:
    if written in (None, "Z"):
        return UTC
    return datetime.strptime(written, "%z").tzinfo


# --- people and places -----------------------------------------------------------------


@dataclass(frozen=True)
class Name:
    given: str = ""
    family: str = ""
    full: str = ""


def name_of(node: Node, key: str = "name") -> Name:
    """The name in use: official before usual before any other that is not old."""
    names = parts(node, key)
    use = {"official": 0, "usual": 1, "": 2, "temp": 3, "nickname": 4, "anonymous": 5, "maiden": 6, "old": 7}
    best = min(names, key=lambda one: use.get(text(one, "use"), 3), default={})
    given, family, whole = " ".join(texts(best, "given")), text(best, "family"), text(best, "text")
    if whole and not given and not family:
        given, _, family = whole.rpartition(" ")
    full = " ".join([*texts(best, "prefix"), *filter(None, [given, family]), *texts(best, "suffix")])
    return Name(given, family, whole or full)


def telecom(node: Node, system: str) -> str:
    """The first of this kind, the mobile telephone before others, and none that is no longer in use."""
    found = [one for one in parts(node, "telecom") if text(one, "system") == system and text(one, "use") != "old"]
    best = sorted(found, key=lambda one: text(one, "use") != "mobile")
    return next((value for one in best if (value := text(one, "value"))), "")


def address_of(node: Node) -> Node:
    """The home address before others; `{}` if there is none."""
    found = [one for one in parts(node, "address") if text(one, "use") != "old"]
    return min(found, key=lambda one: text(one, "use") not in ("home", ""), default={})


def address_in_words(node: Node) -> str:
    address = address_of(node)
    town = " ".join(filter(None, [text(address, "postalCode"), text(address, "city")]))
    lines = [*texts(address, "line"), town, text(address, "state"), text(address, "country")]
    return text(address, "text") or "\n".join(filter(None, lines))


def identifiers_of(node: Node) -> list[str]:
    return [f"{text(one, 'system')}|{value}" for one in parts(node, "identifier") if (value := text(one, "value"))]


# --- quantities -------------------------------------------------------------------------


def quantity_in_words(node: Node) -> str:
    value = number(node, "value")
    if value is None:
        return ""
    unit = text(node, "unit") or text(node, "code")
    return f"{text(node, 'comparator')}{plain(value)}{f' {unit}' if unit else ''}"


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}"

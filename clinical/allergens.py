"""The classes of allergens, from the table in allergens.txt: which substances belong together, and which medicines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class AllergenClass:
    key: str
    name: str
    atc: tuple[str, ...]
    members: frozenset[str]

    def has_medicine(self, atc: str, words: set[str]) -> bool:
        return bool(self.atc and atc.startswith(self.atc)) or bool(self.members & words)


@cache
def allergen_classes() -> dict[str, AllergenClass]:
    """By key, in the order of the table."""
    lines = table("allergens.txt")
    found = (AllergenClass(key, name, pieces(atc), frozenset(pieces(members))) for key, name, atc, members in lines)
    return {one.key: one for one in found}


def classes_of(words: set[str], key: str = "") -> list[AllergenClass]:
    """The class that was recorded, and those that one of these words is a member of."""
    singular = words | {word.removesuffix("s") for word in words}
    return [one for one in allergen_classes().values() if one.key == key or one.members & singular]


def substances_offered() -> list[str]:
    """What a field for a substance proposes: the classes, and their members."""
    classes = allergen_classes().values()
    return sorted({one.name for one in classes} | {member.capitalize() for one in classes for member in one.members})


def table(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]


def pieces(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, (piece.strip() for piece in cell.split(","))))

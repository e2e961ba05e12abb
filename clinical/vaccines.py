"""The vaccines that can be recorded, from the table in vaccines.txt, with their codes of CVX."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from clinical.allergens import table

CVX = "http://hl7.org/fhir/sid/cvx"
ROUTES = ("Intramuscular", "Subcutaneous", "Intradermal", "Oral", "Nasal")
SITES = ("Left upper arm", "Right upper arm", "Left thigh", "Right thigh", "Mouth", "Nose")


@dataclass(frozen=True)
class Vaccine:
    code: str
    name: str
    route: str
    against: str


@cache
def vaccines() -> dict[str, Vaccine]:
    return {line[0]: Vaccine(*line) for line in table("vaccines.txt")}

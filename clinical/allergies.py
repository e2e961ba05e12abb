"""Which known allergies speak against a medicine: by the substance's name, and by its class.

Classes are the usual groups of cross-reacting medicines, named by their place in the WHO's ATC classification.
A match warns and asks for a reason; it never decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinical.models import Allergy, Medicine

WORD = re.compile(r"[a-z]+")
# Words of a substance or a medicine that name no substance.
ORDINARY = frozenset(
    WORD.findall("""
    acid allergy allergen allergic capsule capsules class containing cream drug drugs extended extract free gel
    hydrochloride injection liquid medication medicine ointment oral other powder preparation product products release
    sodium potassium calcium solution substance suspension syrup tablet tablets topical type with
""")
)
ATC_CLASSES: dict[str, tuple[str, ...]] = {
    "penicillin": ("J01C",),
    "amoxicillin": ("J01C",),
    "ampicillin": ("J01C",),
    "cephalosporin": ("J01D",),
    "sulfonamide": ("J01E", "A07EC01"),
    "sulfamethoxazole": ("J01E",),
    "sulfa": ("J01E", "A07EC01"),
    "macrolide": ("J01FA",),
    "erythromycin": ("J01FA",),
    "tetracycline": ("J01A",),
    "quinolone": ("J01M",),
    "fluoroquinolone": ("J01M",),
    "aspirin": ("M01A", "N02BA", "B01AC06"),
    "acetylsalicylic": ("M01A", "N02BA", "B01AC06"),
    "nsaid": ("M01A", "N02BA"),
    "ibuprofen": ("M01A", "N02BA"),
    "opioid": ("N02A",),
    "codeine": ("N02A", "R05DA"),
    "morphine": ("N02A",),
    "statin": ("C10AA",),
    "lisinopril": ("C09A", "C09B"),
}


@dataclass(frozen=True)
class AllergyMatch:
    allergy: Allergy
    reason: str

    def __str__(self) -> str:
        return self.reason


def allergies_against(medicine: Medicine, allergies: Iterable[Allergy]) -> list[AllergyMatch]:
    found = ((allergy, why(allergy.substance, medicine)) for allergy in allergies)
    return [AllergyMatch(allergy, reason) for allergy, reason in found if reason]


def why(substance: str, medicine: Medicine) -> str:
    words = substances(substance)
    if words & substances(medicine.name):
        return f"Allergic to {substance}"
    for word in sorted(words):
        if medicine.atc and medicine.atc.startswith(ATC_CLASSES.get(singular(word), ("-",))):
            return f"Allergic to {substance}, which is of the same class"
    return ""


def substances(text: str) -> set[str]:
    return {word for word in WORD.findall(text.lower()) if len(word) > 3 and word not in ORDINARY}


def singular(word: str) -> str:
    return word.removesuffix("s")

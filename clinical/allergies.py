"""Which known allergies speak against a medicine: by the substance's name, and by its class.

Classes and their members stand in the table of clinical/allergens.txt.
A match warns and asks for a reason; it never decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinical.allergens import classes_of

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


@dataclass(frozen=True)
class AllergyMatch:
    allergy: Allergy
    reason: str

    def __str__(self) -> str:
        return self.reason


def allergies_against(medicine: Medicine, allergies: Iterable[Allergy]) -> list[AllergyMatch]:
    found = ((allergy, why(allergy, medicine)) for allergy in allergies if not allergy.is_none_known)
    return [AllergyMatch(allergy, reason) for allergy, reason in found if reason]


def why(allergy: Allergy, medicine: Medicine) -> str:
    known, meant = substances(allergy.substance), substances(medicine.name)
    if known & meant:
        return f"Allergic to {allergy.substance}"
    classes = classes_of(words(allergy.substance), allergy.allergen_class)
    if any(one.has_medicine(medicine.atc, words(medicine.name)) for one in classes):
        return f"Allergic to {allergy.substance}, which is of the same class"
    return ""


def substances(text: str) -> set[str]:
    return {word for word in words(text) if len(word) > 3}


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower())) - ORDINARY

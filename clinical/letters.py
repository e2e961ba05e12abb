"""Letters to a patient from texts of the house: `{patient}` and the like are replaced, and nothing else is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils import timezone

from hospital.context import current

if TYPE_CHECKING:
    from clinical.models.biopsy import Biopsy
    from clinical.models.biopsy_review import BiopsyReview

FIELDS = {
    "patient": "the name of the patient",
    "number": "the number of the patient",
    "biopsy": "the number of the biopsy",
    "site": "where it was taken",
    "taken": "the day on which it was taken",
    "diagnosis": "what was found",
    "follow_up": "what follows",
    "harmless": "that nothing more is needed: a letter with it is offered for a benign result only",
    "doctor": "whoever writes",
    "hospital": "the name of this house",
    "today": "the day of the letter",
}
HARMLESS = "This is harmless, and nothing more is needed."
FIELD = re.compile(r"\{([^{}]*)\}")


def help_on(fields: dict[str, str]) -> str:
    return f"Filled in: {', '.join(f'{{{name}}}' for name in fields)}."


HELP = help_on(FIELDS)


def refuse_unknown(text: str) -> None:
    refuse_others(text, FIELDS)


def refuse_others(text: str, fields: dict[str, str]) -> None:
    """For letters of another kind, with fields of their own."""
    unknown = [f"{{{name}}}" for name in FIELD.findall(text) if name not in fields]
    if unknown:
        raise ValidationError(f"{', '.join(unknown)} is not known. {help_on(fields)}")


def filled(text: str, values: dict[str, str]) -> str:
    return FIELD.sub(lambda found: values.get(found[1], found[0]), text)


def is_harmless(review: BiopsyReview | None) -> bool:
    return review is not None and (review.malignancy, review.follow_up) == ("benign", "none")


def values_for(biopsy: Biopsy) -> dict[str, str]:
    review = biopsy.reviews.first()
    taken = biopsy.collected_at
    return {
        "patient": biopsy.patient.name,
        "number": biopsy.patient.number,
        "biopsy": biopsy.number,
        "site": biopsy.where.lower(),
        "taken": day(timezone.localtime(taken).date()) if taken else "",
        "diagnosis": review.diagnosis if review else "",
        "follow_up": review.get_follow_up_display() if review else "",
        "harmless": HARMLESS if is_harmless(review) else "",
        "doctor": str(current().person or ""),
        "hospital": current().tenant.name,
        "today": day(timezone.localdate()),
    }


def day(date: object) -> str:
    return f"{date:%-d %B %Y}"

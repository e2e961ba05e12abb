"""The diagnoses and letters that a house begins with. Its own people change them afterwards; `install` never overwrites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.db import transaction

from clinical.models import BiopsyLetter, PathologyCode

CODES = Path(__file__).with_name("pathology_codes.txt")
FIELDS = ("code", "name", "malignancy", "follow_up", "icd10", "morphology")
Purpose = BiopsyLetter.Purpose
# name, what for, subject, text
LETTERS = (
    (
        "Result: nothing more is needed",
        Purpose.RESULT,
        "The result of your biopsy of {taken}",
        "Dear {patient},\n\n"
        "On {taken} we took a small piece of skin ({site}, our number {biopsy}). The laboratory has looked at it, and a doctor of "
        "ours has read the report. It was found: {diagnosis}.\n\n"
        "{harmless} If the place changes, bleeds or hurts, come back at any time.\n\n"
        "{doctor}\n{hospital}",
    ),
    (
        "Result: an appointment is needed",
        Purpose.RESULT,
        "The result of your biopsy of {taken}",
        "Dear {patient},\n\n"
        "On {taken} we took a small piece of skin ({site}, our number {biopsy}). The result is here, and we want to talk about it "
        "with you. Call us within a week and say the number {biopsy}; you will be given an early appointment. If you cannot call, "
        "come to the reception with this letter.\n\n"
        "{doctor}\n{hospital}",
    ),
    (
        "We could not reach you",
        Purpose.UNREACHED,
        "We could not reach you about your biopsy of {taken}",
        "Dear {patient},\n\n"
        "On {taken} we took a small piece of skin (our number {biopsy}). The result is here. We have tried to reach you several "
        "times, without success, and it is important that we talk about it. Call us as soon as you have this letter and say the "
        "number {biopsy}, or come to the reception with it.\n\n"
        "Tell us then, too, how we reach you best.\n\n"
        "{doctor}\n{hospital}",
    ),
)


def entries() -> Iterator[dict[str, str]]:
    for line in CODES.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield dict(zip(FIELDS, (part.strip() for part in line.split("|")), strict=True))


@transaction.atomic
def install() -> int:
    """Add what the open tenant does not have yet. Returns how many diagnoses were added."""
    there = set(PathologyCode.objects.values_list("code", flat=True))
    missing = [entry for entry in entries() if entry["code"] not in there]
    for entry in missing:
        PathologyCode.add(by=None, reason="As the house began", **entry)
    for name, purpose, subject, body in LETTERS:
        text = {"purpose": purpose, "subject": subject, "body": body}
        BiopsyLetter.objects.get_or_create(name=name, defaults=text)
    return len(missing)

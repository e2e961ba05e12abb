"""Codes of payers for adjustments and remarks: a category to work by, and words of our own (carc.txt)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("carc.txt")


class Category(enum.StrEnum):
    COVERAGE = "coverage"
    AUTHORISATION = "authorisation"
    CODING = "coding"
    TIMELY_FILING = "timely_filing"
    DUPLICATE = "duplicate"
    PATIENT_RESPONSIBILITY = "patient_responsibility"
    CONTRACTUAL = "contractual"
    INFORMATION_MISSING = "information_missing"
    MEDICAL_NECESSITY = "medical_necessity"
    OTHER = "other"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Reason:
    code: str
    category: Category
    words: str


def reason(code: str) -> Reason:
    """Of an adjustment reason (45, A2, B7) or a remark (M76, MA04, N290). One that is not known is "other"."""
    code = code.strip().upper()
    return reasons().get(code) or Reason(code, Category.OTHER, f"Code {code}")


@cache
def reasons() -> dict[str, Reason]:
    lines = (line.strip() for line in SOURCE.read_text(encoding="utf-8").splitlines())
    rows = (line.split(" | ") for line in lines if line and not line.startswith("#"))
    return {code: Reason(code, Category(category), words) for code, category, words in rows}

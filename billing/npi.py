"""The number of a provider in the United States: ten digits, the last of which is Luhn's over 80840 and the others."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

PREFIX = "80840"
SHAPE = re.compile(r"[12]\d{9}", re.ASCII)


def is_npi(number: str) -> bool:
    return bool(SHAPE.fullmatch(number)) and luhn(PREFIX + number) == 0


def luhn(digits: str) -> int:
    """Zero for a number with the right check digit."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in doubled) % 10


def check_npi(number: str) -> None:
    if not is_npi(number):
        raise ValidationError("This is no NPI: its ten digits do not fit together. Copy it from the register.")

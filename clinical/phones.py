"""Telephone numbers are stored as E.164, whatever way they were said."""

from __future__ import annotations

import phonenumbers
from django.core.exceptions import ValidationError
from phonenumbers import NumberParseException, PhoneNumberFormat

from hospital.context import current


def normalise(text: str) -> str:
    """E.164, read as a number of the tenant's region if it has no country code. Raises ValidationError."""
    if not text.strip():
        return ""
    number = parse(text)
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValidationError(
            "This is not a telephone number. Write it with its area code, or with + and the country code."
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def parse(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, current().tenant.phone_region)
    except NumberParseException:
        return None


def pretty(e164: str) -> str:
    """As people of the tenant's region write it."""
    number = parse(e164) if e164 else None
    if number is None:
        return e164
    at_home = phonenumbers.region_code_for_number(number) == current().tenant.phone_region
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    )

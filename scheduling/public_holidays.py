"""Public holidays by country and region, from the library `holidays`."""

from __future__ import annotations

import functools
from datetime import date

import holidays
from django.core.exceptions import ValidationError


@functools.cache
def countries() -> dict[str, list[str]]:
    return holidays.list_supported_countries()


def check_country(value: str) -> None:
    if value and value not in countries():
        raise ValidationError(
            f"No public holidays are known for “{value}”. Use the two letters of ISO 3166, or leave it empty."
        )


def check_region(country: str, region: str) -> None:
    if region and region not in countries().get(country, []):
        known = ", ".join(countries().get(country, [])) or "none"
        raise ValidationError(f"“{region}” is no region of this country. Known are: {known}.")


def holiday_on(day: date, country: str, region: str = "") -> str:
    """Its name in English where the library has one; empty on a working day."""
    return _of_year(country, region, day.year).get(day, "") if country in countries() else ""


@functools.lru_cache(maxsize=512)
def _of_year(country: str, region: str, year: int) -> dict[date, str]:
    known = region if region in countries()[country] else None
    return dict(holidays.country_holidays(country, subdiv=known, years=year, language="en_US"))

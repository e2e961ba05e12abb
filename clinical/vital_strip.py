"""Vital signs as the strip under a patient's banner shows them (templates/_vitals.html)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clinical.models import Observation, Patient
from clinical.vitals import BMI, BY_CODE, VITALS

ORDER = {vital.code: at for at, vital in enumerate((*VITALS, BMI))}


def last_vitals(patient: Patient) -> list[dict[str, Any]]:
    """The last value of each, whenever it was measured."""
    rows = patient.observations.true().filter(category=Observation.Category.VITAL_SIGNS, code__in=BY_CODE)
    return strip(rows.order_by("code", "-effective_at").distinct("code"))


def strip(rows: Iterable[Observation]) -> list[dict[str, Any]]:
    known = sorted((row for row in rows if row.code in BY_CODE), key=lambda row: ORDER[row.code])
    return [
        {
            "label": BY_CODE[row.code].label,
            "value": row.value,
            "unit": BY_CODE[row.code].shown_unit,
            "flag": row.flag,
            "at": row.effective_at,
        }
        for row in known
    ]

"""What all pages of a chart have in common: the patient, and the time that is shown, if it is not now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from clinical.as_of import as_it_was
from clinical.chart import open_chart
from clinical.courses import Row, rows_then
from clinical.models import Patient
from clinical.partial import EARLIEST
from clinical.parts import PARTS
from hospital.http import Request

READ, EDIT = "clinical.view_chart", "clinical.edit_chart"
SHOWN = "%Y-%m-%dT%H:%M"


@dataclass
class Opened:
    """A chart, now or at a time."""

    patient: Patient
    at: datetime | None = None
    problem: str = ""  # why the time that was asked for is not shown
    known: bool = True

    @cached_property
    def measured(self) -> list[Row] | None:
        """What had been measured then; of a chart as it is, nothing is said here."""
        return rows_then(self.patient, self.at) if self.at else None

    @property
    def context(self) -> dict[str, Any]:
        asked = {"at": f"{timezone.localtime(self.at):{SHOWN}}"} if self.at else {}
        return {
            "patient": self.patient,
            "at": self.at,
            "at_typed": asked.get("at", ""),
            "at_problem": self.problem,
            "as_of": f"?{urlencode(asked)}" if asked else "",
            "was_known": self.known,
            "parts": PARTS,
        }


def opened(request: Request, pk: UUID, page: str) -> Opened:
    """The chart as it is; with `?at=` as it was."""
    at, problem = asked_time(request.GET.get("at", ""))
    chart = Opened(open_chart(pk, page=f"{page}, as it was on {at:%Y-%m-%d %H:%M}" if at else page), at, problem)
    if at:
        chart.known = as_it_was(chart.patient, at)
    return chart


def asked_time(text: str) -> tuple[datetime | None, str]:
    """The whole of that minute is meant."""
    if not text:
        return None, ""
    try:
        at = forms.DateTimeField().clean(text)
    except ValidationError:
        return None, "This is not a day with a time. The chart is shown as it is now."
    if at.year < EARLIEST:
        return None, "Check the year. The chart is shown as it is now."
    if at > timezone.now():
        return None, "This is still to come. The chart is shown as it is now."
    return at + timedelta(minutes=1) - timedelta(microseconds=1) if is_whole_minute(at) else at, ""


def is_whole_minute(at: datetime) -> bool:
    return not (at.second or at.microsecond)

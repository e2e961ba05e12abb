"""What was told, from the log."""

from __future__ import annotations

from typing import Any

from hospital.tests.hospital import Hospital
from realtime.models import Event


def events_named(name: str, **of: Any) -> list[Event]:
    """In the order in which they were written: a number is given at COMMIT only, and a test may read before it."""
    return list(Event.objects.filter(name=name, **of).order_by("created_at"))


def heard(hospital: Hospital, name: str) -> list[Event]:
    with hospital.acting():
        return events_named(name)

"""A list of appointments, as a file."""

from __future__ import annotations

HEADING = "patient_number,date,time,type,provider,minutes,reason"


def text(*lines: str, heading: str = HEADING) -> bytes:
    return "\n".join([heading, *lines]).encode()

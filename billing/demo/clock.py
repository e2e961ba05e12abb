"""The demo plays a day that has already been. While it does, whoever asks for the time is told that of the play.

Only the demo does this, in its own process and for rows that it makes itself; the audit log, whose clock is the
database's, still says when they were really written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils import timezone

real_now = timezone.now


class Clock:
    """`with Clock() as clock: clock.at = moment`. Fields keep `timezone.now` itself as their default, so they are told too."""

    def __init__(self) -> None:
        self.at = real_now()

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def played_time() -> Iterator[Clock]:
    clock = Clock()
    fields = [field for model in apps.get_models() for field in model._meta.local_fields if field.default is real_now]
    tell(fields, clock)
    timezone.now = clock
    try:
        yield clock
    finally:
        timezone.now = real_now
        tell(fields, real_now)


def tell(fields: list[Any], source: Any) -> None:
    for field in fields:
        field.default = source
        field.__dict__.pop("_get_default", None)

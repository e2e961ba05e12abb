"""What another app has to say to whoever books, before it is booked. It warns, and never blocks.

An app declares it in a file `cautions.py`, as a tuple `CAUTIONS` of functions. Nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from clinical.models import Patient
from scheduling.models import AppointmentType

Caution = Callable[[Patient, AppointmentType, date], list[str]]


@cache
def declared() -> tuple[Caution, ...]:
    found: list[Caution] = []
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "cautions") and app.name != "scheduling":
            found += import_module(f"{app.name}.cautions").CAUTIONS
    return tuple(found)


def cautions(patient: Patient, type: AppointmentType, day: date) -> list[str]:
    return [sentence for caution in declared() for sentence in caution(patient, type, day)]

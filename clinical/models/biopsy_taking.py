"""Beside the patient, before anything is taken: two identifiers, then the time-out. Both are of now, not of Monday."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from hospital.seals import raw
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from hospital.models import Person

COLLECT = "clinical.collect_biopsy"
RECENT = timedelta(hours=2)
TIME_OUT = {
    "patient": "The right patient, who said name and date of birth",
    "site": "The right site and side, marked and confirmed with the patient",
    "procedure": "The right procedure, as it was ordered",
    "consent": "Consent is given",
    "risks": "Allergies, anticoagulants and implants are asked for",
    "ready": "Instruments, containers and fixative are ready",
}


class Taking(models.Model):
    if TYPE_CHECKING:
        number: str
        patient: Patient
        identified_at: datetime | None
        time_out_at: datetime | None
        lock: Any
        put: Any
        note_custody: Any
        refuse_unless: Any

    class Meta:
        abstract = True

    @property
    def is_identified(self) -> bool:
        """Lately: whoever went away meanwhile is asked again."""
        return is_recent(self.identified_at)

    @property
    def is_confirmed(self) -> bool:
        """The time-out was taken with the patient who was identified."""
        return self.is_identified and is_recent(self.time_out_at, since=self.identified_at)

    def identify(self, number: str, second: str | date, *, by: Person | None) -> None:
        """Two identifiers, asked of the patient: number, and date of birth (the name, where no true date is known).

        What does not fit is refused, and stays written down: it nearly was the wrong patient.
        """
        allow(COLLECT, by)
        if not self._compare(number, second, by):
            raise Refused(f"Stop. This is not the patient of {self.number}. Nothing is labelled.", field="number")

    @transaction.atomic
    def _compare(self, number: str, second: str | date, by: Person | None) -> bool:
        self.lock()
        self.refuse_unless("ordered", "The patient is identified before the biopsy is taken.")
        with raw():
            patient = self.patient
            known = patient.birth_date if patient.knows_birth_date else patient.name.casefold()
            fits = plain(number) == plain(patient.number) and plain_text(second) == known
        if fits:
            self.put(identified_at=timezone.now(), identified_by=by)
            self.note_custody("Patient identified", by=by, note="By two identifiers.")
        else:
            self.note_custody("Stopped: not the patient", by=by, note="The identifiers did not fit. Nothing was taken.")
        return fits

    @transaction.atomic
    def take_time_out(self, items: Iterable[str], *, together_with: str, by: Person | None) -> None:
        """Everybody stops and says it aloud; with one point missing nothing is taken."""
        allow(COLLECT, by)
        self.lock()
        self.refuse_unless("ordered", "A time-out is taken before the biopsy.")
        if not self.is_identified:
            raise Refused("Identify the patient first, by number and date of birth.")
        said = [key for key in TIME_OUT if key in set(items)]
        if len(said) < len(TIME_OUT):
            raise Refused("Each point of the time-out is confirmed, or nothing is taken.", status=422, field="items")
        whom = needs(together_with, "Say who took the time-out with you.", field="together_with")
        self.put(time_out_at=timezone.now(), time_out_by=by, time_out_with=whom, time_out_items=said)
        self.note_custody("Time-out", by=by, note=f"Together with {whom}.")


def is_recent(at: datetime | None, *, since: datetime | None = None) -> bool:
    """Not longer ago than anybody stands beside a patient, and not before `since`."""
    return at is not None and timezone.now() - at <= RECENT and (since is None or at >= since)


def plain(number: str) -> str:
    return number.replace("-", "").replace(" ", "").upper()


def plain_text(said: str | date) -> str | date:
    return " ".join(said.split()).casefold() if isinstance(said, str) else said

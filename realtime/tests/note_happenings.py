"""How the lines about notes come about; see happenings.py."""

from __future__ import annotations

from django.db import connection

from clinical import note_catalogue
from clinical.models import Encounter, NoteTemplate
from clinical.tasks import notes_late_in
from realtime.tests.booked_happenings import HAPPENINGS, Day
from realtime.tests.happenings import happens

__all__ = ["HAPPENINGS", "Day"]


def begun(day: Day) -> Encounter:
    visit = day.examined()
    with day.hospital.acting("main_doctor") as acting:
        note_catalogue.install()
        return Encounter.begin(visit, NoteTemplate.objects.get(key="general"), by=acting.person)


def written(day: Day) -> Encounter:
    note = begun(day)
    with day.hospital.acting("main_doctor") as acting:
        note.write({"assessment": day.word("note_text")}, by=acting.person)
    return note


@happens("encounter:created", "a note is begun")
def begins_a_note(day: Day) -> None:
    begun(day)


@happens("encounter:updated", "words are written")
def writes_a_note(day: Day) -> None:
    written(day)


@happens("encounter:completed", "ready for review")
def completes_a_note(day: Day) -> None:
    note = written(day)
    with day.hospital.acting("main_doctor") as acting:
        note.complete(by=acting.person)


@happens("encounter:signed", "the author signs")
def signs_a_note(day: Day) -> None:
    note = written(day)
    with day.hospital.acting("main_doctor") as acting:
        note.sign(by=acting.person)


@happens("encounter:unsigned", "a day without a signature")
def forgets_a_note(day: Day) -> None:
    note = written(day)
    with day.hospital.acting(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clinical_encounter SET started_at = started_at - interval '25 hours' WHERE id = %s", [note.pk]
        )
    notes_late_in(day.hospital.tenant)

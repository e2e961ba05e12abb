"""How the lines about biopsies come about; see happenings.py."""

from __future__ import annotations

from django.db import connection

from clinical.models import Biopsy, CourierManifest, PathologyCode, PathologyReport
from clinical.tasks import biopsies_late_in
from clinical.tests.pathology import a_biopsy, codes, reported, reviewed
from realtime.tests.happenings import happens
from realtime.tests.message_happenings import HAPPENINGS, Day

__all__ = ["HAPPENINGS", "Day"]


def taken(day: Day, upto: str = "processing") -> Biopsy:
    biopsy = a_biopsy(day.hospital, upto, patient=day.registered())
    with day.hospital.acting():
        return Biopsy.objects.get(pk=biopsy.pk)


def found(day: Day, code: str) -> PathologyCode:
    known: dict[str, PathologyCode] = day.once("codes", lambda: codes(day.hospital))
    return known[code]


@happens("biopsy:created", "it is ordered")
def orders(day: Day) -> None:
    taken(day, "ordered")


def on_its_way(day: Day, name: str) -> Biopsy:
    """Sent before its line: each step of the way is a line of its own."""
    sent: Biopsy = day.once(name, lambda: taken(day, "sent"))
    return sent


def naevus(day: Day) -> PathologyReport:
    report: PathologyReport = day.once("naevus", lambda: reported(day.hospital, found(day, "NEVUS"), taken(day)))
    return report


@happens("biopsy:updated", "a step")
def takes(day: Day) -> None:
    on_its_way(day, "late")
    on_its_way(day, "lost")
    naevus(day)


@happens("biopsy:updated", "it is overdue")
def forgets(day: Day) -> None:
    biopsy = on_its_way(day, "late")
    with day.hospital.acting(), connection.cursor() as cursor:
        cursor.execute("UPDATE clinical_biopsy SET sent_at = sent_at - interval '8 days' WHERE id = %s", [biopsy.pk])
    assert biopsies_late_in(day.hospital.tenant) == 1


@happens("biopsy:updated", "it is lost")
def loses(day: Day) -> None:
    biopsy = on_its_way(day, "lost")
    with day.hospital.acting("lab_technician") as acting:
        biopsy.fail("lost", "Not in the bag", by=acting.person)


@happens("biopsy:result_received", "malignant")
def finds_a_melanoma(day: Day) -> None:
    reported(day.hospital, found(day, "MM"), taken(day), text=day.word("pathology"))


@happens("biopsy:result_received", "benign")
def finds_a_naevus(day: Day) -> None:
    reported(day.hospital, found(day, "NEVUS"), taken(day), text=day.word("pathology"))


@happens("biopsy:updated", "its report is corrected")
def corrects(day: Day) -> None:
    """The doctor ordered it, and so has read what it said."""
    report = naevus(day)
    with day.hospital.acting("lab_technician") as acting:
        biopsy = Biopsy.objects.get(pk=report.biopsy_id)
        code, text = found(day, "NEVUS"), day.word("pathology_correction")
        PathologyReport.correct(biopsy, "Second reading", by=acting.person, source="hand", code=code, text=text)


@happens("biopsy:reviewed", "the doctor has read it")
def reviews(day: Day) -> None:
    code = found(day, "NEVUS")
    reviewed(day.hospital, code, reported(day.hospital, code, taken(day)), note=day.word("pathology_note"))


@happens("manifest:changed", "a list is sent")
def sends_a_list(day: Day) -> None:
    day.once("list", lambda: sent_list(day))


def sent_list(day: Day) -> CourierManifest:
    biopsy = taken(day, "collected")
    with day.hospital.acting("main_doctor") as acting:
        manifest = CourierManifest.begin(biopsy.laboratory, by=acting.person)
        manifest.add(biopsy.specimens.select_related("biopsy").get(), by=acting.person)
        manifest.send(1, "Courier", by=acting.person)
    return manifest


@happens("manifest:changed", "the two ends differ")
def misses_a_jar(day: Day) -> None:
    manifest: CourierManifest = day.once("list", lambda: sent_list(day))
    with day.hospital.acting("lab_technician") as acting:
        manifest.receive(0, [], "Front desk", by=acting.person)

"""Lists about patients as files: as they are filtered, closed as the chart is, and written down."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clinical.models import Document, Observation, Problem
from clinical.tests.notes import written
from clinical.tests.papers import pdf
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry

AT = datetime(2026, 3, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def patient(alpha):
    with alpha.acting("main_doctor") as acting:
        found = a_patient()
        Problem.record(found, by=acting.person, text="=Asthma", code="J45.9")
        Problem.record(found, by=acting.person, text="Sprain").end(by=acting.person, because="Healed")
        Observation.take_vitals(found, {"8867-4": Decimal(72)}, by=acting.person, at=AT, note="")
        Observation.take_vitals(found, {"8867-4": Decimal(130)}, by=acting.person, at=AT, note="")
    return found


def lines(hospital, patient, address: str, role: str = "main_doctor") -> list[list[str]]:
    answer = hospital.client(role).get(f"{hospital.url}/patients/{patient.pk}/{address}")
    assert answer.status_code == 200, answer.content[:300]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_part_of_the_chart_is_its_page_as_a_file_and_runs_nothing(alpha, patient):
    heading, *rows = lines(alpha, patient, "chart/problems/export/")
    assert heading[:3] == ["Entry", "Details", "State"]
    assert [(row[0], row[2], row[8]) for row in rows] == [("'=Asthma", "Current", ""), ("Sprain", "Past", "Healed")]
    assert [row[0] for row in lines(alpha, patient, "chart/problems/export/?state=past")[1:]] == ["Sprain"]
    assert [row[0] for row in lines(alpha, patient, "chart/problems/export/?q=asthma")[1:]] == ["'=Asthma"]
    with alpha.acting():
        last = AuditEntry.objects.filter(action="export", patient_id=patient.pk).latest("id")
        assert (last.person_id, last.after["rows"]) == (alpha.main_doctor.pk, 1)


def test_results_are_every_value_with_its_unit_and_range(alpha, patient):
    heading, *rows = lines(alpha, patient, "chart/results/export/")
    assert heading[:5] == ["Result", "Code", "Measured", "Value", "Unit"]
    assert sorted(row[3] for row in rows) == ["130", "72"]
    assert {row[1] for row in rows} == {"8867-4"} and all(row[6] and row[7] for row in rows)
    assert len(lines(alpha, patient, "chart/results/export/?kind=laboratory")) == 1
    assert len(lines(alpha, patient, "chart/results/export/?since=2026-03-25")) == 1


def test_the_timeline_is_the_life_that_was_asked_for(alpha, patient):
    [entry] = lines(alpha, patient, "chart/timeline/export/?kind=vitals")[1:]
    assert entry[1] == "Vital signs" and "72" in entry[4] and "130" in entry[4]
    assert lines(alpha, patient, "chart/timeline/export/?kind=documents")[1:] == []


def test_as_it_was_then_and_what_is_no_part(alpha, patient):
    assert len(lines(alpha, patient, "chart/problems/export/?at=2020-01-01T10:00")) == 1
    client = alpha.client("main_doctor")
    assert client.get(f"{alpha.url}/patients/{patient.pk}/chart/rubbish/export/").status_code == 404


def test_documents_by_their_filter_and_only_those_that_one_may_see(alpha, patient):
    with alpha.acting("main_doctor") as acting:
        for title, more in (("Letter", {}), ("For doctors", {"for_whom": "doctors"})):
            file = SimpleUploadedFile(f"{title}.pdf", pdf(title.encode()))
            Document.upload(file, patient=patient, by=acting.person, title=title, **more)
    assert {row[0] for row in lines(alpha, patient, "documents/export/")[1:]} == {"Letter", "For doctors"}
    assert {row[0] for row in lines(alpha, patient, "documents/export/", "lab_technician")[1:]} == {"Letter"}
    assert [row[0] for row in lines(alpha, patient, "documents/export/?q=letter")[1:]] == ["Letter"]


def test_unsigned_notes_are_ones_own_and_a_closed_chart_is_masked(alpha, patient):
    note = written(alpha)
    url = f"{alpha.url}/notes/export/"
    row = list(csv.reader(io.StringIO(alpha.client("main_doctor").get(url).content.decode("utf-8-sig"))))[1]
    with alpha.acting() as acting:
        name = note.patient.name
        assert name in row and note.patient.number in row
        note.patient.restrict("Works here", by=alpha.admin)
        del acting
    assert name not in alpha.client("main_doctor").get(url).content.decode()
    closed = alpha.client("main_doctor").get(f"{alpha.url}/patients/{note.patient_id}/chart/problems/export/")
    assert closed.status_code == 403

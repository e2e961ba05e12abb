"""Who has read what came out of a biopsy: an inspector asks it, and whoever read a wrong report is told."""

from __future__ import annotations

import pytest

from clinical.models import Biopsy, PathologyNotice, PathologyReport
from clinical.tests.answers import text
from clinical.tests.papers import pdf, upload
from clinical.tests.pathology import a_biopsy, codes, reported, reviewed
from clinical.tests.test_pathology import corrected
from clinical.tests.test_pathology_pages import address, entered
from clinical.tests.wards import a_patient, fresh
from hospital.tests.asking import queries


@pytest.fixture
def known(alpha):
    return codes(alpha)


def readers_in_history(alpha, biopsy) -> str:
    page = text(alpha.client("main_doctor", "Inspector").get(address(alpha, biopsy, "history/")))
    return page.partition("Who has opened")[2]


def noticed(alpha, biopsy) -> dict[str, str]:
    """Who is told of the correction, by name, and how it is known that they read the former report."""
    with alpha.acting():
        rows = PathologyNotice.objects.filter(report__biopsy=biopsy).select_related("person")
        return {row.person.name: row.why.partition(" on ")[0] for row in rows}


def other_biopsy(alpha, known, biopsy) -> Biopsy:
    """Of the same patient."""
    with alpha.acting():
        patient = fresh(biopsy.patient)
    return reported(alpha, known["NEVUS"], a_biopsy(alpha, patient=patient)).biopsy


def test_the_history_keeps_who_read_the_first_report_and_only_who_read_this_one(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    other = other_biopsy(alpha, known, biopsy)
    alpha.client("main_doctor", "First Reader").get(address(alpha, biopsy))
    alpha.client("main_doctor", "Other Reader").get(address(alpha, other))
    with alpha.acting():
        role = alpha.checker_doctor.memberships.get().role
        role.allow_exactly(role.permissions - {"clinical.view_results"})
    alpha.client("checker_doctor").get(address(alpha, biopsy))
    corrected(alpha, biopsy, known["MM"])
    shown = readers_in_history(alpha, biopsy)
    assert "First Reader" in shown
    assert "Other Reader" not in shown
    assert "Checker Doctor" not in shown


def test_who_worked_with_a_closed_chart_without_seeing_it_has_read_nothing(alpha, known):
    biopsy = reported(alpha, known["NEVUS"]).biopsy
    with alpha.acting("admin") as acting:
        biopsy.patient.restrict("A colleague", by=acting.person)
    assert alpha.client("lab_technician").get(address(alpha, biopsy)).status_code == 200
    alpha.client("lab_technician").get(f"{alpha.url}/biopsies/csv/")
    corrected(alpha, biopsy, known["MM"])
    assert set(noticed(alpha, biopsy)) == {"Main Doctor"}


def test_whoever_read_the_file_the_log_or_the_export_is_told_of_the_correction(alpha, known):
    biopsy = a_biopsy(alpha)
    assert entered(alpha, biopsy, files=upload(pdf(b"Report"))).status_code == 302
    with alpha.acting():
        file = PathologyReport.objects.get().document
        file.scan()
    assert alpha.client("main_doctor", "File Reader").get(f"{alpha.url}/documents/{file.pk}/").status_code == 200
    assert alpha.client("main_doctor", "Log Reader").get(f"{alpha.url}/biopsies/?q=Okafor").status_code == 200
    assert alpha.client("main_doctor", "Exporter").get(f"{alpha.url}/biopsies/csv/").status_code == 200
    alpha.client("main_doctor", "Nobody").get(f"{alpha.url}/biopsies/?status=ordered")
    corrected(alpha, biopsy, known["MM"])
    assert noticed(alpha, biopsy) == {
        "Main Doctor": "ordered it",
        "File Reader": "opened its file",
        "Log Reader": "read it in a list",
        "Exporter": "exported it",
    }


def test_a_page_that_was_open_when_the_report_came_has_read_it(alpha, known):
    """It fetches itself: within a minute that is one look, unless there is something new to see."""
    biopsy, client = a_biopsy(alpha), alpha.client("main_doctor", "Live Reader")
    client.get(address(alpha, biopsy))
    reported(alpha, known["NEVUS"], biopsy)
    for _ in range(2):
        client.get(address(alpha, biopsy), headers={"X-Live-Refresh": "1"})
    corrected(alpha, biopsy, known["MM"])
    assert noticed(alpha, biopsy)["Live Reader"] == "opened it"
    assert readers_in_history(alpha, biopsy).count("Live Reader") == 1


def test_a_correction_of_a_closed_chart_is_looked_at_by_who_may_open_it(alpha, known):
    biopsy = reported(alpha, known["NEVUS"]).biopsy
    corrected(alpha, biopsy, known["MM"])
    with alpha.acting("admin") as acting:
        biopsy.patient.restrict("A colleague", by=acting.person)
        notice = PathologyNotice.objects.get(person=alpha.main_doctor)
    answer = alpha.client("main_doctor").post(f"{alpha.url}/biopsies/corrected/{notice.pk}/seen/")
    assert answer.status_code == 403
    with alpha.acting():
        assert fresh(notice).acknowledged_at is None


def test_the_history_asks_as_often_for_many_versions_as_for_two(alpha, known):
    """Also where charts are closed, and each row is asked whose it is."""
    biopsy = reported(alpha, known["NEVUS"]).biopsy
    with alpha.acting("admin") as acting:
        a_patient(family_name="Hidden").restrict("A colleague", by=acting.person)
    client, history = alpha.client("main_doctor"), address(alpha, biopsy, "history/")
    corrected(alpha, biopsy, known["MM"])
    few = len(queries(client, history))
    for number in range(3):
        corrected(alpha, biopsy, known["MM"], text=f"Melanoma, reading {number}")
    assert len(queries(client, history)) == few

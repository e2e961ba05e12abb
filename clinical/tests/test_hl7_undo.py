"""Results that were given to the wrong patient by hand leave the chart, and come to the right one."""

from __future__ import annotations

import base64
from datetime import date

import pytest

from clinical.hl7.settling import choose
from clinical.hl7.undoing import undo_patient
from clinical.models import Document, LabOrder, Observation, PatientIdentifier, Report
from clinical.tests.messages import oru, row_of, send
from clinical.tests.papers import pdf
from clinical.tests.test_hl7_results import K, ordered, request, value
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry
from hospital.workflow import Refused
from realtime.alerts.models import Alert

STRANGER = "777^^^CITY&1.2.3.4&ISO^MR||Stranger^Sam||19700101|M"
WHY = "The list was one line off"


@pytest.fixture
def wrong(alpha):
    with alpha.acting("reception"):
        return a_patient()


@pytest.fixture
def right(alpha):
    with alpha.acting("reception"):
        return a_patient(given_name="Sam", family_name="Stranger", sex="male")


def given_to(hospital, patient, *segments: str):
    row = row_of(hospital, send(hospital, oru(*segments, person=STRANGER)))
    with hospital.acting("lab_technician") as acting:
        assert choose(row, patient, by=acting.person)
    return row_of(hospital, type("Given", (), {"row": row}))


def undo(hospital, row) -> list[str]:
    with hospital.acting("lab_technician") as acting:
        return undo_patient(row, WHY, by=acting.person)


def give(hospital, row, patient) -> None:
    with hospital.acting("lab_technician") as acting:
        choose(row_of(hospital, type("Given", (), {"row": row})), patient, by=acting.person)


def test_an_order_is_where_it_was_and_the_right_ones_order_takes_the_result(alpha, wrong, right):
    theirs, mine = ordered(alpha, wrong), ordered(alpha, right)
    row = given_to(alpha, wrong, request(), value("4.4"))
    with alpha.acting():
        assert LabOrder.objects.get(pk=theirs.pk).status == "resulted"
    assert undo(alpha, row) == []
    with alpha.acting():
        order = LabOrder.objects.select_related("specimen").get(pk=theirs.pk)
        assert (order.status, order.result, order.collected_at, order.specimen.status) == (
            "requested",
            None,
            None,
            "expected",
        )
        assert not PatientIdentifier.objects.filter(value="777").exists()
        [line] = AuditEntry.objects.filter(action="wrong patient", patient_id=wrong.pk)
        assert (line.after["reason"], line.person_id) == (WHY, alpha.lab_technician.pk)
    waiting = row_of(alpha, type("Given", (), {"row": row}))
    assert (waiting.status, waiting.waits_for, waiting.patient) == ("waiting", "patient", None)
    give(alpha, row, right)
    with alpha.acting():
        assert str(LabOrder.objects.get(pk=mine.pk).result.value_number) == "4.4000"


def test_what_is_released_is_corrected_instead(alpha, wrong):
    order = ordered(alpha, wrong)
    row = given_to(alpha, wrong, request(), value("4.4"))
    with alpha.acting("lab_technician") as acting:
        LabOrder.objects.get(pk=order.pk).release(by=acting.person)
    with pytest.raises(Refused, match="released already"):
        undo(alpha, row)
    with alpha.acting():
        assert PatientIdentifier.objects.filter(patient=wrong, value="777").exists()


def test_rows_of_the_chart_files_and_alarms_go_and_come_to_the_right_one(alpha, wrong, right):
    file = base64.b64encode(pdf(b"% one")).decode()
    sheet = f"OBX|2|ED|11502-2^Laboratory report^LN||^application^pdf^Base64^{file}||||||F"
    row = given_to(alpha, wrong, request(), value("7.9", flag="HH"), sheet)
    with alpha.acting():
        assert Alert.objects.open().filter(kind="lab:outside_result").count() == 1
    undo(alpha, row)
    with alpha.acting():
        assert Observation.objects.get(patient=wrong).is_mistake
        assert not Report.objects.filter(patient=wrong).exists()
        assert Document.objects.get(patient=wrong).status == "rejected"
        assert not Alert.objects.open().exists()
    give(alpha, row, right)
    with alpha.acting():
        assert Observation.objects.get(patient=right).value == "7.9"
        assert Document.objects.get(patient=right).is_filed


def test_what_came_by_the_same_number_since_goes_along(alpha):
    with alpha.acting("reception"):
        wrong = a_patient(birth_date=date(1970, 1, 1))
    row = given_to(alpha, wrong, request(filler="F1"), value("4.4"))
    later = send(alpha, oru(request(filler="F2", name=K), value("4.6"), person=STRANGER))
    assert later.word == "applied"
    undo(alpha, row)
    assert row_of(alpha, later).status == "waiting"
    with alpha.acting():
        assert all(one.is_mistake for one in Observation.objects.filter(patient=wrong))


def test_over_the_page_and_only_once(alpha, beta, wrong):
    row = given_to(alpha, wrong, request(), value("4.4"))
    client, page = alpha.client("lab_technician"), f"{alpha.url}/messages/{row.pk}/"
    assert "Take it out of this chart" in client.get(page).content.decode()
    assert client.post(f"{page}do/", {"do": "other", "reason": ""}).status_code == 422
    assert client.post(f"{page}do/", {"do": "other", "reason": WHY}).status_code == 302
    assert client.post(f"{page}do/", {"do": "other", "reason": WHY}).status_code == 409
    assert "Take it out of this chart" not in client.get(page).content.decode()
    assert beta.client("admin").post(f"{beta.url}/messages/{row.pk}/do/", {"do": "other"}).status_code == 404


def test_results_of_a_restricted_chart_are_given_and_taken_out_by_who_may_not_read_it(alpha, wrong):
    order = ordered(alpha, wrong)
    with alpha.acting("admin") as acting:
        wrong.restrict("Works here", by=acting.person)
    row = given_to(alpha, wrong, request(), value("4.4"))
    assert undo(alpha, row) == []
    with alpha.acting():
        assert LabOrder.objects.get(pk=order.pk).status == "requested"

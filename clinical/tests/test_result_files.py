"""A file that is the value of a test is nobody's outside the laboratory before its release; nor is any other value."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clinical.models import Document, LabOrder
from clinical.tests.laboratories import histology, ordered, potassium_ordered, worked
from clinical.tests.papers import pdf, upload
from clinical.tests.test_laboratory_correction import two_persons
from hospital.context import current
from hospital.workflow import Refused
from realtime.catalogue import catalogue

NAME = "Histology of the mole"
PLACES = ("documents/", "chart/documents/", "chart/timeline/", "")


def file_for(order: LabOrder, name: str = NAME, size: bytes = b"") -> Document:
    by = current().person
    return Document.upload(upload(pdf(size)), patient=order.patient, lab_order=order, by=by, title=name)


@pytest.fixture
def order(alpha) -> LabOrder:
    with alpha.acting("admin"):
        test = histology()
    return worked(alpha, ordered(alpha, test)[1][0], "received")


@pytest.fixture
def document(alpha, order) -> Document:
    with alpha.acting("lab_technician") as acting:
        document = file_for(order)
        order.enter_result(document, by=acting.person)
        return document


def seen(hospital, role: str, document: Document, name: str = NAME) -> set[str]:
    """Where this role comes across it."""
    client, chart = hospital.client(role), f"{hospital.url}/patients/{document.patient_id}/"
    found = {place for place in PLACES if name in client.get(chart + place).content.decode()}
    addresses = {more: f"{hospital.url}/documents/{document.pk}/{more}" for more in ("file/", "preview/")}
    return found | {more for more, address in addresses.items() if client.get(address).status_code == 200}


def told(hospital, document: Document, role: str) -> bool:
    with hospital.acting(role) as acting:
        return catalogue.by_name["document:uploaded"].tells(document, acting.role)


def test_before_its_release_only_the_laboratory_knows_of_it(alpha, order, document):
    assert seen(alpha, "main_doctor", document) == set()
    assert not told(alpha, document, "main_doctor")
    assert told(alpha, document, "lab_technician")
    assert {"file/", "documents/"} <= seen(alpha, "lab_technician", document)
    with alpha.acting("lab_technician") as acting:
        order.release(by=acting.person)
    assert {"file/", *PLACES} <= seen(alpha, "main_doctor", document) | {""}
    assert told(alpha, document, "main_doctor")


def test_the_file_of_a_correction_that_waits_and_one_that_was_replaced_before_the_release(alpha, order, document):
    two_persons(alpha, "all")
    with alpha.acting("lab_technician") as acting:
        order.enter_result(file_for(order, "Right file", b"right"), by=acting.person)
    with alpha.acting("admin") as acting:
        order.release(by=acting.person)
    assert seen(alpha, "main_doctor", document) == set()
    with alpha.acting("lab_technician") as acting:
        newer = file_for(order, "Newer file", b"newer")
        waiting = order.correct(newer, "Blurred", by=acting.person)
    assert seen(alpha, "main_doctor", newer, "Newer file") == set()
    with alpha.acting("admin") as acting:
        waiting.release(by=acting.person)
    assert {"file/", "documents/"} <= seen(alpha, "main_doctor", newer, "Newer file")


def test_what_another_laboratory_attached_waits_for_the_release_too(alpha, order):
    with alpha.acting():
        document = file_for(order)
    assert seen(alpha, "main_doctor", document) == set()


def test_a_result_has_no_newer_version_by_the_way_of_documents(alpha, order, document):
    with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="Correct the test"):
        Document.upload(upload(pdf(b"x")), patient=order.patient, by=acting.person, former=document)


def test_the_changes_of_a_chart_name_no_value_before_its_release(alpha):
    order = worked(alpha, potassium_ordered(alpha), "resulted", "4.7")
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    address = f"{alpha.url}/patients/{order.patient_id}/chart/changes/"
    client = alpha.client("main_doctor")
    page = client.get(address, {"at": since}).content.decode()
    assert "Potassium" in page
    assert "4.7 mmol/L" not in page
    with alpha.acting("lab_technician") as acting:
        order.release(by=acting.person)
    assert "4.7 mmol/L" in client.get(address, {"at": since}).content.decode()


def test_a_document_for_one_person_stands_in_nobody_elses_chart_and_changes(alpha, order):
    with alpha.acting("main_doctor") as acting:
        only = {"for_whom": "person", "for_person": alpha.person("main_doctor", "Chief")}
        Document.upload(upload(pdf()), patient=order.patient, by=acting.person, title="Secret letter", **only)
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    for place in ("documents/", "changes/"):
        address = f"{alpha.url}/patients/{order.patient_id}/chart/{place}"
        for role, sees in {"main_doctor": True, "checker_doctor": False}.items():
            query = {"at": since} if place == "changes/" else {}
            assert ("Secret letter" in alpha.client(role).get(address, query).content.decode()) is sees, place

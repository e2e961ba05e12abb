"""Who hears of tests, results and documents, and how loudly. The sockets themselves are tested in realtime."""

from __future__ import annotations

import pytest
from django.conf import settings

from clinical import lab_words
from clinical.models import Document, LabOrder
from clinical.tasks import scan_document
from clinical.tests.laboratories import culture, malaria, ordered, potassium, worked
from clinical.tests.papers import clamd, pdf, upload
from clinical.tests.wards import a_patient
from hospital.models import Role
from hospital.tenancy import acting_for
from realtime.render import render
from realtime.tests.heard import heard

STEPS = {"lab_technician": "info", "checker_doctor": "info", "main_doctor": "info"}


@pytest.fixture
def order(alpha) -> LabOrder:
    with alpha.acting("admin"):
        test = potassium()
    return ordered(alpha, test)[1][0]


def test_a_new_test_is_a_notice_for_the_laboratory_and_for_nobody_else(alpha, beta, order):
    [event] = heard(alpha, "lab_order:created")
    assert event.loudness == {"lab_technician": "notice"}
    assert (event.object_id, event.patient_id) == (order.pk, order.patient_id)
    assert heard(beta, "lab_order:created") == []


def test_tests_that_are_ordered_together_call_once(alpha):
    with alpha.acting("admin"):
        tests = [potassium(), culture(), malaria()]
    _, orders = ordered(alpha, *tests)
    events = heard(alpha, "lab_order:created")
    assert [event.loudness["lab_technician"] for event in events] == ["notice", "info", "info"]
    with alpha.acting():
        assert lab_words.title_of_order(orders[0], "lab_technician") == "To collect 3 tests, Amara Okafor"


def test_each_step_is_heard_by_the_laboratory_and_the_doctors(alpha, order):
    worked(alpha, order, "released")
    events = heard(alpha, "lab_order:updated")
    assert len(events) == 5
    assert all(event.loudness == STEPS for event in events)


@pytest.mark.parametrize(("value", "loudness"), [("4.1", "notice"), ("5.6", "notice"), ("6.6", "critical")])
def test_a_result_is_a_notice_and_a_critical_one_is_critical(alpha, beta, order, value, loudness):
    worked(alpha, order, "released", value)
    [event] = heard(alpha, "lab:result_ready")
    assert event.loudness == {"main_doctor": loudness, "checker_doctor": loudness}
    assert heard(beta, "lab:result_ready") == []


def test_results_that_are_released_together_call_once_but_each_critical_one_calls(alpha):
    with alpha.acting("admin"):
        tests = [potassium(), culture(), malaria()]
    _, orders = ordered(alpha, *tests)
    for row, value in zip(orders, ("4.1", "No growth", "falciparum"), strict=True):
        worked(alpha, row, "released", value)
    loudness = [event.loudness["main_doctor"] for event in heard(alpha, "lab:result_ready")]
    assert loudness == ["notice", "info", "critical"]
    with alpha.acting("main_doctor"):
        first = LabOrder.objects.get(pk=orders[0].pk)
        assert lab_words.title_of_result(first, "main_doctor") == "3 results ready, Amara Okafor"


def test_before_the_release_no_doctor_hears_of_a_result(alpha, order):
    worked(alpha, order, "resulted", "6.6")
    assert heard(alpha, "lab:result_ready") == []


def test_a_critical_value_is_said_only_to_those_who_may_read_results(alpha, order):
    worked(alpha, order, "released", "6.6")
    with alpha.acting():
        order = LabOrder.objects.get(pk=order.pk)
        roles = {role.key: role for role in Role.objects.all()}
    titles = {}
    for key in ("main_doctor", "reception"):
        with acting_for(alpha.tenant, None, roles[key]):
            titles[key] = lab_words.title_of_result(order, key)
    assert titles["main_doctor"] == "Critical high: Potassium 6.6 mmol/L, Amara Okafor"
    assert titles["reception"] == "Result ready: Potassium, Amara Okafor"


def test_what_is_rolled_back_is_not_heard(alpha, order):
    before = len(heard(alpha, "lab_order:updated"))
    with pytest.raises(ZeroDivisionError), alpha.acting("lab_technician") as acting:
        order.collect(by=acting.person)
        _ = 1 / 0
    assert len(heard(alpha, "lab_order:updated")) == before


def test_the_row_that_is_pushed_is_the_row_of_the_page(alpha, order):
    page = alpha.client("lab_technician").get(f"{alpha.url}/laboratory/").content.decode()
    row = page[page.index(f'<tr id="lab-order-{order.pk}"') :].partition("</tr>")[0]
    with alpha.acting():
        role = Role.objects.get(key="lab_technician")
    with acting_for(alpha.tenant, None, role):
        pushed = render("clinical/laboratory/_order_row.html", LabOrder.objects.get(pk=order.pk))
    start = f'<tr id="lab-order-{order.pk}" data-v="1" data-lists="worklist worklist-requested" data-sort='
    assert row.startswith(start)
    assert pushed.strip().startswith(start)


def test_a_row_pushed_to_a_doctor_offers_no_step_of_the_laboratory(alpha, order):
    with alpha.acting():
        role = Role.objects.get(key="main_doctor")
    with acting_for(alpha.tenant, None, role):
        assert "<form" not in render("clinical/laboratory/_order_row.html", order)


def test_before_the_release_a_row_pushed_to_a_doctor_has_no_value(alpha, order):
    worked(alpha, order, "resulted", "6.8")
    with alpha.acting():
        role = Role.objects.get(key="main_doctor")
    with acting_for(alpha.tenant, None, role):
        row = render("clinical/laboratory/_order_row.html", LabOrder.objects.get(pk=order.pk))
    assert "6.8 mmol" not in row and "is-critical" not in row


def test_a_filed_document_is_heard_by_those_who_may_see_it(alpha, beta, tmp_path, monkeypatch):
    with clamd(tmp_path) as address:
        monkeypatch.setattr(settings, "CLAMD_SOCKET", address)
        with alpha.acting("reception") as acting:
            document = Document.upload(upload(pdf()), patient=a_patient(), by=acting.person)
        assert heard(alpha, "document:uploaded") == []
        scan_document(str(alpha.tenant.pk), str(document.pk))
    [event] = heard(alpha, "document:uploaded")
    assert set(event.roles) == {"admin", "checker_doctor", "lab_technician", "main_doctor"}
    assert event.patient_id == document.patient_id
    assert heard(beta, "document:uploaded") == []

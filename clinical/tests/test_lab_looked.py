"""What is reviewed is what was looked at; and a restricted patient is not found in the laboratory by a name."""

from __future__ import annotations

import re

import pytest

from clinical.models import LabOrder
from clinical.tests.laboratories import culture, ordered, potassium, worked
from clinical.tests.test_laboratory_correction import corrected
from clinical.tests.wards import a_patient


@pytest.fixture
def orders(alpha) -> list[LabOrder]:
    with alpha.acting("admin"):
        tests = potassium(), culture()
    return ordered(alpha, *tests)[1]


def status_of(hospital, order: LabOrder) -> str:
    with hospital.acting("admin"):
        return LabOrder.objects.get(pk=order.pk).status


def form_at(client, address: str) -> dict[str, list[str]]:
    """The hidden fields of the form that stands there."""
    page = client.get(address).content.decode()
    return {"looked": ["1"], "seen": re.findall(r'name="seen" value="([^"]+)"', page)}


def test_a_result_that_came_while_the_others_were_read_is_not_reviewed_unseen(alpha, orders):
    first, late = orders
    worked(alpha, first, "released")
    client, address = alpha.client("main_doctor"), f"{alpha.url}/visits/{first.visit_id}/tests/review/"
    sent = form_at(client, address)
    worked(alpha, late, "released", "Escherichia coli")
    client.post(address, sent)
    assert [status_of(alpha, one) for one in orders] == ["reviewed", "released"]


def test_a_value_that_was_corrected_meanwhile_is_looked_at_again(alpha, orders):
    order = worked(alpha, orders[0], "released")
    client, address = alpha.client("main_doctor"), f"{alpha.url}/laboratory/tests/{order.pk}/review/"
    sent = form_at(client, address)
    corrected(alpha, order, "7.1")
    answer = client.post(address, sent)
    assert answer.status_code == 409
    assert "Look at it again" in answer.content.decode()
    assert status_of(alpha, order) == "released"
    client.post(address, form_at(client, address))
    assert status_of(alpha, order) == "reviewed"


def test_the_worklist_finds_a_restricted_patient_by_number_of_the_test_only(alpha):
    with alpha.acting("admin"):
        test = potassium()
    with alpha.acting("reception"):
        patient = a_patient(given_name="Ada", family_name="Lovelace")
    order = ordered(alpha, test, patient=patient)[1][0]
    client, row = alpha.client("lab_technician"), f"order-{order.pk}"
    assert row in client.get(f"{alpha.url}/laboratory/", {"q": "lovelace"}).content.decode()
    with alpha.acting("admin") as acting:
        patient.restrict("Works here", by=acting.person)
    assert row not in client.get(f"{alpha.url}/laboratory/", {"q": "lovelace"}).content.decode()
    assert row in client.get(f"{alpha.url}/laboratory/", {"q": order.number}).content.decode()

"""The choice of tests: panels, favourites, what is true now, and what was ordered just before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clinical import lab_catalogue
from clinical.models import LabCondition, LabOrder, LabTest, Panel, PatientCondition, Visit
from clinical.tests.laboratories import ordered, worked
from clinical.tests.wards import a_visit


@pytest.fixture
def tests(alpha) -> dict[str, LabTest]:
    with alpha.acting("admin"):
        lab_catalogue.install()
        return {test.code: test for test in LabTest.objects.all()}


@pytest.fixture
def visit(alpha, tests) -> Visit:
    with alpha.acting("reception"):
        return a_visit()


def order(alpha, visit: Visit, role: str = "checker_doctor", **body):
    address = f"{alpha.url}/visits/{visit.pk}/tests/"
    return alpha.client(role).post(address, {"priority": "routine", **body})


def codes(alpha, visit: Visit) -> list[str]:
    with alpha.acting():
        return sorted(visit.lab_orders.values_list("test__code", flat=True))


def test_a_panel_and_one_of_its_members_are_ordered_once_and_shown_under_its_name(alpha, visit, tests):
    with alpha.acting():
        panel = Panel.objects.get(code="LIPID")
    assert order(alpha, visit, panels=[panel.pk], tests=[tests["LDL"].pk, tests["HB"].pk]).status_code == 302
    assert codes(alpha, visit) == ["CHOL", "HB", "HDL", "LDL", "TRIG"]
    page = alpha.client("checker_doctor").get(f"{alpha.url}/visits/{visit.pk}/").content.decode()
    assert "Lipid panel" in page


def test_what_is_true_now_goes_with_the_order_and_what_is_known_is_chosen_already(alpha, visit, tests):
    with alpha.acting("checker_doctor"):
        pregnant = LabCondition.objects.get(code="pregnant")
        PatientCondition(patient=visit.patient, condition=pregnant, weeks=12, begins_on=timezone.localdate()).save()
    page = alpha.client("checker_doctor").get(f"{alpha.url}/visits/{visit.pk}/tests/").content.decode()
    assert 'value="pregnant" checked' in page and 'value="12"' in page
    body = {"tests": [tests["HB"].pk], "facts": ["pregnant", "fasting"], "weeks_pregnant": "13"}
    assert order(alpha, visit, **body).status_code == 302
    with alpha.acting():
        assert visit.lab_orders.get().facts == {"pregnant": 13, "fasting": None}


def released(alpha, visit: Visit, test: LabTest) -> LabOrder:
    with alpha.acting("checker_doctor") as acting:
        made = visit.order_tests([test], by=acting.person)[0]
    return worked(alpha, made, "released", "4.1")


def test_what_was_ordered_in_the_last_day_is_asked_about_and_ordered_when_said_so(alpha, visit, tests):
    released(alpha, visit, tests["K"])
    body = {"tests": [tests["K"].pk, tests["NA"].pk], "priority": "urgent"}
    warned = order(alpha, visit, "main_doctor", **body)
    page = warned.content.decode()
    assert warned.status_code == 422
    assert "Ordered for this patient in the last 24 hours: Potassium" in page
    assert f'value="{tests["NA"].pk}" checked' in page
    assert order(alpha, visit, "main_doctor", again="on", **body).status_code == 302
    assert codes(alpha, visit) == ["K", "K", "NA"]


def test_what_was_ordered_before_that_is_not(alpha, visit, tests):
    former = released(alpha, visit, tests["K"])
    with alpha.acting():
        LabOrder.objects.filter(pk=former.pk).update(ordered_at=timezone.now() - timedelta(hours=25))
    assert order(alpha, visit, "main_doctor", tests=[tests["K"].pk]).status_code == 302


def test_what_this_person_orders_most_is_offered_first(alpha, visit, tests):
    address = f"{alpha.url}/visits/{visit.pk}/tests/"
    assert "You often order" not in alpha.client("checker_doctor").get(address).content.decode()
    ordered(alpha, tests["CRP"])
    mine = alpha.client("checker_doctor").get(address).content.decode()
    assert f'data-chooses="{tests["CRP"].pk}"' in mine
    assert "You often order" not in alpha.client("main_doctor").get(address).content.decode()


def test_nothing_chosen_is_told(alpha, visit):
    answer = order(alpha, visit)
    assert answer.status_code == 422
    assert "Choose at least one test" in answer.content.decode()


def test_a_pregnancy_is_recorded_with_its_weeks_and_ends(alpha, visit):
    client, address = alpha.client("checker_doctor"), f"{alpha.url}/patients/{visit.patient_id}/conditions/"
    with alpha.acting():
        pregnant = LabCondition.objects.get(code="pregnant")
        today = timezone.localdate()
    body = {"condition": pregnant.pk, "begins_on": today.isoformat()}
    refused = client.post(address, body)
    assert refused.status_code == 422 and "counted in weeks" in refused.content.decode()
    assert client.post(address, body | {"weeks": "30"}).status_code == 302
    with alpha.acting():
        row = PatientCondition.objects.get()
        assert (row.weeks, row.recorded_by) == (30, alpha.checker_doctor)
    assert client.post(f"{alpha.url}/conditions/{row.pk}/end/").status_code == 302
    assert "Ends today" not in client.get(address).content.decode()
    assert alpha.client("reception").get(address).status_code == 403

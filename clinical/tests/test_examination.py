"""The checker doctor's page, and what is a vital sign."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.utils import timezone

from clinical import vitals
from clinical.models import Examination, LabOrder, Observation, Patient, Visit
from clinical.tests.test_front_desk import fields_of
from clinical.tests.wards import a_patient, a_test, a_visit

PULSE, SYSTOLIC, TEMPERATURE, WEIGHT, WAIST = "8867-4", "8480-6", "8310-5", "29463-7", "8280-0"


def aged(years: float | None, sex: str = "female") -> Patient:
    born = None if years is None else timezone.now().date() - timedelta(days=round(years * 365.25) + 1)
    return Patient(given_name="X", sex=sex, birth_date=born)


@pytest.mark.parametrize(
    ("code", "years", "sex", "value", "flag"),
    [
        (PULSE, 40, "female", 70, ""),
        (PULSE, 40, "female", 91, "high"),
        (PULSE, 40, "female", 131, "critical_high"),
        (PULSE, 40, "female", 40, "critical_low"),
        (PULSE, 0.5, "female", 131, ""),
        (PULSE, 4, "female", 131, "high"),
        (PULSE, None, "female", 131, ""),
        (PULSE, None, "female", 221, "critical_high"),
        (SYSTOLIC, 40, "male", 140, "high"),
        (SYSTOLIC, 40, "male", 180, "critical_high"),
        (SYSTOLIC, 4, "male", 85, "low"),
        (TEMPERATURE, 0.1, "male", "38.0", "critical_high"),
        (TEMPERATURE, 40, "male", "38.0", ""),
        (TEMPERATURE, 40, "male", "38.1", "high"),
        (WAIST, 40, "male", 90, ""),
        (WAIST, 40, "female", 90, "high"),
        (WAIST, 40, "unknown", 90, ""),
        (WEIGHT, 40, "female", 70, ""),
        ("no such code", 40, "female", 1, ""),
    ],
)
def test_a_flag_follows_age_and_sex(alpha, code, years, sex, value, flag):
    with alpha.acting():
        assert vitals.flag_of(code, Decimal(value), aged(years, sex), timezone.now()) == flag


@pytest.mark.parametrize(
    ("code", "years", "value"),
    [(PULSE, 40, 700), (PULSE, 40, 2), (TEMPERATURE, 40, 98), (WEIGHT, 40, 7), (WEIGHT, 0.1, 40), (WEIGHT, None, 451)],
)
def test_what_nobody_can_have_is_refused_in_words(alpha, code, years, value):
    with alpha.acting(), pytest.raises(vitals.Implausible, match="is not possible here: it lies between"):
        vitals.check(code, Decimal(value), aged(years), timezone.now())


@pytest.mark.parametrize(
    ("code", "years", "value"), [(WEIGHT, None, "0.3"), (WEIGHT, None, 450), (WEIGHT, 3, 14), (PULSE, 40, 300)]
)
def test_what_somebody_can_have_is_not(alpha, code, years, value):
    with alpha.acting():
        vitals.check(code, Decimal(value), aged(years), timezone.now())


def test_every_range_has_a_source_and_stands_in_order():
    for vital in (*vitals.VITALS, vitals.BMI):
        for row in vital.ranges:
            limits = [limit for limit in (row.critical_low, row.low, row.high, row.critical_high) if limit is not None]
            assert row.source
            assert limits == sorted(limits), vital.name
        ages = [(row.sex, row.years_from, row.years_to) for row in vital.ranges]
        assert all(one[2] == two[1] for one, two in pairwise(ages) if one[0] == two[0])


@pytest.fixture
def visit(alpha) -> Visit:
    with alpha.acting():
        return a_visit()


def page_of(hospital, visit: Visit) -> str:
    return f"{hospital.url}/visits/{visit.pk}/examine/"


def test_an_examination_is_recorded_and_leads_back_to_the_queue(alpha, visit):
    client = alpha.client("checker_doctor")
    form = {
        **fields_of(client.get(page_of(alpha, visit)).context["form"]),
        "symptoms": "Cough",
        "pulse": "96",
        "temperature": "38,4",
    }
    answer = client.post(page_of(alpha, visit), form)
    assert (answer.status_code, answer["Location"]) == (302, f"{alpha.url}/examination/")
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).status == "checked"
        assert Examination.objects.get(visit=visit).symptoms == "Cough"
        signs = {row.code: (row.value, row.flag) for row in Observation.objects.filter(visit=visit)}
        assert signs == {PULSE: ("96", "high"), TEMPERATURE: ("38.4", "high")}


def test_tests_that_are_ticked_are_ordered(alpha, visit):
    with alpha.acting():
        tests = [a_test("HB"), a_test("CRP")]
    form = {"tests-tests": [str(test.pk) for test in tests], "tests-priority": "urgent"}
    assert alpha.client("checker_doctor").post(page_of(alpha, visit), form).status_code == 302
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).status == "lab_pending"
        assert set(LabOrder.objects.values_list("test__code", "priority")) == {("HB", "urgent"), ("CRP", "urgent")}


def test_who_comes_back_after_saving_finds_what_was_recorded(alpha, visit):
    client = alpha.client("checker_doctor")
    client.post(
        page_of(alpha, visit), {"symptoms": "Cough", "findings": "Crackles", "pulse": "96", "temperature": "38.4"}
    )
    page = client.get(page_of(alpha, visit)).content.decode()
    assert "Cough</textarea>" in page and "Crackles</textarea>" in page
    assert 'value="96"' in page and 'value="38.4"' in page


def test_nonsense_is_refused_and_what_was_typed_stays(alpha, visit):
    answer = alpha.client("checker_doctor").post(
        page_of(alpha, visit), {"symptoms": "Cough", "pulse": "960", "weight": "heavy"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Pulse of 960 /min is not possible here: it lies between 20 and 300." in page
    assert "Write a number, in digits." in page
    assert "Cough</textarea>" in page
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).status == "registered"
        assert not Observation.objects.exists()


def test_a_foreign_test_is_refused(alpha, beta, visit):
    with beta.acting():
        foreign = a_test()
    answer = alpha.client("checker_doctor").post(page_of(alpha, visit), {"tests-tests": [str(foreign.pk)]})
    assert answer.status_code == 422
    with alpha.acting():
        assert not LabOrder.objects.exists()


def test_who_has_not_paid_is_not_examined_unless_it_is_an_emergency(alpha):
    with alpha.acting():
        visit = a_visit(paid=False)
    client = alpha.client("checker_doctor")
    assert "Not paid yet" in client.get(page_of(alpha, visit)).content.decode()
    refused = client.post(page_of(alpha, visit), {"symptoms": "Twisted ankle, typed at length"})
    assert refused.status_code == 409
    page = refused.content.decode()
    assert "is not paid yet" in page
    assert "Twisted ankle, typed at length" in page, "what was typed stays"
    client.post(f"{alpha.url}/visits/{visit.pk}/override/", {"reason": "Chest pain"})
    assert client.post(page_of(alpha, visit), {"symptoms": "Chest pain"}).status_code == 302


def test_of_two_doctors_at_the_same_visit_the_second_gets_the_merge(alpha, visit):
    """Both opened the page before anybody saved: nothing is lost, and the same field is asked about."""
    with alpha.acting():
        test = a_test()
    first, second = alpha.client("checker_doctor"), alpha.client("checker_doctor", "Second Doctor")
    opened = fields_of(first.get(page_of(alpha, visit)).context["form"])
    assert first.post(page_of(alpha, visit), {**opened, "symptoms": "Cough", "pulse": "80"}).status_code == 302
    asked = second.post(
        page_of(alpha, visit),
        {**opened, "symptoms": "Fever", "pulse": "80", "weight": "70", "tests-tests": [str(test.pk)]},
    )
    form = asked.context["form"]
    assert asked.status_code == 409
    assert [(conflict.field, conflict.mine, conflict.theirs, conflict.by) for conflict in form.conflicts] == [
        ("symptoms", "Fever", "Cough", "Checker Doctor")
    ]
    settled = second.post(
        page_of(alpha, visit),
        {**form.data.dict(), "tests-tests": [str(test.pk)], "keep_symptoms": "theirs", "findings": "Clear"},
    )
    assert settled.status_code == 302
    with alpha.acting():
        examination = Examination.objects.get(visit=visit)
        assert (examination.symptoms, examination.findings) == ("Cough", "Clear")
        assert examination.vitals == {PULSE: 80, WEIGHT: 70}
        assert Visit.objects.get(pk=visit.pk).status == "lab_pending"


def test_nothing_more_is_recorded_when_the_visit_is_over(alpha, visit):
    with alpha.acting():
        visit.cancel("Went home", by=None)
    assert alpha.client("checker_doctor").post(page_of(alpha, visit), {"symptoms": "x"}).status_code == 409


def test_another_hospital_can_not_examine(alpha, beta, visit):
    answer = beta.client("checker_doctor").post(f"{beta.url}/visits/{visit.pk}/examine/", {"symptoms": "x"})
    assert answer.status_code == 404


def test_ranges_on_the_page_are_those_of_the_patient(alpha):
    with alpha.acting():
        child = a_visit(a_patient(birth_date=timezone.now().date() - timedelta(days=5 * 366)))
        grown = a_visit(a_patient(birth_date=date(1970, 1, 1)))
    client = alpha.client("checker_doctor")
    assert "Normal 80\N{EN DASH}120" in client.get(page_of(alpha, child)).content.decode()
    assert "Normal 51\N{EN DASH}90" in client.get(page_of(alpha, grown)).content.decode()

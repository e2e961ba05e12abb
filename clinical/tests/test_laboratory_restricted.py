"""Work goes on by accession for a chart that is closed to whoever does it, and computes with what is true."""

from __future__ import annotations

import pytest

from clinical.models import CriticalCall, DeltaRule, LabOrder, LabResult
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.test_laboratory_correction import corrected, two_persons
from clinical.tests.test_laboratory_work import cell, get, now_of, post
from clinical.tests.wards import a_patient
from hospital.seals import WORD, raw
from hospital.workflow import Refused


@pytest.fixture
def test(alpha) -> object:
    with alpha.acting("admin"):
        test = potassium()
        DeltaRule.objects.create(test=test, percent=20)
        return test


@pytest.fixture
def vip(alpha):
    with alpha.acting("reception"):
        patient = a_patient(given_name="Ada")
    with alpha.acting("admin") as acting:
        patient.restrict("Works here", by=acting.person)
    return patient


def measured(hospital, test, patient, value: str, upto: str = "released") -> LabOrder:
    return worked(hospital, ordered(hospital, test, patient=patient)[1][0], upto, value)


def stored(hospital, order: LabOrder) -> LabResult:
    with hospital.acting("lab_technician"), raw():
        result = LabOrder.objects.select_related("result").get(pk=order.pk).result
        _ = (result.value_text, result.delta)
        return result


def test_the_value_is_flagged_and_compared_though_the_technician_reads_none(alpha, test, vip):
    measured(alpha, test, vip, "4.0")
    order = measured(alpha, test, vip, "7.1", "resulted")
    with alpha.acting("lab_technician") as acting:
        shown = LabOrder.objects.get(pk=order.pk)
        assert (shown.result.value_text, shown.result.delta, shown.result.flag) == (WORD, WORD, "critical_high")
        with pytest.raises(Refused, match="Confirm it with a reason"):
            shown.release(by=acting.person)
        shown.confirm_delta("Measured twice", by=acting.person)
        shown.release(by=acting.person)
    with raw():
        assert "was 4.0 mmol/L" in stored(alpha, order).delta


def test_a_correction_is_compared_with_what_is_stored_and_released_by_a_second_person(alpha, test, vip):
    order = measured(alpha, test, vip, "4.0")
    two_persons(alpha, "all")
    with pytest.raises(Refused, match="This is what was released"):
        corrected(alpha, order, "4.0")
    waiting = corrected(alpha, order, "4.2")
    with alpha.acting("admin") as acting:
        waiting.release(by=acting.person)
    with raw():
        assert stored(alpha, order).value_text == "4.2"


def test_a_call_is_judged_by_the_true_value(alpha, test, vip):
    order = measured(alpha, test, vip, "7.1")
    with alpha.acting("lab_technician") as acting:
        with pytest.raises(Refused, match="This is not the value"):
            CriticalCall.record(order, called="Dr Ode", read_back="1.7", by=acting.person)
        assert CriticalCall.record(order, called="Dr Ode", read_back="7.1", by=acting.person).pk


def test_the_grid_shows_no_value_of_it_and_is_saved_with_those_of_others(alpha, test, vip):
    closed = measured(alpha, test, vip, "4.0", "resulted")
    with alpha.acting("reception"):
        other = a_patient(given_name="Bo")
    open_one = measured(alpha, test, other, "", "received")
    path = "laboratory/grid/?for=test:K"
    page = get(alpha, path).content.decode()
    assert f'name="{cell(closed)}"' in page and 'value="4.0"' not in page and f'value="{WORD}"' not in page
    body = {cell(closed): "", cell(closed, "seen"): "1", cell(open_one): "4.4", cell(open_one, "seen"): "0"}
    assert post(alpha, "laboratory/drafts/", body).status_code == 200
    assert post(alpha, path, body).status_code == 302
    assert str(now_of(alpha, open_one).result) == "4.4 mmol/L"
    assert post(alpha, path, {cell(closed): "4.1", cell(closed, "seen"): "1"}).status_code == 302
    with raw():
        assert (stored(alpha, closed).value_text, stored(alpha, closed).sequence) == ("4.1", 2)


def test_nobody_reviews_what_they_may_not_read(alpha, test, vip):
    order = measured(alpha, test, vip, "4.0")
    assert post(alpha, f"laboratory/tests/{order.pk}/review/", {"note": ""}, "main_doctor").status_code == 403
    assert now_of(alpha, order).status == "released"

"""A value far from the last one is marked, and somebody says why it can be believed; a critical one is called."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from clinical.models import CriticalCall, DeltaRule, LabOrder
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.wards import a_patient
from hospital.workflow import Refused


@pytest.fixture
def patient(alpha):
    with alpha.acting("reception"):
        return a_patient()


@pytest.fixture
def test(alpha) -> object:
    with alpha.acting("admin"):
        test = potassium()
        DeltaRule.objects.create(test=test, percent=20, within_days=30)
        return test


def measured(hospital, test, patient, value: str, upto: str = "released") -> LabOrder:
    return worked(hospital, ordered(hospital, test, patient=patient)[1][0], upto, value)


class TestDelta:
    def test_a_value_far_from_the_last_one_is_marked(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        order = measured(alpha, test, patient, "5.2", "resulted")
        assert order.result.delta.startswith("was 4.0 mmol/L on ")
        assert order.result.delta.endswith("(+1.2, +30 %)")

    def test_a_value_near_it_and_that_of_another_patient_are_not(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        assert measured(alpha, test, patient, "4.4", "resulted").result.delta == ""
        with alpha.acting("reception"):
            other = a_patient(given_name="Bo")
        assert measured(alpha, test, other, "5.9", "resulted").result.delta == ""

    def test_what_was_not_released_is_not_compared(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0", "resulted")
        assert measured(alpha, test, patient, "5.9", "resulted").result.delta == ""

    def test_it_is_released_only_with_a_reason(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        order = measured(alpha, test, patient, "5.2", "resulted")
        with alpha.acting("lab_technician") as acting:
            with pytest.raises(Refused, match="Confirm it with a reason"):
                order.release(by=acting.person)
            with pytest.raises(Refused, match="Say why"):
                order.confirm_delta(" ", by=acting.person)
            order.confirm_delta("Repeated from a new tube", by=acting.person)
            order.release(by=acting.person)
        assert order.status == "released"

    def test_the_list_offers_to_confirm_before_it_offers_to_release(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        order = measured(alpha, test, patient, "5.2", "resulted")
        client, url = alpha.client("lab_technician"), f"{alpha.url}/laboratory/tests/{order.pk}"

        def buttons() -> str:
            page = client.get(f"{alpha.url}/laboratory/").content.decode()
            return page.partition(f'id="lab-order-{order.pk}"')[2].partition("</tr>")[0]

        assert f"{url}/delta/" in buttons() and 'value="release"' not in buttons()
        client.post(f"{url}/delta/", {"reason": "Repeated"})
        assert f"{url}/delta/" not in buttons() and 'value="release"' in buttons()

    def test_a_correction_says_why_its_own_value_is_believed(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        order = measured(alpha, test, patient, "5.2", "resulted")
        with alpha.acting("lab_technician") as acting:
            order.confirm_delta("Measured twice", by=acting.person)
            order.release(by=acting.person)
            order.correct("5.6", "Wrong tube", by=acting.person)
            assert (order.delta_reason, order.delta_confirmed_by) == ("Wrong tube", acting.person)
            order.correct("4.1", "Wrong tube again", by=acting.person)
            assert (order.delta_reason, order.delta_confirmed_by) == ("", None)

    def test_another_value_needs_another_confirmation(self, alpha, test, patient):
        measured(alpha, test, patient, "4.0")
        order = measured(alpha, test, patient, "5.2", "resulted")
        with alpha.acting("lab_technician") as acting:
            order.confirm_delta("Repeated", by=acting.person)
            order.enter_result("5.9", by=acting.person)
            with pytest.raises(Refused, match="Confirm"):
                order.release(by=acting.person)

    @pytest.mark.parametrize(
        ("limits", "former", "now", "days", "passed"),
        [
            ({"absolute": Decimal(1)}, "4", "5", 1, False),
            ({"absolute": Decimal(1)}, "4", "5.1", 1, True),
            ({"absolute": Decimal(1), "per_day": True}, "4", "5.5", 2, False),
            ({"absolute": Decimal(1), "per_day": True}, "4", "6.5", 2, True),
            ({"percent": 50}, "4", "6", 1, False),
            ({"percent": 50}, "4", "1.9", 1, True),
            ({"percent": 50}, "0", "1", 1, True),
            ({"percent": 50, "absolute": Decimal(9)}, "4", "7", 1, True),
        ],
    )
    def test_its_limits(self, limits, former, now, days, passed):
        rule = DeltaRule(**limits)
        assert rule.is_passed(Decimal(former), Decimal(now), timedelta(days=days)) is passed


class TestCalls:
    def call(self, hospital, order, read_back: str, called: str = "Dr Ode"):
        with hospital.acting("lab_technician") as acting:
            return CriticalCall.record(order, called=called, read_back=read_back, by=acting.person)

    def test_a_call_is_on_record_with_what_was_read_back(self, alpha, test, patient):
        order = measured(alpha, test, patient, "7.1")
        call = self.call(alpha, order, "7.1")
        with alpha.acting("main_doctor"):
            assert str(call).startswith("Called to Dr Ode at ")
            assert order.calls.count() == 1

    def test_a_wrong_read_back_and_nobody_are_refused(self, alpha, test, patient):
        order = measured(alpha, test, patient, "7.1")
        with pytest.raises(Refused, match="This is not the value"):
            self.call(alpha, order, "1.7")
        with pytest.raises(Refused, match="who answered"):
            self.call(alpha, order, "7.1", called=" ")

    def test_only_a_released_critical_value_is_called(self, alpha, test, patient):
        with pytest.raises(Refused, match="Only a released critical"):
            self.call(alpha, measured(alpha, test, patient, "4.1"), "4.1")

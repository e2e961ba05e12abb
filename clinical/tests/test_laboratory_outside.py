"""What another laboratory measured, onto our orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clinical.models import LabOrder
from clinical.tests.laboratories import malaria, ordered, potassium_ordered, worked
from hospital.workflow import IllegalMove, Refused
from realtime.alerts.models import Alert

SOURCE = "Central Laboratory"


def accept(hospital, order: LabOrder, value: str, **said):
    with hospital.acting("admin"):
        return LabOrder.objects.get(pk=order.pk).accept_outside(value, source=SOURCE, **said)


def now_of(hospital, order: LabOrder) -> LabOrder:
    with hospital.acting("admin"):
        return LabOrder.objects.select_related("result", "test").get(pk=order.pk)


class TestTakingOver:
    def test_the_steps_that_nobody_took_here_are_taken(self, alpha):
        order = potassium_ordered(alpha)
        at = timezone.now() - timedelta(hours=1)
        accept(alpha, order, "4.4", unit="mmol/L", range="3.5-5.0", at=at)
        order = now_of(alpha, order)
        assert (order.status, str(order.result), order.result.flag) == ("resulted", "4.4 mmol/L", "")
        assert order.collected_at and order.received_at and order.begun_at
        assert (order.result.source, order.result.entered_by) == (SOURCE, None)

    def test_a_person_releases_it(self, alpha):
        order = potassium_ordered(alpha)
        accept(alpha, order, "4.4")
        with alpha.acting("lab_technician") as acting:
            LabOrder.objects.get(pk=order.pk).release(by=acting.person)
        assert now_of(alpha, order).status == "released"

    def test_unit_and_range_stay_those_of_the_sender_and_it_says_so(self, alpha):
        result = accept(alpha, potassium_ordered(alpha), "17.2", unit="mg/dL", range="13.7 - 19.9", flag="N")
        assert (result.unit, result.range_words, result.flag) == ("mg/dL", "13.7\u201319.9", "")
        assert result.remark == f"The unit and range are those of {SOURCE}."

    def test_a_litre_is_ours_with_a_small_letter_too_and_our_critical_limits_count(self, alpha):
        order = potassium_ordered(alpha)
        accept(alpha, order, "7.1", unit="mmol/l")
        result = now_of(alpha, order).result
        assert (result.flag, result.unit, result.remark) == ("critical_high", "mmol/L", "")

    def test_a_range_in_words_is_kept_as_it_came(self, alpha):
        result = accept(alpha, potassium_ordered(alpha), "4.1", unit="mmol/L", range="see report", flag="H")
        assert (result.range_words, result.flag) == ("see report", "high")

    def test_whoever_calls_it_graver_is_believed(self, alpha):
        assert accept(alpha, potassium_ordered(alpha), "7.1", unit="mmol/L", flag="H").flag == "critical_high"
        with alpha.acting("admin"):
            film = malaria()
        order = ordered(alpha, film)[1][0]
        result = accept(alpha, order, "plasmodium seen", flag="AA")
        assert (result.value_code, result.flag) == ("positive", "critical")

    def test_what_is_no_number_stays_in_its_words(self, alpha):
        result = accept(alpha, potassium_ordered(alpha), "haemolysed, see comment")
        assert (result.value_text, result.value_number) == ("haemolysed, see comment", None)

    def test_sent_twice_it_is_there_once(self, alpha):
        order = potassium_ordered(alpha)
        first, second = (accept(alpha, order, "4.4", unit="mmol/L") for _ in range(2))
        assert first == second

    def test_without_a_value_or_for_a_cancelled_test_it_is_refused(self, alpha):
        order = potassium_ordered(alpha)
        with pytest.raises(Refused, match="sent no value"):
            accept(alpha, order, " ")
        with alpha.acting("main_doctor") as acting:
            order.cancel("Not needed", by=acting.person)
        with pytest.raises(IllegalMove):
            accept(alpha, order, "4.4")


class TestPreliminaryAndCorrected:
    def test_a_preliminary_result_waits_for_the_final_one(self, alpha):
        order = potassium_ordered(alpha)
        accept(alpha, order, "4.4", status="preliminary")
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="preliminary"):
            LabOrder.objects.get(pk=order.pk).release(by=acting.person)
        accept(alpha, order, "4.5")
        with alpha.acting("lab_technician") as acting:
            LabOrder.objects.get(pk=order.pk).release(by=acting.person)
        assert str(now_of(alpha, order).result) == "4.5 mmol/L"

    def test_a_corrected_one_counts_at_once_with_alert_and_reason(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released")
        accept(alpha, order, "7.2", unit="mmol/L", status="corrected")
        order = now_of(alpha, order)
        assert (str(order.result), order.result.reason) == ("7.2 mmol/L", f"{SOURCE} sent a corrected result.")
        with alpha.acting("admin"):
            assert Alert.objects.get(object_id=order.pk).expected == "7.2 mmol/L"
            assert order.corrections.get().notices.count() == 1

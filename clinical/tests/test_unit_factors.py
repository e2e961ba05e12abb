"""What is sent in another unit, and how much it is in ours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clinical.models import LabOrder, LabTest
from clinical.tests.laboratories import potassium_ordered
from clinical.tests.messages import oru, registered, row_of, send
from clinical.tests.test_hl7_results import K, ordered, request
from clinical.unit_factors import factor
from realtime.alerts.models import Alert

POTASSIUM = "2823-3"


@pytest.mark.parametrize(
    ("one", "other", "loinc", "size"),
    [
        ("mEq/L", "mmol/L", POTASSIUM, "1"),
        ("MEQ/L", "mmol/L", "2951-2", "1"),
        ("mEq/L", "mmol/L", "17861-6", "0.5"),
        ("mmol/l", "mg/dL", "2345-7", "18.0156"),
        ("g/L", "g/dL", "", "0.1"),
        ("K/uL", "10*3/uL", "", "1"),
        ("x10^9/L", "10*3/uL", "", "1"),
        ("uIU/mL", "m[IU]/L", "", "1"),
        ("L/L", "%", "", "100"),
    ],
)
def test_what_is_the_same_in_another_unit(one, other, loinc, size):
    assert factor(one, other, loinc) == Decimal(size)


@pytest.mark.parametrize(
    ("one", "other", "loinc"),
    [
        ("mmol/mol", "%", "4548-4"),
        ("mEq/L", "mmol/L", ""),
        ("mmol/L", "mg/dL", "9999-9"),
        ("g/L", "g/mol", POTASSIUM),
        ("furlong", "mmol/L", POTASSIUM),
        ("mg/dL/h", "mg/dL", ""),
        ("", "mmol/L", POTASSIUM),
    ],
)
def test_what_nobody_can_say_has_no_factor(one, other, loinc):
    assert factor(one, other, loinc) is None


class TestJudged:
    def accept(self, hospital, value: str, unit: str, **said):
        order = potassium_ordered(hospital)
        with hospital.acting("admin"):
            LabTest.objects.filter(pk=order.test_id).update(loinc=POTASSIUM)
            return LabOrder.objects.get(pk=order.pk).accept_outside(value, source="Central", unit=unit, **said)

    def test_our_critical_limits_count_in_the_unit_of_the_sender(self, alpha):
        result = self.accept(alpha, "7.1", "mEq/L", flag="N")
        assert (result.flag, str(result), str(result.critical_high)) == ("critical_high", "7.1 mEq/L", "6.5000")
        assert result.remark == "The unit is that of Central."

    def test_by_the_mass_of_the_substance_too(self, alpha):
        result = self.accept(alpha, "27.8", "mg/dL", range="13.7-19.9")
        assert (result.flag, result.range_words) == ("critical_high", "13.7\u201319.9")

    def test_a_unit_that_nobody_knows_is_judged_by_its_sender_alone(self, alpha):
        result = self.accept(alpha, "7.1", "pints", flag="H")
        assert (result.flag, result.low, result.critical_high) == ("high", None, None)

    def test_a_result_that_nobody_ordered_calls_a_doctor_though_its_sender_did_not(self, alpha):
        ordered(alpha, registered(alpha, "888^^^CITY&1.2.3.4&ISO^MR||Else^Ellen||19900304|F"))
        registered(alpha)
        sent = send(alpha, oru(request(filler="F9"), f"OBX|1|NM|{K}||7.1|mEq/L|||||F"))
        assert row_of(alpha, sent).critical_value == "7.1 mEq/L"
        with alpha.acting():
            assert Alert.objects.open().filter(kind="lab:outside_result").exists()

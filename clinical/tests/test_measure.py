"""Numbers as they are typed, and against their limits."""

from decimal import Decimal

import pytest

from clinical.measure import Limits, Measured, NotANumber, in_words, read_number
from clinical.models import ReferenceRange

D = Decimal
POTASSIUM = Limits(D("3.5"), D("5.0"), D("2.5"), D("6.5"))


@pytest.mark.parametrize(
    ("typed", "number", "comparator"),
    [
        ("4.1", "4.1", ""),
        ("4,1", "4.1", ""),
        (" 138 ", "138", ""),
        ("<0.01", "0.01", "<"),
        ("> 100", "100", ">"),
        ("≤5", "5", "<="),
        ("-2.5", "-2.5", ""),
        ("\u22122.5", "-2.5", ""),
    ],
)
def test_a_number_is_read_with_point_comma_or_comparator(typed, number, comparator):
    assert read_number(typed) == Measured(D(number), comparator)


@pytest.mark.parametrize(
    "typed", ["", "four", "4.1.2", "1,234,567", "4 1", "1e5", "NaN", "infinity", "4.", "0x10", "4.1 mmol/L", "9" * 11]
)
def test_what_is_not_one_plain_number_is_not_guessed(typed):
    with pytest.raises(NotANumber):
        read_number(typed)


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        ("2.4", "critical_low"),
        ("2.5", "low"),
        ("3.4", "low"),
        ("3.5", ""),
        ("5.0", ""),
        ("5.1", "high"),
        ("6.5", "high"),
        ("6.6", "critical_high"),
        ("<3.5", "low"),
        ("<=3.5", ""),
        ("<2.5", "critical_low"),
        (">5.0", "high"),
        (">6.5", "critical_high"),
        ("<9", ""),
        (">1", ""),
    ],
)
def test_the_limits_themselves_are_normal_and_beyond_them_is_flagged(typed, flag):
    assert POTASSIUM.flag(read_number(typed)) == flag


def test_without_limits_nothing_is_flagged():
    assert Limits().flag(read_number("99999")) == ""
    assert Limits().words == ""


def test_limits_around_several_ranges_contain_them_all():
    female = ReferenceRange(low=D("12"), high=D("16"), critical_low=D("7"))
    male = ReferenceRange(low=D("13"), high=D("18"), critical_low=D("7"), critical_high=D("20"))
    assert Limits.around([female, male]) == Limits(D("12"), D("18"), D("7"), None)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(D("3.5000"), D("5.0000")), "3.5\u20135"),
        (Limits(high=D("100")), "up to 100"),
        (Limits(low=D("40")), "from 40"),
    ],
)
def test_limits_are_written_without_the_zeros_of_the_column(limits, words):
    assert limits.words == words


def test_units_are_written_for_people():
    assert [in_words(unit) for unit in ("10*3/uL", "{INR}", "mmol/L")] == ["10³/µL", "", "mmol/L"]

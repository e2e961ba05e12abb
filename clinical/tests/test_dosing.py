"""How many pieces a prescription needs, read from the words that doctors write."""

from __future__ import annotations

import pytest

from clinical.dosing import is_far_above, lasts_too_long, needed
from clinical.forms.consultation import FREQUENCIES

TABLETS = {"unit": "tablet", "strength": "500 mg"}


@pytest.mark.parametrize(
    ("dose", "frequency", "days", "pieces"),
    [
        ("1 tablet", "twice a day", 5, 10),
        ("2", "3 times a day", 7, 42),
        ("2 tablets", "up to 4 times a day", 5, 40),
        ("½ tablet", "at night", 10, 5),
        ("1/2", "in the morning", 7, 4),
        ("1,5 tablets", "once daily", 2, 3),
        ("1 g", "every 8 hours", 5, 30),
        ("250 mg", "four times a day", 3, 6),
        ("1", "daily", 30, 30),
        ("1 tablet", "when needed", 5, None),
        ("a thin layer", "twice a day", 7, None),
        ("5 mL", "3 times a day", 7, None),
        ("1/0", "twice a day", 7, 14),
        ("1", "every 0 hours", 7, None),
        ("1", "0 times a day", 7, None),
        ("1 tablet", "twice a day", None, None),
        ("", "", None, None),
    ],
)
def test_the_pieces_follow_from_the_directions_where_they_can_be_read(dose, frequency, days, pieces):
    assert needed(dose=dose, frequency=frequency, days=days, **TABLETS) == pieces


@pytest.mark.parametrize("frequency", [words for words in FREQUENCIES if words != "when needed"])
def test_every_frequency_that_is_offered_can_be_read(frequency):
    assert needed(dose="1", frequency=frequency, days=1, **TABLETS)


def test_only_more_than_twice_what_is_needed_is_doubted():
    assert not is_far_above(20, 10)
    assert is_far_above(21, 10)
    assert not is_far_above(1000, None)


@pytest.mark.parametrize(
    ("quantity", "dose", "frequency", "days"),
    [
        (600, "1 tablet", "twice a day", 300),
        (180, "1 tablet", "twice a day", None),
        (182, "1 tablet", "twice a day", 91),
        (600, "1 g", "every 8 hours", 100),
        (600, "as told", "twice a day", 300),
        (600, "0", "twice a day", 300),
        (600, "1 tablet", "when needed", None),
    ],
)
def test_without_days_a_quantity_for_more_than_the_validity_is_noticed(quantity, dose, frequency, days):
    assert lasts_too_long(quantity, dose=dose, frequency=frequency, **TABLETS) == days

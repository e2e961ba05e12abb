"""Which line of ours a payer means, however it writes our number; where two are meant, a person is asked."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from billing.service_lines import Numbers
from billing.unclear import Unclear

ELEVENTH, FIRST, OTHER = UUID(int=11), UUID(int=1), UUID(int=2)


@dataclass
class Line:
    control_number: str
    charge_id: UUID


OURS = Numbers(
    [Line("CM-000012-1-11", ELEVENTH), Line("CM-000012-11-1", FIRST), Line("CM-000012-1-2", OTHER)],
)


@pytest.mark.parametrize(
    ("said", "charge"),
    [
        ("CM-000012-1-11", ELEVENTH),
        ("CM-000012-11-1", FIRST),
        (" cm-000012-11-1 ", FIRST),
        ("CM00001212", OTHER),
        ("cm 000012 1 2", OTHER),
        ("CM-000012-1-3", None),
        ("", None),
    ],
)
def test_a_number_is_found_as_it_was_sent_and_as_payers_write_it(said, charge):
    assert OURS.charge(said) == charge


def test_two_numbers_that_are_one_without_their_hyphens_go_to_a_person():
    with pytest.raises(Unclear, match="CM000012111 can be two lines"):
        OURS.charge("CM000012111")


def test_the_same_charge_in_two_versions_is_no_question():
    ours = Numbers([Line("CM-000012-1-11", FIRST), Line("CM-000012-11-1", FIRST)])
    assert ours.charge("CM000012111") == FIRST

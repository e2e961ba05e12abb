"""A payment is booked once, whichever way it comes, and a copy that is damaged stands in no sound one's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing import remitting
from billing.models import Book, Remittance
from billing.tests.remittances import decided, line, remittance, sent
from billing.tests.test_remittance import euros, on, standing
from billing.x12 import remittance as x12
from hospital.tests.hospital import Hospital


def typed(said: x12.Remittance) -> x12.Remittance:
    """The same, as somebody copies it from paper."""
    return replace(said, originator="999996666", trace=f" {said.trace.lower().removeprefix('000')}")


@pytest.mark.parametrize("first", ["paper", "file"])
def test_a_payment_on_paper_and_its_file_are_one(alpha: Hospital, first: str) -> None:
    claim = sent(alpha)
    filed = remittance(decided(claim, line(claim, 1, "100.00")), trace="0004711X")
    both = [typed(filed), filed] if first == "paper" else [filed, typed(filed)]
    with alpha.acting("billing") as acting:
        rows = []
        for said in both:
            rows.append(remitting.take_in(said, file=None, by=acting.person))
            if len(rows) == 1:
                remitting.post(rows[0], by=acting.person)
        assert rows[0] == rows[1]
        assert on(Book.MONEY) == euros("100.00")[0]


def test_another_amount_or_another_payer_is_another_payment(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = remittance(decided(claim, line(claim, 1, "100.00")), trace="4711")
    less = remittance(decided(claim, line(claim, 1, "90.00", CO45="10.00")), trace="4711")
    others = replace(said, payer=x12.Party(name="SOMEBODY ELSE"), originator="1999999999")
    with alpha.acting("billing") as acting:
        rows = {remitting.take_in(one, file=None, by=acting.person).pk for one in (said, less, others)}
    assert len(rows) == 3


def test_a_copy_that_cannot_be_posted_makes_way_for_a_sound_one(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = remittance(decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("billing") as acting:
        by = acting.person
        test = remitting.take_in(said, file=None, by=by, faults=["The file is marked as a test."])
        assert remitting.take_in(said, file=None, by=by, faults=["The file is marked as a test."]) == test
        sound = remitting.take_in(said, file=None, by=by)
        assert sound != test and remitting.take_in(said, file=None, by=by, faults=["Cut off"]) == sound
        assert Remittance.objects.get(pk=test.pk).in_words == "put aside"
        remitting.post(sound, by=by)
    assert standing(alpha, claim) == ("paid", *euros("0.00", "0.00"))

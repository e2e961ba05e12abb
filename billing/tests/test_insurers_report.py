"""What each insurer paid, and how often it refused."""

from __future__ import annotations

from decimal import Decimal

from billing.claims import drafting
from billing.models import Payment
from billing.reports import insurers
from billing.tests.claims import a_note, a_payer, furnish
from billing.tests.remittances import backwards, decided, line, posted, send, sent
from billing.x12.parties import Party
from clinical.reports.period import Period
from hospital.tests.hospital import Hospital

OTHER = Party(name="OTHER MUTUAL", id="77333")


def rows(house: Hospital, key: str) -> list[tuple]:
    with house.acting("billing"):
        table = insurers.report(Period.ending_today(7)).table(key)
        assert table
        return [tuple(row) for row in table.rows]


def figures(house: Hospital) -> dict:
    with house.acting("billing"):
        return {figure.label: figure.value for figure in insurers.report(Period.ending_today(7)).figures}


def another(house: Hospital):
    """A claim of another patient to another insurer."""
    note = a_note(house)
    with house.acting("billing") as acting:
        payer = a_payer("Other Mutual", identifier=OTHER.id)
        note.patient.policies.update(payer=payer, insurer=payer.name)
        claim = drafting.begin(note, by=acting.person)
    return send(house, claim)


def test_each_insurer_is_told_with_what_it_paid_and_how_often_it_refused(alpha, beta):
    first = sent(alpha)
    second = another(alpha)
    posted(alpha, decided(first, line(first, 1, "60.00", CO45="20.00", PR2="20.00")))
    posted(alpha, decided(second, line(second, 1, "0.00", CO50="100.00"), status="4"), payer=OTHER)
    with alpha.acting("reception") as acting:
        Payment.take(first.visit, Decimal(20), method="card", by=acting.person)
    assert rows(alpha, "paid-by-insurer") == [
        ("Key Insurance", Decimal("60.00"), 100, 0),
        ("Other Mutual", 0, 0, 0),
    ]
    assert rows(alpha, "became-of-it") == [("Key Insurance", 100, 20, 20, 0), ("Other Mutual", 100, 0, 0, 0)]
    assert rows(alpha, "denial-rate") == [("Key Insurance", 1, 0, 0), ("Other Mutual", 1, 1, 100)]
    ((why, *sums),) = rows(alpha, "denial-reasons")
    assert why
    assert sums == [1, 100, 0]
    told = figures(alpha)
    assert (told["Paid by insurers"], told["Paid at the desk"], told["Denial rate"]) == (60, 20, 50)
    assert rows(beta, "paid-by-insurer") == []


def test_a_refusal_of_what_the_patient_paid_before_counts_as_one(alpha):
    furnish(alpha)
    note = a_note(alpha)
    with alpha.acting("reception") as acting:
        Payment.take(note.visit, Decimal(100), method="card", by=acting.person)
    with alpha.acting("billing") as acting:
        claim = drafting.begin(note, by=acting.person)
    claim = send(alpha, claim)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO50="100.00"), status="4"))
    assert rows(alpha, "denial-rate") == [("Key Insurance", 1, 1, 100)]
    assert figures(alpha)["Claims decided"] == 1


def test_what_is_taken_back_is_not_paid_and_a_refusal_that_is_taken_back_was_none(alpha):
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "0.00", CO50="100.00"), status="4")
    posted(alpha, said)
    assert rows(alpha, "denial-rate") == [("Key Insurance", 1, 1, 100)]
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "100.00")))
    assert rows(alpha, "denial-rate") == [("Key Insurance", 1, 0, 0)]
    assert rows(alpha, "paid-by-insurer") == [("Key Insurance", 100, 100, 0)]
    assert figures(alpha)["Denial rate"] == 0

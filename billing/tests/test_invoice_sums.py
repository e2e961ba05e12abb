"""CO-10: whatever is charged, taxed and let off, an invoice adds up to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Account, Discount, Invoice
from billing.models.invoice import billable
from billing.money import ZERO, rounded, tax_within
from billing.tests.till import charge, price, visit
from hospital.tests.hospital import Hospital

CENTS = st.integers(min_value=1, max_value=500_000).map(lambda cents: Decimal(cents) / 100)
RATES = st.integers(min_value=0, max_value=10_000).map(lambda rate: Decimal(rate) / 100)
CHARGED = st.lists(st.tuples(CENTS, st.integers(min_value=1, max_value=9), RATES), min_size=1, max_size=6)
PARTS = st.lists(st.fractions(min_value=0, max_value=1), max_size=3)


@pytest.fixture(scope="module")
def till(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        house = Hospital("Sums")
        with house.acting():
            price("50")
        yield house


@settings(max_examples=25, deadline=None)
@given(charged=CHARGED, let_off=PARTS)
def test_an_invoice_adds_up(till, django_db_blocker, charged, let_off):
    with django_db_blocker.unblock(), till.acting():
        add_up(charged, let_off)


@pytest.mark.slow
@settings(max_examples=100_000, deadline=None)
@given(charged=CHARGED, let_off=PARTS)
def test_a_hundred_thousand_invoices_add_up(till, django_db_blocker, charged, let_off):
    with django_db_blocker.unblock(), till.acting():
        add_up(charged, let_off)


def add_up(charged: list, let_off: list) -> None:
    seen = visit()
    for number, (unit, quantity, rate) in enumerate(charged, 2):
        charge(seen, str(unit), quantity=quantity, sequence=number, tax_rate=rate)
    given_away = sum((let_off_of(seen, part) for part in let_off), ZERO)
    if not Account(seen).due:
        return
    invoice = Invoice.draft(seen.patient, billable(seen.patient), by=None)
    invoice.issue(by=None)
    lines = invoice.current_lines()
    asked = sum((line.amount for line in lines), ZERO)
    assert invoice.total == sum((line.total for line in lines), ZERO) == invoice.owed()
    assert invoice.total == asked - sum((line.discount for line in lines), ZERO)
    assert Account(seen).total == 50 + sum(unit * quantity for unit, quantity, _ in charged)
    assert invoice.total == Account(seen).total - given_away
    assert all(line.tax == tax_within(line.total, line.tax_rate) == rounded(line.tax) for line in lines)
    assert all(line.net + line.tax == line.total for line in lines)
    assert invoice.tax == sum((line.tax for line in lines), ZERO)


def let_off_of(seen, part) -> Decimal:
    """So much of what is due is let off, whatever that is by now."""
    due = Account(seen).due
    amount = rounded(due * part.numerator / part.denominator)
    if not amount:
        return ZERO
    Discount.give(seen, amount, "Staff", by=None)
    return amount

"""Money in any order, and at once: nothing is ever above anything, and no cent is lost."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F, Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Account, Discount, JournalLine, Payment, Purse, Refund, Void
from billing.models.refund import live_refunds
from billing.money import rounded, split
from billing.tests.till import charge, patient, price, visit
from billing.verify import faults
from clinical.models import Patient, Visit
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused

CENTS = st.integers(min_value=1, max_value=20_000).map(lambda cents: Decimal(cents) / 100)
AT_ONCE = 16  # a process has 20 connections
STEPS = ("charge", "pay", "cancel", "waive", "discount", "ask", "approve", "reject", "pay_out", "void")
STEP = st.tuples(st.sampled_from(STEPS), CENTS, st.integers(min_value=0, max_value=5))
HISTORY = st.lists(STEP, max_size=15)


class Till:
    """A house with one patient, who comes again for each history."""

    def __init__(self) -> None:
        self.house = Hospital("Till")
        with self.house.acting():
            price("50")
            self.patient = patient()

    def live(self, steps: list, *, check_each: bool) -> None:
        """What the database checks at COMMIT is checked too: each history commits."""
        with self.house.acting() as acting:
            seen = Visit.register(self.patient, complaint="Fever", by=acting.person)
            for number, (what, amount, index) in enumerate(steps):
                with suppress(Refused, IllegalMove):
                    do(seen, what, amount, index, number)
                if check_each:
                    check(seen)
            check(seen)


@pytest.fixture(scope="module")
def till(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield Till()


@settings(max_examples=40, deadline=None)
@given(steps=HISTORY)
def test_whatever_happens_the_sums_agree(till, django_db_blocker, steps):
    with django_db_blocker.unblock():
        till.live(steps, check_each=True)


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("HOSPITAL_HISTORIES", "100000")), deadline=None)
@given(steps=HISTORY)
def test_whatever_happens_a_hundred_thousand_times_the_sums_agree(till, django_db_blocker, steps):
    """Looked at once each: what a history begins with is a history too. In parts by HOSPITAL_HISTORIES and --hypothesis-seed."""
    with django_db_blocker.unblock():
        till.live(steps, check_each=False)


def do(seen: Visit, what: str, amount: Decimal, index: int, number: int) -> None:
    account = Account.locked(seen)
    rows: dict[str, Callable[[], list]] = {
        "visit": lambda: [seen],
        "charges": lambda: account.charges[index:],
        "payments": lambda: account.payments[index:],
        "refunds": lambda: list(Refund.objects.filter(payment__visit=seen).order_by("pk")[index : index + 1]),
    }
    verbs: dict[str, tuple[str, Callable]] = {
        "charge": ("visit", lambda _: add(seen, amount, index + 1, number)),
        "pay": ("visit", lambda _: Payment.take(seen, min(amount, account.due), method="cash", by=None)),
        "cancel": ("charges", lambda row: row.cancel("Not done", by=None)),
        "waive": ("charges", lambda row: row.waive("Hardship", by=None)),
        "discount": ("visit", lambda _: Discount.give(seen, min(amount, account.due), "Staff", by=None)),
        "ask": ("payments", lambda row: Refund.request(row, min(amount, row.amount), "Too much", by=None)),
        "void": ("payments", lambda row: Void.cancel(row, "A mistake", by=None)),
        "approve": ("refunds", lambda row: row.approve(by=None)),
        "reject": ("refunds", lambda row: row.reject("No", by=None)),
        "pay_out": ("refunds", lambda row: row.pay_out(by=None)),
    }
    whose, verb = verbs[what]
    if found := rows[whose]():
        verb(found[0])


def add(seen: Visit, amount: Decimal, quantity: int, number: int) -> None:
    charge(seen, rounded(amount / quantity), quantity=quantity, sequence=number + 2)
    Account.locked(seen).settle()


def check(seen: Visit) -> None:
    seen.refresh_from_db()
    account = Account(seen)
    covered = sum(row.allocated for row in account.charges)
    owed_back = sum(row.kept for row in account.payments) - covered - account.credit
    approved = Refund.objects.filter(payment__visit=seen, status="approved").aggregate(sum=Sum("amount"))["sum"] or 0
    assert account.total == account.due + account.waived + covered
    assert owed_back == approved
    assert all(
        row.allocated >= 0 and row.rest >= 0 and row.allocated + row.rest <= row.amount for row in account.charges
    )
    assert not (account.credit and account.due)
    assert seen.payment == account.payment
    for payment in account.payments:
        voided = payment.amount if payment.voids.exists() else 0
        on_charges = payment.allocations.aggregate(sum=Sum("amount"))["sum"] or 0
        assert payment.free >= 0
        assert 0 <= on_charges <= payment.amount
        assert live_refunds(payment) + voided <= payment.amount
    sides = JournalLine.objects.filter(entry__visit=seen).aggregate(net=Sum(F("debit") - F("credit")))
    assert not sides["net"]


def test_twenty_payments_five_refunds_three_discounts_and_deposits_at_once_are_exact():
    """CO-4, and deposits that are put in and used meanwhile: payments never exceed what is asked, the balance is the sum of the ledger, receipts are unique without a gap."""
    house = Hospital("Rush")
    with house.acting("reception"):
        price("100")
        seen = visit()
        first = Payment.take(seen, Decimal(30), method="card", by=None)
        refunds = [Refund.request(first, Decimal(5), "Overcharged", by=None) for _ in range(5)]
        Purse.deposit(seen.patient, Decimal("9.50"), method="card", by=None)

    def pay() -> None:
        Payment.take(Visit.objects.get(pk=seen.pk), Decimal("4.50"), method="cash", by=None)

    def refund(key) -> Callable:
        def give_back() -> None:
            row = Refund.objects.get(pk=key)
            row.approve(by=None)
            row.pay_out(by=None)

        return give_back

    def discount() -> None:
        Discount.give(Visit.objects.get(pk=seen.pk), Decimal("3.33"), "Staff", by=None)

    def deposit() -> None:
        Purse.deposit(Patient.objects.get(pk=seen.patient_id), Decimal("9.50"), method="cash", by=None)

    def use_deposit() -> None:
        Purse.use(Patient.objects.get(pk=seen.patient_id), Decimal("4.25"), [seen.pk], by=None)

    def at_once(verb: Callable) -> bool:
        try:
            with house.acting():
                verb()
            return True
        except Refused:
            return False
        finally:
            connection.close()

    work = [pay] * 20 + [refund(row.pk) for row in refunds] + [discount] * 3 + [deposit] * 4 + [use_deposit] * 6
    random.Random(4).shuffle(work)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(zip(work, pool.map(at_once, work), strict=True))
    with house.acting():
        account = Account(Visit.objects.get(pk=seen.pk))
        serials = sorted(Payment.objects.values_list("serial", flat=True))
        ledger = JournalLine.objects.on("receivable").net()
        went = Counter(verb for verb, succeeded in done if succeeded)
        paid, let_off, put_in, used = (went[verb] for verb in (pay, discount, deposit, use_deposit))
        assert list(faults()) == []
        assert sum(number for verb, number in went.items() if verb not in (pay, discount, deposit, use_deposit)) == 5
        assert put_in == 4
        assert used, "no deposit was used while others paid"
        deposited = (put_in + 1) * Decimal("9.50") - used * Decimal("4.25")
        assert Purse(Patient.objects.get(pk=seen.patient_id)).deposited == deposited >= 0
        assert -JournalLine.objects.on("deposits").net() == deposited
        assert account.paid == Decimal(30) + paid * Decimal("4.50") - 25 + used * Decimal("4.25")
        assert account.waived == let_off * Decimal("3.33")
        assert account.due == ledger == 100 - account.paid - account.waived + account.credit
        assert 0 <= account.paid <= 100 - account.waived + account.credit
        assert serials == list(range(1, paid + put_in + 3))


WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=12).filter(any)


@settings(max_examples=300, deadline=None)
@given(cents=st.integers(min_value=-(10**9), max_value=10**9), weights=WEIGHTS)
def test_the_parts_of_a_split_are_the_whole_and_none_is_a_cent_from_its_share(cents, weights):
    amount = Decimal(cents) / 100
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(
        abs(part - amount * weight / sum(weights)) < Decimal("0.01")
        for part, weight in zip(parts, weights, strict=True)
    )
    assert all(part == rounded(part) for part in parts)


def test_the_cents_that_are_over_go_to_the_largest_remainders():
    assert split(Decimal("1.00"), [1, 1, 1]) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert split(Decimal("0.05"), [3, 7]) == [Decimal("0.02"), Decimal("0.03")]
    assert split(Decimal("10.00"), [999, 1, 0]) == [Decimal("9.99"), Decimal("0.01"), Decimal("0.00")]


def test_nothing_is_split_over_nothing():
    for weights in ([], [0, 0], [2, -1]):
        with pytest.raises(ValueError, match="Nothing is split"):
            split(Decimal(1), weights)


def test_a_line_is_rounded_half_up():
    assert [str(rounded(Decimal(text))) for text in ("0.005", "0.015", "-0.005", "1.0049")] == [
        "0.01",
        "0.02",
        "-0.01",
        "1.00",
    ]

"""Money of a patient that is for no one visit: a payment over several, and deposits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection

from billing.models import Account, Allocation, JournalLine, Payment, Purse, Refund, Void
from billing.tests.till import charge, patient, price
from billing.verify import faults
from clinical.models import Patient, Visit
from hospital.workflow import Refused


@pytest.fixture
def owing(alpha) -> tuple[Patient, list[Visit]]:
    """Fifty on each of two visits."""
    with alpha.acting("reception"):
        price("50")
        person = patient()
        return person, [Visit.register(person, complaint="Fever", by=alpha.reception) for _ in range(2)]


def take(person: Patient, amount: str, visits: list[Visit], **more) -> Payment:
    return Purse.take(person, Decimal(amount), [one.pk for one in visits], method="card", by=None, **more)


def dues(visits: list[Visit]) -> list[Decimal]:
    return [Account(one).due for one in visits]


def states(visits: list[Visit]) -> list[str]:
    return [Visit.objects.get(pk=one.pk).payment for one in visits]


def test_one_payment_covers_several_visits_the_oldest_first(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        payment = take(person, "70", visits)
        assert (payment.number, payment.visit, dues(visits)) == ("RC-000001", None, [0, 30])
        assert states(visits) == ["paid", "partial"]
        assert [Account(one).paid for one in visits] == [50, 20]
        assert list(faults()) == []


def test_it_never_takes_more_than_is_due_on_the_chosen_visits(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        with pytest.raises(Refused, match=r"Only \$50\.00"):
            take(person, "50.01", visits[:1])
        with pytest.raises(Refused, match="Nothing is due"):
            take(patient("Ben Adler"), "10", visits)
        assert not Payment.objects.exists()


def test_the_doctor_hears_of_it_when_all_is_paid(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        assert take(person, "99", visits).lets_in is False
        assert take(person, "1", visits).lets_in is True


def test_a_refund_takes_it_off_the_newest_charges(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        payment = take(person, "100", visits)
        refund = Refund.request(payment, Decimal(60), "Insured after all", by=None)
        refund.approve(by=None)
        refund.pay_out(by=None)
        assert (dues(visits), states(visits)) == ([10, 50], ["partial", "unpaid"])
        assert list(faults()) == []


def test_a_cancelled_charge_gives_the_money_back_to_the_patient(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        take(person, "100", visits)
        visits[0].charges.get().cancel("Not done", by=None)
        assert (Purse(person).deposited, Account(visits[0]).credit) == (50, 0)
        assert list(faults()) == []


def test_a_deposit_is_used_later_and_what_is_left_is_given_back(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        payment = Purse.deposit(person, Decimal(80), method="cash", by=None)
        assert (Purse(person).deposited, dues(visits)) == (80, [50, 50])
        assert JournalLine.objects.on("deposits").net() == -80
        Purse.use(person, Decimal(50), [visits[1].pk], by=None)
        assert (Purse(person).deposited, dues(visits), states(visits)) == (30, [50, 0], ["unpaid", "paid"])
        refund = Refund.request(payment, Decimal(30), "Goes home", by=None)
        refund.approve(by=None)
        assert (Purse(person).deposited, dues(visits)) == (0, [50, 0])
        assert list(faults()) == []


def test_more_than_is_deposited_or_due_is_not_used(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        Purse.deposit(person, Decimal(60), method="cash", by=None)
        for amount, chosen in (("60.01", visits), ("50.01", visits[:1]), ("0", visits)):
            with pytest.raises(Refused):
                Purse.use(person, Decimal(amount), [one.pk for one in chosen], by=None)
        assert Purse(person).deposited == 60


def test_a_deposit_by_mistake_is_cancelled_and_what_it_covered_is_due_again(alpha, owing):
    person, visits = owing
    with alpha.acting("billing"):
        payment = Purse.deposit(person, Decimal(50), method="cash", by=None)
        Purse.use(person, Decimal(50), [visits[0].pk], by=None)
        Void.cancel(payment, "Another patient", by=alpha.billing)
        assert (Purse(person).deposited, dues(visits)) == (0, [50, 50])
        assert list(faults()) == []


def test_the_database_lets_no_payment_cover_what_is_not_its_own(alpha, owing):
    _, visits = owing
    with alpha.acting("reception"):
        for_one = Payment.take(visits[0], Decimal(20), method="cash", by=None)
        visits[0].charges.get().cancel("Not done", by=None)
        for_other = Purse.deposit(patient("Ben Adler"), Decimal(20), method="cash", by=None)
        target = charge(visits[1], "5")
    for payment in (for_one, for_other):
        with pytest.raises(DatabaseError, match="its own patient"), alpha.acting("reception"):
            Allocation.book(payment, target, Decimal(5))


def test_the_same_deposit_is_not_used_twice_at_once(alpha, owing):
    person, visits = owing
    with alpha.acting("reception"):
        Purse.deposit(person, Decimal(50), method="cash", by=None)

    def use(one: Visit) -> bool:
        try:
            with alpha.acting("reception"):
                Purse.use(Patient.objects.get(pk=person.pk), Decimal(50), [one.pk], by=None)
            return True
        except Refused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, visits)) == [False, True]
    with alpha.acting():
        assert sorted(dues(visits)) == [0, 50]
        assert list(faults()) == []

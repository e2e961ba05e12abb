"""Money that goes back, and payments that were booked by mistake."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction

from billing.models import Account, Charge, Discount, JournalLine, Payment, Refund, Void
from billing.reports import today
from billing.tests.till import charge, price, visit
from clinical.models import Visit
from hospital.workflow import IllegalMove, Refused


def paid(amount: str = "50") -> Payment:
    price("50")
    return Payment.take(visit(), Decimal(amount), method="card", by=None)


def due(payment: Payment) -> Decimal:
    return Account(Visit.objects.get(pk=payment.visit_id)).due


def test_a_refund_is_asked_for_approved_by_somebody_else_and_paid_out(alpha):
    with alpha.acting("reception"):
        payment = paid()
        refund = Refund.request(payment, Decimal(20), "Charged twice", by=alpha.reception)
        assert due(payment) == 0
        with pytest.raises(PermissionDenied):
            refund.approve(by=alpha.person("reception", "Ann"))
    with alpha.acting("billing"):
        refund.approve(by=alpha.billing)
        assert (refund.status, refund.decided_by, due(payment)) == ("approved", alpha.billing, Decimal(20))
        assert JournalLine.objects.on("refunds").net() == -20
        assert today.money()["today"] == 50
        refund.pay_out(by=alpha.billing)
        assert (refund.method, JournalLine.objects.on("refunds").net(), today.money()["today"]) == ("card", 0, 30)


def test_nobody_approves_or_rejects_a_refund_of_their_own(alpha):
    with alpha.acting("billing"):
        refund = Refund.request(paid(), Decimal(20), "Charged twice", by=alpha.billing)
        with pytest.raises(Refused, match="Somebody else"):
            refund.approve(by=alpha.billing)
        with pytest.raises(Refused, match="Somebody else"):
            refund.reject("No", by=alpha.billing)


@pytest.mark.parametrize(
    ("amount", "words"), [("50.01", "Only"), ("0", "more than nothing"), ("-1", "more than nothing")]
)
def test_never_more_than_the_payment_goes_back(alpha, amount, words):
    with alpha.acting(), pytest.raises(Refused, match=words):
        Refund.request(paid(), Decimal(amount), "x", by=None)


def test_what_is_asked_for_already_is_not_left_for_another_refund_until_it_is_rejected(alpha):
    with alpha.acting():
        payment = paid()
        first = Refund.request(payment, Decimal(40), "x", by=None)
        with pytest.raises(Refused, match=r"Only \$10.00"):
            Refund.request(payment, Decimal(11), "x", by=None)
        first.reject("It was right", by=None)
        Refund.request(payment, Decimal(50), "x", by=None)
        with pytest.raises(IllegalMove):
            first.pay_out(by=None)


def test_a_refund_is_not_paid_out_twice_nor_before_it_is_approved(alpha):
    with alpha.acting():
        refund = Refund.request(paid(), Decimal(40), "x", by=None)
        with pytest.raises(IllegalMove):
            refund.pay_out(by=None)
        refund.approve(by=None)
        refund.pay_out(by=None)
        with pytest.raises(IllegalMove):
            refund.pay_out(by=None)


def test_the_database_keeps_what_was_decided_and_what_was_paid_out(alpha):
    with alpha.acting("billing"):
        refund = Refund.request(paid(), Decimal(40), "x", by=None)
        refund.approve(by=None)
        row = Refund.objects.filter(pk=refund.pk)
        free = Charge.objects.filter(pk=charge(refund.payment.visit, "0").pk)

    def refused(change) -> None:
        with pytest.raises(DatabaseError), alpha.acting("billing"), transaction.atomic():
            change()

    refused(lambda: row.update(requested_by=alpha.billing))
    refused(lambda: row.update(decided_by=alpha.billing))
    refused(row.delete)
    with alpha.acting("billing"):
        refund.pay_out(by=alpha.billing)
    refused(lambda: row.update(method="cash"))
    refused(lambda: row.update(paid_by=None))
    refused(row.delete)
    refused(free.delete)


def test_a_waived_charge_stays_waived_when_what_was_paid_goes_back(alpha):
    with alpha.acting():
        payment = paid("20")
        Account(payment.visit).waive("Hardship", by=None)
        Refund.request(payment, Decimal(20), "Hardship", by=None).approve(by=None)
        account = Account(payment.visit)
        assert (account.due, account.waived, account.payment) == (0, 50, "waived")


def test_a_payment_that_was_a_mistake_is_cancelled_and_its_charge_due_again(alpha):
    with alpha.acting("billing"):
        payment = paid()
        with pytest.raises(Refused, match="Say why"):
            Void.cancel(payment, " ", by=alpha.billing)
        Void.cancel(payment, "Wrong patient", by=alpha.billing)
        assert (due(payment), Account(payment.visit).paid, today.money()["today"]) == (50, 0, 0)
        with pytest.raises(Refused, match="cancelled already"):
            Void.cancel(payment, "Again", by=alpha.billing)


def test_a_cancelled_payment_is_not_refunded_and_a_refunded_one_not_cancelled(alpha):
    with alpha.acting():
        payment = paid()
        Void.cancel(payment, "x", by=None)
        with pytest.raises(Refused, match="nothing of it is left"):
            Refund.request(payment, Decimal(1), "x", by=None)
        other = Payment.take(Visit.objects.get(pk=payment.visit_id), Decimal(50), method="cash", by=None)
        Refund.request(other, Decimal(1), "x", by=None)
        with pytest.raises(Refused, match="has a refund"):
            Void.cancel(other, "x", by=None)


def test_reception_neither_cancels_a_payment_nor_gives_a_discount(alpha):
    with alpha.acting("reception"):
        payment = paid("20")
        with pytest.raises(PermissionDenied):
            Void.cancel(payment, "x", by=alpha.reception)
        with pytest.raises(PermissionDenied):
            Discount.give(payment.visit, Decimal(5), "x", by=alpha.reception)


@pytest.mark.parametrize(
    ("amount", "reason", "words"), [("30.01", "x", "at most"), ("0", "x", "more than"), ("5", " ", "Say why")]
)
def test_a_discount_is_at_most_what_is_due_and_has_a_reason(alpha, amount, reason, words):
    with alpha.acting():
        payment = paid("20")
        with pytest.raises(Refused, match=words):
            Discount.give(payment.visit, Decimal(amount), reason, by=None)


def test_a_discount_of_all_that_is_due_makes_the_visit_waived(alpha):
    with alpha.acting():
        price("50")
        seen = visit()
        Discount.give(seen, Decimal(50), "Staff", by=None)
        seen.refresh_from_db()
        assert (seen.payment, Account(seen).due) == ("waived", 0)

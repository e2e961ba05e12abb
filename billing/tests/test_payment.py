from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError

from billing.models import Account, Allocation, Charge, Kind, Payment, Price
from billing.tests.till import a_test, price, visit
from hospital.models import AuditEntry
from hospital.workflow import Refused

CASH = {"method": "cash"}


def take(seen, amount, **more):
    return Payment.take(seen, Decimal(amount), by=None, **{**CASH, **more})


def test_a_visit_costs_the_consultation(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        charge = seen.charges.get()
    assert (charge.kind, charge.amount, charge.text) == (Kind.CONSULTATION, Decimal("50.00"), "Consultation")
    assert seen.payment == "unpaid"


def test_the_price_that_counts_is_the_newest_that_has_begun(alpha):
    with alpha.acting():
        price("40", since=date(2020, 1, 1))
        price("50", since=date(2021, 1, 1))
        price("60", since=date(2999, 1, 1))
        assert Price.on(date(2024, 5, 5), Kind.CONSULTATION, "consultation").amount == Decimal("50.00")
        assert Price.on(date(2020, 5, 5), Kind.CONSULTATION, "consultation").amount == Decimal("40.00")
        assert Price.on(date(2019, 5, 5), Kind.CONSULTATION, "consultation") is None


def test_a_payment_covers_the_charge_and_the_visit_is_paid(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        payment = Payment.take(seen, Decimal("50"), method="card", reference="slip 7", by=alpha.reception)
    assert (payment.number, payment.received_by, payment.reference) == ("RC-000001", alpha.reception, "slip 7")
    assert seen.payment == "paid"
    with alpha.acting():
        assert [(row.payment, row.amount) for row in Allocation.objects.all()] == [(payment, Decimal("50.00"))]
        assert AuditEntry.objects.filter(
            table="billing_payment", row_id=payment.pk, person_id=alpha.reception.pk
        ).exists()


def test_a_part_payment_leaves_the_rest_due(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        take(seen, "20")
        assert (seen.payment, Account(seen).due) == ("partial", Decimal("30.00"))
        take(seen, "30", method="transfer", reference="x")
        assert (seen.payment, Account(seen).due) == ("paid", Decimal("0.00"))


@pytest.mark.parametrize(
    ("amount", "words"), [("50.01", "Only $50.00 is due"), ("0", "more than nothing"), ("-5", "more than nothing")]
)
def test_more_than_is_due_or_nothing_is_refused(alpha, amount, words):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        with pytest.raises(Refused, match=words.replace("$", r"\$")):
            take(seen, amount)
        assert Payment.objects.count() == 0


def test_a_paid_visit_takes_nothing_more(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        take(seen, "50")
        with pytest.raises(Refused, match="Nothing is due"):
            take(seen, "1")


def test_the_oldest_charge_is_paid_first(alpha):
    with alpha.acting():
        price("50")
        price("8", Kind.TEST, "GLU")
        seen = visit()
        seen.override_gate("Emergency", by=None)
        seen.order_tests([a_test()], by=None)
        take(seen, "50")
        covered = {row.charge.kind: row.amount for row in Allocation.objects.select_related("charge")}
    assert covered == {Kind.CONSULTATION: Decimal("50.00")}


def test_a_free_consultation_is_paid_at_once(alpha):
    with alpha.acting("reception"):
        price("0")
        assert visit().payment == "paid"


def test_a_charge_that_no_account_could_hold_is_refused_in_words(alpha):
    with alpha.acting("billing"):
        seen = visit()
        many = Charge.arise(seen, kind=Kind.MEDICINE, code="PARA", text="Paracetamol", quantity=1000, source_id=seen.pk)
        with pytest.raises(Refused, match="decimal point"):
            many.set_price(Decimal("99999999.99"), by=alpha.billing)


def test_a_missing_price_is_not_free_and_keeps_the_account_open(alpha):
    with alpha.acting("billing"):
        seen = visit()
        charge = seen.charges.get()
        assert (charge.needs_price, seen.payment) == (True, "unpaid")
        charge.set_price(Decimal("35"), by=alpha.billing)
        assert Account(seen).due == Decimal("35.00")
        with pytest.raises(Refused, match="has its price"):
            charge.set_price(Decimal("1"), by=alpha.billing)


def test_waiving_lets_go_of_the_rest_with_a_reason_and_a_name(alpha):
    with alpha.acting("billing"):
        price("50")
        seen = visit()
        charge = seen.charges.get()
        with pytest.raises(Refused, match="Say why"):
            charge.waive("  ", by=alpha.billing)
        charge.waive("Staff child", by=alpha.billing)
        assert (charge.waived_by, charge.waive_reason) == (alpha.billing, "Staff child")
        seen.refresh_from_db()
        assert (seen.payment, Account(seen).due, Account(seen).waived) == ("waived", Decimal("0.00"), Decimal("50.00"))
        with pytest.raises(Refused, match="waived already"):
            charge.waive("again", by=alpha.billing)


def test_what_is_paid_is_not_waived_as_well(alpha):
    with alpha.acting("billing"):
        price("50")
        seen = visit()
        take(seen, "50")
        with pytest.raises(Refused, match="nothing to waive"):
            seen.charges.get().waive("Hardship", by=alpha.billing)
        assert seen.charges.get().waived_at is None


def test_a_visit_that_was_partly_paid_and_then_waived_is_paid(alpha):
    with alpha.acting("billing"):
        price("50")
        seen = visit()
        take(seen, "20")
        Account(seen).waive("Hardship", by=alpha.billing)
        seen.refresh_from_db()
        assert (seen.payment, Account(seen).waived, Account(seen).paid) == ("paid", Decimal("30.00"), Decimal("20.00"))
        with pytest.raises(Refused, match="nothing to waive"):
            Account(seen).waive("again", by=alpha.billing)


def test_paying_opens_the_gate(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        with pytest.raises(Refused, match="not paid"):
            seen.check_gate("consultation")
        assert take(seen, "20").lets_in is False
        assert take(seen, "30").lets_in is True
        seen.check_gate("consultation")


def test_nobody_changes_or_deletes_a_payment_or_an_allocation(alpha):
    with alpha.acting("reception"):
        price("50")
        take(visit(), "50")
    for statement in (
        "UPDATE billing_payment SET amount = 1",
        "DELETE FROM billing_payment",
        "UPDATE billing_allocation SET amount = 1",
        "DELETE FROM billing_allocation",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), alpha.acting(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_not_even_the_owner_of_the_tables_changes_a_payment(alpha):
    with alpha.acting("reception"):
        price("50")
        payment = take(visit(), "50")
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(alpha.tenant.pk)])
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic("owner"):
            cursor.execute("UPDATE billing_payment SET amount = 1 WHERE id = %s", [payment.pk])


@pytest.mark.parametrize("amount", ["10.01", "-0.01"])
def test_the_database_refuses_allocations_that_do_not_fit(alpha, amount):
    """The charge is 50 and the payment 40, of which 40 are allocated: 10 more fit the charge, and no cent the payment."""
    with alpha.acting("reception"):
        price("50")
        payment = take(visit(), "40")
        other = visit("Ben Adler").charges.get()
    with pytest.raises(DatabaseError, match="do not fit"), alpha.acting():
        Allocation.objects.create(payment=payment, charge=other, amount=Decimal(amount))


def test_the_database_refuses_to_shrink_a_charge_below_what_was_paid_for_it(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        take(seen, "50")
    with pytest.raises(DatabaseError, match="less than what was paid"), alpha.acting():
        Charge.objects.filter(visit=seen).update(amount=10, unit_price=10)


def test_the_other_hospital_sees_no_money_of_this_one(alpha, beta):
    with alpha.acting("reception"):
        price("50")
        take(visit(), "50")
    with beta.acting("admin"):
        assert (Payment.objects.count(), Charge.objects.count(), Allocation.objects.count(), Price.objects.count()) == (
            0,
            0,
            0,
            0,
        )

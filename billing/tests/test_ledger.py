"""The ledger: balanced, only added to, and saying at COMMIT what the rows say."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from billing.models import Account, Allocation, Charge, Discount, JournalEntry, JournalLine, LedgerAccount, Payment
from billing.models.journal import Book, Sum
from billing.sql import BACKFILL
from billing.tests.till import charge, price, visit
from billing.verify import faults
from clinical.models import Visit
from hospital.workflow import Refused

IMMUTABLE = (LedgerAccount, JournalEntry, JournalLine, Discount)


def take(seen: Visit, amount: str, method: str = "cash") -> Payment:
    return Payment.take(seen, Decimal(amount), method=method, by=None)


def sums() -> dict[str, Decimal]:
    """Debits less credits of each account that moved."""
    found = {}
    for line in JournalLine.objects.select_related("account"):
        name = ":".join(filter(None, [line.account.book, line.account.key]))
        found[name] = found.get(name, Decimal(0)) + line.debit - line.credit
    return {name: net for name, net in found.items() if net}


def a_history() -> Visit:
    """Fifty for the consultation of which thirty are paid, five off, a test cancelled and another waived."""
    seen = visit()
    take(seen, "30", "card")
    Discount.give(seen, Decimal(5), "Staff", by=None)
    charge(seen, "8", sequence=2).cancel("Not done", by=None)
    charge(seen, "9", sequence=3).waive("Hardship", by=None)
    return seen


def test_every_movement_is_a_balanced_entry_and_the_balances_are_their_sums(alpha):
    with alpha.acting():
        price("50")
        account = Account(a_history())
        said = (account.total, account.paid, account.due, account.waived, account.credit)
        kinds = list(JournalEntry.objects.order_by("pk").values_list("kind", flat=True))
        found = sums()
    assert kinds == ["charge", "payment", "allocation", "discount", "charge", "cancel", "charge", "waive"]
    assert found == {
        "money:card": Decimal(30),
        "receivable": Decimal(15),
        "income:consultation": Decimal(-50),
        "income:test": Decimal(-9),
        "written_off": Decimal(14),
    }
    assert said == (59, 30, 15, 14, 0)


def test_what_was_paid_for_a_cancelled_charge_is_credit_of_the_patient(alpha):
    with alpha.acting():
        price("50")
        seen = visit()
        take(seen, "50")
        seen.charges.get().cancel("Not done", by=None)
        assert sums() == {"money:cash": Decimal(50), "credit": Decimal(-50)}
        assert Account(seen).credit == Decimal(50)


def test_who_and_when_stands_in_the_entry(alpha):
    with alpha.acting("reception"):
        price("50")
        payment = Payment.take(visit(), Decimal(50), method="cash", by=alpha.reception)
        entry = JournalEntry.objects.get(kind="payment")
    assert (entry.source_id, entry.by, entry.at) == (payment.pk, alpha.reception, payment.received_at)


def test_a_charge_without_a_price_has_its_entry_too(alpha):
    with alpha.acting():
        seen = visit()
        seen.charges.get().set_price(Decimal(35), by=None)
        sizes = list(JournalEntry.objects.order_by("pk").values_list("kind", "size"))
        assert (sizes, Account(seen).due) == ([("charge", 0), ("price", 2)], Decimal(35))


def test_a_charge_that_is_not_saved_leaves_no_entry(alpha):
    with alpha.acting():
        price("50")
    with pytest.raises(ZeroDivisionError), alpha.acting():
        visit()
        raise ZeroDivisionError
    with alpha.acting():
        assert not JournalEntry.objects.exists()


def test_an_entry_that_is_not_balanced_is_not_even_tried(alpha):
    with alpha.acting():
        seen = visit()
        with pytest.raises(ValueError, match="not balanced"):
            JournalEntry.post(
                "payment", seen, Sum(Book.MONEY, Decimal(5), key="cash"), visit=seen, at=timezone.now(), by=None
            )


def raw_entry(seen: Visit, size: int = 2) -> JournalEntry:
    return JournalEntry.objects.create(kind="payment", source_id=uuid4(), visit=seen, at=timezone.now(), size=size)


def raw_line(entry: JournalEntry, book: str, key: str = "", **more: object) -> None:
    account = LedgerAccount.chart()[book, key]
    JournalLine(entry=entry, account=account, **more).save(force_insert=True)


@pytest.mark.parametrize("credit", ["9.99", "10.01", None])
def test_the_database_refuses_an_entry_that_is_not_balanced(alpha, credit):
    with alpha.acting():
        price("50")
        payment = take(visit(), "50")
    with pytest.raises(DatabaseError, match="is not balanced"), alpha.acting():
        entry = raw_entry(payment.visit)
        raw_line(entry, "money", "cash", debit=Decimal(10), payment=payment)
        if credit:
            raw_line(entry, "credit", credit=Decimal(credit), payment=payment)


def test_the_database_refuses_a_line_more_on_an_entry_that_is_written(alpha):
    with alpha.acting():
        price("50")
        payment = take(visit(), "50")
    with pytest.raises(DatabaseError, match="is not balanced"), alpha.acting():
        entry = JournalEntry.objects.get(kind="payment")
        raw_line(entry, "money", "cash", debit=Decimal(10), payment=payment)
        raw_line(entry, "credit", credit=Decimal(10), payment=payment)


def test_the_database_refuses_a_balanced_entry_for_which_nothing_happened(alpha):
    with alpha.acting():
        price("50")
        payment = take(visit(), "50")
    with pytest.raises(DatabaseError, match="does not say the same as payment"), alpha.acting():
        entry = raw_entry(payment.visit)
        raw_line(entry, "money", "cash", debit=Decimal(10), payment=payment)
        raw_line(entry, "credit", credit=Decimal(10), payment=payment)


@pytest.mark.parametrize("what", ["charge", "payment", "allocation", "discount", "amount", "waiver"])
def test_the_database_refuses_a_row_that_moves_money_without_its_entry(alpha, what):
    with alpha.acting():
        price("50")
        seen = visit()
        payment = take(seen, "20")
        first = seen.charges.get()
        fields = {"visit": seen, "patient_id": seen.patient_id}
    of_charge = {"kind": "test", "code": "X", "text": "X", "unit_price": 5, "amount": 5, "source_id": seen.pk}
    writes = {
        "charge": lambda: Charge.objects.create(**fields, **of_charge),
        "payment": lambda: Payment.objects.create(**fields, serial=99, amount=5, method="cash"),
        "allocation": lambda: Allocation.objects.create(payment=payment, charge=first, amount=-5),
        "discount": lambda: Discount.objects.create(charge=first, amount=5, reason="x"),
        "amount": lambda: Charge.objects.filter(pk=first.pk).update(amount=60, unit_price=60),
        "waiver": lambda: Charge.objects.filter(pk=first.pk).update(waived_at=timezone.now()),
    }
    with pytest.raises(DatabaseError, match="does not say the same"), alpha.acting():
        writes[what]()


@pytest.mark.parametrize("model", IMMUTABLE, ids=lambda model: model.__name__)
def test_nobody_changes_or_deletes_what_stands_in_the_ledger(alpha, model):
    with alpha.acting():
        price("50")
        a_history()
    table = model._meta.db_table
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="permission denied"), alpha.acting(), connection.cursor() as cursor:
            cursor.execute(statement)
        with (
            pytest.raises(DatabaseError, match="never changed or deleted"),
            transaction.atomic("owner"),
            connections["owner"].cursor() as cursor,
        ):
            cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(alpha.tenant.pk)])
            cursor.execute(statement.replace("id = id", "tenant_id = uuid7()"))


def test_the_currency_stays_once_money_is_booked(alpha, beta):
    with alpha.acting():
        price("50")
        visit()
    alpha.tenant.currency = "EUR"
    with pytest.raises(Refused, match="Money is booked in USD"), alpha.acting():
        alpha.tenant.save(update_fields=["currency"])
    with pytest.raises(DatabaseError, match="booked in USD already"), alpha.acting():
        type(alpha.tenant).objects.filter(pk=alpha.tenant.pk).update(currency="EUR")
    beta.tenant.currency = "EUR"
    with beta.acting():
        beta.tenant.save(update_fields=["currency"])


def test_the_other_hospital_sees_nothing_of_the_ledger(alpha, beta):
    with alpha.acting():
        price("50")
        a_history()
        assert JournalLine.objects.exists()
    with beta.acting("admin"):
        assert not any(model.objects.exists() for model in IMMUTABLE)


def verified(*slugs: str) -> str:
    out = StringIO()
    call_command("verify_ledger", *slugs, stdout=out)
    return out.getvalue()


def test_the_ledger_is_verified(alpha):
    with alpha.acting():
        price("50")
        a_history()
    assert verified(alpha.tenant.slug) == f"{alpha.tenant.slug}: 8 entries, no faults\n"


class as_owner:
    """In the tenant, with the triggers of these tables asleep: as if somebody had the keys of the database."""

    def __init__(self, house, *tables: str) -> None:
        self.house, self.tables = house, tables

    def __enter__(self):
        self.atomic = transaction.atomic("owner")
        self.atomic.__enter__()
        self.cursor = connections["owner"].cursor()
        self.cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(self.house.tenant.pk)])
        for table in self.tables:
            self.cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        return self.cursor

    def __exit__(self, *error) -> None:
        if error[0] is None:
            self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in self.tables:
                self.cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        self.atomic.__exit__(*error)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE billing_journalline SET debit = debit + 1 WHERE debit > 0", "out of balance"),
        ("UPDATE billing_charge SET amount = amount + 1, unit_price = unit_price + 1", "say different sums"),
        ("UPDATE billing_payment SET amount = amount + 1", "say different sums"),
        ("UPDATE billing_journalentry SET kind = 'payout' WHERE kind = 'payment'", "has no entry of the kind payment"),
        ("UPDATE billing_journalentry SET source_id = uuid7()", "has no charge"),
        ("UPDATE billing_journalentry SET size = 3", "2 of 3 lines"),
    ],
)
def test_what_somebody_forged_with_the_keys_of_the_database_is_found(alpha, beta, statement, words):
    with alpha.acting():
        price("50")
        take(visit(), "50")
    with beta.acting():
        price("50")
        take(visit(), "50")
    with as_owner(alpha, "billing_journalline", "billing_journalentry", "billing_charge", "billing_payment") as cursor:
        cursor.execute(statement)
    with alpha.acting():
        assert any(words in fault for fault in faults())
    with pytest.raises(CommandError, match="faults"):
        verified(alpha.tenant.slug)
    assert "no faults" in verified(beta.tenant.slug)


def test_rows_from_before_the_ledger_get_their_entries_once(alpha):
    """Emptied and written again from the rows, it says what it said."""
    with alpha.acting():
        price("50")
        seen = visit()
        take(seen, "30", "card")
        for number in (2, 3, 4):
            charge(seen, "8", sequence=number)
        seen.charges.get(sequence=2).cancel("Not done", by=None)
        take(seen, "23", "transfer")
        charge(seen, "40", sequence=5).waive("Hardship", by=None)
        seen.charges.get(sequence=5).cancel("Not done", by=None)
        seen.charges.get(sequence=3).cancel("Not done", by=None)
        seen.charges.get(sequence=4).waive("Hardship", by=None)
        before, kinds = sums(), sorted(JournalEntry.objects.values_list("kind", "source_id", "visit", "at", "by"))
    with as_owner(alpha, "billing_journalline", "billing_journalentry") as cursor:
        cursor.execute("DELETE FROM billing_journalline")
        cursor.execute("DELETE FROM billing_journalentry")
        for statement in BACKFILL * 2:
            cursor.execute(statement)
    with alpha.acting():
        assert sums() == before
        assert sorted(JournalEntry.objects.values_list("kind", "source_id", "visit", "at", "by")) == kinds
        assert list(faults()) == []

"""The stock: whatever comes or goes is a line of the ledger, and the ledger is the stock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import Error, connection, transaction

from clinical.days import today
from clinical.models import Batch, Medicine, PrescriptionLine, StockMove
from clinical.tests.dispensary import a_medicine, a_prescription, books_agree, in_days, received
from hospital.models import AuditEntry
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def kinds(medicine):
    return list(medicine.moves.order_by("at").values_list("kind", "quantity", "balance"))


def test_receiving_fills_a_batch_and_writes_the_ledger(alpha):
    with alpha.acting():
        medicine = a_medicine()
    with alpha.acting("pharmacy") as acting:
        batch = Batch.receive(
            medicine, lot=" A1 ", expires_on=in_days(90), quantity=50, by=acting.person, location="Shelf 2"
        )
        assert (batch.lot, batch.location, batch.on_hand) == ("A1", "Shelf 2", 50)
        again = Batch.receive(
            medicine, lot="A1", expires_on=in_days(90), quantity=20, by=acting.person, location="Shelf 2"
        )
        assert (again.pk, again.on_hand) == (batch.pk, 70)
        assert kinds(medicine) == [("receipt", 50, 50), ("receipt", 20, 70)]
        assert {move.by for move in medicine.moves.all()} == {acting.person}
        assert books_agree(medicine) == 70


def test_what_cannot_be_received_is_refused_in_words(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 10)
        for fields, words in (
            ({"quantity": 0}, "at least one"),
            ({"expires_on": in_days(-1)}, "has expired"),
            ({"expires_on": in_days(30)}, "here already and expires on"),
        ):
            with pytest.raises(Refused, match=words):
                Batch.receive(
                    medicine, **{"lot": "A1", "expires_on": in_days(400), "quantity": 5, "by": None, **fields}
                )
        assert books_agree(medicine) == 10


def test_writing_off_needs_a_reason_and_is_never_more_than_there_is(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        with pytest.raises(Refused, match="Say why"):
            batch.write_off(3, " ", by=None)
        with pytest.raises(Refused, match="has only 10"):
            batch.write_off(11, "Broken", by=None)
        batch.write_off(3, "Broken", by=None)
        assert kinds(medicine)[-1] == ("write_off", -3, 7)
        assert books_agree(medicine) == 7


def test_a_count_that_differs_says_why_and_one_that_agrees_is_written_too(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        with pytest.raises(Refused, match="The books say 10"):
            batch.count(8, by=None)
        assert batch.count(8, by=None, reason="Two are missing") == -2
        assert batch.count(8, by=None) == 0
        assert batch.count(9, by=None, reason="Found one") == 1
        with pytest.raises(Refused, match="fewer than none"):
            batch.count(-1, by=None, reason="Joke")
        assert kinds(medicine)[1:] == [("count", -2, 8), ("count", 0, 8), ("count", 1, 9)]
        assert books_agree(medicine) == 9


def test_a_transfer_leaves_one_shelf_and_arrives_on_the_other(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10, location="Store")
        other = batch.transfer(4, "Counter", by=None)
        assert (fresh(batch).on_hand, other.on_hand, other.lot, other.expires_on) == (6, 4, batch.lot, batch.expires_on)
        with pytest.raises(Refused, match="there already"):
            batch.transfer(1, "Store", by=None)
        with pytest.raises(Refused, match="has only 6"):
            batch.transfer(7, "Counter", by=None)
        assert books_agree(medicine) == 10


def test_a_locked_batch_stays_locked_on_another_shelf(alpha):
    with alpha.acting():
        batch = received(a_medicine(), 10)
        batch.set_state("quarantined", "Cold chain broken", by=None)
        assert batch.transfer(4, "Quarantine shelf", by=None).state == "quarantined"


def test_a_lock_needs_a_reason_and_can_be_lifted(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        with pytest.raises(Refused, match="Say why"):
            batch.set_state("recalled", "", by=None)
        batch.set_state("recalled", "Maker's letter", by=None)
        assert (fresh(batch).trouble, fresh(medicine).stock.usable, fresh(medicine).stock.locked) == ("recalled", 0, 10)
        batch.set_state("available", "Other lots were meant", by=None)
        assert fresh(medicine).stock.usable == 10


@pytest.mark.parametrize("role", ["reception", "checker_doctor", "lab_technician", "main_doctor", "billing"])
def test_only_the_pharmacy_changes_the_stock(alpha, role):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
    with alpha.acting(role) as acting:
        by = acting.person
        for verb in (
            lambda: Batch.receive(medicine, lot="Z", expires_on=in_days(9), quantity=1, by=by),
            lambda: batch.write_off(1, "Broken", by=by),
            lambda: batch.count(9, by=by, reason="Missing"),
            lambda: batch.transfer(1, "Elsewhere", by=by),
            lambda: batch.set_state("recalled", "Letter", by=by),
        ):
            with pytest.raises(PermissionDenied):
                verb()
        assert books_agree(medicine) == 10


# --- what the database itself refuses ---------------------------------------------------


def refused_by_the_database(work):
    with pytest.raises(Error), transaction.atomic():
        work()


def test_the_ledger_cannot_be_rewritten(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 10)
        move = medicine.moves.get()
        move.quantity = 99
        refused_by_the_database(move.save)
        refused_by_the_database(move.delete)
        refused_by_the_database(lambda: StockMove.objects.update(reason="Nothing happened"))
        assert kinds(medicine) == [("receipt", 10, 10)]


def test_only_the_ledger_changes_what_is_on_hand(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        refused_by_the_database(lambda: Batch.objects.filter(pk=batch.pk).update(on_hand=1000))
        refused_by_the_database(
            lambda: Batch.objects.create(medicine=medicine, lot="B", expires_on=in_days(9), on_hand=5)
        )
        refused_by_the_database(
            lambda: StockMove.objects.create(batch=batch, medicine=medicine, quantity=-11, kind="write_off")
        )
        assert books_agree(medicine) == 10


def test_a_move_of_another_medicine_or_another_hospital_is_refused(alpha, beta):
    with alpha.acting():
        medicine, other = a_medicine(), a_medicine("B")
        batch = received(medicine, 10)
        refused_by_the_database(
            lambda: StockMove.objects.create(batch=batch, medicine=other, quantity=1, kind="receipt")
        )
    with beta.acting():
        theirs = a_medicine()
        assert not Batch.objects.filter(pk=batch.pk).exists()
        refused_by_the_database(
            lambda: StockMove.objects.create(batch_id=batch.pk, medicine_id=medicine.pk, quantity=1, kind="receipt")
        )
        assert books_agree(theirs) == 0
    with alpha.acting():
        assert books_agree(medicine) == 10


def test_every_change_is_in_the_audit_log(alpha):
    with alpha.acting():
        medicine = a_medicine()
    with alpha.acting("pharmacy") as acting:
        batch = Batch.receive(medicine, lot="A1", expires_on=in_days(90), quantity=5, by=acting.person)
        lines = AuditEntry.objects.filter(table="clinical_batch", row_id=batch.pk, person_id=acting.person.pk)
        assert [(line.action, (line.after or {}).get("on_hand")) for line in lines.order_by("at")] == [
            ("insert", 0),
            ("update", 5),
        ]


# --- low and expiring -------------------------------------------------------------------


def test_a_medicine_is_low_when_the_usable_stock_reaches_its_threshold(alpha):
    with alpha.acting():
        medicine = a_medicine(low_at=5)
        batch = received(medicine, 10)
        assert fresh(medicine).low_since is None
        batch.write_off(4, "Broken", by=None)
        assert fresh(medicine).low_since is None
        batch.write_off(1, "Broken", by=None)
        since = fresh(medicine).low_since
        assert since is not None
        batch.write_off(1, "Broken", by=None)
        assert fresh(medicine).low_since == since
        received(medicine, 10)
        assert fresh(medicine).low_since is None
        batch.set_state("recalled", "Letter", by=None)
        assert fresh(medicine).low_since is not None


def test_the_stock_says_what_wants_attention(alpha):
    with alpha.acting():
        medicine = a_medicine(low_at=5)
        assert medicine.stock.states == [("out", "Out of stock")]
        received(medicine, 4, lot="S", days=20)
        assert fresh(medicine).stock.states == [("low", "Low"), ("expiring", "4 expiring")]
        received(medicine, 40, lot="L").set_state("quarantined", "To be checked", by=None)
        assert fresh(medicine).stock.states == [
            ("low", "Low"),
            ("expiring", "4 expiring"),
            ("quarantined", "40 locked"),
        ]
        received(medicine, 40, lot="M", days=300)
        stock = fresh(medicine).stock
        assert (stock.usable, stock.locked, stock.first_expiry) == (44, 40, in_days(20))


def test_the_screens_follow_every_move(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        versions = [fresh(medicine).version]
        for move in (
            lambda: received(medicine, 5),
            lambda: batch.write_off(1, "Broken", by=None),
            lambda: batch.count(14, by=None),
            lambda: batch.set_state("recalled", "Letter", by=None),
            lambda: batch.set_state("available", "Lifted", by=None),
            lambda: a_prescription((medicine, 1)).lines.get().dispense(1, by=None),
        ):
            move()
            versions.append(fresh(medicine).version)
        assert versions == sorted(set(versions))


def test_a_day_ends_where_the_hospital_stands():
    west, east = Hospital("West", time_zone="Pacific/Pago_Pago"), Hospital("East", time_zone="Pacific/Kiritimati")
    with west.acting():
        there = today()
    with east.acting():
        assert today() - there in (timedelta(days=1), timedelta(days=2))


# --- all at once ------------------------------------------------------------------------


def test_counting_receiving_and_dispensing_at_once_keeps_the_books(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 50)
        lines = [a_prescription((medicine, 2)).lines.get().pk for _ in range(10)]

    def work(number):
        try:
            with alpha.acting():
                if number % 3 == 0:
                    received(Medicine.objects.get(pk=medicine.pk), 3, lot=f"N{number}", days=number + 1)
                elif number % 3 == 1:
                    Batch.objects.get(pk=batch.pk).write_off(1, "Broken", by=None)
                else:
                    PrescriptionLine.objects.get(pk=lines[number // 3]).dispense(2, by=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as hands:
        list(hands.map(work, range(30)))
    with alpha.acting():
        assert books_agree(medicine) == 50 + 10 * 3 - 10 - 10 * 2


def test_what_was_recalled_cannot_be_moved_among_what_may_be_issued(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 10, location="Shelf")
        recalled = received(medicine, 10, location="Store")
        recalled.set_state("recalled", "Letter of the maker", by=None)
        with pytest.raises(Refused, match="available there, and recalled here"):
            recalled.transfer(4, "Shelf", by=None)
        assert fresh(medicine).stock.usable == 10

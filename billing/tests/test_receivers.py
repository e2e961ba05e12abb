from decimal import Decimal

import pytest

from billing.models import Account, Charge, Discount, Kind, Payment
from billing.tests.till import a_test, price, visit
from billing.verify import faults
from clinical.models import LabOrder, Prescription, PrescriptionLine, Visit
from clinical.tests.dispensary import COLD, a_medicine, load_codes, received
from hospital.workflow import moved


@pytest.fixture
def seen(alpha):
    """A paid visit in the laboratory, with one test of 8."""
    with alpha.acting():
        price("50")
        price("8", Kind.TEST, "GLU")
        row = visit()
        Payment.take(row, Decimal(50), method="cash", by=None)
        row.order_tests([a_test()], by=None)
        return row


def standing(row):
    row.refresh_from_db()
    account = Account(row)
    return row.payment, account.total, account.due, account.credit


def test_a_test_is_charged_when_it_is_ordered(alpha, seen):
    with alpha.acting():
        assert standing(seen) == ("partial", 58, 8, 0)
        assert seen.charges.get(kind=Kind.TEST).source_id == seen.lab_orders.get().pk


def test_a_cancelled_test_costs_nothing_and_its_money_is_the_patients_credit(alpha, seen):
    with alpha.acting():
        Payment.take(seen, Decimal(8), method="cash", by=None)
        seen.lab_orders.get().cancel("Wrong patient", by=None)
        assert standing(seen) == ("paid", 50, 0, 8)


def test_the_next_charge_takes_from_the_credit(alpha, seen):
    with alpha.acting():
        Payment.take(seen, Decimal(8), method="cash", by=None)
        seen.lab_orders.get().cancel("Wrong patient", by=None)
        seen.refresh_from_db()
        seen.order_tests([a_test("HB", "Haemoglobin")], by=None)
        charge = seen.charges.get(code="HB")
        assert charge.needs_price
        charge.set_price(Decimal(10), by=None)
        assert standing(seen) == ("partial", 60, 2, 0)


def test_a_rejected_specimen_is_not_paid_twice(alpha, seen):
    with alpha.acting():
        Payment.take(seen, Decimal(8), method="cash", by=None)
        order = seen.lab_orders.get()
        order.collect(by=None)
        order.reject(LabOrder.Rejection.values[0], by=None)
        assert standing(seen) == ("paid", 58, 0, 0)
        assert seen.charges.live().filter(kind=Kind.TEST).count() == 1


def test_a_visit_that_is_cancelled_before_the_examination_costs_nothing(alpha):
    with alpha.acting():
        price("50")
        row = visit()
        Payment.take(row, Decimal(50), method="cash", by=None)
        row.cancel("Mistake", by=None)
        assert standing(row) == ("unpaid", 0, 0, 50)


def test_somebody_who_leaves_after_the_examination_owes_the_consultation(alpha):
    with alpha.acting("checker_doctor"):
        price("50")
        row = visit()
        row.override_gate("Emergency", by=alpha.checker_doctor)
        row.examine(by=alpha.checker_doctor, symptoms="", findings="", vitals={})
    with alpha.acting():
        row.leave("Went home", by=None)
        assert standing(row) == ("unpaid", 50, 50, 0)


def test_medicines_are_charged_as_they_are_issued_in_parts(alpha):
    load_codes()
    with alpha.acting():
        price("50")
        price("0.25", Kind.MEDICINE, "PARA")
        medicine = a_medicine("PARA")
        received(medicine, 100)
        row = visit()
        Payment.take(row, Decimal(50), method="cash", by=None)
        row.examine(by=None, symptoms="", findings="", vitals={})
        row.diagnose(by=None, diagnoses=[{"code": COLD}])
        prescription = Prescription.write(
            row, [{"medicine": medicine, "quantity": 20, "dose": "1 tablet", "frequency": "twice a day"}], by=None
        )
        prescription.sign(by=None)
        line = prescription.lines.get()
        line.dispense(8, by=None, reason="The rest comes tomorrow")
        line.dispense(12, by=None)
        charges = list(row.charges.filter(kind=Kind.MEDICINE).values_list("quantity", "amount", "sequence"))
        assert charges == [(8, Decimal("2.00"), 1), (12, Decimal("3.00"), 2)]
        assert standing(row) == ("partial", 55, 5, 0)
        assert row.status == Visit.Status.DONE


def dispensed(alpha, *parts: int) -> PrescriptionLine:
    """So many pieces of 0.25 each, paid as a whole with the consultation."""
    load_codes()
    price("50")
    price("0.25", Kind.MEDICINE, "PARA")
    medicine, row = a_medicine("PARA"), visit()
    received(medicine, 100)
    Payment.take(row, Decimal(50), method="cash", by=None)
    row.examine(by=None, symptoms="", findings="", vitals={})
    row.diagnose(by=None, diagnoses=[{"code": COLD}])
    asked = {"medicine": medicine, "quantity": sum(parts), "dose": "1 tablet", "frequency": "twice a day"}
    prescription = Prescription.write(row, [asked], by=None)
    prescription.sign(by=None)
    line = prescription.lines.get()
    for part in parts:
        line.dispense(part, by=None, reason="In parts")
    return line


def test_what_is_brought_back_is_not_owed_or_is_the_patients_credit(alpha):
    with alpha.acting():
        line = dispensed(alpha, 8, 12)
        seen = line.prescription.visit
        batch = line.moves.first().batch
        line.take_back(2, batch, "Too many", by=None)
        assert standing(seen) == ("partial", 55, Decimal("4.50"), 0)
        Payment.take(seen, Decimal("4.50"), method="cash", by=None)
        line.take_back(12, batch, "Does not help", by=None)
        assert standing(seen) == ("paid", 52, 0, 3)
        assert [row.rest + row.allocated for row in Account(seen).charges] == [50, Decimal("1.50"), 0]
        line.take_back(6, batch, "Nor these", by=None)
        assert standing(seen) == ("paid", 50, 0, Decimal("4.50"))
        assert list(faults()) == []


def test_what_is_brought_back_after_a_discount_gives_back_what_was_asked_for_it(alpha):
    with alpha.acting():
        line = dispensed(alpha, 20)
        seen = line.prescription.visit
        Discount.give(seen, Decimal("2.50"), "Staff", by=None)
        line.take_back(10, line.moves.first().batch, "Too many", by=None)
        assert standing(seen) == ("partial", 55, Decimal("1.25"), 0)


def test_work_whose_charge_cannot_be_written_is_undone(alpha):
    """The move and its charge are one: a receiver that raises takes both back."""

    def broken(**kwargs):
        raise RuntimeError("The till is on fire.")

    with alpha.acting():
        price("50")
    moved.connect(broken, sender=Visit)
    try:
        with pytest.raises(RuntimeError, match="on fire"), alpha.acting():
            visit()
    finally:
        moved.disconnect(broken, sender=Visit)
    with alpha.acting():
        assert (Visit.objects.count(), Charge.objects.count()) == (0, 0)

"""Dispensing: whole, in parts or not at all, from which batches, and at several counters at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from clinical.models import Prescription, PrescriptionLine, Visit
from clinical.tests.dispensary import (
    a_diagnosed_visit,
    a_medicine,
    a_prescription,
    books_agree,
    in_days,
    only_line,
    received,
)
from clinical.tests.wards import fresh
from hospital.models import Tenant
from hospital.workflow import Refused, moved

P, L = Prescription.Status, PrescriptionLine.Status


def test_dispensing_everything_makes_the_visit_done_by_itself(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        prescription = a_prescription((medicine, 20))
    with alpha.acting("pharmacy") as acting:
        only_line(prescription).dispense(20, by=acting.person)
        prescription, line = fresh(prescription), only_line(prescription)
        assert (prescription.status, line.status, line.dispensed) == (P.DISPENSED, L.DISPENSED, 20)
        assert (line.settled_by, prescription.ended_at is not None) == (acting.person, True)
        assert prescription.visit.status == Visit.Status.DONE
        assert books_agree(medicine) == 80


def test_a_part_keeps_the_prescribed_quantity_and_says_why(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        prescription = a_prescription((medicine, 20))
        line = only_line(prescription)
        with pytest.raises(Refused, match="Say why only 5 are issued") as refused:
            line.dispense(5, by=None)
        assert refused.value.field == "reason"
        line.dispense(5, by=None, reason="Patient carries only five")
        line = fresh(line)
        assert (line.quantity, line.dispensed, line.outstanding, line.status) == (20, 5, 15, L.PARTIAL)
        assert line.short_reason == "Patient carries only five"
        assert fresh(prescription).status == P.DISPENSING
        assert fresh(prescription.visit).status == Visit.Status.DIAGNOSED
        line.dispense(15, by=None)
        assert (fresh(line).status, fresh(prescription).status) == (L.DISPENSED, P.DISPENSED)
        assert fresh(prescription.visit).status == Visit.Status.DONE


def test_each_part_is_told_to_who_listens(alpha):
    told = []

    def listen(instance, before, after, **kwargs):
        told.append((before, after, instance.dispensed))

    moved.connect(listen, sender=PrescriptionLine)
    try:
        with alpha.acting():
            medicine = a_medicine()
            received(medicine, 100)
            line = only_line(a_prescription((medicine, 9)))
            line.dispense(3, by=None, reason="a part")
            line.dispense(3, by=None, reason="another part")
            line.dispense(3, by=None)
    finally:
        moved.disconnect(listen, sender=PrescriptionLine)
    assert told == [
        ("", "pending", 0),
        ("pending", "partial", 3),
        ("partial", "partial", 6),
        ("partial", "dispensed", 9),
    ]


def test_declining_the_rest_settles_what_was_partly_issued(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 5)
        prescription = a_prescription((medicine, 20))
        line = only_line(prescription)
        line.dispense(5, by=None, reason="No more in stock")
        line.decline("No more in stock", by=None)
        line = fresh(line)
        assert (line.status, line.dispensed, line.decline_reason) == (L.DECLINED, 5, "No more in stock")
        assert line.outcome == "Partly dispensed, rest declined"
        assert (fresh(prescription).status, fresh(prescription.visit).status) == (P.PARTLY, Visit.Status.DONE)


def test_declining_everything_needs_a_reason_and_ends_the_visit(alpha):
    with alpha.acting():
        prescription = a_prescription((a_medicine(), 20))
        line = only_line(prescription)
        with pytest.raises(Refused, match="Say why"):
            line.decline(" ", by=None)
        line.decline("Patient has some at home", by=None)
        assert (fresh(line).status, fresh(prescription).status) == (L.DECLINED, P.DECLINED)
        assert fresh(prescription.visit).status == Visit.Status.DONE


def test_the_visit_is_done_only_when_the_last_line_is_settled(alpha):
    with alpha.acting():
        first, second = a_medicine("A"), a_medicine("B", name="Ibuprofen")
        received(first, 100)
        prescription = a_prescription((first, 10), (second, 10))
        one, two = prescription.lines.all()
        one.dispense(10, by=None)
        assert (fresh(prescription).status, fresh(prescription.visit).status) == (P.DISPENSING, "diagnosed")
        two.decline("Not in stock", by=None)
        assert (fresh(prescription).status, fresh(prescription.visit).status) == (P.PARTLY, "done")


def test_a_second_prescription_keeps_the_visit_open(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        visit = a_diagnosed_visit()
        first, second = (a_prescription((medicine, 5), visit=visit) for _ in range(2))
        only_line(first).dispense(5, by=None)
        assert fresh(visit).status == "diagnosed"
        only_line(second).dispense(5, by=None)
        assert fresh(visit).status == "done"


def test_dispense_all_settles_every_line_at_once(alpha):
    with alpha.acting():
        medicines = [a_medicine(code) for code in "ABC"]
        for medicine in medicines:
            received(medicine, 10)
        prescription = a_prescription(*((medicine, 4) for medicine in medicines))
    with alpha.acting("pharmacy") as acting:
        prescription.dispense_all(by=acting.person)
        assert fresh(prescription).status == P.DISPENSED
        assert [books_agree(medicine) for medicine in medicines] == [6, 6, 6]


def test_dispense_all_is_all_or_nothing(alpha):
    with alpha.acting():
        there, missing = a_medicine("A"), a_medicine("B")
        received(there, 10)
        prescription = a_prescription((there, 4), (missing, 4))
        with pytest.raises(Refused, match="Nothing of"):
            prescription.dispense_all(by=None)
        assert books_agree(there) == 10
        assert fresh(prescription).status == P.ACTIVE


def test_more_than_prescribed_or_less_than_one_is_refused(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        line = only_line(a_prescription((medicine, 10)))
        for quantity, words in ((11, "Only 10"), (0, "at least one"), (-3, "at least one")):
            with pytest.raises(Refused, match=words):
                line.dispense(quantity, by=None, reason="because")
        assert books_agree(medicine) == 100


def test_what_is_settled_or_not_signed_is_not_dispensed(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        with pytest.raises(Refused, match="is draft"):
            only_line(a_prescription((medicine, 1), signed=False)).dispense(1, by=None)
        other = a_medicine("B")
        prescription = a_prescription((medicine, 1), (other, 1))
        line = prescription.lines.first()
        line.dispense(1, by=None)
        with pytest.raises(Refused, match="dispensed already"):
            line.dispense(1, by=None)
        with pytest.raises(Refused, match="dispensed already"):
            line.decline("Too late", by=None)


def test_a_prescription_is_valid_for_ninety_days(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        prescription = a_prescription((medicine, 1))
        prescription.prescribed_at = timezone.now() - timedelta(days=91)
        prescription.save()
        with pytest.raises(Refused, match="older than 90 days"):
            only_line(prescription).dispense(1, by=None)


@pytest.mark.parametrize("role", ["reception", "checker_doctor", "lab_technician", "main_doctor", "billing"])
def test_only_the_pharmacy_dispenses_and_declines(alpha, role):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        line = only_line(a_prescription((medicine, 10)))
    with alpha.acting(role) as acting:
        for verb in (lambda: line.dispense(10, by=acting.person), lambda: line.decline("No", by=acting.person)):
            with pytest.raises(PermissionDenied):
                verb()
        assert books_agree(medicine) == 100
        assert fresh(line).status == L.PENDING


def test_the_payment_gate_holds_the_first_piece_back(alpha):
    alpha.tenant.require_payment_before = Tenant.Gate.PHARMACY
    with alpha.acting():
        alpha.tenant.save()
        medicines = [a_medicine(code) for code in "AB"]
        for medicine in medicines:
            received(medicine, 10)
        visit = a_diagnosed_visit(paid=False)
        visit.set_payment(Visit.Payment.UNPAID)
        prescription = a_prescription(*((medicine, 1) for medicine in medicines), visit=visit)
        with pytest.raises(Refused, match="not paid"):
            prescription.lines.first().dispense(1, by=None)
        prescription.lines.first().decline("Not wanted", by=None)
        fresh(visit).override_gate("Child with fever", by=None)
        prescription.lines.last().dispense(1, by=None)
        assert fresh(prescription).status == P.PARTLY


# --- batches ----------------------------------------------------------------------------


def test_what_expires_first_goes_first(alpha):
    with alpha.acting():
        medicine = a_medicine()
        late, soon, middle = (
            received(medicine, 10, lot=lot, days=days) for lot, days in (("L", 300), ("S", 30), ("M", 100))
        )
        moves = only_line(a_prescription((medicine, 25))).dispense(25, by=None)
        assert [(move.batch, move.quantity) for move in moves] == [(soon, -10), (middle, -10), (late, -5)]
        assert books_agree(medicine) == 5


def test_expired_recalled_and_quarantined_is_never_issued(alpha):
    with alpha.acting():
        medicine = a_medicine()
        good, recalled, quarantined = (received(medicine, 10, lot=lot, days=50) for lot in ("G", "R", "Q"))
        expired = received(medicine, 10, lot="E", days=0)
        expired.expires_on = in_days(-1)
        expired.save(update_fields=["expires_on"])
        recalled.set_state("recalled", "Maker's letter", by=None)
        quarantined.set_state("quarantined", "Cold chain broken", by=None)
        assert medicine.usable_batches() == [good]
        line = only_line(a_prescription((medicine, 11)))
        with pytest.raises(Refused, match="Only 10 of"):
            line.dispense(11, by=None)
        for batch, words in ((expired, "expired"), (recalled, "recalled"), (quarantined, "quarantined")):
            with pytest.raises(Refused, match=words):
                line.dispense(5, by=None, batch=batch, reason="I want this one")
        assert books_agree(medicine) == 40


def test_the_day_of_expiry_is_the_last_good_one(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 10, days=0)
        assert only_line(a_prescription((medicine, 3))).dispense(3, by=None)


def test_another_batch_than_the_first_needs_a_reason(alpha):
    with alpha.acting():
        medicine = a_medicine()
        soon, late = received(medicine, 10, lot="S", days=30), received(medicine, 10, lot="L", days=300)
        line = only_line(a_prescription((medicine, 4)))
        with pytest.raises(Refused, match="Lot S expires first"):
            line.dispense(4, by=None, batch=late)
        moves = line.dispense(4, by=None, batch=late, reason="Long journey")
        assert [(move.batch, move.reason) for move in moves] == [(late, "Long journey")]
        assert only_line(a_prescription((medicine, 4))).dispense(4, by=None, batch=soon)


def test_a_batch_of_another_medicine_is_not_offered(alpha):
    with alpha.acting():
        medicine, other = a_medicine(), a_medicine("B")
        received(medicine, 10)
        foreign = received(other, 10)
        with pytest.raises(Refused, match="cannot be issued"):
            only_line(a_prescription((medicine, 4))).dispense(4, by=None, batch=foreign, reason="Looks the same")


def test_what_comes_back_goes_into_its_batch_and_never_more_than_was_issued(alpha):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 10)
        line = only_line(a_prescription((medicine, 6)))
        line.dispense(6, by=None)
        line.take_back(2, batch, "Rash after the first", by=None)
        with pytest.raises(Refused, match="Only 4 were issued"):
            line.take_back(5, batch, "All of it", by=None)
        assert (fresh(line).returned, fresh(line).dispensed, books_agree(medicine)) == (2, 6, 6)


# --- all at once ------------------------------------------------------------------------


def test_two_hundred_dispenses_of_a_hundred_pieces_give_exactly_a_hundred(alpha):
    """Ten counters, each with twenty patients who want one piece: five batches of twenty are in stock."""
    with alpha.acting():
        medicine = a_medicine()
        batches = [received(medicine, 20, lot=f"L{days}", days=days) for days in (50, 10, 40, 20, 30)]
        lines = [only_line(a_prescription((medicine, 1))).pk for _ in range(200)]

    def counter(mine):
        try:
            return sum(dispensed_one(alpha, pk) for pk in mine)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as counters:
        given = list(counters.map(counter, [lines[start::10] for start in range(10)]))
    assert sum(given) == 100
    with alpha.acting():
        assert books_agree(medicine) == 0
        assert all(fresh(batch).on_hand == 0 for batch in batches)
        issued = medicine.moves.filter(kind="dispense").order_by("at").values_list("batch__lot", flat=True)
        assert list(issued) == [f"L{days}" for days in (10, 20, 30, 40, 50) for _ in range(20)]
        assert PrescriptionLine.objects.filter(status=L.DISPENSED).count() == 100
        assert Visit.objects.filter(status="done").count() == 100


def test_two_counters_with_the_same_prescription_dispense_it_once(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        line = only_line(a_prescription((medicine, 10))).pk

    def counter(_):
        try:
            return dispensed_one(alpha, line, 10)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as counters:
        assert sum(counters.map(counter, range(8))) == 1
    with alpha.acting():
        assert books_agree(medicine) == 90


def dispensed_one(hospital, pk, quantity=1) -> bool:
    try:
        with hospital.acting():
            PrescriptionLine.objects.get(pk=pk).dispense(quantity, by=None)
        return True
    except Refused:
        return False

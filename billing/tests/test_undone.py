"""The laboratory goes on whatever was claimed: what was not done is told to the claim, and never owed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing import remitting
from billing.claims import correcting, scrubber, sending
from billing.models import Book, Charge, Claim, Kind, Payment, ProcedureCode
from billing.models.invoice import billable
from billing.tests.claims import a_claim, furnish, ready
from billing.tests.remittances import backwards, decided, line, loaded, posted, send, taken
from billing.tests.test_remittance import euros, on, standing
from billing.tests.till import a_test, price
from billing.x12.remittance import PaidClaim
from clinical.models import LabOrder, Visit
from hospital.tests.hospital import Hospital

S = Claim.Status
HAEMOLYSED = LabOrder.Rejection.HAEMOLYSED


@pytest.fixture
def clinic(alpha: Hospital) -> Hospital:
    furnish(alpha)
    with alpha.acting("billing"):
        price("40.00", Kind.TEST, "GLU")
        ProcedureCode.objects.create(kind=Kind.TEST, code="GLU", procedure="82947")
    return alpha


def with_a_test(clinic: Hospital, *, status: str) -> tuple[Claim, LabOrder]:
    """A claim of a consultation (100.00) and of a test (40.00), which has come as far as `status`."""
    claim = a_claim(clinic)
    with clinic.acting():
        visit = Visit.objects.get(pk=claim.visit_id)
        (order,) = visit.order_tests([a_test()], by=None, reason="To be sure")
        order.collect(by=None)
        if status == "resulted":
            order.receive(by=None)
            order.enter_result("5", by=None)
    return claim, order


def sent(clinic: Hospital) -> tuple[Claim, LabOrder]:
    """As it was done when nobody asked whether the test was: the result came only to be taken back."""
    claim, order = with_a_test(clinic, status="resulted")
    claim = send(clinic, claim)
    with clinic.acting():
        order.move_to(LabOrder.Status.RECEIVED, by=None)
    return claim, order


def reject(clinic: Hospital, order: LabOrder) -> None:
    with clinic.acting("lab_technician") as acting:
        LabOrder.objects.get(pk=order.pk).reject(HAEMOLYSED, by=acting.person)


def charge_of(order: LabOrder) -> Charge:
    return Charge.objects.get(source_id=order.pk)


def post_all(clinic: Hospital, claim: Claim, *said: PaidClaim) -> None:
    row = taken(clinic, *said)
    with clinic.acting("billing") as acting:
        for heard in row.claims.unmatched():
            remitting.match(heard, Claim.objects.get(pk=claim.pk), by=acting.person)
        remitting.post(row, by=acting.person)


def test_a_test_without_a_result_holds_the_claim_back(clinic: Hospital) -> None:
    claim, order = with_a_test(clinic, status="collected")
    with clinic.acting("billing") as acting:
        found = scrubber.scrub(claim, by=acting.person)
        assert [(one.rule, one.level) for one in found if one.is_error] == [("not_done", "error")]
    with clinic.acting():
        order.receive(by=None)
        order.enter_result("5", by=None)
    with clinic.acting("billing") as acting:
        assert not [one for one in scrubber.scrub(claim, by=acting.person) if one.is_error]


def test_a_specimen_is_rejected_though_its_test_is_on_a_claim(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    reject(clinic, order)
    with clinic.acting("billing"):
        order.refresh_from_db()
        assert order.status == LabOrder.Status.REJECTED and order.recollections.exists()
        assert list(Claim.objects.undone()) == [claim]
        assert "Glucose" in claim.steps.order_by("-at", "-pk")[0].words
    shown = clinic.client("billing").get(f"{clinic.url}/claims/?show=undone").content.decode()
    assert claim.number in shown
    page = clinic.client("billing").get(f"{clinic.url}/claims/{claim.pk}/").content.decode()
    assert "Glucose is not charged after all" in page and "when the payer has answered" in page
    assert (
        "Claims with something that was not done"
        in clinic.client("billing").get(f"{clinic.url}/claims-desk/").content.decode()
    )


def test_the_correction_leaves_it_out_and_nobody_owes_it(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    with clinic.acting():
        LabOrder.objects.get(pk=order.pk).cancel("Wrong patient", by=None)
    posted(clinic, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", CO16="40.00")))
    assert standing(clinic, claim) == (S.PARTIALLY_PAID, *euros("0.00", "40.00"))
    with clinic.acting("billing") as acting:
        correcting.correct(Claim.objects.get(pk=claim.pk), "Not done", by=acting.person)
    again = send(clinic, loaded(clinic, claim))
    assert [one.procedure for one in again.current.ours] == ["99213"]
    assert standing(clinic, claim) == (S.SUBMITTED, *euros("0.00", "0.00"))
    with clinic.acting("billing"):
        assert charge_of(order).cancelled_at and not Claim.objects.undone().exists()


def test_a_payer_that_paid_for_it_takes_its_money_back_first(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "30.00", CO45="5.00", PR2="5.00"))
    posted(clinic, said)
    again = corrected_without(clinic, claim, order)
    with clinic.acting("billing"):
        assert charge_of(order).cancelled_at is None
    post_all(clinic, claim, backwards(said))
    posted(clinic, decided(again, line(again, 1, "100.00")))
    assert standing(clinic, claim) == (S.PAID, *euros("0.00", "0.00"))
    with clinic.acting("billing"):
        assert charge_of(order).cancelled_at is not None


def test_a_claim_that_was_made_void_leaves_no_debt_for_it(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    with clinic.acting():
        LabOrder.objects.get(pk=order.pk).cancel("Wrong patient", by=None)
    posted(
        clinic, decided(claim, line(claim, 1, "0.00", CO16="100.00"), line(claim, 2, "0.00", CO16="40.00"), status="4")
    )
    with clinic.acting("billing") as acting:
        correcting.correct(Claim.objects.get(pk=claim.pk), "Never was", by=acting.person, void=True)
    claim = send(clinic, loaded(clinic, claim))
    assert [one.procedure for one in claim.current.ours] == ["99213", "82947"], "a void says what was sent"
    with clinic.acting("billing") as acting:
        correcting.confirm_void(Claim.objects.get(pk=claim.pk), by=acting.person)
    assert standing(clinic, claim) == (S.VOIDED, *euros("100.00", "0.00"))
    with clinic.acting("billing"):
        assert charge_of(order).cancelled_at is not None


def test_a_claim_that_is_ready_is_taken_back_before_it_goes_out(clinic: Hospital) -> None:
    claim, order = with_a_test(clinic, status="resulted")
    ready(clinic, claim)
    with clinic.acting("billing") as acting:
        (batch,) = sending.submit([claim], by=acting.person)
    with clinic.acting():
        order.move_to(LabOrder.Status.RECEIVED, by=None)
    reject(clinic, order)
    assert sending.write(clinic.tenant, batch.pk) == "failed"
    with clinic.acting("billing") as acting:
        claim = Claim.objects.get(pk=claim.pk)
        assert claim.status == S.DRAFT and charge_of(order).cancelled_at is not None
        found = scrubber.scrub(claim, by=acting.person)
        assert claim.amount == Decimal("140.00"), "the repeated test stands there instead"
        assert [one.rule for one in found if one.is_error] == ["not_done"]


def test_what_was_left_to_the_patient_for_it_is_not_owed_any_more(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    posted(clinic, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PR1="40.00")))
    assert standing(clinic, claim) == (S.PAID, *euros("40.00", "0.00"))
    with clinic.acting():
        LabOrder.objects.get(pk=order.pk).cancel("Wrong patient", by=None)
    assert standing(clinic, claim) == (S.PAID, *euros("0.00", "0.00"))


# --- what is cancelled, and the payer has still --------------------------------------------------


def paid_before(clinic: Hospital, amount: str = "140.00") -> tuple[Claim, LabOrder]:
    """A house where the patient pays first: the insurer is asked for what is left."""
    claim, order = with_a_test(clinic, status="resulted")
    with clinic.acting("reception") as acting:
        Payment.take(claim.visit, Decimal(amount), method="card", by=acting.person)
    return send(clinic, claim), order


def test_what_a_payer_pays_for_a_cancelled_charge_is_too_much_and_holds_up_no_other(clinic: Hospital) -> None:
    claim, order = paid_before(clinic)
    with clinic.acting():
        order.move_to(LabOrder.Status.RECEIVED, by=None)
        LabOrder.objects.get(pk=order.pk).cancel("Another patient's", by=None)
        assert charge_of(order).cancelled_at is not None
    other = send(clinic, a_claim(clinic))
    row = posted(
        clinic,
        decided(claim, line(claim, 1, "0.00", PR1="100.00"), line(claim, 2, "30.00", CO45="5.00", PR2="5.00")),
        decided(other, line(other, 1, "100.00")),
    )
    assert standing(clinic, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert standing(clinic, other) == (S.PAID, *euros("0.00", "0.00"))
    with clinic.acting("billing"):
        assert not row.claims.unmatched().exists()
        assert -on(Book.UNAPPLIED) == Decimal("30.00")


def corrected_without(clinic: Hospital, claim: Claim, order: LabOrder) -> Claim:
    """The test is cancelled, and the claim is sent again without it."""
    with clinic.acting():
        LabOrder.objects.get(pk=order.pk).cancel("Wrong patient", by=None)
    with clinic.acting("billing") as acting:
        correcting.correct(Claim.objects.get(pk=claim.pk), "Not done", by=acting.person)
    return send(clinic, loaded(clinic, claim))


def test_what_is_reversed_of_a_cancelled_charge_is_nobodys(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PR1="40.00"))
    posted(clinic, said)
    again = corrected_without(clinic, claim, order)
    post_all(clinic, claim, backwards(said), decided(again, line(again, 1, "100.00")))
    assert standing(clinic, claim) == (S.PAID, *euros("0.00", "0.00"))
    with clinic.acting("billing"):
        assert on(Book.UNAPPLIED) == 0


def test_what_the_payer_paid_in_part_and_refused_in_part_is_asked_of_no_patient(clinic: Hospital) -> None:
    claim, order = sent(clinic)
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "10.00", CO16="30.00"))
    posted(clinic, said)
    again = corrected_without(clinic, claim, order)
    assert standing(clinic, claim)[1:] == euros("0.00", "30.00"), "until the payer takes back its ten"
    with clinic.acting("billing"):
        assert charge_of(order) not in billable(claim.patient)
    post_all(clinic, claim, backwards(said), decided(again, line(again, 1, "100.00")))
    with clinic.acting("billing"):
        assert charge_of(order).cancelled_at is not None
    assert standing(clinic, claim) == (S.PAID, *euros("0.00", "0.00"))

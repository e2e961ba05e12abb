"""What a payer says of a claim that was corrected: each version has its own amount, and a reversal comes before its correction."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from billing import booking_again, remitting
from billing.claims import correcting
from billing.models import Book, Claim, Kind, ProcedureCode, Purse, RemittanceClaim
from billing.tests.remittances import backwards, decided, line, loaded, posted, send, sent, taken
from billing.tests.test_decided_again import unapplied
from billing.tests.test_remittance import euros, on, standing
from billing.tests.till import charge
from billing.x12.remittance import PaidClaim
from clinical.models import Visit
from hospital.tests.hospital import Hospital

S, State = Claim.Status, RemittanceClaim.Status


def corrected(alpha: Hospital) -> tuple[Claim, PaidClaim, PaidClaim]:
    """Of a hundred, and paid; then of forty more. With what the payer said first, and what it says of the correction."""
    claim = sent(alpha)
    first = decided(claim, line(claim, 1, "100.00"))
    posted(alpha, first)
    with alpha.acting("billing") as acting:
        ProcedureCode.objects.create(kind=Kind.TEST, code="X2", procedure="85022")
        charge(Visit.objects.get(pk=claim.visit_id), "40.00", code="X2")
        correcting.correct(Claim.objects.get(pk=claim.pk), "One line more", by=acting.person)
    again = send(alpha, loaded(alpha, claim))
    return again, first, decided(again, line(again, 1, "100.00"), line(again, 2, "40.00"))


def test_a_deposit_stays_on_what_the_correction_leaves_to_the_patient_again(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", PR2="20.00"))
    posted(alpha, said)
    with alpha.acting("reception"):
        Purse.take(claim.patient, Decimal("20.00"), [claim.visit_id], method="card", by=None)
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "85.00", PR2="15.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert -on(Book.DEPOSITS) == Decimal("5.00"), "what is not owed any more, and no more"


def lost(said: PaidClaim) -> PaidClaim:
    """Its reversal, which names the claim by the payer's number alone, and so no version."""
    return replace(backwards(said), control_number="X-9")


def test_the_version_before_is_taken_back_and_the_correction_is_paid(alpha: Hospital) -> None:
    claim, first, second = corrected(alpha)
    row = posted(alpha, backwards(first), second)
    with alpha.acting("billing"):
        assert [one.status for one in row.claims.all()] == [State.POSTED, State.POSTED]
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert unapplied(alpha) == 0


def test_a_correction_waits_for_its_reversal_and_is_posted_with_it(alpha: Hospital) -> None:
    claim, first, second = corrected(alpha)
    row = posted(alpha, lost(first), second)
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "40.00")), "nothing of it is booked alone"
    with alpha.acting("billing") as acting:
        reversal, correction = row.claims.unmatched()
        assert correction.why == "Match its reversal first."
        remitting.match(reversal, Claim.objects.get(pk=claim.pk), by=acting.person)
        correction.refresh_from_db()
        assert correction.status == State.POSTED
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert unapplied(alpha) == 0


def test_the_preview_says_that_a_correction_waits(alpha: Hospital) -> None:
    _, first, second = corrected(alpha)
    row = taken(alpha, lost(first), second)
    shown = alpha.client("billing").get(f"{alpha.url}/remittances/{row.pk}/").content.decode()
    assert "Match its reversal first." in shown
    with alpha.acting("billing") as acting:
        remitting.leave(row.claims.unmatched().get(), "It is a mistake", by=acting.person)
    shown = alpha.client("billing").get(f"{alpha.url}/remittances/{row.pk}/").content.decode()
    assert "Match its reversal first." not in shown, "what is none of ours holds up nothing"


def test_of_what_is_booked_in_part_the_rest_is_booked_once(alpha: Hospital) -> None:
    claim = sent(alpha)
    first = decided(claim, line(claim, 1, "70.00", PI16="30.00"))
    posted(alpha, first)
    second = decided(claim, line(claim, 1, "90.00", CO45="10.00"))
    row = posted(alpha, second)
    assert unapplied(alpha) == Decimal("60.00"), "thirty were due"
    posted(alpha, backwards(first))
    with alpha.acting("billing") as acting:
        assert booking_again.book_again(row.claims.get(), by=acting.person).paid == Decimal("60.00")
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert unapplied(alpha) == 0
    posted(alpha, backwards(second))
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "100.00")), "both parts go back"
    assert unapplied(alpha) == 0

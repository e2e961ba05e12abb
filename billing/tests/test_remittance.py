"""What payers pay: matched, posted once, balanced to the cent, and nothing of it the patient's that is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from billing import remitting, verify
from billing.likely import likely
from billing.models import Account, Book, Claim, Denial, JournalLine, PayerMove, Remittance, RemittanceClaim
from billing.posting import plans
from billing.tests.remittances import (
    SECOND,
    backwards,
    decided,
    line,
    posted,
    remittance,
    sent,
    sent_on,
    taken,
    with_copay,
)
from billing.x12.remittance import ProviderAdjustment
from clinical.models import Visit
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused

S = Claim.Status


def on(*books: str) -> Decimal:
    """Debits less credits."""
    return JournalLine.objects.on(*books).net()


def standing(hospital: Hospital, claim: Claim) -> tuple[str, Decimal, Decimal]:
    """The claim's status, what the patient owes, and what the payer owes."""
    with hospital.acting("billing"):
        assert list(verify.faults()) == []
        claim = Claim.objects.get(pk=claim.pk)
        account = Account(Visit.objects.get(pk=claim.visit_id))
        assert account.visit.payment == account.payment
        return claim.status, account.due, PayerMove.objects.filter(claim=claim).rest()


def euros(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


def test_what_is_claimed_is_the_payers_and_no_more_the_patients(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "140.00"))
    with alpha.acting("billing"):
        assert Account(claim.visit).payment == "paid"


def test_a_rejected_claim_is_the_patients_account_again(alpha: Hospital) -> None:
    claim = sent(alpha)
    with alpha.acting("billing"):
        claim.go(S.REJECTED, by=None)
    assert standing(alpha, claim) == (S.REJECTED, *euros("100.00", "0.00"))


def test_only_the_group_pr_becomes_the_patients(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    posted(
        alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), line(claim, 2, "30.00", CO45="10.00"))
    )
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))
    with alpha.acting("billing"):
        assert on(Book.MONEY) == Decimal("90.00")
        assert on(Book.CONTRACTUAL) == Decimal("30.00")
        assert on(Book.UNAPPLIED) == 0


def test_a_denial_writes_nothing_off_and_asks_the_patient_for_nothing(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO50="100.00"), status="4"))
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))
    with alpha.acting("billing"):
        denial = Denial.objects.get()
        assert (denial.amount, denial.category, denial.codes) == (Decimal("100.00"), "medical_necessity", ["50"])


def test_a_contractual_code_on_a_denied_line_is_not_let_go(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO45="100.00"), status="4"))
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))


def test_a_claim_that_is_paid_in_part_keeps_the_rest_as_a_denial(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    posted(alpha, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", CO16="40.00")))
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("0.00", "40.00"))
    with alpha.acting("billing"):
        assert Denial.objects.get().amount == Decimal("40.00")


def test_what_the_patient_paid_before_is_not_asked_for_again(alpha: Hospital) -> None:
    claim = with_copay(alpha)
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "80.00"))
    row = posted(alpha, decided(claim, line(claim, 1, "80.00", PR3="20.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    said = decided(claim, line(claim, 1, "80.00", PR3="20.00"))
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "90.00", CO45="10.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert Account(claim.visit).credit == Decimal("20.00"), "what was paid and is not owed is the patient's credit"
        assert row.claims.get().taken_back_by is not None


def test_a_reversal_takes_back_to_the_cent_what_was_posted(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    said = decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), line(claim, 2, "30.00", CO45="10.00"))
    posted(alpha, said)
    posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "140.00"))
    with alpha.acting("billing"):
        assert (on(Book.MONEY), on(Book.CONTRACTUAL), on(Book.UNAPPLIED)) == euros("0.00", "0.00", "0.00")


def test_a_reversal_of_what_was_never_posted_waits_for_a_person(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = posted(alpha, backwards(decided(claim, line(claim, 1, "100.00"))))
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "100.00"))
    with alpha.acting("billing"):
        heard = row.claims.get()
        assert (heard.status, heard.why) == (
            RemittanceClaim.Status.UNMATCHED,
            "It takes back what was not posted here.",
        )
        assert on(Book.UNAPPLIED) == Decimal("100.00")


def test_what_the_payer_holds_back_is_booked_apart_from_the_claims(alpha: Hospital) -> None:
    claim = sent(alpha)
    held = ProviderAdjustment(provider="1", reason="WO", reference="R1", amount=Decimal("30.00"))
    posted(alpha, decided(claim, line(claim, 1, "100.00")), provider_adjustments=(held,))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert (on(Book.MONEY), on(Book.WITHHELD), on(Book.UNAPPLIED)) == euros("70.00", "30.00", "0.00")


def test_the_second_payer_pays_what_the_first_left(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "70.00", CO45="10.00", PR2="20.00")))
    second = sent_on(alpha, claim)
    assert standing(alpha, second) == (S.SUBMITTED, *euros("0.00", "20.00"))
    posted(alpha, decided(second, line(second, 1, "15.00", OA23="80.00", PR2="5.00"), status="2"), payer=SECOND)
    assert standing(alpha, second) == (S.PAID, *euros("5.00", "0.00"))


def test_money_that_is_on_no_claim_waits_in_sight_and_is_posted_when_it_is_matched(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "100.00"))
    row = posted(alpha, replace(said, control_number="OTHER-77", payer_control_number=""))
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "100.00"))
    with alpha.acting("billing") as acting:
        assert on(Book.UNAPPLIED) == Decimal("-100.00")
        heard = row.claims.unmatched().get()
        assert likely([heard])[heard.pk] == [claim]
        remitting.match(heard, claim, by=acting.person)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert on(Book.UNAPPLIED) == 0


def test_more_than_is_due_stays_on_no_claim(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "100.00"))
    posted(alpha, said)
    posted(alpha, said)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert on(Book.UNAPPLIED) == Decimal("-100.00")


def test_a_claim_stays_paid_when_only_what_was_too_much_is_taken_back(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "100.00"))
    posted(alpha, said)
    posted(alpha, said)
    posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert on(Book.UNAPPLIED) == Decimal("0.00")
    posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "100.00"))


def test_the_preview_says_what_the_posting_does(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"))
    posted(alpha, said)
    row = taken(alpha, backwards(said), decided(claim, line(claim, 1, "0.00", CO29="100.00"), status="4"))
    with alpha.acting("billing"):
        preview = [
            (one.becomes, one.paid, one.contractual, one.patient, one.rest) for one in plans(remitting.heard_in(row))
        ]
    assert preview == [
        (S.IN_PROCESS, *euros("-60.00", "-20.00", "-20.00", "0.00")),
        (S.DENIED, *euros("0.00", "0.00", "0.00", "100.00")),
    ]
    with alpha.acting("billing") as acting:
        remitting.post(row, by=acting.person)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))


def test_the_same_payment_is_posted_once(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = remittance(decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("billing") as acting:
        row = remitting.take_in(said, file=None, by=acting.person)
        assert remitting.take_in(said, file=None, by=acting.person) == row
        remitting.post(row, by=acting.person)
    with alpha.acting("billing") as acting, pytest.raises(IllegalMove):
        remitting.post(Remittance.objects.get(), by=acting.person)
    with alpha.acting("billing"):
        assert on(Book.MONEY) == Decimal("100.00")


def test_what_does_not_add_up_is_not_posted(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = taken(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00")))
    assert row.faults
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="cannot be posted"):
        remitting.post(row, by=acting.person)
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "100.00"))


def test_who_takes_payments_at_the_desk_posts_no_remittance(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = taken(alpha, decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("reception") as acting, pytest.raises(PermissionDenied):
        remitting.post(row, by=acting.person)


@pytest.mark.parametrize("column", ["total = total + 1", "status = 'read'"])
def test_the_database_keeps_what_a_payer_said(alpha: Hospital, column: str) -> None:
    claim = sent(alpha)
    row = posted(alpha, decided(claim, line(claim, 1, "100.00")))
    with pytest.raises(DatabaseError), alpha.acting("billing"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_remittance SET {column} WHERE id = %s", [row.pk])


def test_the_database_refuses_money_of_a_payer_that_no_remittance_brought(alpha: Hospital) -> None:
    claim = sent(alpha)
    with pytest.raises(DatabaseError), alpha.acting("billing"), transaction.atomic():
        first = claim.current.lines.first()
        PayerMove.objects.create(claim=claim, charge=first.charge, kind="to_patient", amount=Decimal("10.00"))

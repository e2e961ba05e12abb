"""What a payer decides twice, in parts, or after another payer: nobody is asked twice, and nothing is given back that is owed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing import remitting
from billing.claims import correcting, others
from billing.models import Account, Book, Claim, Denial, Discount, PayerMove, Payment, Purse, RemittanceClaim
from billing.tests.claims import a_payer
from billing.tests.remittances import (
    SECOND,
    backwards,
    decided,
    line,
    post_part,
    posted,
    sent,
    sent_on,
    taken,
    with_copay,
)
from billing.tests.test_remittance import euros, on, standing
from billing.x12.parties import Party
from billing.x12.remittance import Adjustment
from clinical.models import Visit
from hospital.tests.hospital import Hospital

S = Claim.Status


def credit(alpha: Hospital, claim: Claim) -> Decimal:
    with alpha.acting("billing"):
        return Account(Visit.objects.get(pk=claim.visit_id)).credit


def unapplied(alpha: Hospital) -> Decimal:
    with alpha.acting("billing"):
        return -on(Book.UNAPPLIED)


# --- a second decision ---------------------------------------------------------------------------


def test_what_is_paid_on_appeal_leaves_the_copay_where_it_is(alpha: Hospital) -> None:
    claim = with_copay(alpha)
    posted(alpha, decided(claim, line(claim, 1, "50.00", PR3="20.00", CO197="30.00")))
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("0.00", "30.00"))
    posted(alpha, decided(claim, line(claim, 1, "30.00", PR3="20.00", OA23="50.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert (credit(alpha, claim), unapplied(alpha)) == euros("0.00", "0.00")


def test_the_same_decision_twice_gives_no_copay_back(alpha: Hospital) -> None:
    claim = with_copay(alpha)
    said = decided(claim, line(claim, 1, "80.00", PR3="20.00"))
    posted(alpha, said)
    posted(alpha, said)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert (credit(alpha, claim), unapplied(alpha)) == euros("0.00", "80.00")


def test_what_was_left_to_the_patient_and_is_paid_after_all_is_the_patients_no_more(alpha: Hospital) -> None:
    claim = with_copay(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", PI197="80.00", PR3="20.00"), status="4"))
    with alpha.acting("billing") as acting:
        Denial.objects.get().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.TRANSFERRED, *euros("80.00", "0.00"))
    posted(alpha, decided(claim, line(claim, 1, "80.00", PR3="20.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert (credit(alpha, claim), unapplied(alpha)) == euros("0.00", "0.00")


def test_what_was_written_off_and_is_paid_after_all_is_written_off_no_more(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO29="100.00"), status="4"))
    with alpha.acting("billing") as acting:
        Denial.objects.get().write_off("Too late", by=acting.person)
    said = decided(claim, line(claim, 1, "70.00", CO45="30.00"))
    posted(alpha, said)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert (on(Book.WRITTEN_OFF), on(Book.UNAPPLIED)) == euros("30.00", "0.00")
    posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert (on(Book.WRITTEN_OFF), on(Book.MONEY)) == euros("100.00", "0.00")
        reasons = PayerMove.objects.filter(kind="given_up").order_by("at", "pk").values_list("reason", flat=True)
        assert [one.split(":")[0] for one in reasons] == ["Too late", "Paid after all", "Taken back by the payer"]


# --- a refusal says nothing of what is the patient's already --------------------------------------


def test_a_correction_that_is_refused_leaves_the_first_decision_as_it_is(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO29="100.00"), status="4"))
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))
    with alpha.acting("billing"):
        assert not Denial.objects.exists()


@pytest.mark.parametrize("status", ["1", "4"])
def test_a_refusal_gives_no_copay_back(alpha: Hospital, status: str) -> None:
    claim = with_copay(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO16="100.00"), status=status))
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "80.00"))
    assert credit(alpha, claim) == 0


def test_a_second_payer_that_refuses_owes_nothing_of_what_the_patient_paid(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    with alpha.acting("reception") as acting:
        Payment.take(Visit.objects.get(pk=claim.visit_id), Decimal("20.00"), method="card", by=acting.person)
    second = sent_on(alpha, claim)
    posted(alpha, decided(second, line(second, 1, "0.00", OA23="80.00", PI16="20.00"), status="4"), payer=SECOND)
    assert standing(alpha, second) == (S.DENIED, *euros("0.00", "0.00"))
    assert credit(alpha, claim) == 0


def test_a_refusal_that_is_repeated_does_not_undo_that_it_was_settled(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "0.00", PI197="100.00"), status="4")
    posted(alpha, said)
    with alpha.acting("billing") as acting:
        Denial.objects.get().transfer("Not covered", by=acting.person)
    posted(alpha, said)
    assert standing(alpha, claim) == (S.TRANSFERRED, *euros("100.00", "0.00"))


# --- two payers ----------------------------------------------------------------------------------


def test_what_the_first_payer_refused_and_the_second_pays_is_due_from_nobody(alpha: Hospital) -> None:
    claim = with_copay(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="80.00", PR3="20.00")))
    second = sent_on(alpha, claim)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "80.00"))
    said = decided(second, line(second, 1, "80.00", PR3="20.00"), status="2")
    posted(alpha, said, payer=SECOND)
    assert standing(alpha, second) == (S.PAID, *euros("0.00", "0.00"))
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "0.00"))
    assert (credit(alpha, claim), unapplied(alpha)) == euros("0.00", "0.00")
    with alpha.acting("billing"):
        denial = Denial.objects.get()
        assert (denial.status, denial.recovered) == (Denial.Status.RECOVERED, Decimal("80.00"))
    posted(alpha, decided(claim, line(claim, 1, "80.00", PR3="20.00")))
    assert (credit(alpha, claim), unapplied(alpha)) == euros("0.00", "80.00"), "the first pays after all: too much"
    posted(alpha, backwards(said), payer=SECOND)
    assert standing(alpha, claim)[1:] == euros("0.00", "80.00"), "it is due from the first one again"


def test_what_the_second_payer_takes_back_is_a_denial_of_the_first_again(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="80.00", PR2="20.00"), status="4"))
    second = sent_on(alpha, claim)
    said = decided(second, line(second, 1, "100.00"), status="2")
    posted(alpha, said, payer=SECOND)
    posted(alpha, backwards(said), payer=SECOND)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "80.00"))
    with alpha.acting("billing") as acting:
        denial = Denial.objects.get()
        assert (denial.status, denial.recovered, denial.closed_at) == ("to_do", Decimal("0.00"), None)
        denial.write_off("Neither of them pays", by=acting.person)
    assert standing(alpha, claim) == (S.WRITTEN_OFF, *euros("0.00", "0.00"))


def test_a_second_payer_that_repeats_the_contract_of_the_first_lets_nothing_go(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    second = sent_on(alpha, claim)
    posted(
        alpha,
        decided(second, line(second, 1, "15.00", CO45="20.00", OA23="60.00", PR2="5.00"), status="2"),
        payer=SECOND,
    )
    assert standing(alpha, second) == (S.PAID, *euros("5.00", "0.00"))
    with alpha.acting("billing"):
        assert on(Book.CONTRACTUAL) == Decimal("20.00")


def test_what_the_first_payer_refused_never_becomes_the_patients_by_the_word_of_the_second(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="80.00", PR2="20.00"), status="4"))
    second = sent_on(alpha, claim)
    posted(alpha, decided(second, line(second, 1, "0.00", PR96="100.00"), status="4"), payer=SECOND)
    assert standing(alpha, claim) == (S.DENIED, *euros("20.00", "80.00"))


def test_the_word_of_the_second_payer_is_not_posted_on_the_claim_to_the_first(alpha: Hospital) -> None:
    """Sent on by the first payer itself (CLP02 19), the second one's answer carries the number of our first claim."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), status="19"))
    crossed = decided(claim, line(claim, 1, "15.00", OA23="80.00", PR2="5.00"), status="2")
    row = posted(alpha, crossed, payer=SECOND)
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))
    assert unapplied(alpha) == Decimal("15.00")
    with alpha.acting("billing") as acting:
        heard = row.claims.unmatched().get()
        assert "another payer" in heard.why
        with pytest.raises(Exception, match="decision of another payer"):
            remitting.match(heard, claim, by=acting.person)
    second = sent_on(alpha, claim)
    posted(alpha, replace(crossed, payer_control_number="ICN2"), payer=SECOND)
    assert standing(alpha, second) == (S.PAID, *euros("5.00", "0.00")), "known by its line, though it names the first"


def test_equal_numbers_of_two_payers_are_two_claims(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO16="100.00"), status="4"))
    with alpha.acting("billing"):
        assert Claim.objects.get().payer_number == "ICN1"
    said = replace(decided(claim, line(claim, 1, "100.00")), control_number="A-7")
    somebody = replace(SECOND, name="Somebody else", id="1")
    unknown = taken(alpha, said, payer=somebody)
    with alpha.acting("billing"):
        a_payer("Somebody else", identifier="1")
    known = taken(alpha, said, payer=somebody)
    with alpha.acting("billing"):
        assert (unknown.payer, unknown.claims.get().claim) == (None, None)
        assert known.payer is not None and known.claims.get().claim is None


def test_a_second_payer_that_decides_as_the_first_decides_what_it_was_sent(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="10.00", PR2="20.00", PI16="10.00")))
    second = sent_on(alpha, claim, payer=claim.payer)
    posted(alpha, decided(second, line(second, 1, "0.00", OA16="100.00"), status="4"))
    posted(alpha, decided(second, line(second, 1, "20.00", OA23="80.00"), status="1"))
    assert standing(alpha, second) == (S.PAID, *euros("0.00", "0.00"))
    assert standing(alpha, claim)[2] == Decimal("10.00")


# --- reversals -----------------------------------------------------------------------------------


def test_a_reversal_of_what_went_on_to_the_next_payer_waits_and_holds_up_no_other(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "70.00", CO45="10.00", PR2="20.00"))
    posted(alpha, said)
    second = sent_on(alpha, claim)
    posted(alpha, decided(second, line(second, 1, "15.00", OA23="80.00", PR2="5.00"), status="2"), payer=SECOND)
    other = sent(alpha)
    row = posted(alpha, backwards(said), decided(other, line(other, 1, "100.00")))
    assert standing(alpha, other) == (S.PAID, *euros("0.00", "0.00"))
    assert standing(alpha, claim) == (S.PAID, *euros("5.00", "0.00"))
    with alpha.acting("billing"):
        assert "gone to another payer" in row.claims.unmatched().get().why
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "72.00", CO45="8.00", PR2="20.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("5.00", "0.00")), "what is left to the patient again goes on again"
    with alpha.acting("billing"):
        assert on(Book.CONTRACTUAL) == Decimal("8.00")


def test_a_reversal_of_what_was_let_off_waits_for_a_person(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", PR2="20.00"))
    posted(alpha, said)
    with alpha.acting("billing") as acting:
        Discount.give(Visit.objects.get(pk=claim.visit_id), Decimal("20.00"), "Hardship", by=acting.person)
    row = posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert "let off" in row.claims.unmatched().get().why


def test_after_a_reversal_and_its_correction_the_visit_says_what_is_owed(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", PR2="20.00"))
    posted(alpha, said)
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "75.00", CO45="5.00", PR2="20.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))


def test_a_reversal_leaves_a_deposit_on_what_is_still_owed(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    posted(alpha, decided(claim, line(claim, 1, "90.00", PR2="10.00"), line(claim, 2, "20.00", PR2="20.00")))
    with alpha.acting("reception"):
        Purse.take(claim.patient, Decimal("30.00"), [claim.visit_id], method="card", by=None)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    again = line(claim, 1, "5.00", PR2="5.00", OA23="90.00"), line(claim, 2, "0.00", PR2="20.00", OA23="20.00")
    posted(alpha, decided(claim, *again))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00")), "five of the deposit came off, and no more"
    with alpha.acting("billing"):
        assert -on(Book.DEPOSITS) == Decimal("5.00")


def test_what_was_left_to_the_patient_can_be_taken_back(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00"))
    posted(alpha, said)
    with alpha.acting("billing") as acting:
        Denial.objects.get().transfer("Not covered", by=acting.person)
    posted(alpha, backwards(said))
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("40.00", "100.00"))


def test_the_next_payer_reads_what_decided_when_only_what_was_too_much_is_taken_back(alpha: Hospital) -> None:
    claim = sent(alpha)
    first = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, first)
    posted(alpha, first)
    assert cob(alpha, claim) == ("80.00", "80.00", ["CO 20.00"]), "a decision that comes twice is one"
    posted(alpha, backwards(first))
    assert standing(alpha, claim)[0] == S.PAID
    assert cob(alpha, claim) == ("80.00", "80.00", ["CO 20.00"])
    sent_on(alpha, claim)


def cob(alpha: Hospital, claim: Claim) -> tuple[str, str, list[str]]:
    """What the claim to the next payer says of the first one's decision: paid in all, and paid and adjusted of its line."""
    with alpha.acting("billing"):
        row = Claim.objects.select_related("payer", "policy").get(pk=claim.pk)
        of_line = next(others.adjudications(row.current.lines.get(), Claim(previous=row)))
        in_all = others.coverage(row, Party(name="OKAFOR")).amounts[0].amount
    return str(in_all), str(of_line.paid), [f"{one.group} {one.amount}" for one in of_line.adjustments]


# --- parts ---------------------------------------------------------------------------------------


def test_a_claim_of_which_a_line_is_unanswered_is_not_paid(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    first = decided(claim, line(claim, 1, "100.00"))
    second = decided(claim, line(claim, 2, "0.00", CO16="40.00"), status="4")
    post_part(alpha, claim, first)
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "40.00"))
    post_part(alpha, claim, second)
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("0.00", "40.00"))


def test_a_line_that_the_payer_splits_is_one_line_of_ours(alpha: Hospital) -> None:
    claim = sent(alpha)
    whole = line(claim, 1, "0.00")
    (number,) = whole.refs
    paid = replace(
        whole, charge=Decimal("60.00"), paid=Decimal("60.00"), refs=(replace(number, value=number.value.lower()),)
    )
    refused = replace(
        whole,
        charge=Decimal("40.00"),
        refs=(replace(number, value=number.value.replace("-", "")),),
        adjustments=(Adjustment("CO", "16", Decimal("40.00")),),
    )
    posted(alpha, decided(claim, paid, refused))
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("0.00", "40.00"))


def test_values_from_which_nothing_can_be_reckoned_wait_with_a_reason(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    empty = tuple(replace(line(claim, place, "0.00"), charge=Decimal("0.00")) for place in (1, 2))
    whole = replace(
        decided(claim, *empty, status="4"),
        charge=Decimal("140.00"),
        adjustments=(Adjustment("CO", "16", Decimal("140.00")),),
    )
    owing = replace(
        line(claim, 2, "-10.00"), charge=Decimal("40.00"), adjustments=(Adjustment("CO", "45", Decimal("50.00")),)
    )
    minus = replace(
        decided(claim, line(claim, 1, "100.00"), owing),
        paid=Decimal("80.00"),
        adjustments=(Adjustment("CO", "45", Decimal("10.00")),),
    )
    row = posted(alpha, whole, minus)
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "140.00"))
    with alpha.acting("billing"):
        assert [one.why[:20] for one in row.claims.all()] == ["It adjusts the whole", "It would leave less "]


# --- in whose hands ------------------------------------------------------------------------------


def test_nothing_is_posted_on_a_claim_that_is_being_corrected(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO16="100.00"), status="4"))
    with alpha.acting("billing") as acting:
        correcting.correct(Claim.objects.get(), "Wrong code", by=acting.person)
    row = posted(alpha, decided(claim, line(claim, 1, "100.00")))
    assert standing(alpha, claim) == (S.CORRECTED, *euros("0.00", "100.00"))
    with alpha.acting("billing") as acting:
        heard = row.claims.unmatched().get()
        assert "being corrected" in heard.why
        correcting.give_up(Claim.objects.get(), "Paid after all", by=acting.person)
        remitting.match(heard, Claim.objects.get(), by=acting.person)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))


def test_a_claim_that_is_matched_while_the_rest_is_posted_is_posted_too(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = taken(alpha, replace(decided(claim, line(claim, 1, "100.00")), control_number="X"))
    with alpha.acting("billing") as acting:
        heard = RemittanceClaim.objects.select_related("remittance").get()
        assert heard.remittance.status == "read"
        remitting.post(row, by=acting.person)
        remitting.match(heard, Claim.objects.get(), by=acting.person)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert unapplied(alpha) == 0

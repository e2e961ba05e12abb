"""What a payer paid too much goes back to it once: by us, or by the payer itself, and never by both."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing import booking_again, remitting
from billing.models import Book, Claim, Remittance, RemittanceClaim
from billing.overpaid import overpaid
from billing.tests.remittances import backwards, decided, line, posted, sent, taken
from billing.tests.sent_back import asked, left, paid_twice, row_heard, sent_back
from billing.tests.test_remittance import euros, on, standing
from billing.tests.test_remittance_pages import page, post
from billing.x12.remittance import PaidClaim, ProviderAdjustment
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused

S = Claim.Status


def test_a_reversal_of_what_was_sent_back_waits_for_a_person_with_its_correction(alpha: Hospital) -> None:
    claim, said, row = paid_twice(alpha)
    sent_back(alpha, row)
    other = sent(alpha)
    again = posted(alpha, backwards(said), said, decided(other, line(other, 1, "100.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert standing(alpha, other) == (S.PAID, *euros("0.00", "0.00")), "it holds up no other"
    with alpha.acting("billing") as acting:
        waiting = list(again.claims.unmatched().order_by("place"))
        assert ["was sent back" in waiting[0].why, "reversal first" in waiting[1].why] == [True, True]
        remitting.match(waiting[0], Claim.objects.get(pk=claim.pk), by=acting.person)
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00")), (
        "a person says: the other payment, and pays again"
    )
    with alpha.acting("billing"):
        assert -on(Book.UNAPPLIED) == 0


def test_the_only_payment_that_was_sent_back_in_part_is_not_taken_back_whole(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, decided(claim, line(claim, 1, "50.00", CO45="50.00")))
    row = posted(alpha, said)
    amount = left(alpha, row)
    assert amount == Decimal("80.00")
    sent_back(alpha, row, "30.00")
    again = posted(alpha, backwards(said))
    with alpha.acting("billing") as acting:
        heard = again.claims.unmatched().get()
        with pytest.raises(Refused, match="was sent back"):
            remitting.match(heard, Claim.objects.get(pk=claim.pk), by=acting.person)


def held(reference: str, amount: str = "80.00") -> ProviderAdjustment:
    return ProviderAdjustment(provider="1", reason="WO", reference=reference, amount=Decimal(amount))


@pytest.mark.parametrize("reference", ["ours", "ICN1", "", "T-100"])
def test_a_payer_that_holds_back_what_was_sent_back_is_found_out(alpha: Hospital, reference: str) -> None:
    claim, _, row = paid_twice(alpha)
    sent_back(alpha, row)
    other = sent(alpha)
    adjustment = held(claim.number if reference == "ours" else reference)
    again = taken(alpha, decided(other, line(other, 1, "100.00")), provider_adjustments=(adjustment,))
    assert "does not take it twice" in page(alpha, f"remittances/{again.pk}/")
    assert post(alpha, f"remittances/{again.pk}/post/").status_code == 302
    with alpha.acting("billing"):
        assert "ask the payer" in claim.steps.order_by("-at", "-id")[0].words
    assert standing(alpha, other)[0] == S.PAID


def test_what_is_held_back_for_another_claim_warns_of_nothing(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    sent_back(alpha, row)
    other = sent(alpha)
    again = taken(alpha, decided(other, line(other, 1, "100.00")), provider_adjustments=(held("ELSE-9"),))
    assert "does not take it twice" not in page(alpha, f"remittances/{again.pk}/")


def test_what_the_payer_held_back_already_is_not_sent_back(alpha: Hospital) -> None:
    claim, _, row = paid_twice(alpha)
    waiting = asked(alpha, row, "20.00")
    other = sent(alpha)
    posted(alpha, decided(other, line(other, 1, "100.00")), provider_adjustments=(held(claim.number),))
    with pytest.raises(Refused, match="sent or held back"):
        asked(alpha, row, "1.00")
    with alpha.acting("admin") as acting, pytest.raises(Refused, match="has held it back"):
        waiting.approve(by=acting.person)
    assert post(alpha, f"remittances/claims/{row_heard(alpha, row)}/again/").status_code == 409


def test_who_pays_out_what_the_payer_held_back_meanwhile_is_warned(alpha: Hospital) -> None:
    claim, _, row = paid_twice(alpha)
    refund = asked(alpha, row)
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
    address = f"payer-refunds/{refund.pk}/pay-out/"
    assert "held it back" not in page(alpha, address)
    other = sent(alpha)
    posted(alpha, decided(other, line(other, 1, "100.00")), provider_adjustments=(held(claim.number),))
    assert "held it back" in page(alpha, address)


# --- what is none of ours, and taken back by the payer -----------------------------------------------


def elsewhere(claim: Claim, paid: str = "100.00", **adjusted: str) -> PaidClaim:
    """For a claim of another clinic."""
    said = decided(claim, line(claim, 1, paid, **adjusted))
    return replace(said, control_number="X-1", payer_control_number="")


def leave(alpha: Hospital, row: Remittance) -> None:
    with alpha.acting("billing") as acting:
        for heard in row.claims.unmatched():
            remitting.leave(heard, "Another clinic", by=acting.person)


@pytest.mark.parametrize("is_left", [True, False])
def test_what_is_not_ours_and_was_taken_back_is_not_sent_back(alpha: Hospital, is_left: bool) -> None:
    said = elsewhere(sent(alpha))
    row, back = posted(alpha, said), posted(alpha, backwards(said))
    leave(alpha, row)
    if is_left:
        leave(alpha, back)
    with pytest.raises(Refused, match="sent or held back"):
        asked(alpha, row, "1.00")
    assert "send-back" not in page(alpha, f"remittances/{row.pk}/")
    with alpha.acting("billing"):
        assert on(Book.UNAPPLIED) == 0


def test_of_a_reversal_with_its_correction_only_what_is_left_of_all_is_sent_back(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = posted(alpha, elsewhere(claim))
    again = posted(alpha, backwards(elsewhere(claim)), elsewhere(claim, "60.00", CO45="40.00"))
    for one in (row, again):
        leave(alpha, one)
    assert (left(alpha, row), left(alpha, again)) == (Decimal(0), Decimal("60.00"))


def test_a_correction_that_is_not_ours_brought_nothing_where_its_reversal_took_more(alpha: Hospital) -> None:
    claim = sent(alpha)
    again = posted(alpha, backwards(elsewhere(claim)), elsewhere(claim, "60.00", CO45="40.00"))
    leave(alpha, again)
    assert left(alpha, again) == 0


def test_a_reversal_after_the_refund_of_what_is_not_ours_is_found_out(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = posted(alpha, elsewhere(claim))
    leave(alpha, row)
    refund = asked(alpha, row, "100.00")
    again = taken(alpha, backwards(elsewhere(claim)))
    assert "does not take it twice" in page(alpha, f"remittances/{again.pk}/")
    with alpha.acting("billing") as acting:
        remitting.post(again, by=acting.person)
    leave(alpha, again)
    assert "does not take it twice" in page(alpha, f"remittances/{again.pk}/")
    with alpha.acting("admin") as acting, pytest.raises(Refused, match="has held it back"):
        refund.approve(by=acting.person)


# --- what the payer says of a refund -----------------------------------------------------------------


def authorised(reference: str, amount: str) -> ProviderAdjustment:
    """PLB 72: the payer has got it from us."""
    return ProviderAdjustment(provider="1", reason="72", reference=reference, amount=-Decimal(amount))


def paid_more(alpha: Hospital) -> tuple[Claim, PaidClaim, Remittance]:
    """Sixty were due still, and a hundred paid: forty go back."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "40.00", PI16="60.00")))
    said = decided(claim, line(claim, 1, "100.00"))
    row = posted(alpha, said)
    assert left(alpha, row) == Decimal("40.00")
    return claim, said, row


def booked_by_the_payer(alpha: Hospital, claim: Claim, said: PaidClaim, got: ProviderAdjustment) -> Remittance:
    right = decided(claim, line(claim, 1, "60.00", OA23="40.00"))
    return posted(alpha, backwards(said), right, provider_adjustments=(got,))


@pytest.mark.parametrize("reference", ["ours", "ICN1", "T-100"])
def test_the_payer_that_books_our_refund_by_reversal_and_correction_is_posted(alpha: Hospital, reference: str) -> None:
    claim, said, row = paid_more(alpha)
    sent_back(alpha, row, "40.00")
    got = authorised(claim.number if reference == "ours" else reference, "40.00")
    again = booked_by_the_payer(alpha, claim, said, got)
    with alpha.acting("billing"):
        assert [one.status for one in again.claims.order_by("place")] == ["posted", "posted"]
        assert row.claims.get().taken_back_by is not None
        assert on(Book.UNAPPLIED, Book.WITHHELD) == 0, "what it books of our refund is even"
    assert left(alpha, again) == 0
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))


@pytest.mark.parametrize(("amount", "reason"), [("10.00", "72"), ("40.00", "L6")])
def test_a_reversal_that_does_not_say_that_it_got_our_refund_waits(alpha: Hospital, amount: str, reason: str) -> None:
    claim, said, row = paid_more(alpha)
    sent_back(alpha, row, "40.00")
    again = booked_by_the_payer(alpha, claim, said, replace(authorised(claim.number, amount), reason=reason))
    with alpha.acting("billing"):
        assert again.claims.unmatched().count() == 2


def test_what_was_asked_for_and_is_not_paid_out_cannot_be_what_the_payer_got(alpha: Hospital) -> None:
    claim, said, row = paid_more(alpha)
    asked(alpha, row, "40.00")
    again = booked_by_the_payer(alpha, claim, said, authorised(claim.number, "40.00"))
    with alpha.acting("billing"):
        assert again.claims.unmatched().count() == 2


# --- two overpayments of one claim -------------------------------------------------------------------


def paid_thrice(alpha: Hospital) -> tuple[Claim, Remittance, Remittance]:
    """Sixty were due; then forty came, and thirty."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="40.00")))
    first = posted(alpha, decided(claim, line(claim, 1, "40.00", CO45="60.00")))
    second = posted(alpha, decided(claim, line(claim, 1, "30.00", CO45="70.00")))
    assert (left(alpha, first), left(alpha, second)) == euros("40.00", "30.00")
    return claim, first, second


def hold_back(alpha: Hospital, claim: Claim, amount: str) -> None:
    other = sent(alpha)
    posted(alpha, decided(other, line(other, 1, "100.00")), provider_adjustments=(held(claim.number, amount),))


@pytest.mark.parametrize(("amount", "rest"), [("40.00", (0, 30)), ("70.00", (0, 0)), ("55.00", (0, 15))])
def test_what_is_held_back_counts_once_whichever_overpayment_is_asked_about(
    alpha: Hospital, amount: str, rest: tuple[int, int]
) -> None:
    claim, *rows = paid_thrice(alpha)
    hold_back(alpha, claim, amount)
    assert tuple(left(alpha, one) for one in rows) == rest
    with alpha.acting("billing"):
        together = overpaid(RemittanceClaim.objects.filter(remittance__in=rows))
    assert sum(together.values()) == sum(rest)


def test_of_two_overpayments_the_one_that_was_not_held_back_is_offered_and_sent_back(alpha: Hospital) -> None:
    claim, first, second = paid_thrice(alpha)
    hold_back(alpha, claim, "40.00")
    assert "send-back" not in page(alpha, f"remittances/{first.pk}/")
    assert "send-back" in page(alpha, f"remittances/{second.pk}/")
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="Nothing is due"):
        booking_again.book_again(second.claims.get(), by=acting.person)
    sent_back(alpha, second, "30.00")
    assert left(alpha, second) == 0

"""What a payer paid too much goes back to it once: by us, or by the payer itself, and never by both."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection

from billing import booking_again, payment_words, remitting
from billing.models import Appeal, Book, Claim, Denial, JournalEntry, PayerRefund, Payment, Remittance, RemittanceClaim
from billing.overpaid import overpaid
from billing.reports import claims_desk, insurers
from billing.tests.remittances import SECOND, backwards, decided, line, posted, sent, sent_on, taken
from billing.tests.test_remittance import euros, on, standing
from billing.tests.test_remittance_pages import page, post
from billing.x12.remittance import PaidClaim, ProviderAdjustment
from clinical.models.payer import AppealLevel
from clinical.reports.period import Period
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused
from realtime.models import Event

S = Claim.Status


def paid_twice(alpha: Hospital) -> tuple[Claim, PaidClaim, Remittance]:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, said)
    return claim, said, posted(alpha, said)


def asked(alpha: Hospital, row: Remittance, amount: str = "80.00") -> PayerRefund:
    with alpha.acting("billing") as acting:
        heard = RemittanceClaim.objects.get(remittance=row)
        return PayerRefund.request(heard, Decimal(amount), "Paid twice", by=acting.person)


def sent_back(alpha: Hospital, row: Remittance, amount: str = "80.00", *, way: str = "transfer") -> PayerRefund:
    refund = asked(alpha, row, amount)
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
    with alpha.acting("billing") as acting:
        refund.pay_out(method=way, reference="T-100", by=acting.person)
    return refund


def left(alpha: Hospital, row: Remittance) -> Decimal:
    with alpha.acting("billing"):
        return sum(overpaid(row.claims.all()).values(), Decimal(0))


def test_what_is_sent_back_is_heard_as_money_and_changes_no_patients_balance(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    with alpha.acting("billing"):
        balances = Event.objects.filter(name="patient:balance_changed").count()
    sent_back(alpha, row)
    with alpha.acting("billing"):
        told = Event.objects.filter(name="payment:received").order_by("-seq")[0]
        assert (told.patient_id, told.loudness) == (None, {"reception": "info", "billing": "info", "admin": "info"})
        entry = JournalEntry.objects.get(kind="payer_back")
        assert payment_words.title(entry, "billing").endswith("80.00 sent back to Key Insurance")
        assert payment_words.link(entry).endswith(f"payer-refunds/{PayerRefund.objects.get().pk}/")
        assert Event.objects.filter(name="patient:balance_changed").count() == balances


def test_what_was_paid_twice_is_sent_back_and_the_books_are_even(alpha: Hospital) -> None:
    claim, _, row = paid_twice(alpha)
    assert left(alpha, row) == Decimal("80.00")
    refund = asked(alpha, row)
    assert left(alpha, row) == 0
    with alpha.acting("billing"):
        assert on(Book.UNAPPLIED) == Decimal("-80.00"), "nothing is booked before somebody else approves"
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
        assert (on(Book.UNAPPLIED), on(Book.REFUNDS)) == euros("0.00", "-80.00")
    with alpha.acting("billing") as acting:
        refund.pay_out(method="transfer", reference="T-100", by=acting.person)
        assert (on(Book.REFUNDS), on(Book.MONEY)) == euros("0.00", "80.00")
        words = list(claim.steps.order_by("at", "id").values_list("words", flat=True))[-3:]
        assert ["to be sent back" in words[0], "may be" in words[1], "T-100" in words[2]] == [True] * 3
        kinds = JournalEntry.objects.filter(source_id=refund.pk).order_by("at").values_list("kind", flat=True)
        assert list(kinds) == ["sent_back", "payer_back"]
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))


@pytest.mark.parametrize(("amount", "words"), [("80.01", "Only"), ("0.00", "more than nothing")])
def test_no_more_goes_back_than_was_paid_too_much(alpha: Hospital, amount: str, words: str) -> None:
    _, _, row = paid_twice(alpha)
    with pytest.raises(Refused, match=words):
        asked(alpha, row, amount)


def test_two_refunds_are_together_no_more_than_was_paid_too_much(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    asked(alpha, row, "50.00")
    with pytest.raises(Refused, match="Only"):
        asked(alpha, row, "30.01")
    asked(alpha, row, "30.00")


def test_who_asked_does_not_decide_and_the_desk_neither_asks_nor_pays(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    refund = asked(alpha, row)
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="Somebody else"):
        refund.approve(by=acting.person)
    with alpha.acting("reception") as acting:
        heard = RemittanceClaim.objects.get(remittance=row)
        with pytest.raises(PermissionDenied):
            PayerRefund.request(heard, Decimal("1.00"), "No", by=acting.person)
        with pytest.raises(PermissionDenied):
            refund.approve(by=acting.person)
        with pytest.raises(PermissionDenied):
            PayerRefund.objects.get().reject("No", by=acting.person)


def test_what_is_rejected_is_on_no_claim_again(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    refund = asked(alpha, row)
    with alpha.acting("admin") as acting:
        refund.reject("It is due after all", by=acting.person)
    assert left(alpha, row) == Decimal("80.00")


def test_what_goes_back_is_not_booked_again(alpha: Hospital) -> None:
    """The claim asks for more by now: of what the payer paid too much only what does not go back is there."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="100.00"), status="4"))
    second = sent_on(alpha, claim)
    said = decided(second, line(second, 1, "100.00"), status="2")
    posted(alpha, said, payer=SECOND)
    late = posted(alpha, decided(claim, line(claim, 1, "100.00")))
    sent_back(alpha, late, "70.00")
    posted(alpha, backwards(said), payer=SECOND)
    assert standing(alpha, claim)[2] == Decimal("100.00")
    with alpha.acting("billing") as acting:
        booking_again.book_again(late.claims.get(), by=acting.person)
    assert standing(alpha, claim)[2] == Decimal("70.00")
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="went back"):
        booking_again.book_again(late.claims.get(), by=acting.person)


def test_a_payment_that_is_none_of_ours_goes_back_and_is_not_taken_up_again(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = posted(
        alpha, replace(decided(claim, line(claim, 1, "100.00")), control_number="X-1", payer_control_number="")
    )
    with alpha.acting("billing") as acting:
        remitting.leave(row.claims.get(), "Another clinic", by=acting.person)
    sent_back(alpha, row, "100.00")
    with alpha.acting("billing") as acting:
        assert (on(Book.UNAPPLIED), on(Book.MONEY)) == euros("0.00", "0.00")
        with pytest.raises(Refused, match="sent back"):
            remitting.unmatch(row.claims.get(), by=acting.person)
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "100.00"))


# --- not twice -----------------------------------------------------------------------------------


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


def row_heard(alpha: Hospital, row: Remittance) -> object:
    with alpha.acting("billing"):
        return row.claims.get().pk


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


# --- two at once -------------------------------------------------------------------------------------


def at_once(alpha: Hospital, role: str, verb: Callable[[Any], object]) -> list[bool]:
    """Two do it at the same moment; says who was refused."""
    alpha.person(role)

    def go(_: int) -> bool:
        try:
            with alpha.acting(role) as acting:
                verb(acting.person)
            return True
        except (Refused, IllegalMove):
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(go, range(2)))


def test_of_two_who_ask_approve_or_pay_out_at_once_one_does(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)

    def ask(person: Any) -> None:
        PayerRefund.request(RemittanceClaim.objects.get(remittance=row), Decimal("80.00"), "Twice", by=person)

    def pay_out(person: Any) -> None:
        PayerRefund.objects.get().pay_out(method="transfer", reference="T-1", by=person)

    assert at_once(alpha, "billing", ask) == [False, True]
    assert at_once(alpha, "admin", lambda person: PayerRefund.objects.get().approve(by=person)) == [False, True]
    assert at_once(alpha, "billing", pay_out) == [False, True]
    with alpha.acting("billing"):
        assert (on(Book.UNAPPLIED), on(Book.REFUNDS), on(Book.MONEY)) == euros("0.00", "0.00", "80.00")
        assert PayerRefund.objects.count() == 1


# --- in the figures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["transfer", "insurance"])
def test_a_refund_to_a_payer_lowers_what_payers_paid_and_not_what_the_desk_took(alpha: Hospital, way: str) -> None:
    _, _, row = paid_twice(alpha)
    other = sent(alpha)
    posted(alpha, decided(other, line(other, 1, "80.00", PR2="20.00")))
    with alpha.acting("reception") as acting:
        Payment.take(other.visit, Decimal("20.00"), method="card", by=acting.person)
    sent_back(alpha, row, way=way)
    with alpha.acting("billing"):
        desk = {figure.label: figure.value for figure in claims_desk.report().figures}
        insurers_ = {figure.label: figure.value for figure in insurers.report(Period.ending_today(30)).figures}
    assert (desk["Paid today"], desk["Paid in 30 days"], insurers_["Paid at the desk"]) == (160, 160, 20)
    context = alpha.client("reception").get(f"{alpha.url}/payments/").context
    assert dict(context["methods"]) == {
        "Cash today": 0,
        "Card today": 20,
        "Bank transfer today": 0,
        "Insurance today": 0,
    }
    assert context["received"] == 20


# --- the database, and the pages -----------------------------------------------------------------


@pytest.mark.parametrize("change", ["amount = 1", "status = 'requested'", "reference = 'other'"])
def test_the_database_keeps_what_was_sent_back(alpha: Hospital, change: str) -> None:
    _, _, row = paid_twice(alpha)
    refund = sent_back(alpha, row)
    with pytest.raises(DatabaseError), alpha.acting("billing"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_payerrefund SET {change} WHERE id = %s", [refund.pk])


def test_the_database_refuses_more_than_was_paid_too_much(alpha: Hospital) -> None:
    _, _, row = paid_twice(alpha)
    with pytest.raises(DatabaseError), alpha.acting("billing"):
        heard = row.claims.get()
        PayerRefund(heard=heard, remittance=row, amount=Decimal("80.01"), reason="Past the verb").start(by=None)


def test_it_is_asked_decided_paid_and_printed_on_pages(alpha: Hospital, beta: Hospital) -> None:
    claim, _, row = paid_twice(alpha)
    heard = row_heard(alpha, row)
    assert f"remittances/claims/{heard}/send-back/" in page(alpha, f"remittances/{row.pk}/")
    assert f"remittances/claims/{heard}/send-back/" in page(alpha, f"claims/{claim.pk}/")
    ask = f"remittances/claims/{heard}/send-back/"
    assert "80.00" in page(alpha, ask)
    wrong = post(alpha, ask, amount="90.00", reason="Paid twice")
    assert wrong.status_code == 422 and "Paid twice" in wrong.content.decode()
    assert post(alpha, ask, role="reception", amount="80.00", reason="No").status_code == 403
    assert post(beta, ask, amount="80.00", reason="No").status_code == 404
    assert post(alpha, ask, amount="80.00", reason="Paid twice").status_code == 302
    with alpha.acting("billing"):
        refund = PayerRefund.objects.get()
    own = f"payer-refunds/{refund.pk}/"
    assert "Key" in page(alpha, "payer-refunds/") and "somebody else decides" in page(alpha, own)
    assert post(alpha, f"{own}decide/", decision="approve", reason="").status_code == 409
    assert alpha.client("billing").get(f"{alpha.url}/{own}letter/").status_code == 409
    assert post(alpha, f"{own}decide/", role="admin", decision="approve", reason="").status_code == 302
    assert post(alpha, f"{own}pay-out/", method="cash", reference="T-1").status_code == 422
    assert post(alpha, f"{own}pay-out/", method="transfer", reference="").status_code == 422
    assert post(alpha, f"{own}pay-out/", method="transfer", reference="T-1").status_code == 302
    letter = page(alpha, f"{own}letter/")
    assert all(word in letter for word in ("Return of an overpayment", "80.00", claim.number, "ICN1", "T-1"))
    assert beta.client("billing").get(f"{beta.url}/{own}").status_code == 404
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert f"remittances/claims/{heard}/send-back/" not in page(alpha, f"claims/{claim.pk}/")


# --- a denial that is open again ------------------------------------------------------------------


def open_again(alpha: Hospital, paid: str = "100.00", **adjusted: str) -> tuple[Claim, Denial]:
    """The first refused, the second paid, the first paid after all (too much then), and the second takes its money back."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="60.00", PI16="40.00"), status="4"))
    second = sent_on(alpha, claim)
    said = decided(second, line(second, 1, "100.00"), status="2")
    posted(alpha, said, payer=SECOND)
    posted(alpha, decided(claim, line(claim, 1, paid, **adjusted)))
    assert standing(alpha, claim)[0] == S.PAID
    posted(alpha, backwards(said), payer=SECOND)
    with alpha.acting("billing"):
        return claim, Denial.objects.get(claim=claim)


def test_a_claim_of_which_something_is_due_again_is_called_paid_no_more(alpha: Hospital) -> None:
    claim, denial = open_again(alpha)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))
    with alpha.acting("billing"):
        denial = Denial.objects.get(pk=denial.pk)
        assert denial.is_open and denial.may_end


@pytest.mark.parametrize(
    ("verb", "status", "patient", "due"),
    [
        ("transfer", S.IN_PROCESS, "20.00", "80.00"),
        ("write_off", S.WRITTEN_OFF, "0.00", "0.00"),
        ("appeal", S.APPEALED, "0.00", "100.00"),
    ],
)
def test_a_denial_of_a_claim_that_is_called_paid_has_its_ordinary_ends(
    alpha: Hospital, verb: str, status: str, patient: str, due: str
) -> None:
    """As rows stand since before a claim went along with its denial. The patient owes the payer's PR, and not what it paid."""
    claim, denial = open_again(alpha, paid="80.00", PR2="20.00")
    with alpha.acting("billing") as acting:
        Claim.objects.get(pk=claim.pk).go(S.PAID, by=None)
        denial = Denial.objects.get(pk=denial.pk)
        if verb == "appeal":
            AppealLevel.objects.create(payer=claim.payer, level=1, name="Reconsideration", days=180)
            Appeal.send(denial, "Appeal", "It was needed.", by=acting.person)
        else:
            getattr(denial, verb)("A person decided", by=acting.person)
    assert standing(alpha, claim) == (status, *euros(patient, due))


def test_it_is_settled_with_what_the_payer_paid(alpha: Hospital) -> None:
    claim, denial = open_again(alpha)
    assert "Settle it with the" in page(alpha, f"denials/{denial.pk}/")
    assert post(alpha, f"denials/{denial.pk}/settle/", role="reception").status_code == 403
    assert post(alpha, f"denials/{denial.pk}/settle/").status_code == 302
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        assert (Denial.objects.get().status, on(Book.UNAPPLIED)) == ("recovered", Decimal("0.00"))
    assert post(alpha, f"denials/{denial.pk}/settle/").status_code == 409


def test_it_is_written_off_and_what_the_payer_paid_goes_back(alpha: Hospital) -> None:
    claim, denial = open_again(alpha)
    with alpha.acting("billing") as acting:
        denial.write_off("We were wrong", by=acting.person)
        row = RemittanceClaim.objects.get(paid=100, remittance__payer=claim.payer, said="1").remittance
    assert standing(alpha, claim) == (S.WRITTEN_OFF, *euros("0.00", "0.00"))
    sent_back(alpha, row, "100.00")
    with alpha.acting("billing"):
        assert (on(Book.WRITTEN_OFF), on(Book.UNAPPLIED), on(Book.MONEY)) == euros("100.00", "0.00", "0.00")

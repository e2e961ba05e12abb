"""What a payer paid too much goes back to it: asked, approved by somebody else, paid out, and never more than it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection

from billing import booking_again, payment_words, remitting
from billing.models import Book, Claim, JournalEntry, PayerRefund, Payment, RemittanceClaim
from billing.reports import claims_desk, insurers
from billing.tests.remittances import SECOND, backwards, decided, line, posted, sent, sent_on
from billing.tests.sent_back import asked, left, paid_twice, row_heard, sent_back
from billing.tests.test_remittance import euros, on, standing
from billing.tests.test_remittance_pages import page, post
from clinical.reports.period import Period
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused
from realtime.models import Event

S = Claim.Status


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


def at_once(alpha: Hospital, role: str, verb: Callable[[Any], object]) -> list[bool]:
    """Two do it at the same moment; says who was refused."""
    alpha.person(role)
    meeting = Barrier(2, timeout=30)

    def go(_: int) -> bool:
        try:
            with alpha.acting(role) as acting:
                PayerRefund.objects.exists()  # connected, and in its transaction
                meeting.wait()
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

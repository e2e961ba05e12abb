"""A denial of a claim that was paid: open again when the money goes back, with its ordinary ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.models import Appeal, Book, Claim, Denial, RemittanceClaim
from billing.tests.remittances import SECOND, backwards, decided, line, posted, sent, sent_on
from billing.tests.sent_back import sent_back
from billing.tests.test_remittance import euros, on, standing
from billing.tests.test_remittance_pages import page, post
from clinical.models.payer import AppealLevel
from hospital.tests.hospital import Hospital

S = Claim.Status


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

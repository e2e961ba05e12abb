"""What a payer's later word does to a refusal that is worked on: lost, granted, or about something else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import remitting
from billing.models import Appeal, Claim, Denial
from billing.tests.remittances import backwards, decided, line, post_part, posted, sent, taken
from billing.tests.test_denials import paid_in_advance, refused_in_advance
from clinical.models.payer import AppealLevel
from hospital.tests.hospital import Hospital
from realtime.models import Event

S, D, Answer = Claim.Status, Denial.Status, Appeal.Outcome


def appeal(alpha: Hospital, claim: Claim, *days: int) -> None:
    """At the first of so many levels."""
    with alpha.acting("billing") as acting:
        for level, until in enumerate(days or (180,), 1):
            AppealLevel.objects.update_or_create(
                payer=claim.payer, level=level, defaults={"name": f"Level {level}", "days": until}
            )
        Appeal.send(Denial.objects.get(claim=claim.pk), "About it", "Please look again.", by=acting.person)


def where(alpha: Hospital, claim: Claim) -> tuple[str, str, Decimal, list[str]]:
    """The claim, its refusal, what is recovered of it, and the answers to its appeals."""
    with alpha.acting("billing"):
        denial = Denial.objects.get(claim=claim.pk)
        answers = list(denial.appeals.values_list("outcome", flat=True))
        return Claim.objects.get(pk=claim.pk).status, denial.status, denial.recovered, answers


def heard(alpha: Hospital, name: str) -> int:
    with alpha.acting("billing"):
        return Event.objects.filter(name=name).count()


@pytest.mark.parametrize("status", ["1", "4"])
def test_what_the_patient_had_paid_is_denied_whatever_the_payer_calls_it(alpha: Hospital, status: str) -> None:
    claim = paid_in_advance(alpha, "100.00")
    posted(alpha, decided(claim, line(claim, 1, "0.00", PI16="100.00"), status=status))
    assert where(alpha, claim) == (S.DENIED, D.TO_DO, Decimal("0.00"), [])
    assert (heard(alpha, "claim:denied"), heard(alpha, "claim:paid")) == (1, 0)


@pytest.mark.parametrize("status", ["1", "4"])
def test_an_appeal_in_advance_that_is_refused_is_lost(alpha: Hospital, status: str) -> None:
    claim = refused_in_advance(alpha)
    appeal(alpha, claim)
    posted(alpha, decided(claim, line(claim, 1, "0.00", PI16="100.00"), status=status))
    assert where(alpha, claim) == (S.DENIED, D.TO_DO, Decimal("0.00"), [Answer.LOST])
    assert heard(alpha, "claim:denied") == 2


@pytest.mark.parametrize("status", ["1", "4"])
def test_so_is_that_of_one_line_beside_a_paid_one(alpha: Hospital, status: str) -> None:
    claim = paid_in_advance(alpha, "140.00", more="40.00")
    posted(alpha, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00")))
    appeal(alpha, claim)
    post_part(alpha, claim, decided(claim, line(claim, 2, "0.00", PI16="40.00"), status=status))
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [Answer.LOST])


def test_the_same_decision_on_another_cheque_ends_no_refusal(alpha: Hospital) -> None:
    claim = paid_in_advance(alpha, "140.00", more="40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00"))
    posted(alpha, said)
    posted(alpha, said)
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [])


def test_nor_does_it_undo_what_a_person_decided(alpha: Hospital) -> None:
    claim = paid_in_advance(alpha, "140.00", more="40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00"))
    posted(alpha, said)
    with alpha.acting("billing") as acting:
        Denial.objects.get().transfer("The patient agreed", by=acting.person)
    posted(alpha, said)
    assert where(alpha, claim) == (S.TRANSFERRED, D.TRANSFERRED, Decimal("0.00"), [])


@pytest.mark.parametrize("advance", ["", "140.00", "100.00"])
def test_money_for_another_line_recovers_nothing_of_it(alpha: Hospital, advance: str) -> None:
    """Whichever of the two lines the patient had paid."""
    claim = paid_in_advance(alpha, advance, more="40.00") if advance else sent(alpha, "40.00")
    post_part(alpha, claim, decided(claim, line(claim, 2, "0.00", PI16="40.00"), status="4"))
    post_part(alpha, claim, decided(claim, line(claim, 1, "100.00")))
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [])
    post_part(alpha, claim, decided(claim, line(claim, 2, "40.00")))
    assert where(alpha, claim) == (S.PAID, D.RECOVERED, Decimal("40.00"), [])


def test_a_line_that_the_patient_had_paid_is_denied_also_in_a_part_of_its_own(alpha: Hospital) -> None:
    claim = paid_in_advance(alpha, "100.00", more="40.00")
    post_part(alpha, claim, decided(claim, line(claim, 1, "0.00", PI16="100.00"), status="4"))
    assert where(alpha, claim) == (S.DENIED, D.TO_DO, Decimal("0.00"), [])
    post_part(alpha, claim, decided(claim, line(claim, 2, "40.00")))
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [])
    post_part(alpha, claim, decided(claim, line(claim, 1, "100.00")))
    assert where(alpha, claim) == (S.PAID, D.RECOVERED, Decimal("100.00"), [])


def test_both_parts_in_one_remittance_are_the_same(alpha: Hospital) -> None:
    claim = paid_in_advance(alpha, "100.00", more="40.00")
    first = decided(claim, line(claim, 1, "0.00", PI16="100.00"), status="4")
    row = taken(alpha, first, decided(claim, line(claim, 2, "40.00")))
    with alpha.acting("billing") as acting:
        for part in row.claims.all():
            remitting.match(part, Claim.objects.get(pk=claim.pk), by=acting.person)
        remitting.post(row, by=acting.person)
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [])


def test_an_appeal_is_granted_by_a_reversal_and_a_new_decision(alpha: Hospital) -> None:
    """As payers have to say it (835 TR3 1.10.2.8). What the first decision had paid is not recovered."""
    claim = sent(alpha, "40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "10.00", PI16="30.00"))
    posted(alpha, said)
    appeal(alpha, claim)
    posted(alpha, backwards(said), decided(claim, line(claim, 1, "100.00"), line(claim, 2, "40.00")))
    assert where(alpha, claim) == (S.PAID, D.RECOVERED, Decimal("30.00"), [Answer.WON])


def test_and_refused_again_by_such_it_goes_to_the_next_level(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00"))
    posted(alpha, said)
    appeal(alpha, claim, 180, 60)
    posted(alpha, backwards(said), said)
    assert where(alpha, claim) == (S.PARTIALLY_PAID, D.TO_DO, Decimal("0.00"), [Answer.LOST])
    with alpha.acting("billing"):
        denial = Denial.objects.get(claim=claim.pk)
        assert (denial.level, denial.deadline) == (1, denial.denied_on + timedelta(days=60))


def test_a_reversal_alone_leaves_the_appeal_waiting_for_the_new_decision(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    said = decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00"))
    posted(alpha, said)
    appeal(alpha, claim)
    posted(alpha, backwards(said))
    assert where(alpha, claim) == (S.IN_PROCESS, D.APPEALED, Decimal("0.00"), [Answer.WAITING])
    posted(alpha, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "40.00")))
    assert where(alpha, claim) == (S.PAID, D.RECOVERED, Decimal("40.00"), [Answer.WON])

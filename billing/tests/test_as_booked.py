"""What is posted stays with its claim, and a denial as it was booked: the database refuses whoever writes something else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from billing.models import Denial, RemittanceClaim
from billing.tests.remittances import decided, line, posted, sent, taken
from billing.tests.test_denials import refused
from hospital.tests.hospital import Hospital


def test_a_posted_word_stays_with_its_claim(alpha: Hospital) -> None:
    claim, other = sent(alpha), sent(alpha)
    row = posted(alpha, decided(claim, line(claim, 1, "100.00")))
    for change in ({"claim": other}, {"claim": None}, {"status": "matched"}, {"claim": None, "status": "unmatched"}):
        with pytest.raises(DatabaseError, match="stays with its claim"), alpha.acting("billing"), transaction.atomic():
            RemittanceClaim.objects.filter(remittance=row).update(**change)


def test_what_is_not_posted_can_still_be_matched_with_another_claim(alpha: Hospital) -> None:
    claim, other = sent(alpha), sent(alpha)
    row = taken(alpha, decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("billing"):
        assert RemittanceClaim.objects.filter(remittance=row).update(claim=other) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": Decimal("99.00")}, "what a payer refused"),
        ({"recovered": Decimal("0.01")}, "not more is recovered"),
        ({"recovered": Decimal("-1.00")}, "denial_recovers_its_own"),
    ],
)
def test_the_sums_of_a_denial_are_what_was_booked(alpha: Hospital, change: dict, words: str) -> None:
    refused(alpha)
    with pytest.raises(DatabaseError, match=words), alpha.acting("billing"), transaction.atomic():
        Denial.objects.update(**change)


def test_not_more_is_recovered_of_a_denial_than_came(alpha: Hospital) -> None:
    claim = refused(alpha)
    posted(alpha, decided(claim, line(claim, 1, "30.00", CO50="70.00")))
    with alpha.acting("billing"):
        assert Denial.objects.get().recovered == Decimal("30.00")
    with pytest.raises(DatabaseError, match="not more is recovered"), alpha.acting("billing"), transaction.atomic():
        Denial.objects.update(recovered=Decimal("30.01"))


@pytest.mark.parametrize(
    "change",
    [
        {"recovered": Decimal("0.00")},
        {"status": "to_do"},
        {"closed_at": timezone.now()},
        {"reason": "Nobody wanted it"},
        {"deadline": None},
    ],
)
def test_a_denial_that_is_settled_is_never_changed(alpha: Hospital, change: dict) -> None:
    claim = refused(alpha)
    posted(alpha, decided(claim, line(claim, 1, "30.00", CO50="70.00")))
    with alpha.acting("billing") as acting:
        Denial.objects.select_related("claim").get().write_off("Too late for an appeal", by=acting.person)
    with pytest.raises(DatabaseError, match="settled is never changed"), alpha.acting("billing"), transaction.atomic():
        Denial.objects.update(**change)


def test_a_denial_is_never_deleted(alpha: Hospital) -> None:
    refused(alpha)
    with pytest.raises(DatabaseError, match="what a payer refused"), alpha.acting("billing"), transaction.atomic():
        Denial.objects.all().delete()

"""The units of an authorisation follow the claim that uses them: its lines, its versions, its payer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.claims import correcting, drafting, scrubber, sending
from billing.models import Authorisation, Claim, ClaimLine
from billing.tests.authorisations import granted
from billing.tests.claims import a_claim, a_payer, furnish, ready
from billing.tests.till import charge
from clinical.models import AuthorisationRule, Policy
from hospital.tests.hospital import Hospital


@pytest.fixture
def clinic(alpha):
    furnish(alpha)
    return alpha


@pytest.fixture
def asked(clinic) -> tuple[Claim, Authorisation]:
    """A claim that was made ready with one unit of six."""
    claim = a_claim(clinic)
    row = granted(clinic, policy=claim.policy, code="99213")
    with clinic.acting("billing"):
        AuthorisationRule.objects.create(payer=claim.payer, code="99213")
    ready(clinic, claim)
    with clinic.acting():
        assert row.left == 5
    return claim, row


def again(clinic: Hospital, claim: Claim, **fields: Any) -> None:
    """Taken back, changed, and made ready once more."""
    with clinic.acting("billing") as acting:
        scrubber.take_back(claim, by=acting.person)
        ClaimLine.objects.filter(claim_version=claim.current).update(**fields)
    ready(clinic, claim)


def test_a_line_with_other_units_uses_those(clinic, asked):
    claim, row = asked
    for units in (3, 2):
        again(clinic, claim, units=Decimal(units))
        with clinic.acting():
            assert row.left == 6 - units


def test_a_correction_that_is_given_up_uses_what_was_sent(clinic, asked):
    claim, row = asked
    with clinic.acting("billing") as acting:
        (batch,) = sending.submit([claim], by=acting.person)
    sending.write(clinic.tenant, batch.pk)
    with clinic.acting("billing") as acting:
        claim.refresh_from_db()
        claim.go(Claim.Status.DENIED, by=None, words="Not now", answer="Not now", payer_number="ICN-1")
        correcting.correct(claim, "Three areas", by=acting.person)
        claim.current.lines.update(units=Decimal(3))
    ready(clinic, claim)
    with clinic.acting("billing") as acting:
        assert row.left == 3
        scrubber.take_back(claim, by=acting.person)
        correcting.give_up(claim, "It was one", by=acting.person)
        assert row.left == 5


def test_a_line_with_another_number_uses_that_authorisation(clinic, asked):
    claim, row = asked
    with clinic.acting():
        policy = row.policy
    other = granted(clinic, policy=policy, code="99213", left=90)
    with clinic.acting("billing"):
        other.put(payer_number="AUTH-88")
    again(clinic, claim, authorisation="AUTH-88")
    with clinic.acting():
        assert (row.left, other.left) == (6, 5)
    again(clinic, claim, authorisation="Told by telephone")
    with clinic.acting():
        assert (row.left, other.left) == (6, 6)


def test_a_line_that_is_claimed_no_more_gives_its_units_back(clinic, asked):
    claim, row = asked
    with clinic.acting("billing") as acting:
        charge(claim.visit, "20")
        scrubber.take_back(claim, by=acting.person)
        claim.current.lines.get().charge.cancel("Not done", by=acting.person)
        drafting.gather(claim)
        ClaimLine.objects.filter(claim_version=claim.current).update(procedure="82947", pointers=[1])
    ready(clinic, claim)
    with clinic.acting():
        assert row.left == 6


def test_another_payers_claim_for_the_same_gives_back_nothing_of_this_one(clinic, asked):
    claim, row = asked
    with clinic.acting("billing") as acting:
        second = a_payer("Second Mutual", identifier="77222")
        policy = Policy.objects.create(
            patient=claim.patient, insurer=second.name, payer=second, order=2, member_number="S-2"
        )
        further = drafting.start(claim.encounter, policy, Claim.Order.SECONDARY, by=acting.person, previous=claim)
        assert further.current.lines.get().charge == claim.current.lines.get().charge
        further.withdraw("Nothing is left to ask for", by=acting.person)
        assert row.left == 5
        claim.withdraw("Paid by the patient", by=acting.person)
        assert row.left == 6

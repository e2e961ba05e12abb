"""The claims desk at a glance: its figures are those of the claims, and what is lost first stands first."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from billing.claims import drafting
from billing.models import Claim
from billing.reports import claims_desk
from billing.tests.claims import a_note
from billing.tests.remittances import decided, line, posted, sent
from clinical import days
from clinical.models.payer import AppealLevel
from hospital.tests.hospital import Hospital


def rows(house: Hospital, key: str, role: str = "billing") -> list[tuple]:
    with house.acting(role):
        table = claims_desk.report().table(key)
        return [tuple(row) for row in table.rows] if table else []


def figures(house: Hospital) -> dict:
    with house.acting("billing"):
        return {figure.label: figure.value for figure in claims_desk.report().figures}


def test_money_expected_paid_and_at_risk_are_told(alpha, beta):
    claim = sent(alpha, "40.00", "7.00")
    assert figures(alpha)["Due from payers"] == 147
    posted(
        alpha,
        decided(
            claim,
            line(claim, 1, "60.00", CO45="40.00"),
            line(claim, 2, "0.00", CO50="40.00"),
            line(claim, 3, "0.00", PR1="7.00"),
        ),
    )
    told = figures(alpha)
    assert (told["Due from payers"], told["Paid today"], told["Paid in 30 days"], told["At risk"]) == (40, 60, 60, 40)
    assert figures(beta)["Due from payers"] == 0


def test_what_is_lost_first_stands_first(alpha):
    claim = sent(alpha)
    with alpha.acting("billing"):
        AppealLevel.objects.create(payer=claim.payer, level=1, name="Reconsideration", days=20)
        today = days.today()
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO50="100.00"), status="4"), day=today)
    note = a_note(alpha)
    with alpha.acting("billing") as acting:
        unsent = drafting.begin(note, by=acting.person)
        for days_left, first in ((5, "File"), (25, "Appeal")):
            Claim.objects.filter(pk=unsent.pk).update(deadline=today + timedelta(days=days_left))
            found = rows(alpha, "by-deadline")
            assert [row[0].split()[0] for row in found] == sorted(("File", "Appeal"), key=lambda word: word != first)
        Claim.objects.filter(pk=unsent.pk).update(deadline=today + timedelta(days=300))  # no sweep finds it
    assert {(row[0], row[1], row[2]) for row in found} == {
        (f"File {unsent.number}", "Key Insurance", Decimal(100)),
        (f"Appeal {claim.number}", "Key Insurance", Decimal(100)),
    }
    assert found[0][3] == f"{today + timedelta(days=20):%-d %b %Y}"


def test_what_waits_to_be_claimed_and_what_came_in_is_on_the_desk(alpha):
    sent(alpha)
    a_note(alpha)
    assert {row[0]: row[1] for row in rows(alpha, "to-do")}["Signed notes to be claimed"] == 1
    page = alpha.client("billing").get(f"{alpha.url}/claims-desk/").content.decode()
    assert f"{alpha.url}/claims/to-be-claimed/" in page
    assert "No payer has sent a file yet." in page

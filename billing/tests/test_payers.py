"""Insurers and their rules: kept on pages, linked by the name on the card."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from clinical.models import AppealLevel, AuthorisationRule, Patient, Payer, Policy

FORM = {"filing": "CI", "filing_days": "90", "is_active": "on"}


@pytest.fixture
def payer(alpha) -> Payer:
    with alpha.acting("billing"):
        return Payer.objects.create(name="Northern Mutual", identifier="NM001", filing_days=180)


def send(client, url: str, **fields: str):
    return client.post(url, {"form_key": str(uuid4()), **fields})


def test_a_policy_is_linked_with_the_insurer_that_it_names(alpha, payer):
    with alpha.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Ng", sex="female")
        policy = Policy.record(patient, by=acting.person, insurer=" northern mutual ", member_number="1")
        assert policy.payer == payer
        policy.change(by=acting.person, insurer="Somebody Else")
        policy.refresh_from_db()
        assert policy.payer is None


def test_an_insurer_that_is_added_takes_the_policies_that_carry_its_name(alpha):
    with alpha.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Ng", sex="female")
        policy = Policy.record(patient, by=acting.person, insurer="Southern House", member_number="1")
    client = alpha.client("billing")
    assert "Southern House" in client.get(f"{alpha.url}/payers/").content.decode()
    answer = send(client, f"{alpha.url}/payers/new/", **FORM, name="SOUTHERN house")
    with alpha.acting():
        policy.refresh_from_db()
        assert policy.payer.name == "SOUTHERN house"
        assert answer.url == f"{alpha.url}/payers/{policy.payer_id}/"
    again = send(client, f"{alpha.url}/payers/new/", **FORM, name="southern HOUSE")
    assert again.status_code == 422 and "with this name already" in again.content.decode()


def test_the_names_on_restricted_charts_stay_on_them(alpha):
    with alpha.acting("admin") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Ng", sex="female")
        Policy.record(patient, by=acting.person, insurer="Secret House", member_number="1")
        patient.restrict("Works here", by=acting.person)
    assert "Secret House" not in alpha.client("billing").get(f"{alpha.url}/payers/").content.decode()


@pytest.mark.parametrize(
    ("rule", "asked", "needs"),
    [
        ({"code": "96920"}, ("96920", 1, None), True),
        ({"code": "96920"}, ("969201", 1, None), False),
        ({"code": "9692*"}, ("96922", 1, None), True),
        ({"code": "J*"}, ("j0135", 1, None), True),
        ({"code": "A1", "from_units": Decimal(3)}, ("A1", 2, None), False),
        ({"code": "A1", "from_units": Decimal(3)}, ("A1", 3, None), True),
        ({"code": "A1", "from_amount": Decimal(500)}, ("A1", 1, Decimal("499.99")), False),
        ({"code": "A1", "from_amount": Decimal(500)}, ("A1", 1, None), True),
        ({"code": "A1", "from_units": Decimal(9), "from_amount": Decimal(500)}, ("A1", 1, Decimal(500)), True),
        ({"code": "A1", "is_active": False}, ("A1", 1, None), False),
    ],
)
def test_a_rule_says_when_a_service_must_be_authorised(alpha, payer, rule, asked, needs):
    code, units, amount = asked
    with alpha.acting("billing"):
        AuthorisationRule.objects.create(payer=payer, **rule)
        assert bool(payer.rules_for(code, units=Decimal(units), amount=amount)) is needs


def test_levels_and_rules_are_kept_below_the_insurer(alpha, payer):
    client, base = alpha.client("billing"), f"{alpha.url}/payers/{payer.pk}"
    assert send(client, f"{base}/levels/new/", level="1", name="Reconsideration", days="60").status_code == 302
    assert send(client, f"{base}/rules/new/", code="j9*", is_active="on").status_code == 302
    twice = send(client, f"{base}/levels/new/", level="1", name="Again", days="30")
    assert twice.status_code == 422 and "has this level already" in twice.content.decode()
    odd = send(client, f"{base}/rules/new/", code="J 9", is_active="on")
    assert odd.status_code == 422
    shown = client.get(f"{base}/").content.decode()
    assert "Reconsideration" in shown and "J9*" in shown
    with alpha.acting("billing"):
        assert (payer.appeal_days(1), payer.appeal_days(2)) == (60, None)
        level = AppealLevel.objects.get()
    assert send(client, f"{alpha.url}/payers/levels/{level.pk}/remove/").status_code == 302
    with alpha.acting("billing"):
        assert payer.appeal_days(1) is None


def test_of_two_who_change_an_insurer_the_second_is_asked(alpha, payer):
    client, url = alpha.client("billing"), f"{alpha.url}/payers/{payer.pk}/edit/"
    opened = {"version": "1", "opened-filing_days": "180", "opened-name": "Northern Mutual", "opened-filing": "CI"}
    with alpha.acting("admin"):
        payer.filing_days = 365
        payer.save()
    answer = send(client, url, **{**FORM, **opened, "name": "Northern Mutual", "filing_days": "120"})
    assert answer.status_code == 409 and "365" in answer.content.decode()


def test_only_those_who_keep_insurers_open_them(alpha, beta, payer):
    assert alpha.client("reception").get(f"{alpha.url}/payers/").status_code == 403
    assert beta.client("billing").get(f"{beta.url}/payers/{payer.pk}/").status_code == 404

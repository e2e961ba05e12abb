"""Who pays for a patient: policies, and until when the insurer says so."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from clinical import days
from clinical.models import Confirmation, Policy
from clinical.tests.wards import a_patient, fresh
from hospital.workflow import Refused

CARD = {"insurer": "Northern Mutual", "member_number": "NM-4471", "holder_relation": "self", "order": "1"}


@pytest.fixture
def patient(alpha):
    with alpha.acting("reception"):
        return a_patient()


def a_policy(hospital, patient, **fields):
    details = {"insurer": "Northern Mutual", "member_number": "NM-4471", **fields}
    with hospital.acting("reception") as acting:
        return Policy.record(patient, by=acting.person, **details)


def verify(hospital, policy, until=None, role="reception"):
    with hospital.acting(role) as acting:
        policy.verify(by=acting.person, until=until or policy.good_until)


def test_a_policy_is_verified_by_somebody_for_a_time(alpha, patient):
    policy = a_policy(alpha, patient, copay=Decimal("15.00"))
    verify(alpha, policy)
    with alpha.acting():
        assert (policy.is_verified, policy.verified_by, policy.currency) == (True, alpha.reception, "USD")
        with time_machine.travel(timezone.now() + timedelta(days=40)):
            assert not fresh(policy).is_verified


def test_it_cannot_be_verified_for_the_past_nor_beyond_its_own_end(alpha, patient):
    with alpha.acting():
        today = days.today()
        policy = a_policy(alpha, patient, valid_until=today + timedelta(days=5))
        assert policy.good_until == today + timedelta(days=5)
    with pytest.raises(Refused, match="has passed"):
        verify(alpha, policy, today - timedelta(days=1))
    with pytest.raises(Refused, match="beyond that"):
        verify(alpha, policy, today + timedelta(days=6))


def test_one_that_has_not_begun_cannot_be_verified(alpha, patient):
    with alpha.acting():
        today = days.today()
    policy = a_policy(alpha, patient, valid_from=today + timedelta(days=2))
    with pytest.raises(Refused, match="The policy begins on"):
        verify(alpha, policy, today + timedelta(days=9))


def test_a_row_that_was_read_too_early_still_loses_its_verification_with_its_number(alpha, patient):
    policy = a_policy(alpha, patient, member_number="NM-9")
    with alpha.acting("reception") as acting:
        early = fresh(policy)
        policy.change(by=acting.person, member_number="NM-1")
        policy.verify(by=acting.person, until=policy.good_until)
        early.change(by=acting.person, member_number="NM-9")
        assert not fresh(policy).is_verified


def test_another_number_must_be_verified_again_and_another_copay_need_not(alpha, patient):
    policy = a_policy(alpha, patient)
    verify(alpha, policy)
    with alpha.acting("reception") as acting:
        policy.change(by=acting.person, copay=Decimal("20.00"))
        assert fresh(policy).is_verified
        policy.change(by=acting.person, member_number="NM-9")
        assert not fresh(policy).is_verified
        policy.verify(by=acting.person, until=policy.good_until)
        policy.change(by=acting.person, holder_relation="spouse", holder_family_name="Ng")
        assert not fresh(policy).is_verified


def test_only_who_manages_insurance_verifies_it(alpha, patient):
    policy = a_policy(alpha, patient)
    with pytest.raises(PermissionDenied):
        verify(alpha, policy, role="pharmacy")
    verify(alpha, policy, role="billing")


def test_reception_writes_a_card_down_and_verifies_it(alpha, patient):
    client = alpha.client("reception")
    client.post(f"{alpha.url}/patients/{patient.pk}/policies/new/", {**CARD, "copay": "15.00"})
    with alpha.acting():
        policy = Policy.objects.get()
        assert (policy.patient, policy.copay, policy.recorded_by) == (patient, Decimal("15.00"), alpha.reception)
        until = policy.good_until
    page = client.get(f"{alpha.url}/patients/{patient.pk}/").content.decode()
    assert "Northern Mutual" in page and "Not verified" in page
    client.post(f"{alpha.url}/policies/{policy.pk}/verify/", {"until": until.isoformat()})
    assert "Verified until" in client.get(f"{alpha.url}/patients/{patient.pk}/").content.decode()


def test_there_is_one_primary_policy_at_a_time(alpha, patient):
    client, new = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/policies/new/"
    assert client.post(new, CARD).status_code == 302
    again = client.post(new, {**CARD, "insurer": "Other House"})
    assert again.status_code == 422 and "Another policy in use" in again.content.decode()
    assert client.post(new, {**CARD, "insurer": "Other House", "order": "2"}).status_code == 302


def test_two_people_who_change_a_policy_do_not_overwrite_each_other(alpha, patient):
    policy = a_policy(alpha, patient)
    client, edit = alpha.client("reception"), f"{alpha.url}/policies/{policy.pk}/edit/"
    form = client.get(edit).context["form"]
    sent = {**CARD, "is_active": "on", "version": policy.version}
    sent |= {f"opened-{name}": form._opened_text(name) for name in form.fields}
    with alpha.acting("reception") as acting:
        policy.change(by=acting.person, group_number="G-1")
    assert client.post(edit, {**sent, "member_number": "NM-9"}).status_code == 302
    with alpha.acting():
        assert (fresh(policy).group_number, fresh(policy).member_number) == ("G-1", "NM-9")


@pytest.mark.parametrize("role", ["pharmacy", "main_doctor", "lab_technician"])
def test_nobody_else_sees_or_changes_insurance(alpha, patient, role):
    policy, client = a_policy(alpha, patient), alpha.client(role)
    assert "Northern Mutual" not in client.get(f"{alpha.url}/patients/{patient.pk}/").content.decode()
    for path in (
        f"patients/{patient.pk}/policies/new/",
        f"policies/{policy.pk}/edit/",
        f"policies/{policy.pk}/verify/",
    ):
        assert client.get(f"{alpha.url}/{path}").status_code == 403


def test_another_hospital_has_no_such_policy(alpha, beta, patient):
    policy = a_policy(alpha, patient)
    for path in (
        f"patients/{patient.pk}/policies/new/",
        f"policies/{policy.pk}/edit/",
        f"policies/{policy.pk}/verify/",
    ):
        assert beta.client("reception").post(f"{beta.url}/{path}", CARD).status_code == 404


def test_what_was_confirmed_last_is_what_counts(alpha, patient):
    with alpha.acting("reception") as acting:
        Confirmation.record(patient, "details", by=acting.person)
        newest = Confirmation.record(patient, "details", by=acting.person)
        assert Confirmation.last(patient) == {"details": newest}
    with alpha.acting("pharmacy") as acting, pytest.raises(PermissionDenied):
        Confirmation.record(patient, "details", by=acting.person)


def test_who_pays_first_is_changed_in_one_step_and_the_others_follow(alpha, patient):
    with alpha.acting("reception") as acting:
        first, second, third = (
            Policy.record(patient, by=acting.person, insurer=name, member_number="1", order=place)
            for place, name in enumerate(("One", "Two", "Three"), start=1)
        )
        first.verify(by=acting.person, until=first.good_until)
    answer = alpha.client("reception").post(f"{alpha.url}/policies/{third.pk}/first/", {"form_key": str(uuid4())})
    assert answer.status_code == 302
    with alpha.acting():
        today = timezone.localdate()
        assert list(Policy.objects.paying(patient, today)) == [third, first, second]
        first.refresh_from_db()
        assert first.is_verified and first.is_active, "it is asked later, and known as before"
        third.refresh_from_db()
        third.change(by=None, valid_until=today - timedelta(days=1))
        assert list(Policy.objects.paying(patient, today)) == [first, second]

"""Two people at one patient's insurance at the same moment: both changes stay, versions count on, nobody gets an error page."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clinical import days
from clinical.models import Policy
from clinical.tests.test_policy import CARD, a_policy
from clinical.tests.wards import a_patient, fresh
from hospital.workflow import Refused


@pytest.fixture
def patient(alpha):
    with alpha.acting("reception"):
        return a_patient()


def at_once(*works) -> list:
    """Each in a thread of its own, begun together: what each gave, or the exception."""
    start, found = Barrier(len(works)), [None] * len(works)

    def run(number: int) -> None:
        try:
            start.wait(20)
            found[number] = works[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_writers_who_both_read_the_first_version_lose_nothing_and_count_on(alpha, patient):
    policy = a_policy(alpha, patient)

    def changes(**fields):
        def work() -> None:
            with alpha.acting("reception") as acting:
                stale = Policy.objects.get(pk=policy.pk)
                stale.change(by=acting.person, **fields)

        return work

    assert at_once(changes(member_number="NM-9"), changes(group_number="G-1")) == [None, None]
    with alpha.acting():
        row = fresh(policy)
        assert (row.member_number, row.group_number, row.version) == ("NM-9", "G-1", policy.version + 2)


def test_a_writer_who_read_before_a_colleague_saved_counts_on_from_there(alpha, patient):
    policy = a_policy(alpha, patient)
    with alpha.acting("reception") as acting:
        stale = fresh(policy)
        fresh(policy).change(by=acting.person, group_number="G-1")
        stale.change(by=acting.person, member_number="NM-9")
        row = fresh(policy)
        assert (row.member_number, row.group_number, row.version) == ("NM-9", "G-1", policy.version + 2)


def test_of_two_who_record_the_first_policy_at_once_one_is_told(alpha, patient):
    address = f"{alpha.url}/patients/{patient.pk}/policies/new/"
    desks = [alpha.client("reception"), alpha.client("reception", "Second Desk")]
    with alpha.acting("reception") as acting, transaction.atomic():
        patient.lock()
        assert acting  # both forms are checked while nothing is recorded yet
        sends = [lambda one=one: one.post(address, CARD).status_code for one in desks]
        waiting = Thread(target=lambda: results.extend(at_once(*sends)))
        results: list = []
        waiting.start()
        waiting.join(3)
    waiting.join(60)
    assert sorted(map(str, results)) == ["302", "422"]
    with alpha.acting():
        assert patient.policies.count() == 1


def test_a_policy_that_was_changed_while_the_insurer_was_asked_is_not_verified(alpha, patient):
    policy, client = a_policy(alpha, patient), alpha.client("reception")
    address = f"{alpha.url}/policies/{policy.pk}/verify/"
    form = client.get(address).context["form"]
    sent = {"seen": form["seen"].value(), "until": form["until"].value().isoformat()}
    with alpha.acting("reception") as acting:
        policy.change(by=acting.person, member_number="NM-9")
    answer = client.post(address, sent)
    assert answer.status_code == 409
    assert "Look at it again" in answer.content.decode()
    with alpha.acting("reception") as acting:
        assert not fresh(policy).is_verified
        with pytest.raises(Refused):
            fresh(policy).verify(by=acting.person, until=days.today(), seen=policy.version - 1)


def test_whoever_changes_a_policy_holds_the_patient_first_as_the_others_do(alpha, patient):
    policy = a_policy(alpha, patient)
    with alpha.acting("reception") as acting:
        policy = Policy.objects.get(pk=policy.pk)
        for change in (policy.pay_first, lambda by: policy.change(by=by, copay=5)):
            with CaptureQueriesContext(connection) as asked:
                change(by=acting.person)
            held = [one["sql"].partition(" FROM ")[2].split()[0] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
            held += [] if held else [one["sql"] for one in asked]
            assert held[0] == '"clinical_patient"'

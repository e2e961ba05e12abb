"""The numbers beside the places of the sidebar: all come with one question, and each role has those of its own work."""

from __future__ import annotations

import gc
import re
import weakref
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from clinical.tests.answers import text
from clinical.tests.messages import PERSON, adt, send
from clinical.tests.notes import written
from hospital.models import Membership, Role
from hospital.roles import ROLE_KEYS
from hospital.tenancy import acting_for
from hospital.tests.asking import queries
from hospital.waiting import Question, Waiting, current_question

NUMBER = re.compile(r'<span id="waiting-([\w-]+)" class="place-count"( hidden)?>([\d+]+)<')


def shown(page: str) -> dict[str, str]:
    return {key: count for key, hidden, count in NUMBER.findall(page) if not hidden}


def test_each_role_sees_how_much_waits_in_its_own_work(alpha):
    written(alpha)
    for number in range(101):
        send(alpha, adt("A08", PERSON, control=f"N{number}"))
    expected = {"main_doctor": {"unsigned": "1"}, "reception": {"messages": "99+"}, "lab_technician": {}}
    for role, numbers in expected.items():
        for page in ("waiting/", "absences/"):
            assert shown(text(alpha.client(role).get(f"{alpha.url}/{page}"))) == numbers


def test_the_numbers_and_the_restricted_charts_are_not_asked_by_themselves(alpha):
    written(alpha)
    asked = queries(alpha.client("main_doctor"), f"{alpha.url}/notes/")
    assert sum("clinical_encounter" in one and "realtime_alert" in one for one in asked) == 1
    assert [one for one in asked if "is_restricted" in one.partition("WHERE")[2] and "hospital_role" not in one] == []


def test_a_role_that_may_see_messages_of_no_kind_sees_no_number(alpha):
    with alpha.acting():
        Role.objects.get(key="reception").allow_exactly({"clinical.manage_messages"})
    answer = alpha.client("reception").get(f"{alpha.url}/waiting/")
    assert (answer.status_code, shown(text(answer))) == (200, {})


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_what_is_asked_depends_on_nothing_but_who_asks(alpha, role, django_assert_num_queries):
    """Neither on the rows nor on the day: else it could not be written once for each person."""
    with alpha.acting(role) as acting:
        first = Question(acting)
        with time_machine.travel(timezone.now() + timedelta(days=1)), django_assert_num_queries(0):
            again = Question(acting)
        assert (first.sql, first.values) == (again.sql, again.values)
        assert current_question() is current_question()


def test_nobody_is_asked_for_what_waits_for_a_colleague_or_in_another_hospital(alpha, beta):
    written(alpha)
    with beta.acting():
        Membership.grant(alpha.main_doctor, "main_doctor")
    asked = ((beta, ""), (alpha, ""), (alpha, "Other"))
    seen = [shown(text(alpha.client("main_doctor", name).get(f"{house.url}/waiting/"))) for house, name in asked]
    assert seen == [{}, {"unsigned": "1"}, {}]
    with alpha.acting():
        Role.objects.get(key="main_doctor").allow_exactly({"clinical.order_tests"})
    assert shown(text(alpha.client("main_doctor").get(f"{alpha.url}/waiting/"))) == {}


def test_a_person_in_another_role_asks_anew_though_both_may_do_the_same(alpha, monkeypatch):
    of_the_role = Waiting("role", "", lambda acting: (Role.objects.filter(key=acting.role.key),), "", on=())
    monkeypatch.setattr("hospital.waiting.declared_for", lambda acting: [of_the_role])
    with alpha.acting():
        Membership.grant(alpha.main_doctor, "checker_doctor")
        for role in Role.objects.filter(key__in=("main_doctor", "checker_doctor")):
            role.allow_exactly({"clinical.order_tests"})
    for key in ("main_doctor", "checker_doctor"):
        with acting_for(alpha.tenant, alpha.main_doctor, key):
            assert key in current_question().values.values()


def test_what_is_remembered_holds_on_to_no_request(alpha):
    """Nor to what was posted, the session's key and the restricted charts that come with it."""
    asked = []
    for name in ("", "Other", "Third", "Fourth"):
        answer = alpha.client("main_doctor", name).get(f"{alpha.url}/waiting/")
        asked.append(weakref.ref(answer.wsgi_request))
    del answer
    gc.collect()
    assert [request for request in asked[:-1] if request()] == []

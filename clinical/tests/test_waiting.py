"""The numbers beside the places of the sidebar: all come with one question, and each role has those of its own work."""

from __future__ import annotations

import re

from clinical.tests.answers import text
from clinical.tests.messages import PERSON, adt, send
from clinical.tests.notes import written
from hospital.models import Role
from hospital.tests.asking import queries

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

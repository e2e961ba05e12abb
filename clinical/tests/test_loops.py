"""Loops not closed: one list of whatever was begun and waits for its end, each kind by one declaration."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from clinical.models import Encounter, LabOrder
from clinical.tests.answers import text
from clinical.tests.messages import PERSON, adt, send
from clinical.tests.notes import signed, written
from hospital.loops import declared
from hospital.models import Membership, Role
from hospital.tests.asking import queries
from hospital.tests.world import World
from realtime.alerts.models import Alert
from realtime.tests.alarms import critical_value

FRAME = 8  # what a page asks before its own questions, and those two; nobody may see all kinds
ROW = re.compile(r'<tr id="loop-([\w-]+)">')


def listed(hospital, role, query="", name=""):
    return text(hospital.client(role, name).get(f"{hospital.url}/loops/{query}"))


def rows(page):
    return ROW.findall(page)


def test_a_note_stands_there_until_it_is_signed(alpha):
    note = written(alpha)
    assert rows(listed(alpha, "main_doctor")) == [str(note.pk)]
    with alpha.acting("main_doctor") as acting:
        note.sign(by=acting.person)
    page = listed(alpha, "main_doctor")
    assert (rows(page), "Every loop is closed" in page) == ([], True)


def test_what_is_due_first_stands_first_and_what_is_past_it_is_overdue(alpha):
    """A critical value: its alert is due in minutes, its review in a day, a note begun two days ago was due yesterday."""
    note = written(alpha)
    with alpha.acting():
        Encounter.objects.filter(pk=note.pk).update(started_at=timezone.now() - timedelta(hours=48))
    critical_value(alpha, "9.0")
    with alpha.acting():
        alert, order = Alert.objects.get(), LabOrder.objects.get()
    page = listed(alpha, "main_doctor", "?whose=all")
    assert rows(page) == [str(note.pk), str(alert.pk), str(order.pk)]
    assert page.count("Overdue</span>") == 1
    assert rows(listed(alpha, "main_doctor", "?whose=all&late=yes")) == [str(note.pk)]
    assert rows(listed(alpha, "main_doctor", "?whose=all&kind=results")) == [str(order.pk)]


def test_a_colleague_finds_it_only_under_everybodys_and_a_note_only_who_leads(alpha):
    note = written(alpha)
    colleague = alpha.person("main_doctor", "Second Doctor")
    assert rows(listed(alpha, "main_doctor", "?whose=all", "Second Doctor")) == []
    with alpha.acting():
        Membership.objects.filter(person=colleague).update(is_head=True)
    assert rows(listed(alpha, "main_doctor", "", "Second Doctor")) == []
    assert rows(listed(alpha, "main_doctor", "?whose=all", "Second Doctor")) == [str(note.pk)]
    assert rows(listed(alpha, "admin")) == [str(note.pk)]


def test_a_role_sees_the_kinds_of_its_own_work_only(alpha):
    written(alpha)
    send(alpha, adt("A08", PERSON))
    assert len(rows(listed(alpha, "reception"))) == 1
    assert rows(listed(alpha, "pharmacy", "?whose=all")) == []
    with alpha.acting():
        Role.objects.get(key="reception").allow_exactly({"hospital.view_loops"})
    page = listed(alpha, "reception", "?whose=all&kind=messages")
    assert (rows(page), "Messages not settled" in page) == ([], False)


def test_every_filter_says_how_many_there_are(alpha):
    written(alpha)
    signed(alpha, cosigner=alpha.person("main_doctor", "Second Doctor"))
    page = listed(alpha, "main_doctor")
    assert re.findall(r'>([\w\s\'&;#-]+)<span class="pill-count">(\d+)<', page)[:4] == [
        ("Mine", "1"),
        ("Everybody&#x27;s", "1"),
        ("All kinds", "1"),
        ("Alerts not acknowledged", "0"),
    ]


@pytest.mark.parametrize("query", ["?page=9", "?kind=nothing", "?whose=nobody", "?late=no&page=x"])
def test_an_odd_address_shows_the_list_all_the_same(alpha, query):
    note = written(alpha)
    assert rows(listed(alpha, "main_doctor", query)) == [str(note.pk)]


def test_it_asks_twice_and_once_for_each_kind(alpha):
    world = World(alpha)
    asked = queries(alpha.client("main_doctor"), f"{alpha.url}/loops/?whose=all")
    assert sum("loop_due" in one for one in asked) == 2
    assert len(asked) <= FRAME + len(declared()), world.mark


def test_each_kind_says_what_it_is_and_after_which_events_it_is_fetched_again():
    from realtime.catalogue import catalogue

    keys = [loop.key for loop in declared()]
    assert len(keys) == len(set(keys)) >= 6
    assert {name for loop in declared() for name in loop.on} <= set(catalogue.by_name)

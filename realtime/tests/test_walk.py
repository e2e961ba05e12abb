"""The walk: each event of the catalogue comes about by its verb, and is heard on real sockets by exactly those roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from hospital.roles import ROLE_KEYS
from hospital.tests.hospital import Hospital
from realtime.catalogue import catalogue
from realtime.models import Event
from realtime.tests.listening import Listener, cursor_of
from realtime.tests.remittance_happenings import HAPPENINGS, Day
from realtime.tests.table import BROUGHT, OWN, READERS, TABLE, Audience

Line = tuple[str, str]
Heard = list[tuple[str, str]]  # (event, loudness)
Log = list[tuple[Line, str]]  # (what was done, event that it brought)
COLLEAGUE = "Second Doctor"
LINES = [(event, what) for event, lines in TABLE.items() for what in lines]


@dataclass
class Walk:
    """What happened, line by line, and what each page of both hospitals received meanwhile."""

    day: Day
    other: Day
    pages: dict[str, Listener]
    strangers: dict[str, Listener]
    colleague: Listener  # works in the same role as the doctor of the walk
    log: Log = field(default_factory=list)
    other_log: Log = field(default_factory=list)

    @property
    def everybody(self) -> list[Listener]:
        return [*self.pages.values(), *self.strangers.values(), self.colleague]

    def go(self) -> None:
        for line in LINES:
            self.log += done(self.day, line)
            for page in self.everybody:
                take_in(page)
        self.other_log += done(self.other, ("visit:created", "a visit is registered"))
        for page in self.everybody:
            hospital = self.other.hospital if page in self.strangers.values() else self.day.hospital
            page.until(lambda page=page, hospital=hospital: page.cursor == cursor_of(hospital), 60)


def take_in(page: Listener) -> None:
    """Read what has come, and say so once: a page may not talk too much, nor be silent too long."""
    page.acknowledges, before = False, page.seq
    while page.take(0.001):
        pass
    if page.seq > before:
        page.say({"ack": page.seq})


def done(day: Day, line: Line) -> Log:
    before = last_number(day.hospital)
    HAPPENINGS[line](day)
    return [(line, event) for event in names_since(day.hospital, before)]


def due(role: str, log: Log, *, own: str = "notice") -> Heard:
    """What the table promises to this role, in the order in which it happened."""
    audiences = [(event, audience_of(event, line)) for line, event in log]
    return [
        (event, own if audience[role] == OWN else audience[role]) for event, audience in audiences if role in audience
    ]


def audience_of(event: str, line: Line) -> Audience:
    """An event that another line of the table brings along is as in its first line, unless the table says otherwise."""
    lines = TABLE[event]
    if event in (brought := BROUGHT.get(line, {})):
        return brought[event]
    return lines[line[1]] if line[0] == event else next(iter(lines.values()))


def last_number(hospital: Hospital) -> int:
    return int(cursor_of(hospital).split(":")[1])


def names_since(hospital: Hospital, number: int) -> list[str]:
    with hospital.acting():
        return list(Event.objects.filter(seq__gt=number).order_by("seq").values_list("name", flat=True))


def heard_by(page: Listener) -> Heard:
    return [(event["name"], event.get("loudness", "info")) for event in page.events]


@pytest.fixture(scope="module")
def walk(site, django_db_blocker) -> Iterator[Walk]:
    with django_db_blocker.unblock(), ExitStack() as open:
        hospitals = [Hospital("Walked"), Hospital("Other")]
        for hospital in hospitals:
            for role in ROLE_KEYS:
                hospital.person(role)
        hospitals[0].person("main_doctor", COLLEAGUE)
        pages, strangers = (
            {role: open.enter_context(Listener(site, hospital, role)).joined() for role in ROLE_KEYS}
            for hospital in hospitals
        )
        colleague = open.enter_context(Listener(site, hospitals[0], "main_doctor", name=COLLEAGUE)).joined()
        walk = Walk(Day(hospitals[0]), Day(hospitals[1]), pages, strangers, colleague)
        walk.go()
        yield walk


def test_each_declared_event_is_in_the_table():
    declared = {event.name for event in catalogue}
    assert declared - set(TABLE) == set(), "write into realtime/tests/table.py who hears it"
    assert set(TABLE) - declared == set(), "promised in the table, and declared nowhere"


def test_each_line_of_the_table_comes_about_in_one_way():
    assert set(HAPPENINGS) == set(LINES)


@pytest.mark.parametrize("line", LINES, ids=": ".join)
def test_what_is_declared_is_emitted(walk, line):
    assert (line, line[0]) in walk.log


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_this_role_hears_what_the_table_promises_and_nothing_else(walk, role):
    heard, promised = heard_by(walk.pages[role]), due(role, walk.log)
    assert Counter(heard) == Counter(promised)
    assert heard == promised


def test_what_is_a_notice_for_one_person_is_only_told_to_a_colleague_in_the_same_role(walk):
    def of_appointments(heard: Heard) -> Heard:
        return [(event, loudness) for event, loudness in heard if event.startswith("appointment:")]

    heard = of_appointments(heard_by(walk.colleague))
    assert heard == of_appointments(due("main_doctor", walk.log, own="info"))
    assert {loudness for _, loudness in heard} == {"info"}
    mine = of_appointments(heard_by(walk.pages["main_doctor"]))
    assert {event for event, loudness in mine if loudness == "notice"} == {
        "appointment:cancelled",
        "appointment:checkedin",
    }


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_the_other_hospital_hears_its_own_visit_and_not_one_byte_of_this_hospital(walk, role):
    page = walk.strangers[role]
    assert heard_by(page) == due(role, walk.other_log)
    assert walk.day.hospital.mark not in page.received
    assert walk.day.hospital.tenant.slug not in page.received
    assert str(walk.day.hospital.tenant.pk) not in page.received


@pytest.mark.parametrize("word", READERS)
def test_a_field_is_pushed_only_to_roles_that_may_read_it(walk, word):
    """RA-5."""
    said = walk.day.word(word)
    readers = {role for role, page in walk.pages.items() if said in page.received or spoken(said) in page.received}
    assert readers <= set(READERS[word])


def test_every_field_was_filled_and_the_fragments_do_show_fields(walk):
    """The premise of the test above."""
    assert walk.day.said == set(READERS)
    shown = {word for word in READERS if any(walk.day.word(word) in page.received for page in walk.pages.values())}
    assert shown >= {"family_name", "complaint", "lab_result", "critical_value", "medicine", "document"}


def spoken(amount: str) -> str:
    return f"{amount[0]},{amount[1:]}"

"""Each page asks the database as often for hundreds of visits as for ten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinical.models import Encounter, Patient, Visit
from hospital.access import Entry, entries, is_admin
from hospital.models import Session
from hospital.permits import MEMBER
from hospital.roles import ROLES
from hospital.sessions import WRITTEN_EVERY
from hospital.tests.asking import NOW_AND_THEN, asked, queries
from hospital.tests.hospital import Hospital
from hospital.tests.test_access import address
from hospital.tests.world import World

pytestmark = pytest.mark.usefixtures("plain_templates")

MANY = 300  # more than any page shows
BUDGET = 12
WITH_ALERTS = BUDGET + 1  # where an alert waits for who asks
LEAD_ON = ("claim-codes/organisation/new/", "specimens/labels/")  # to the one that there is, to where they are chosen
LISTS = [
    entry
    for entry in entries()
    if "GET" in entry.methods
    and "<uuid" not in entry.route
    and "<slug" not in entry.route
    and not is_admin(entry)
    and entry.route not in LEAD_ON
    and entry.name not in ("home", "realtime:socket", "design", "scheduling:last_step", "scheduling:series_new")
]


def role_for(entry: Entry) -> str:
    """The first role after the administrator's that may open it."""
    may = [role.key for role in ROLES if entry.permission == MEMBER or entry.permission in role.permissions]
    return next((key for key in may if key != "admin"), may[0])


def counts(hospital: Hospital) -> dict[str, int]:
    found = {}
    for entry in LISTS:
        client = hospital.client(role_for(entry))
        found[entry.route] = count(client, hospital.url + address(entry.route))
    return found


def count(client: Client, url: str) -> int:
    return sum(sql not in ("BEGIN", "COMMIT") for sql in queries(client, url))


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock():
        return World(Hospital("Busy"))


def test_a_page_asks_as_often_for_hundreds_of_visits_as_for_ten(world):
    few = counts(world.hospital)
    with world.hospital.acting("reception") as acting:
        for number in range(MANY):
            patient = Patient.register(by=acting.person, given_name="Ada", family_name=f"Number {number}", sex="female")
            Visit.register(patient, complaint="Cough", by=acting.person)
    many = counts(world.hospital)
    assert {route: (few[route], many[route]) for route in few if many[route] > few[route]} == {}


def test_a_chart_asks_no_more_than_a_list(world):
    """However much is known of somebody: what the summary shows comes in one round trip."""
    client = world.hospital.client("main_doctor")
    for station in ("registered", "lab_done", "done"):
        url = f"{world.hospital.url}/patients/{world.visits[station].patient_id}/chart/"
        assert count(client, url) <= WITH_ALERTS


def test_a_note_asks_no_more_than_a_list_whether_it_is_written_read_or_signed(world):
    hospital = world.hospital
    client = hospital.client("main_doctor")
    with hospital.acting():
        notes = {note.is_signed: note for note in Encounter.objects.all()}
    pages = [f"{notes[True].pk}/", f"{notes[True].pk}/print/", f"{notes[False].pk}/", f"{notes[False].pk}/sign/"]
    asked_by = {page: count(client, f"{hospital.url}/notes/{page}") for page in pages}
    assert {page: found for page, found in asked_by.items() if found > WITH_ALERTS} == {}


def test_a_biopsy_asks_no_more_than_a_list_at_each_station_also_where_some_charts_are_closed(world):
    """A row that leads to its patient by other rows is asked whose it is as soon as one chart is closed."""
    hospital = world.hospital
    with hospital.acting("admin") as acting:
        hidden = Patient.register(by=acting.person, given_name="Hidden", family_name="Person", sex="female")
        hidden.restrict("Works here", by=acting.person)
    client = hospital.client("main_doctor")
    pages = {name: f"{hospital.url}/biopsies/{row.pk}/" for name, row in world.biopsies.items()}
    pages["loops"] = f"{hospital.url}/loops/?kind=biopsies&whose=all"
    asked_by = {name: count(client, page) for name, page in pages.items()}
    assert {name: found for name, found in asked_by.items() if found > WITH_ALERTS} == {}


def test_the_calendar_asks_no_more_than_a_list(world):
    client = world.hospital.client("reception")
    for query in ("", "?by=room", "?span=week", "?status=all"):
        assert count(client, f"{world.hospital.url}/calendar/{query}") <= BUDGET, query


def test_that_somebody_is_there_is_written_now_and_then_and_counts_for_no_page(world):
    client, url = world.hospital.client("reception"), f"{world.hospital.url}/front-desk/"
    usual = queries(client, url)
    Session.objects.filter(person=world.hospital.reception).update(
        last_active_at=timezone.now() - timedelta(seconds=WRITTEN_EVERY + 1)
    )
    with CaptureQueriesContext(connection) as seen:
        later = asked(client, url)
    assert sum(NOW_AND_THEN in query["sql"] for query in seen.captured_queries) == 1
    assert len(later) == len(usual)


def test_no_page_asks_more_than_a_few_times(world):
    """The budget is twelve, one for the frame, and one for an alert that waits; figures with many parts (dashboard, analytics, reports) have each part as one aggregate."""
    assert {
        route: count
        for route, count in counts(world.hospital).items()
        if count
        > (
            30
            if any(word in route for word in ("analytics", "claims-desk", "dashboard", "report", "turnaround"))
            else WITH_ALERTS + 1
        )
    } == {}

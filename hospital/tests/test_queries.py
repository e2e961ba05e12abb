"""Each page asks the database as often for 1,000 visits as for ten."""

from __future__ import annotations

import pytest
from django.test import Client

from clinical.models import Patient, Visit
from hospital.access import Entry, entries, is_admin
from hospital.permits import MEMBER
from hospital.roles import ROLES
from hospital.tests.asking import queries
from hospital.tests.hospital import Hospital
from hospital.tests.test_access import address
from hospital.tests.world import World

MANY = 1000
LISTS = [
    entry
    for entry in entries()
    if "GET" in entry.methods
    and "<uuid" not in entry.route
    and "<slug" not in entry.route
    and not is_admin(entry)
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


def test_a_page_asks_as_often_for_1000_visits_as_for_ten(world):
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
        assert count(client, url) <= 12


def test_no_page_asks_more_than_a_few_times(world):
    """The budget is twelve, and one for the frame; figures with many parts (dashboard, analytics, reports) have each part as one aggregate."""
    asked = counts(world.hospital)
    assert {
        route: count
        for route, count in asked.items()
        if count > (30 if any(word in route for word in ("analytics", "dashboard", "report")) else 13)
    } == {}

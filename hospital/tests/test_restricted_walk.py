"""A restricted chart is masked at every address, in every answer, for every role; who holds the grant opens it."""

from __future__ import annotations

import re

import pytest

from clinical.models import ChartGrant, Patient
from clinical.models.restriction import reason_of
from hospital.access import Entry, entries
from hospital.roles import ROLE_KEYS
from hospital.seals import is_sealed
from hospital.tests.canaries import WORD, hanging, holds_a_word, said_in, spread, texts
from hospital.tests.hospital import Hospital
from hospital.tests.test_access import address
from hospital.tests.test_audit_reads import ABOUT_ONE, ANSWERS, at, rows
from hospital.tests.world import World

pytestmark = pytest.mark.usefixtures("plain_templates")

LISTS = [
    entry for entry in entries() if "GET" in entry.methods and "<" not in entry.route and "logout" not in entry.route
]
ADMIN = [entry for entry in LISTS if entry.route.startswith("admin/")]
QUERIES = ({}, {"q": WORD}, {"q": f"{WORD}1", "search": WORD, "format": "csv"})


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock():
        world = World(Hospital("Masked"))
        assert spread(world) > 60
        return world


def answer(world: World, role: str, path: str, query: dict | None = None, headers: dict | None = None) -> str:
    clients = vars(world).setdefault("clients", {})
    client = clients.setdefault(role, None) or world.hospital.client(role)
    clients[role] = client
    got = client.get(world.hospital.url + path, query or {}, headers=headers or {})
    assert got.status_code < 500, path
    content = b"".join(got.streaming_content) if got.streaming else got.content
    return content.decode(errors="replace") + str(got.headers)


def without_echo(content: str, query: dict) -> str:
    """What somebody typed is shown in its field again."""
    for word in query.values():
        content = re.sub(rf"(value=\"|“|&quot;|q=|search=|&#x27;){word}\b", "", content)
    return content


def without_reason(world: World, entry: Entry, found: set[str]) -> set[str]:
    """Why it is restricted is told on one page: where it is decided who may open the chart."""
    if entry.name != "clinical:chart_privacy":
        return found
    with world.hospital.acting():
        reasons = [reason_of(one) for one in Patient.objects.all()]
    assert all(reason.startswith(WORD) for reason in reasons)
    return {one for one in found if not any(re.match(rf"{reason}(?!\d)", one) for reason in reasons)}


def opened(world: World, role: str, entry: Entry) -> dict[str, set[str]]:
    return {
        f"{entry.route} {kind}": found
        for pk in rows(world, entry)[: 2 if role == "admin" else 1]
        for kind, headers in (ANSWERS if role == "admin" else {"page": {}}).items()
        if (
            found := without_reason(
                world, entry, said_in(answer(world, role, at(entry, pk), {"code": world.medicine.code}, headers))
            )
        )
    }


def test_every_text_of_every_row_about_a_patient_is_sealed():
    """A text that may be seen is named twice: by the model or `clinical.privacy`, and in canaries.py."""
    wanted = {(model.__name__, column.name) for model in hanging() for column in texts(model)}
    sealed = {
        (model.__name__, column.name)
        for model in hanging()
        for column in model._meta.concrete_fields
        if is_sealed(model, column.attname)
    }
    assert wanted - sealed == set()
    short = {
        (model.__name__, column.name)
        for model in hanging()
        for column in model._meta.fields
        if not holds_a_word(column)
    }
    assert sealed - wanted - short == {("Patient", "sex"), ("Patient", "birth_date")}


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_no_list_search_or_export_shows_it(world, role):
    leaks = {}
    for entry in LISTS:
        if entry.route.startswith("admin/") and role != "admin":
            continue
        for query in QUERIES if role == "admin" and entry not in ADMIN else QUERIES[:1]:
            headers = {"HX-Request": "true"} if query else {}
            if found := said_in(without_echo(answer(world, role, address(entry.route), query, headers), query)):
                leaks[entry.route] = found
    assert leaks == {}


@pytest.mark.parametrize("role", ["admin", "reception", "lab_technician", "main_doctor"])
def test_no_page_about_one_of_its_rows_shows_it(world, role):
    leaks: dict[str, set[str]] = {}
    for entry in ABOUT_ONE:
        if role in entry.roles:
            leaks |= opened(world, role, entry)
    assert leaks == {}


def test_whoever_holds_the_grant_opens_the_chart_and_lists_stay_masked(world):
    with world.hospital.acting("admin") as acting:
        for patient in Patient.objects.filter(merged_into=None):
            ChartGrant.give(patient, world.hospital.person("main_doctor", "Trusted"), "Treats", by=acting.person)
        patient = str(world.visits["lab_done"].patient_id)
    client = world.hospital.client("main_doctor", "Trusted")
    for part in ("", "chart/", "chart/timeline/", "chart/results/", "chart/print/"):
        content = client.get(f"{world.hospital.url}/patients/{patient}/{part}").content.decode()
        assert said_in(content), part
    for entry in LISTS:
        if not entry.route.startswith("admin/"):
            assert said_in(client.get(world.hospital.url + address(entry.route)).content.decode()) == set()

"""Which regions of which pages are live for whom, and which are only renewed by the clock: the table says it exactly."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.test import Client

from hospital.access import entries
from hospital.roles import ROLE_KEYS
from hospital.tests.hospital import Hospital
from hospital.tests.page_cases import cases
from hospital.tests.windows import House
from hospital.tests.world import World
from realtime.tests.renewed import RENEWED
from realtime.tests.test_regions import Regions

pytestmark = pytest.mark.usefixtures("plain_templates")


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker) -> House:
    with django_db_blocker.unblock():
        return House(cast(Any, None), cast(Any, None), World(Hospital("Renewed")))


def names_in(html: str, attributes: str) -> set[str]:
    return {name for names in re.findall(rf'data-live-(?:{attributes})="([^"]*)"', html) for name in names.split()}


def unheard(html: str) -> list[str]:
    """As static/live.js decides it."""
    heard, found = names_in(html, "heard"), Regions(html).found
    lives_on = {region: names_in(text, "on|fed") for region, text in found.items()}
    return sorted(region for region, names in lives_on.items() if names and not names & heard)


def unfed(html: str) -> list[str]:
    """Lists of which nobody can tell what brings their rows."""
    return [
        name for name, text in Regions(html).found.items() if "data-live-list" in text and not names_in(text, "on|fed")
    ]


def in_its_roles(house: House) -> Iterator[tuple[str, str, str]]:
    """Each page on which anything lives on events, as each role that may open it."""
    roles, hospital = {entry.name: entry.roles for entry in entries()}, house.world.hospital
    clients = {role: hospital.client(role) for role in ROLE_KEYS}
    for case in cases():
        path = f"{hospital.url}/{case.path(house)}"
        shown = {case.role: html_of(clients[case.role], path)}
        if names_in(shown[case.role], "on|fed"):
            shown |= {role: html_of(clients[role], path) for role in roles.get(case.name, ()) if role != case.role}
        yield from ((role, case.name, html) for role, html in shown.items())


def html_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_what_is_renewed_by_the_clock_is_in_the_table(house):
    renewed: dict[str, dict[str, str]] = defaultdict(dict)
    nameless = {}
    for role, name, html in in_its_roles(house):
        if found := unheard(html):
            renewed[role][name] = " ".join(found)
        if found := unfed(html):
            nameless[role, name] = found
    assert nameless == {}, "write data-live-fed: what brings the rows of these lists"
    assert renewed == RENEWED

"""A page that needs only some of its regions anew gets those, and the server does no more than they need."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import expect

from clinical.models import Patient, Visit
from realtime.tests.alarms import critical_value
from realtime.tests.test_browser import is_live
from realtime.tests.test_socket import cookie_of

TOKENS = re.compile(r'value="[^"]*"|datetime="[^"]*"|data-since="[^"]*"')
PAGES = {
    ("reception", "/front-desk/"): {"visit-counts", "visits"},
    ("admin", "/dashboard/"): {"figures", "queues", "statuses", "present", "activity"},
    ("reception", "/payments/"): {"money-today", "open-accounts", "latest-payments"},
    ("main_doctor", "/consultation/"): {"queue", "pending"},
    ("pharmacy", "/dispensing/"): {"dispensing", "dispensing-settled"},
}


class Regions(HTMLParser):
    """The outermost live regions of a page, as they are written."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.open: list[str] = []
        self.id = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if not self.id and "data-live" in given and given.get("id"):
            self.id, self.open = given["id"], []
        if self.id:
            self.found[self.id] = self.found.get(self.id, "") + (self.get_starttag_text() or "")
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.id and self.open and self.open.pop() != tag:
            pass
        if not self.open:
            self.id = ""

    def handle_data(self, data: str) -> None:
        if self.id:
            self.found[self.id] += data.strip()


def regions_of(html: str) -> dict[str, str]:
    return {name: TOKENS.sub("", text) for name, text in Regions(html).found.items()}


def refreshed(client, address: str, *names: str) -> str:
    headers = {"X-Live-Refresh": "1"} | ({"X-Live-Regions": " ".join(names)} if names else {})
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def visits(alpha) -> None:
    with alpha.acting("reception") as acting:
        for number in range(3):
            patient = Patient.register(by=acting.person, given_name="Ada", family_name=f"Okafor {number}", sex="female")
            Visit.register(patient, complaint="Cough", by=acting.person)


@pytest.mark.parametrize(("role", "path"), PAGES)
def test_a_region_that_is_asked_for_alone_is_what_the_whole_page_shows(alpha, visits, role, path):
    client = alpha.client(role)
    whole = regions_of(refreshed(client, f"{alpha.url}{path}"))
    assert PAGES[role, path] <= whole.keys()
    for name in PAGES[role, path]:
        assert regions_of(refreshed(client, f"{alpha.url}{path}", name)) == {name: whole[name]}


def test_every_region_of_an_alert_can_be_asked_for_alone(alpha):
    client, address = alpha.client("checker_doctor"), f"{alpha.url}/alerts/{critical_value(alpha).pk}/"
    whole = regions_of(refreshed(client, address))
    assert {"alert-verbs", "alert-page"} <= whole.keys()
    for name, text in whole.items():
        assert regions_of(refreshed(client, address, name))[name] == text


def test_the_role_is_told_with_a_region_so_that_a_page_of_another_role_notices(alpha):
    assert 'data-role="reception"' in refreshed(alpha.client("reception"), f"{alpha.url}/front-desk/", "visit-counts")


def test_a_region_that_no_page_knows_is_not_there(alpha):
    assert regions_of(refreshed(alpha.client("reception"), f"{alpha.url}/front-desk/", "nothing")) == {}


def test_the_counts_of_the_front_desk_ask_the_database_less_than_its_page(alpha, visits):
    client = alpha.client("reception")
    asked = {}
    for names in ((), (), ("visit-counts",)):
        with CaptureQueriesContext(connection) as queries:
            html = refreshed(client, f"{alpha.url}/front-desk/", *names)
        asked[names] = len(queries), len(html)
    assert asked["visit-counts",][0] <= asked[()][0] - 4
    assert asked["visit-counts",][1] * 4 < asked[()][1]


@pytest.mark.browser
def test_a_page_asks_only_for_what_listens_to_an_event(site, alpha, page):
    name, value = cookie_of(alpha, "reception").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    asked: list[tuple[str | None, str | None]] = []
    page.goto(f"{site.url}{alpha.url}/front-desk/")
    is_live(page)
    page.on(
        "request",
        lambda request: asked.append((request.headers.get("x-live-refresh"), request.headers.get("x-live-regions"))),
    )
    with alpha.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Okafor", sex="female")
        Visit.register(patient, complaint="Cough", by=acting.person)
    expect(page.locator("#visit-counts .pill-count").first).to_have_text("1", timeout=30_000)
    expect(page.locator("#visits")).to_contain_text("Okafor", timeout=30_000)
    fetched = [regions for refresh, regions in asked if refresh]
    assert fetched
    assert set(fetched) == {"visit-counts"}
    with page.expect_request(lambda request: "x-live-refresh" in request.headers) as whole:
        page.locator("[data-live-refresh]").click()
    assert "x-live-regions" not in whole.value.headers

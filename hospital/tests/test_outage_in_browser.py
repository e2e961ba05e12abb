"""What a person in Chromium sees while PostgreSQL is away: the form stays, and is sent again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, expect

from clinical.models import Patient
from clinical.tests.wards import a_visit
from hospital.tests.databases import database_url
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site
from realtime.tests.servers import Wire

pytestmark = pytest.mark.browser
PATIENCE = 60_000


@pytest.fixture
def wire():
    """To PostgreSQL; it can be cut."""
    entry = settings.DATABASES["default"]
    with TemporaryDirectory(prefix="outage") as name:  # short: a socket's path has at most 107 bytes
        wire = Wire(Path(name), f"{entry['HOST']}/.s.PGSQL.{entry['PORT']}").join()
        yield wire
        wire.cut()


@pytest.fixture
def fragile(django_db_setup, wire, tmp_path):
    site = Site(tmp_path / "site.log", DATABASE_URL=database_url("default", host=str(wire.path.parent))).start()
    yield site
    site.stop()


def enter(fragile: Site, alpha, page: Page, path: str) -> None:
    name, value = cookie_of(alpha, "reception").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": fragile.url}])
    page.goto(f"{fragile.url}{alpha.url}/{path}")


def fill(form) -> None:
    form.locator("[name=given_name]").fill("Zebedee")
    form.locator("[name=family_name]").fill("Quill")
    form.locator("[name=age]").fill("40")
    form.locator("[name=sex][value=male]").check()


def registered(alpha) -> int:
    with alpha.acting():
        return Patient.objects.filter(given_name="Zebedee").count()


def test_a_form_beside_the_page_stays_as_it_is_and_a_toast_says_why(fragile, alpha, page, wire):
    enter(fragile, alpha, page, "front-desk/")
    page.get_by_role("link", name="Register patient").click()
    form = page.locator("#panel form").filter(has=page.locator("[name=given_name]"))
    fill(form)
    wire.cut()
    form.get_by_role("button", name="Register only").click()
    expect(page.locator("#toasts")).to_contain_text("cannot be reached", timeout=PATIENCE)
    expect(form.locator("[name=given_name]")).to_have_value("Zebedee")
    wire.join()
    form.get_by_role("button", name="Register only").click()
    expect(page.locator("#panel form")).to_have_count(0, timeout=PATIENCE)
    assert registered(alpha) == 1


def test_a_form_on_a_page_of_its_own_is_sent_again_from_the_page_that_says_why(fragile, alpha, page, wire):
    enter(fragile, alpha, page, "patients/new/")
    form = page.locator("main form").filter(has=page.locator("[name=given_name]"))
    fill(form)
    wire.cut()
    form.get_by_role("button", name="Register only").click()
    expect(page.get_by_role("heading", name="Not possible at the moment")).to_be_visible(timeout=PATIENCE)
    wire.join()
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("heading", name="Zebedee Quill")).to_be_visible(timeout=PATIENCE)
    assert registered(alpha) == 1


def test_what_could_not_be_fetched_is_fetched_again_though_the_page_is_live(site, alpha, page):
    failed = []

    def fail_once(route: Route) -> None:
        if "x-live-refresh" in route.request.headers and not failed:
            failed.append(route.request.url)
            return route.fulfill(status=503, body="")
        return route.continue_()

    page.route("**/front-desk/", fail_once)
    enter(site, alpha, page, "front-desk/")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live", timeout=PATIENCE)
    with alpha.acting("reception"):
        a_visit()
    expect(page.locator("#visit-counts a").first).to_contain_text("1", timeout=PATIENCE)
    assert failed

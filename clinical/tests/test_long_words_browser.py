"""Words without a space, as long as they may be, and the search that is left again: in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import Visit
from clinical.tests.wards import a_patient, a_visit
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(alpha) -> Visit:
    with alpha.acting("reception"):
        return a_visit(a_patient(given_name="Q" * 100, family_name="W" * 110), complaint="y" * 300)


def opened(site, hospital, page: Page, path: str) -> Page:
    name, value = cookie_of(hospital, "checker_doctor").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}{path}")
    return page


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_a_long_word_pushes_nothing_off_the_page(site, alpha, page, visit, width):
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/examination/", f"/visits/{visit.pk}/", f"/visits/{visit.pk}/examine/"):
        opened(site, alpha, page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        tables = "[...document.querySelectorAll('main table')].every((one) => one.scrollWidth <= one.parentElement.clientWidth)"
        assert page.evaluate(tables), path


def test_escape_leaves_the_search_with_what_was_typed(site, alpha, page, visit):
    opened(site, alpha, page, "/examination/")
    page.keyboard.press("Control+k")
    page.keyboard.type("qqq")
    expect(page.locator("#search-results a")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_be_hidden()

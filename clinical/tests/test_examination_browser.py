"""The checker doctor's page in Chromium: what is typed stays typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import Examination, Visit
from clinical.tests.wards import a_visit
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser


@pytest.fixture
def unpaid(alpha) -> Visit:
    with alpha.acting("reception"):
        return a_visit(paid=False)


def opened(site, hospital, page: Page, role: str, path: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}{path}")
    return page


def test_an_emergency_is_let_pass_over_the_page_and_what_was_typed_is_saved(site, alpha, page, unpaid):
    opened(site, alpha, page, "checker_doctor", f"/visits/{unpaid.pk}/examine/")
    page.locator("[name=symptoms]").fill("Chest pain, typed at length")
    page.get_by_role("link", name="Emergency").click()
    page.locator("#dialog [name=reason]").fill("Cannot wait")
    page.locator("#dialog").get_by_role("button", name="Let the patient pass").click()
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("#gate .banner")).to_have_count(0)
    expect(page.locator("[name=symptoms]")).to_have_value("Chest pain, typed at length")
    page.get_by_role("button", name="Save and pass on").click()
    expect(page).to_have_url(f"{site.url}{alpha.url}/examination/")
    with alpha.acting():
        assert Examination.objects.get(visit=unpaid).symptoms == "Chest pain, typed at length"


def test_a_page_that_could_not_be_fetched_is_not_called_unsent_and_the_word_goes(site, alpha, page):
    opened(site, alpha, page, "reception", "/front-desk/")
    page.route("**/patients/new/", lambda route: route.abort())
    page.get_by_role("link", name="Register patient").click()
    card = page.locator("#toasts .toast-card")
    expect(card).to_contain_text("the page could not be fetched")
    assert "What you wrote" not in card.inner_text()
    expect(card).to_have_count(0)

"""After a form was sent, Back never shows it half filled: nobody registers a patient twice that way."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from clinical.tests.test_care_browser import opened

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False])
def test_back_after_registering_shows_an_empty_form(site, alpha, browser, scripts):
    page = browser.new_context(java_script_enabled=scripts).new_page()
    opened(site, alpha, page, "reception", "/front-desk/")
    page.goto(f"{site.url}{alpha.url}/patients/new/")
    page.locator("[name=given_name]").fill("Amara")
    page.locator("[name=family_name]").fill("Okafor")
    page.locator("[name=sex][value=female]").check()
    page.locator("[name=complaint]").fill("Cough")
    page.get_by_role("button", name="Register and open the visit").click()
    expect(page.locator("h1")).to_contain_text("Visit V-", timeout=20_000)
    page.go_back()
    expect(page.locator("[name=given_name]")).to_have_value("", timeout=20_000)
    for name in ("family_name", "complaint"):
        expect(page.locator(f"[name={name}]")).to_have_value("")
    expect(page.locator("[name=sex][value=female]")).not_to_be_checked()
    page.context.close()

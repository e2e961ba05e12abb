"""The inbox in Chromium: it fills while somebody looks, and one click settles."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import expect

from clinical.models import Patient
from clinical.tests.messages import PERSON, adt, send
from clinical.tests.test_laboratory_browser import signed_in

pytestmark = pytest.mark.browser


def test_a_message_appears_while_the_desk_looks_and_is_linked_with_one_click(site, alpha, page):
    with alpha.acting("reception") as acting:
        known = {"given_name": "Ada Mei", "family_name": "Ng", "birth_date": date(1990, 3, 4), "sex": "female"}
        Patient.register(by=acting.person, **known)
    signed_in(site, alpha, page, "reception").goto(f"{site.url}{alpha.url}/messages/")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    expect(page.locator("#messages")).to_contain_text("No message is here")
    send(alpha, adt("A04", PERSON, control="LIVE"))
    expect(page.locator("#messages tbody tr")).to_have_count(1)
    expect(page.locator("#waiting-messages")).to_contain_text("1")
    page.locator("#messages [data-primary]").click()
    page.get_by_role("button", name="It is Ada Mei Ng").click()
    expect(page.get_by_role("heading", name="What it did")).to_be_visible()
    expect(page.locator("#waiting-messages")).not_to_contain_text("1")

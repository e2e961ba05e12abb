"""Counting a drawer: the page adds up what is typed, and says nothing of what should be there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.models import Drawer
from clinical.tests.test_care_browser import opened

pytestmark = pytest.mark.browser


def test_what_is_typed_is_added_up(site, alpha, browser):
    with alpha.acting("reception"):
        drawer = Drawer.open_for(alpha.reception, Decimal("77.31"))
    page = browser.new_context().new_page()
    opened(site, alpha, page, "reception", f"/drawers/{drawer.pk}/close/")
    counted = page.locator("[data-counted]")
    expect(counted).to_have_text("$0.00")
    page.locator("[data-coin='100']").fill("12")
    page.locator("[data-coin='0.25']").fill("3")
    page.locator("[data-coin='0.01']").fill("7")
    expect(counted).to_have_text("$1,200.82")
    assert "77.31" not in page.content()
    page.locator("[data-coin='100']").fill("")
    expect(counted).to_have_text("$0.82")
    page.context.close()

"""A page that is open while its record is merged into another one leads on by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import Merge
from clinical.tests.test_care_browser import opened
from clinical.tests.wards import a_patient

pytestmark = pytest.mark.browser


def test_an_open_page_of_a_merged_record_shows_the_one_that_stands_and_follows_it(site, alpha, page: Page):
    with alpha.acting("reception"):
        source, survivor = a_patient(given_name="Amarra"), a_patient(city="Lagos")
    opened(site, alpha, page, "reception", f"/patients/{source.pk}/")
    expect(page.locator("#banner")).to_contain_text("Amarra Okafor")
    with alpha.acting("reception"):
        Merge.make(source, survivor, by=None)
    expect(page.locator("#merged-here")).to_contain_text(f"{source.number} was merged into this record")
    expect(page.locator("#banner")).to_contain_text(survivor.number)
    expect(page.locator("#details")).to_contain_text("Lagos")
    with alpha.acting("reception") as acting:
        survivor.change(by=acting.person, city="Ibadan")
    expect(page.locator("#details")).to_contain_text("Ibadan")

"""The log of biopsies in Chromium: overdue by itself, narrowed while somebody types, and filters of one's own."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinical.models import Biopsy
from clinical.tasks import biopsies_late_in
from clinical.tests.pathology import a_biopsy
from clinical.tests.test_laboratory_browser import signed_in
from clinical.tests.wards import a_patient

pytestmark = pytest.mark.browser


def test_a_row_becomes_overdue_by_itself_and_a_filter_is_kept(site, alpha, page: Page):
    with alpha.acting("reception"):
        other = a_patient(given_name="Zuri", family_name="Mwangi")
    late, second = a_biopsy(alpha, "sent"), a_biopsy(alpha, "ordered", patient=other)
    signed_in(site, alpha, page, "main_doctor").goto(f"{site.url}{alpha.url}/biopsies/")
    row = page.locator(f"#biopsy-{late.pk}")
    expect(row).not_to_contain_text("Overdue")
    with alpha.acting():
        Biopsy.objects.filter(pk=late.pk).update(sent_at=timezone.now() - timedelta(days=8))
    assert biopsies_late_in(alpha.tenant) == 1
    expect(row).to_contain_text("Overdue")
    expect(page.locator("#toasts")).to_contain_text(f"Overdue: no result for 8 days: {late.number}")
    expect(page.get_by_role("link", name="1 overdue")).to_be_visible()  # the figures follow a moment later
    page.get_by_label("Patient, number or label").fill("Mwangi")
    expect(row).to_have_count(0)
    expect(page.locator(f"#biopsy-{second.pk}")).to_be_visible()
    expect(page.locator("#biopsies-export")).to_have_attribute("href", re.compile("q=Mwangi"))
    page.get_by_text("Filter and put together").click()
    page.get_by_label("Type").select_option("punch")
    page.get_by_text("Keep this filter").click()
    page.get_by_label("Name", exact=True).fill("Punches")
    page.get_by_role("button", name="Keep it for me").click()
    expect(page.get_by_role("link", name="Punches")).to_have_attribute("aria-current", "true")
    expect(page.locator("#biopsies-export")).to_have_attribute("href", re.compile("kind=punch"))

"""A malignant result from the laboratory to the patient, with the doctor and the laboratory at their own screens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from clinical.tests.pathology import PLAN, a_biopsy, codes
from clinical.tests.test_laboratory_browser import signed_in

pytestmark = pytest.mark.browser


def test_a_melanoma_is_entered_reviewed_told_and_closed_and_both_screens_follow(
    site, alpha, page: Page, browser: Browser
):
    codes(alpha)
    biopsy = a_biopsy(alpha)
    address = f"{site.url}{alpha.url}/biopsies/{biopsy.pk}/"
    doctor = signed_in(site, alpha, page, "main_doctor")
    doctor.goto(address)
    expect(doctor.locator("#live-state")).to_have_attribute("data-state", "live")
    context = browser.new_context()
    bench = signed_in(site, alpha, context.new_page(), "lab_technician")

    bench.goto(f"{address}result/")
    bench.get_by_label("What the report says").fill("Invasive melanoma, superficial spreading")
    bench.get_by_label("Coded diagnosis").select_option(label="Melanoma, invasive (MM)")
    bench.get_by_label("Breslow thickness").fill("1.4")
    bench.get_by_label("Ulceration").select_option("present")
    bench.get_by_role("button", name="Enter the result").click()
    expect(bench.locator("#biopsy-result")).to_contain_text("pT2b")

    banner = doctor.locator("#alert-banners")
    expect(banner).to_contain_text(f"Pathology result: {biopsy.number}")
    expect(banner).not_to_contain_text("elanoma")
    expect(doctor.locator("#biopsy-result")).to_contain_text("Melanoma, invasive")

    doctor.get_by_role("link", name="Review the result").click()
    doctor.get_by_role("button", name="Reviewed").click()
    expect(doctor.locator("[data-error-summary]")).to_contain_text("plan of treatment")
    doctor.get_by_label("Plan of treatment").fill(PLAN["plan"])
    doctor.get_by_label("Referral").fill(PLAN["referral"])
    doctor.get_by_label("Staging").fill(PLAN["staging"])
    doctor.get_by_role("button", name="Reviewed").click()
    expect(doctor.locator("#biopsy-telling")).to_contain_text(
        "Tell the patient, or write down 3 more attempts and a letter."
    )
    expect(bench.locator("#biopsy-review")).to_contain_text("Refer to oncology")

    doctor.get_by_role("link", name="The patient is told").click()
    dialog = doctor.get_by_role("dialog")
    dialog.get_by_label("Telephone").check()
    dialog.get_by_label("What was said").fill("That it is a melanoma, and what is done now")
    dialog.get_by_role("button", name="Told").click()
    doctor.get_by_role("button", name=f"Close {biopsy.number}").click()
    expect(doctor.locator("#biopsy .marks").first).to_contain_text("Closed")
    expect(bench.locator("#biopsy .marks").first).to_contain_text("Closed")
    context.close()

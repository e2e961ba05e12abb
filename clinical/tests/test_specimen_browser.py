"""Scanners in Chromium: a field that keeps the focus, and a label that a scanner reads from the page."""

from __future__ import annotations

from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from clinical import accession, lab_catalogue
from clinical.models import LabTest, Specimen
from clinical.tests.laboratories import ordered
from clinical.tests.test_laboratory_browser import signed_in

pytestmark = pytest.mark.browser


@pytest.fixture
def tubes(alpha) -> list[Specimen]:
    """Three of one visit: serum, EDTA and citrate."""
    with alpha.acting("admin"):
        lab_catalogue.install()
        tests = [LabTest.objects.get(code=code) for code in ("K", "HB", "INR")]
    visit = ordered(alpha, *tests)[0]
    with alpha.acting():
        return list(visit.specimens.select_related("patient").order_by("serial"))


def test_scans_one_after_the_other_are_all_received_and_the_field_keeps_the_focus(site, alpha, page: Page, tubes):
    with alpha.acting("lab_technician") as acting:
        for tube in tubes:
            tube.collect(by=acting.person)
    signed_in(site, alpha, page, "lab_technician").goto(f"{site.url}{alpha.url}/specimens/receiving/")
    field = page.get_by_label("Label", exact=True)
    expect(field).to_be_focused()
    for text in (tubes[0].bars, tubes[1].bars, tubes[0].bars, accession.in_bars(777)):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator("#scans .scan")).to_have_count(4)
    outcomes = page.locator("#scans .scan").evaluate_all("rows => rows.map((row) => row.dataset.outcome)")
    assert outcomes == ["bad", "bad", "good", "good"]
    expect(page.locator("#scans")).to_contain_text("already received by")
    expect(page.locator("[data-slot=count]")).to_have_text("2")
    page.get_by_role("button", name="Undo the last").click()
    expect(page.locator("[data-slot=count]")).to_have_text("1")
    expect(field).to_be_focused()
    with alpha.acting():
        assert [tube.status for tube in Specimen.objects.order_by("serial")] == ["received", "collected", "collected"]


def test_a_round_prints_a_label_that_is_read_from_the_page_and_confirms_at_the_patient(site, alpha, page: Page, tubes):
    page.set_viewport_size({"width": 1000, "height": 700})
    round_page = f"{site.url}{alpha.url}/specimens/round/"
    signed_in(site, alpha, page, "lab_technician").goto(round_page)
    page.get_by_role("button", name="Print labels").click()
    sheet = page.locator(".sheet").first
    box = sheet.bounding_box()
    assert box and (round(box["width"] / 96 * 25.4), round(box["height"] / 96 * 25.4)) == (50, 25)
    page.evaluate("document.documentElement.style.zoom = 4")
    found = zxingcpp.read_barcodes(Image.open(BytesIO(sheet.screenshot())))
    assert [code.text for code in found] == [tubes[0].bars]
    page.goto(round_page)
    page.keyboard.type(tubes[0].patient.number)
    page.keyboard.press("Enter")
    page.keyboard.type(found[0].text)
    page.keyboard.press("Enter")
    expect(page.locator("#round tbody tr")).to_have_count(2)
    with alpha.acting():
        assert Specimen.objects.get(pk=tubes[0].pk).status == "collected"


def test_what_one_collects_leaves_the_round_of_another_and_stands_on_the_way_without_a_reload(
    site, alpha, page: Page, browser: Browser, tubes
):
    mine, others = f"{site.url}{alpha.url}/specimens/round/", []
    for path in ("round/", "?status=collected"):
        other = signed_in(site, alpha, browser.new_context().new_page(), "lab_technician")
        other.goto(f"{site.url}{alpha.url}/specimens/{path}")
        other.evaluate("window.stillHere = true")
        others.append(other)
    rounds, on_the_way = others
    expect(rounds.locator("#round tbody tr")).to_have_count(3)
    expect(on_the_way.get_by_text("None here")).to_be_visible()
    signed_in(site, alpha, page, "lab_technician").goto(mine)
    for text in (tubes[0].patient.number, tubes[0].bars):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator("#round tbody tr")).to_have_count(2)
    expect(rounds.locator("#round tbody tr")).to_have_count(2)
    expect(rounds.locator("#round")).not_to_contain_text(tubes[0].number)
    expect(on_the_way.locator(f"#specimen-{tubes[0].pk}")).to_contain_text("Collected")
    assert all(other.evaluate("window.stillHere") for other in others)
    for other in others:
        other.context.close()

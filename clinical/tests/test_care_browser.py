"""The consultation and the counter at the keyboard, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import Allergy, Prescription, Visit
from clinical.tests.dispensary import a_checked_visit, a_medicine, a_prescription, load_codes, received
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(alpha) -> Visit:
    load_codes()
    with alpha.acting():
        received(a_medicine(), 100)
        return a_checked_visit()


def opened(site, hospital, page: Page, role: str, path: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}{path}")
    return page


def consulting(site, hospital, page: Page, visit: Visit) -> Page:
    return opened(site, hospital, page, "main_doctor", f"/visits/{visit.pk}/consult/")


def look_up(page: Page, key: str, words: str) -> None:
    """Press the key of the look-up, type, wait for the first option, take it."""
    page.locator("h1").click()
    page.keyboard.press(key)
    page.keyboard.type(words)
    expect(page.locator(".lookup-option[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Enter")


def test_a_patient_is_diagnosed_and_helped_without_the_mouse(site, alpha, page, visit):
    consulting(site, alpha, page, visit)
    look_up(page, "d", "upper resp")
    expect(page.locator("#diagnosis-rows .row-card")).to_have_count(1)
    expect(page.locator("[name=primary]")).to_be_checked()
    look_up(page, "m", "para")
    expect(page.locator("#line-rows .row-card")).to_have_count(1)
    for words in ("2 tablets", "three times a day", "7"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    expect(page.locator("[name$=-quantity]")).to_have_value("42")
    page.locator("h1").click()
    page.keyboard.press("s")
    expect(page).to_have_url(f"{site.url}{alpha.url}/consultation/")
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).place.queue == "pharmacy"
        assert visit.prescriptions.get().lines.get().quantity == 42


def test_what_was_typed_survives_the_page(site, alpha, page, visit):
    consulting(site, alpha, page, visit)
    look_up(page, "d", "fever")
    expect(page.locator("#diagnosis-rows .row-card")).to_have_count(1)
    page.locator("#note").fill("Half a sentence")
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    page.reload()
    expect(page.locator("#note")).to_have_value("Half a sentence")
    expect(page.locator("#diagnosis-rows .row-card")).to_have_count(1)


def test_the_same_diagnosis_is_shown_and_not_added_twice_and_can_be_removed(site, alpha, page, visit):
    consulting(site, alpha, page, visit)
    for _ in range(2):
        look_up(page, "d", "J06.9")
        expect(page.locator("#icd10-q")).to_have_value("")
        expect(page.locator("#diagnosis-rows .row-card")).to_have_count(1)
    look_up(page, "d", "fever")
    expect(page.locator("#diagnosis-rows .row-card")).to_have_count(2)
    page.locator("#diagnosis-rows [data-removes]").first.click()
    expect(page.locator("#diagnosis-rows .row-card")).to_have_count(1)
    expect(page.locator("[name=primary]")).to_be_checked()


def test_an_allergy_warns_as_soon_as_the_medicine_is_chosen(site, alpha, page, visit):
    with alpha.acting():
        Allergy.record(visit.patient, by=None, substance="Paracetamol")
    consulting(site, alpha, page, visit)
    look_up(page, "m", "para")
    expect(page.locator("#line-rows")).to_contain_text("Allergic to Paracetamol")


def test_a_signed_prescription_arrives_at_the_counter_and_is_issued_there(site, alpha, page, visit):
    opened(site, alpha, page, "pharmacy", "/dispensing/")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    with alpha.acting():
        medicine = a_medicine("IBU", name="Ibuprofen")
        received(medicine, 20)
        prescription = a_prescription((medicine, 20))
    expect(page.locator("#toasts")).to_contain_text(f"To dispense: Amara Okafor, {prescription.number}")
    page.locator(f"#prescription-{prescription.pk} [data-primary]").click()
    page.get_by_role("link", name="Part or other batch").click()
    page.locator("#panel [name=quantity]").fill("5")
    page.locator("#panel .btn-primary").click()
    expect(page.locator("#panel")).to_contain_text("Say why only 5 are issued")
    page.locator("#panel [name=reason]").fill("Wants to try first")
    page.locator("#panel .btn-primary").click()
    expect(page.locator("#panel")).not_to_be_visible()
    expect(page.locator(f"#counter-{prescription.pk}")).to_contain_text("5 of 20 tablets issued")
    page.get_by_role("button", name="Dispense all").click()
    expect(page.locator(f"#counter-{prescription.pk}")).to_contain_text("20 of 20 tablets issued")
    with alpha.acting():
        assert Prescription.objects.get(pk=prescription.pk).status == "dispensed"


def test_the_stock_moves_on_the_screen(site, alpha, page, visit):
    opened(site, alpha, page, "pharmacy", "/stock/")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    with alpha.acting():
        medicine = received(a_medicine("IBU", name="Ibuprofen", low_at=5), 9).medicine
    row = page.locator(f"#medicine-{medicine.pk}")
    expect(row).to_contain_text("9 tablets")
    with alpha.acting():
        medicine.batches.get().write_off(6, "Broken", by=None)
    expect(row).to_contain_text("3 tablets")
    expect(row).to_contain_text("Low")
    expect(page.locator("#toasts")).to_contain_text("is low: 3 left")


def test_what_the_doctor_sends_outside_leaves_the_list_of_the_pharmacy(site, alpha, page, browser, visit):
    with alpha.acting():
        visit.diagnose(by=None, diagnoses=[{"code": "J06.9"}])
        prescription = a_prescription((a_medicine("IBU", name="Ibuprofen"), 20), visit=visit)
    counter = opened(site, alpha, browser.new_context().new_page(), "pharmacy", "/dispensing/")
    expect(counter.locator("#live-state")).to_have_attribute("data-state", "live")
    row = f"#prescription-{prescription.pk}"
    expect(counter.locator(f"#dispensing-rows {row}")).to_be_visible()
    opened(site, alpha, page, "main_doctor", f"/prescriptions/{prescription.pk}/")
    page.get_by_role("link", name="Send outside").click()
    page.locator("#panel [name=pharmacy]").fill("Rose Pharmacy")
    page.locator("#panel .btn-primary").click()
    expect(page.locator(f"#counter-{prescription.pk}")).to_contain_text("Sent to Rose Pharmacy")
    expect(counter.locator(f"#dispensing-rows {row}")).to_have_count(0)
    expect(counter.locator(f"#settled-rows {row}")).to_contain_text("Sent outside")
    counter.get_by_role("link", name="Sent outside").click()
    expect(counter.locator(f"#outside-rows {row}")).to_contain_text("Rose Pharmacy")
    page.get_by_role("link", name="Call back").click()
    page.locator("#panel [name=reason]").fill("They have none")
    page.locator("#panel .btn-primary").click()
    expect(counter.locator(f"#outside-rows {row}")).to_have_count(0)
    counter.get_by_role("link", name="Here").click()
    expect(counter.locator(f"#dispensing-rows {row}")).to_be_visible()
    counter.context.close()

"""The laboratory at the keyboard, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import LabOrder
from clinical.tests.laboratories import culture, malaria, ordered, potassium, worked
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser


@pytest.fixture
def orders(alpha) -> list[LabOrder]:
    with alpha.acting("admin"):
        tests = [potassium(), malaria(), culture()]
    return ordered(alpha, *tests)[1]


def signed_in(site, hospital, page: Page, role: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    return page


def test_a_row_takes_its_step_and_leaves_the_list_of_its_former_one(site, alpha, page, orders):
    signed_in(site, alpha, page, "lab_technician").goto(f"{site.url}{alpha.url}/laboratory/?status=requested")
    rows = page.locator("#orders tr")
    expect(rows).to_have_count(3)
    page.locator(f"#lab-order-{orders[0].pk}").get_by_role("button", name="Collect").click()
    page.mouse.move(0, 0)
    expect(rows).to_have_count(2)
    expect(page.locator(".pill", has_text="To receive")).to_contain_text("1")


def test_a_new_test_appears_at_once_with_one_toast(site, alpha, page, orders):
    signed_in(site, alpha, page, "lab_technician").goto(f"{site.url}{alpha.url}/laboratory/")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    with alpha.acting():
        tests = [order.test for order in orders]
    ordered(alpha, *tests)
    expect(page.locator("#orders tr")).to_have_count(6)
    expect(page.locator("#toasts .toast-card")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("To collect 3 tests, Amara Okafor")


def test_enter_walks_down_the_values_and_a_mistake_keeps_them_all(site, alpha, page, orders):
    for order in orders:
        worked(alpha, order, "received")
    bench = f"{site.url}{alpha.url}/laboratory/visits/{orders[0].visit_id}/"
    signed_in(site, alpha, page, "lab_technician").goto(bench)
    expect(page.get_by_label("Potassium", exact=True)).to_be_focused()
    page.keyboard.type("41")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Malaria film", exact=True)).to_be_focused()
    page.keyboard.type("No")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Urine culture", exact=True)).to_be_focused()
    page.keyboard.type("No growth")
    page.get_by_role("button", name="Save results").click()
    expect(page.locator("#results .error-summary")).to_contain_text("Potassium cannot be 41")
    expect(page.get_by_label("Urine culture", exact=True)).to_have_value("No growth")
    page.get_by_label("Potassium", exact=True).fill("4,1")
    page.get_by_role("button", name="Save and release").click()
    page.wait_for_url(f"{site.url}{alpha.url}/laboratory/")
    expect(page.locator("#toasts")).to_contain_text("3 results saved, 3 released.")


def test_two_clicks_save_once_and_ask_nothing(site, alpha, page, orders):
    for order in orders:
        worked(alpha, order, "received")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    bench = f"{site.url}{alpha.url}/laboratory/visits/{orders[0].visit_id}/"
    signed_in(site, alpha, page, "lab_technician").goto(bench)
    page.keyboard.type("4.1")
    page.get_by_role("button", name="Save results").dblclick()
    expect(page.locator("#toasts")).to_contain_text("1 result saved.")
    assert asked == []
    with alpha.acting():
        assert orders[0].results.count() == 1

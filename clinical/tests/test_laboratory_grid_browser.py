"""One grid for many patients, in Chromium: the keyboard, a pasted column, drafts, and a colleague at the same grid."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from clinical.models import LabOrder, ResultDraft
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.test_laboratory_browser import signed_in
from clinical.tests.wards import a_patient

pytestmark = pytest.mark.browser


@pytest.fixture
def orders(alpha) -> list[LabOrder]:
    with alpha.acting("admin"):
        test = potassium()
    made = []
    for name in ("Ada", "Bo", "Cy"):
        with alpha.acting("reception"):
            patient = a_patient(given_name=name)
        made.append(worked(alpha, ordered(alpha, test, patient=patient)[1][0], "received"))
    return made


def cell(page: Page, order: LabOrder):
    return page.locator(f'[name="order-{order.pk}-value"]')


PASTE = """field => {
  const data = new DataTransfer();
  data.setData("text", "4.1\\n4.2\\n4.3\\n");
  field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def test_the_grid_by_keyboard_with_a_colleague_at_it(site, alpha, page, orders):
    ada, bo, cy = orders
    signed_in(site, alpha, page, "lab_technician").goto(f"{site.url}{alpha.url}/laboratory/grid/?for=test:K")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    expect(cell(page, ada)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cell(page, bo)).to_be_focused()
    page.keyboard.press("ArrowUp")
    cell(page, ada).evaluate(PASTE)
    for order, value in zip(orders, ("4.1", "4.2", "4.3"), strict=True):
        expect(cell(page, order)).to_have_value(value)
    cell(page, cy).fill("")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.reload()
    expect(cell(page, ada)).to_have_value("4.1")
    expect(cell(page, cy)).to_be_focused()
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    with alpha.acting("admin") as acting:
        LabOrder.objects.get(pk=cy.pk).enter_result("3.9", by=acting.person)
    expect(cell(page, cy)).to_have_attribute("data-behind", "")
    page.keyboard.press("ArrowUp")
    expect(cell(page, cy)).to_have_value("3.9")
    page.get_by_role("button", name="Save results").click()
    expect(page.locator("#toasts")).to_contain_text("2 results saved")
    with alpha.acting("admin"):
        found = [str(LabOrder.objects.get(pk=order.pk).result) for order in orders]
        assert found == ["4.1 mmol/L", "4.2 mmol/L", "3.9 mmol/L"]
        assert not ResultDraft.objects.exists()

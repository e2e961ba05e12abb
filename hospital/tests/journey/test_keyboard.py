"""The whole journey without a mouse: one patient, each role in turn, with Tab, arrows, Enter and the keys of the pages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from clinical.models import Batch, LabOrder, Visit
from hospital.tests.hospital import Hospital
from hospital.tests.journey.test_journey import Stage
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser
FAR = 120  # presses of Tab, more than any page has places


class Hands:
    """Two hands on a keyboard, and nothing else."""

    def __init__(self, browser: Browser, base: str, hospital: Hospital, role: str, path: str) -> None:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        name, value = cookie_of(hospital, role).split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": base}])
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.goto(f"{base}{hospital.url}{path}")
        expect(self.page.locator("#live-state")).to_have_attribute("data-state", "live")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shortcut(self, key: str) -> None:
        """A page's key, pressed where nothing is being written."""
        self.page.evaluate("document.activeElement.blur()")
        self.press(key)

    def reach(self, place: Locator) -> None:
        expect(place).to_be_visible()
        for _ in range(FAR):
            if place.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"{place} is not reached with Tab")

    def write(self, place: Locator, words: str) -> None:
        self.reach(place)
        self.press("Control+a")
        self.page.keyboard.type(words)

    def enter(self, place: Locator) -> None:
        self.reach(place)
        self.press("Enter")

    def named(self, name: str) -> Locator:
        return self.page.locator(f"[name={name}]:visible").first

    def look_up(self, key: str, words: str) -> None:
        self.shortcut(key)
        self.page.keyboard.type(words)
        expect(self.page.locator(".lookup-option[aria-selected=true]")).to_have_count(1)
        self.press("Enter")

    def close(self) -> None:
        self.page.context.close()


@pytest.fixture
def stage(alpha, beta) -> Stage:
    return Stage(alpha, beta)


def test_the_whole_journey_by_keyboard(browser, site, stage):
    name = f"Kone{stage.alpha.mark}"

    def hands(role: str, path: str) -> Hands:
        return Hands(browser, site.url, stage.alpha, role, path)

    register_and_take_the_fee(hands("reception", "/front-desk/"), name)
    examine(hands("checker_doctor", "/examination/"), name, stage.tests[0])
    perform(hands("lab_technician", "/laboratory/"), name, stage.value)
    consult(hands("main_doctor", "/consultation/"), name, stage.medicine.name)
    dispense(hands("pharmacy", "/dispensing/"), name)
    with stage.alpha.acting():
        visit = Visit.objects.get(patient__family_name=name)
        assert (visit.status, visit.payment) == (Visit.Status.DONE, Visit.Payment.PARTIAL)
        assert LabOrder.objects.get(visit=visit).status == LabOrder.Status.REVIEWED
        assert Batch.objects.get(medicine=stage.medicine).on_hand == 90


def register_and_take_the_fee(at: Hands, name: str) -> None:
    at.shortcut("n")
    expect(at.named("given_name")).to_be_focused()
    at.write(at.named("given_name"), "Amara")
    at.write(at.named("family_name"), name)
    at.write(at.named("age"), "40")
    at.reach(at.page.locator("[name=sex]:visible").first)
    at.press("Space")
    at.write(at.named("complaint"), "Cough for two weeks")
    at.enter(at.page.get_by_role("button", name="Register and open the visit"))
    expect(at.page.get_by_role("heading", name=re.compile("^Visit V-"))).to_be_visible()
    expect(at.page.locator("#live-state")).to_have_attribute("data-state", "live")
    at.shortcut("p")
    at.enter(at.page.locator("#panel").get_by_role("button", name="Take payment"))
    expect(at.page.get_by_text(re.compile(r"RC-\d+")).first).to_be_visible()
    at.close()


def row_of(at: Hands, name: str) -> Locator:
    return at.page.get_by_role("row").filter(has_text=name).first


def examine(at: Hands, name: str, test: str) -> None:
    at.enter(row_of(at, name).get_by_role("link", name="Examine"))
    at.write(at.named("symptoms"), "Dry cough, tired")
    at.write(at.named("temperature"), "38.4")
    at.reach(at.page.get_by_role("checkbox", name=test, exact=True))
    at.press("Space")
    at.enter(at.page.get_by_role("button", name="Save and pass on"))
    expect(at.page).to_have_url(re.compile("/examination/$"))
    at.close()


def perform(at: Hands, name: str, value: str) -> None:
    for step in ("Collect", "Receive", "Start"):
        at.enter(row_of(at, name).get_by_role("button", name=step))
        expect(row_of(at, name).get_by_role("button", name=step)).to_have_count(0)
    at.enter(row_of(at, name).get_by_role("link", name="Enter result"))
    at.write(at.page.locator(".result-value input:not([type=hidden])").first, value)
    at.enter(at.page.get_by_role("button", name="Save and release"))
    expect(at.page).to_have_url(re.compile("/laboratory/$"))
    at.close()


def consult(at: Hands, name: str, medicine: str) -> None:
    at.enter(row_of(at, name).get_by_role("link", name="Consult"))
    expect(at.page.get_by_role("heading", name="Consultation")).to_be_visible()
    at.look_up("d", "acute upper respiratory")
    expect(at.page.locator("#diagnosis-rows .row-card")).to_have_count(1)
    at.look_up("m", medicine[:6])
    expect(at.page.locator("#line-rows .row-card")).to_have_count(1)
    line = at.page.locator("#line-rows")
    for label, words in (("Dose", "1 capsule"), ("Frequency", "twice a day"), ("Days", "5"), ("Quantity", "10")):
        at.write(line.get_by_label(label), words)
    at.shortcut("s")
    expect(at.page).to_have_url(re.compile("/consultation/$"))
    at.close()


def dispense(at: Hands, name: str) -> None:
    at.enter(row_of(at, name).get_by_role("link", name="Dispense"))
    expect(at.page.get_by_role("button", name="Dispense all")).to_be_visible()
    at.shortcut("d")
    expect(at.page.get_by_text("10 of 10").first).to_be_visible()
    at.close()

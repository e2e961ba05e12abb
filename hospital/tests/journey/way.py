"""The way of one patient, as six people walk it in their browsers: by words on the screen, with scripts or without."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from playwright.sync_api import Locator, Page, expect

from clinical.models import Visit
from hospital.tests.journey.cast import Cast

PATIENT = "Amara"


class Way:
    def __init__(self, cast: Cast, mark: str, medicine: str, tests: list[str]) -> None:
        self.cast, self.mark, self.medicine, self.tests = cast, mark, medicine, tests
        self.name = f"{PATIENT} {mark}"

    def row(self, page: Page) -> Locator:
        return page.get_by_role("row").filter(has_text=self.name).first

    def has(self, words: str) -> Callable[[Page], Locator]:
        return lambda page: self.row(page).filter(has_text=words)

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.register,
            self.pay,
            self.examine,
            self.perform,
            self.diagnose_and_prescribe,
            self.dispense,
            self.over,
        ]

    # --- reception -----------------------------------------------------------------------

    def register(self) -> None:
        page = self.cast.reception
        page.get_by_role("link", name="Register patient").click()
        field(page, "given_name").fill(PATIENT)
        field(page, "family_name").fill(self.mark)
        field(page, "birth_date").fill(date(1984, 3, 9).isoformat())
        choose(page, "sex", "female")
        field(page, "complaint").fill("Cough for two weeks")
        self.cast.picture("reception", "register")
        page.get_by_role("button", name="Register and open the visit").click()
        expect(page.get_by_role("heading", name=re.compile("^Visit V-"))).to_be_visible()
        self.cast.sees("checker_doctor", "the new visit", self.row)
        if self.cast.scripts:
            expect(self.cast.checker_doctor.locator("#toasts")).to_contain_text("New visit")
        self.cast.picture("checker_doctor", "new-visit")

    def pay(self) -> None:
        page = self.cast.reception
        page.locator("#account").get_by_role("link", name="Take payment").click()
        choose(page, "method", "cash")
        page.get_by_role("button", name="Take payment").click()
        expect(page.get_by_text(re.compile(r"RC-\d+")).first).to_be_visible()
        self.cast.sees("checker_doctor", "paid", self.has("Paid"))
        self.cast.sees("admin", "the money", lambda page: page.locator("#figures").get_by_text("40.00").first)
        self.cast.picture("reception", "paid")
        self.cast.picture("admin", "paid")
        self.cast.home("reception")

    # --- examination -----------------------------------------------------------------------

    def examine(self) -> None:
        page = self.cast.checker_doctor
        self.row(page).get_by_role("link", name="Examine").click()
        field(page, "symptoms").fill("Dry cough, tired")
        field(page, "temperature").fill("38.4")
        field(page, "pulse").fill("88")
        for test in self.tests:
            page.get_by_role("checkbox", name=test, exact=True).check()
        self.cast.picture("checker_doctor", "examine")
        page.get_by_role("button", name="Save and pass on").click()
        expect(page).to_have_url(re.compile("/examination/$"))
        self.cast.picture("checker_doctor", "passed-on")
        for test in self.tests:
            self.cast.sees("lab_technician", test, lambda page, test=test: self.lab_row(page, test))
        self.cast.sees("reception", "tests pending", self.has("Tests pending"))
        if self.cast.scripts:
            page.evaluate("window.neverReloaded = true")
        self.cast.picture("lab_technician", "new-tests")

    def lab_row(self, page: Page, test: str) -> Locator:
        return page.get_by_role("row").filter(has_text=self.name).filter(has_text=test)

    # --- laboratory ------------------------------------------------------------------------

    def perform(self) -> None:
        page = self.cast.lab_technician
        for step in ("Collect", "Receive", "Start"):
            for test in self.tests:
                self.lab_row(page, test).get_by_role("button", name=step).click()
                expect(self.lab_row(page, test).get_by_role("button", name=step)).to_have_count(0)
        self.cast.picture("lab_technician", "performing")
        self.lab_row(page, self.tests[0]).get_by_role("link", name="Enter result").click()
        for value in page.locator(".result-value input:not([type=hidden])").all():
            value.fill("1")
        page.locator(".result-value input:not([type=hidden])").first.fill(self.first_value)
        self.cast.picture("lab_technician", "results")
        page.get_by_role("button", name="Save and release").click()
        self.cast.sees("main_doctor", "the results", self.row)
        self.cast.sees("reception", "tests done", self.has("Tests done"))
        if self.cast.scripts:
            expect(self.cast.main_doctor.locator("#toasts, #alerts").first).to_be_attached()
        self.cast.picture("main_doctor", "results-ready")
        self.cast.home("lab_technician")

    first_value = "1"

    # --- consultation ----------------------------------------------------------------------

    def diagnose_and_prescribe(self) -> None:
        page = self.cast.main_doctor
        self.row(page).get_by_role("link", name="Consult").click()
        expect(page.get_by_role("heading", name="Consultation")).to_be_visible()
        expect(page.get_by_text(self.tests[0]).first).to_be_visible()
        if self.cast.scripts:
            self.look_up(page, "Add a diagnosis", "acute upper respiratory", "J06.9")
            self.look_up(page, "Add a medicine", self.medicine[:6], self.medicine)
            page.locator("#line-rows").get_by_label("Quantity").fill("10")
            page.locator("#line-rows").get_by_label("Dose").fill("1 capsule")
            page.locator("#line-rows").get_by_label("Frequency").fill("twice a day")
        else:
            page.locator("#diagnosis-rows ~ noscript, noscript").first.wait_for(state="attached")
            page.get_by_label("Code", exact=True).first.fill("J06.9")
            page.locator("input[name$=-medicine]").first.fill(self.medicine_code)
            page.locator("input[name$=-quantity]").first.fill("10")
            page.locator("input[name$=-dose]").first.fill("1 capsule")
            page.locator("input[name$=-frequency]").first.fill("twice a day")
        self.cast.picture("main_doctor", "consult")
        page.get_by_role("button", name="Sign and send to pharmacy").click()
        self.cast.sees("pharmacy", "the prescription", self.row)
        self.cast.sees("reception", "diagnosed", self.has("Diagnosed"))
        self.cast.picture("pharmacy", "new-prescription")
        self.cast.home("main_doctor")

    medicine_code = ""

    def look_up(self, page: Page, label: str, words: str, wanted: str) -> None:
        page.get_by_label(label).click()
        page.get_by_label(label).press_sequentially(words)
        page.get_by_role("option").filter(has_text=wanted).first.click()
        expect(page.locator(".row-card").filter(has_text=wanted)).to_be_visible()
        expect(page.get_by_label(label)).to_have_value("")

    # --- pharmacy ---------------------------------------------------------------------------

    def dispense(self) -> None:
        page = self.cast.pharmacy
        self.row(page).get_by_role("link", name="Dispense").click()
        self.cast.picture("pharmacy", "counter")
        page.get_by_role("button", name="Dispense all").click()
        expect(page.get_by_text("10 of 10").first).to_be_visible()
        self.cast.picture("pharmacy", "dispensed")

    def over(self) -> None:
        """The last settled line ends the visit by itself, and every page knows."""
        if self.cast.scripts:
            expect(self.row(self.cast.reception)).to_have_count(0)
        self.cast.reception.goto(f"{self.cast.base}{self.cast.hospital.url}/front-desk/?show=over")
        expect(self.row(self.cast.reception)).to_contain_text("Done")
        self.cast.sees(
            "admin", "done", lambda page: page.locator("#statuses li").filter(has_text="Done").get_by_text("1")
        )
        self.cast.picture("admin", "done")
        with self.cast.hospital.acting():
            assert Visit.objects.get(patient__family_name=self.mark).status == Visit.Status.DONE


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[name={name}]:visible").first


def choose(page: Page, name: str, value: str) -> None:
    """One of a few choices, whether they are shown as buttons or as a list."""
    if field(page, name).get_attribute("type") == "radio":
        page.locator(f"[name={name}][value={value}]").check()
    else:
        field(page, name).select_option(value)

"""The desk in Chromium: by keyboard, live in two windows, and read aloud."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from clinical.models import Visit
from clinical.tests.wards import fresh
from scheduling.models import Room
from scheduling.tests.desks import Desk

pytestmark = pytest.mark.browser
PICTURES = Path(os.environ.get("HOSPITAL_PICTURES") or settings.BASE_DIR / ".state/pictures/pages")


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


@contextmanager
def window(browser: Browser, site, hospital, role: str, path: str, **options) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce", **options)
    session = hospital.client(role).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}{hospital.url}/{path}")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    yield page
    context.close()


def take_picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"desk-{name}.png", full_page=True)


def row_in(page: Page, made, stage: str):
    return page.locator(f"[data-stage={stage}] #appointment-{made.pk}")


def test_a_patient_is_checked_in_by_keyboard_and_every_screen_follows(browser, site, alpha, desk):
    made = desk.due()
    with (
        window(browser, site, alpha, "reception", "desk/") as page,
        window(browser, site, alpha, "main_doctor", "my-day/") as doctor,
        window(browser, site, alpha, "checker_doctor", "my-day/") as colleague,
    ):
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        form = page.locator("#panel form")
        expect(form).to_contain_text("Check in: Amara Okafor")
        form.get_by_label("are confirmed").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.locator("#panel")).to_contain_text("E-001")
        page.keyboard.press("Escape")
        expect(row_in(page, made, "waiting")).to_be_visible()
        expect(page.locator("[data-count-of=list-waiting]")).to_have_text("1")
        expect(doctor.locator("#toasts .toast-card")).to_contain_text("Here: Amara Okafor")
        expect(doctor.locator(f"#list-today #appointment-{made.pk} .waiting")).to_be_visible()
        expect(colleague.locator("#toasts .toast-card")).to_have_count(0)
        expect(colleague.locator(f"#appointment-{made.pk}")).to_have_count(0)


def test_the_flow_is_followed_live_to_the_end_and_the_rooms_with_it(browser, site, alpha, desk):
    made = desk.due()
    with alpha.acting("reception") as acting:
        made.check_in(by=acting.person)
    with (
        window(browser, site, alpha, "reception", "desk/") as page,
        window(browser, site, alpha, "main_doctor", "my-day/") as doctor,
        window(browser, site, alpha, "checker_doctor", "rooms/") as rooms,
    ):
        row_in(page, made, "waiting").get_by_role("link", name="Room: Amara Okafor").click()
        page.locator("#dialog").get_by_role("button", name="Into the room").click()
        expect(row_in(page, made, "room")).to_be_visible()
        expect(rooms.locator(".room-occupied")).to_contain_text("Amara Okafor")
        doctor.get_by_role("button", name="Begin: Amara Okafor").click()
        expect(row_in(page, made, "provider")).to_be_visible()
        doctor.get_by_role("button", name="Complete: Amara Okafor").click()
        expect(row_in(page, made, "done")).to_be_visible()
        expect(rooms.locator(".room-cleaning")).to_have_count(1)
        rooms.locator(".room-cleaning").get_by_role("button", name="is free").click()
        expect(rooms.locator(".room-cleaning")).to_have_count(0)
    with alpha.acting():
        assert (fresh(made).status, Visit.objects.get().status) == ("completed", "registered")
        assert not Room.objects.exclude(status="free").exists()


def test_who_becomes_late_moves_while_the_page_stands(browser, site, alpha, desk):
    made = desk.due()
    with window(browser, site, alpha, "reception", "desk/") as page:
        row = row_in(page, made, "coming")
        expect(row).to_be_visible()
        expect(page.locator("[data-stage=late]")).to_be_hidden()
        row.evaluate("row => { row.dataset.begins = new Date(Date.now() - 60000).toISOString(); }")
        page.mouse.move(0, 0)
        expect(row_in(page, made, "late")).to_be_visible()
        expect(page.locator("[data-count-of=list-late]")).to_have_text("1")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["desk/", "rooms/", "front-desk/", "appointments/reports/"])
def test_the_pages_are_read_aloud_and_fit_a_telephone(browser, site, alpha, desk, theme, path):
    waiting = desk.due()
    desk.due(provider=desk.checker)
    with alpha.acting("reception") as acting:
        waiting.check_in(by=acting.person)
    size = {"width": 390, "height": 844} if theme == "dark" else {"width": 1440, "height": 900}
    with window(browser, site, alpha, "reception", path, viewport=size, color_scheme=theme) as page:
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        take_picture(page, f"{path.strip('/').replace('/', '-')}-{theme}")


def test_the_check_in_panel_is_read_aloud(browser, site, alpha, desk):
    made = desk.due(note="Needs an interpreter")
    with window(browser, site, alpha, "reception", "desk/") as page:
        row_in(page, made, "coming").get_by_role("link", name="Check in").click()
        expect(page.locator("#panel form")).to_be_visible()
        take_picture(page, "check-in-panel")
        assert [
            (fault["id"], fault["nodes"][0]["html"])
            for fault in Axe().run(page, context="#panel").response["violations"]
        ] == []

"""Every page of the house in Chromium, as somebody who may open it: read aloud, light and dark, at a desk and on a telephone.

The inventory comes from the resolver, so a new address is tried without being listed here. Pictures of all pages are
left in $HOSPITAL_PICTURES, where that names a folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from hospital.access import entries
from hospital.tests.hospital import Hospital
from hospital.tests.page_cases import NO_PAGES, cases
from hospital.tests.windows import DESK, TELEPHONE, House, Window
from hospital.tests.world import World

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("HOSPITAL_PICTURES")

LOOK = """() => ({
    h1: [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility()).length,
    twice: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
    title: document.title,
    width: document.documentElement.scrollWidth,
    faults: window.faults,
})"""


@pytest.fixture(scope="module")
def house(browser, site, django_db_blocker) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = House(browser, site, World(Hospital("Looks")))
        yield opened
        opened.close()


CASES = list(cases())
in_each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


# --- what must hold everywhere ------------------------------------------------------------


LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable")
HIDES = ("aria-hidden-focus", "button-name", "label", "link-name", "region")
OF_THE_LOOK = {"runOnly": [*LOOKS, *HIDES]}  # what a width or a colour scheme can change


def faults_of_reading(page: Page, rules: dict) -> list[tuple[str, str]]:
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found]


def seen(window: Window, width: int) -> list[str]:
    """What is wrong with the page as it stands, in words."""
    look = window.page.evaluate(LOOK)
    wrong = [*window.complaints, *look["faults"], *(f"id twice: {one}" for one in look["twice"])]
    if look["h1"] != 1:
        wrong.append(f"{look['h1']} headings of the first level")
    if not look["title"].strip(" ·"):
        wrong.append("no title")
    if look["width"] > width:
        wrong.append(f"scrolls sideways: {look['width']} px on {width}")
    return wrong


def take_picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES, f"{name}.png"), full_page=True)


@in_each_case
def test_a_page_is_sound(house, case):
    window, path, wrong = house.window(case.role), case.path(house), []
    for name, size, theme, rules in (("wide", DESK, "light", {}), ("narrow", TELEPHONE, "dark", OF_THE_LOOK)):
        page = window.open(path, size, theme)
        wrong += [f"{name} and {theme}: {fault}" for fault in faults_of_reading(page, rules)]
        wrong += seen(window, size[0])
        take_picture(page, f"{case.picture}-{name}")
    assert not wrong, "\n".join(wrong)


# --- by keyboard --------------------------------------------------------------------------

AT_WORK = [
    ("reception", "front-desk/"),
    ("reception", "visits/{registered}/"),
    ("checker_doctor", "visits/{paid}/examine/"),
    ("lab_technician", "laboratory/visits/{lab_pending}/"),
    ("main_doctor", "visits/{lab_done}/consult/"),
    ("pharmacy", "dispensing/"),
    ("billing", "payments/"),
]
at_work = pytest.mark.parametrize(("role", "path"), AT_WORK, ids=[path for _, path in AT_WORK])
FOCUSED = """async () => {
    await Promise.all(document.getAnimations().map((one) => one.finished));
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const ringed = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    return {words: one.outerHTML.slice(0, 120), left: one === document.body, ringed, within: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
}"""
KEYS = """() => [...document.querySelectorAll("main [data-key], header [data-key]")].filter((one) => one.checkVisibility()).map((one) => one.dataset.key)"""


def walked(page: Page, steps: int) -> Iterator[dict]:
    for _ in range(steps):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["left"]:
            return
        yield found


@at_work
def test_the_keyboard_reaches_everything_and_shows_where_it_is(house, role, path):
    page = house.window(role).open(path.format(**{name: visit.pk for name, visit in house.world.visits.items()}))
    page.evaluate("document.activeElement.blur()")
    stops = list(walked(page, 150))
    assert len(stops) > 8
    assert [stop["words"] for stop in stops if not (stop["ringed"] and stop["within"])] == []


@at_work
def test_the_keys_of_a_page_are_listed(house, role, path):
    page = house.window(role).open(path.format(**{name: visit.pk for name, visit in house.world.visits.items()}))
    page.evaluate("document.activeElement.blur()")
    own = page.evaluate(KEYS)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert set(own) <= set(page.locator("#keys kbd").all_inner_texts())
    assert len(own) == len(set(own)), "no key means two things"


def test_the_way_past_the_frame_is_seen_only_with_the_focus(house):
    page = house.window("reception").open("front-desk/")
    skip = page.locator(".skip")
    page.evaluate("document.activeElement.blur()")
    expect(skip).not_to_be_in_viewport()
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


# --- on paper -----------------------------------------------------------------------------

PAPERS = {  # width and height in millimetres, sheets
    "clinical:token": (80, 90, 1),
    "scheduling:slip": (80, 90, 1),
    "clinical:prescription_print": (148, 210, 1),
    "billing:receipt": (148, 210, 1),
    "billing:refund_receipt": (148, 210, 1),
    "clinical:chart_print": (210, 297, 2),
}


@pytest.mark.parametrize("name", PAPERS)
def test_paper_has_its_real_size_and_nothing_of_the_screen(house, name):
    case = next(case for case in CASES if case.name == name)
    page = house.window(case.role).open(case.path(house))
    expect(page.get_by_role("link", name="Back")).to_be_visible()
    page.emulate_media(media="null")  # the page before may have been left as paper
    pdf = page.pdf(prefer_css_page_size=True).decode("latin-1")
    box = pdf.partition("/MediaBox [0 0 ")[2].partition("]")[0].split()
    assert (*(round(float(points) / 72 * 25.4) for points in box), pdf.count("/Type /Page\n")) == PAPERS[name]
    page.emulate_media(media="print")
    expect(page.locator(".paper-bar")).to_be_hidden()
    take_picture(page, f"{case.picture}-paper")
    page.emulate_media(media="screen")


def test_what_is_left_out_is_there_and_is_no_page():
    """So that the list of exceptions does not outlive them."""
    assert {entry.name for entry in entries()} >= set(NO_PAGES)

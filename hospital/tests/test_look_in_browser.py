"""The look, in Chromium: read aloud, by keyboard, narrow and wide, light and dark, and light in weight."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import brotli
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from hospital.clock import ago_in_words, waiting_in_words
from hospital.tests.hospital import Hospital
from hospital.tests.test_look import NOW, timedelta
from realtime.tests.server import Site

pytestmark = pytest.mark.browser
KILO = 1000


class Screen:
    """One window of somebody who is logged in. What the browser complained about is in `complaints`."""

    def __init__(
        self, browser: Browser, site: Site, hospital: Hospital, role: str = "admin", **options: object
    ) -> None:
        self.base = f"{site.url}{hospital.url}"
        self.context = browser.new_context(reduced_motion="reduce", **options)
        session = hospital.client(role).cookies["sessionid"].value
        self.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)

    def design(self) -> Page:
        self.page.goto(f"{self.base}/design/")
        return self.page


def faults(page: Page) -> list[tuple[str, str]]:
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in Axe().run(page).response["violations"]]


@pytest.fixture
def screen(browser, site, alpha) -> Iterator[Screen]:
    opened = Screen(browser, site, alpha, viewport={"width": 1440, "height": 900})
    yield opened
    opened.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_parts_can_be_read_by_everybody_at_every_width(browser, site, alpha, theme, width):
    screen = Screen(browser, site, alpha, viewport={"width": width, "height": 900}, color_scheme=theme)
    page = screen.design()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing scrolls sideways"
    assert screen.complaints == [], "scripts ran, and the content security policy refused nothing"
    screen.context.close()


ACCOUNT = [
    "login",
    "logout",
    "password/reset",
    "password/reset/done",
    "password/change",
    "reauthenticate",
    "2fa",
    "email",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_around_the_frame_can_be_read_by_everybody(browser, site, alpha, theme):
    screen = Screen(browser, site, alpha, viewport={"width": 390, "height": 844}, color_scheme=theme)
    stranger = browser.new_page(color_scheme=theme)
    addresses = [f"{site.url}/accounts/{name}/" for name in ACCOUNT]
    for page, address in [*product([stranger, screen.page], addresses), (screen.page, f"{screen.base}/nothing-here/")]:
        page.goto(address)
        assert faults(page) == [], address
    stranger.close()
    screen.context.close()


def test_a_refused_log_in_says_so_at_the_field(browser, site):
    page = browser.new_page()
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_label("E-mail").fill("nobody")
    page.keyboard.press("Enter")
    summary = page.locator("[data-error-summary]")
    assert "Not logged in." in summary.inner_text()
    expect(summary).to_be_focused()
    assert faults(page) == []
    page.close()


def test_nothing_moves_while_the_page_loads(screen):
    screen.context.add_init_script(
        "window.moved = []; new PerformanceObserver((list) => list.getEntries().forEach((entry) =>"
        " window.moved.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? node?.nodeValue))))"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    page = screen.design()
    page.wait_for_timeout(500)
    assert page.evaluate("window.moved") == []


def test_a_first_visit_is_light_and_the_next_page_lighter(screen):
    bodies: dict[str, int] = {}

    def weigh(response) -> None:
        if response.ok and response.url.startswith("http"):
            bodies[response.url] = len(brotli.compress(response.body(), quality=5))

    screen.page.on("requestfinished", lambda request: weigh(request.response()))
    screen.page.goto(f"{screen.base}/people/", wait_until="networkidle")
    page = next(size for url, size in bodies.items() if url.endswith("/people/"))
    assert page <= 20 * KILO
    assert sum(bodies.values()) <= 200 * KILO


def test_the_words_of_the_clock_are_the_same_on_the_server_and_in_the_browser(screen):
    page = screen.design()
    for seconds in (5, 59, 60, 3599, 3600, 86400, 2 * 86400, 60 * 86400, 729 * 86400, 730 * 86400, -30, -600, -90000):
        then = NOW - timedelta(seconds=seconds)
        said = page.evaluate(
            "([then, now]) => agoInWords(then, now)", [then.timestamp() * 1000, NOW.timestamp() * 1000]
        )
        assert said == ago_in_words(then, NOW)
    for minutes in (0, 59, 60, 125, 1500):
        assert page.evaluate("(minutes) => waitingInWords(minutes)", minutes) == waiting_in_words(minutes)


def test_a_waiting_time_grows_while_the_page_stands(screen):
    page = screen.design()
    place = page.locator("[data-waiting]").first
    assert place.get_by_text("4 min").is_visible()
    page.evaluate(
        "document.querySelector('[data-waiting]').dataset.waiting = new Date(Date.now() - 32.5 * 60000).toISOString()"
    )
    page.evaluate("tick()")
    assert "32 min, too long" in place.inner_text()


def test_the_keys_of_the_page_are_listed_and_work(screen):
    page = screen.design()
    page.keyboard.press("?")
    assert page.locator("#keys").get_by_text("Register patient").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("#panel-name")).to_be_focused()
    page.keyboard.type("n?j")
    assert page.locator("#panel-name").input_value() == "n?j", "keys are letters while somebody writes"


def test_unsaved_text_is_asked_about_and_the_focus_returns(screen):
    page = screen.design()
    opener = page.get_by_role("button", name="Register patient")
    opener.click()
    page.keyboard.type("Amara")
    page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="Leave without saving?")
    question.get_by_role("button", name="Go back").click()
    assert page.locator("#panel-name").input_value() == "Amara"
    page.keyboard.press("Escape")
    question.get_by_role("button", name="Leave").click()
    expect(page.locator("#panel-example")).to_be_hidden()
    expect(opener).to_be_focused()


def test_j_and_k_walk_the_rows_and_a_menu_closes_on_escape(screen):
    page = screen.design()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.querySelector('.token').textContent") == "E-014"
    menu = page.get_by_label("More for Amara Okafor")
    menu.click()
    assert page.get_by_text("Left without being seen").first.is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_text("Left without being seen").first.is_visible()
    expect(menu).to_be_focused()


def test_a_theme_stays_when_it_is_chosen(screen):
    page = screen.design()
    page.get_by_label("Account and theme").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_toast_leaves_by_itself_and_a_problem_stays(screen):
    page = screen.design()
    page.clock.install()
    page.reload()
    page.evaluate("toast('Visit E-014 is paid', '', 'good'); toast('Not sent', 'There is no connection.', 'problem')")
    page.clock.run_for(9000)
    assert page.locator("#toasts .toast-card strong").all_inner_texts() == ["Not sent"]
    page.locator("#toasts").get_by_role("button", name="Dismiss").click()
    assert page.locator("#toasts .toast-card").count() == 0


def test_the_frame_works_without_scripts(browser, site, alpha):
    screen = Screen(browser, site, alpha, java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = screen.design()
    page.get_by_role("button", name="Places").click()
    assert page.locator("#sidebar").get_by_text("People").is_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Acting as").click()
    assert page.get_by_role("button", name="Administrator").is_visible()
    assert not page.get_by_text("Follow the system").is_visible(), "what needs a script is not shown"
    screen.context.close()


@pytest.mark.parametrize(
    ("paper", "width", "height"), [("a4", 210, 297), ("a5", 148, 210), ("label", 50, 25), ("wristband", 250, 25)]
)
def test_paper_has_its_real_size_and_one_sheet(screen, paper, width, height):
    screen.page.goto(f"{screen.base}/design/?paper={paper}")
    pdf = screen.page.pdf(prefer_css_page_size=True).decode("latin-1")
    points = [
        round(float(number) / 72 * 25.4) for number in pdf.partition("/MediaBox [0 0 ")[2].partition("]")[0].split()
    ]
    assert points == [width, height]
    assert pdf.count("/Type /Page\n") == 1

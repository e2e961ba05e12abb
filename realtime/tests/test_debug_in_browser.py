"""What a developer sees: each frame and decision in the console, figures that follow by themselves, and no false "Live"."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from realtime.tests.listening import Listener
from realtime.tests.test_browser import is_live, open_people, row
from realtime.tests.test_socket import cookie_of, grant

pytestmark = pytest.mark.browser


class Line:
    """What goes between a page and its server; a message that `passes` refuses is lost."""

    def __init__(self, page: Page) -> None:
        self.passes: Callable[[dict], bool] = lambda message: True
        self.said: list[dict] = []
        self.now: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/live/socket"), self.connect)

    def connect(self, page_side: WebSocketRoute) -> None:
        server, self.now = page_side.connect_to_server(), page_side
        server.on_message(lambda text: page_side.send(text) if self.passes(json.loads(text)) else None)
        page_side.on_message(lambda text: (self.said.append(json.loads(text)), server.send(text)))


@pytest.fixture
def line(page) -> Line:
    return Line(page)


@pytest.fixture
def console(page) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    return said


def said(page: Page, console: list[str], words: str) -> None:
    for _ in range(300):
        if any(words in line for line in console):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{words!r} is not in {console[-40:]}")


def test_debug_mode_tells_each_frame_and_decision(site, alpha, page, line, console):
    page.add_init_script("localStorage.live = 'debug'")
    open_people(site, alpha, page)
    said(page, console, "live: resume")
    membership = grant(alpha)
    for words in ("live: frame", "live: event user:changed", "live: fetched", "live: renewed members"):
        said(page, console, words)
    expect(page.locator(row(membership, "#members"))).to_be_visible()

    line.passes = lambda message: "events" not in message  # lost on the way: the next heartbeat finds it
    lost = grant(alpha, "Mona")
    page.wait_for_timeout(1000)
    line.passes = lambda message: True
    said(page, console, "live: gap")
    expect(page.locator(row(lost, "#members"))).to_be_visible(timeout=30_000)

    console.clear()
    line.now.close(code=1011)
    for words in ("live: closed 1011", "live: again in", "live: resume"):
        said(page, console, words)
    assert line.said[-1].get("again") or any(message.get("again") for message in line.said)

    console.clear()
    line.now.send('{"resync": "00000000-0000-0000-0000-000000000000:0"}')
    for words in ("live: resync", "live: fetched"):
        said(page, console, words)


def test_without_debug_mode_the_console_is_silent(site, alpha, page, console):
    open_people(site, alpha, page)
    membership = grant(alpha)
    expect(page.locator(row(membership, "#members"))).to_be_visible()
    assert [words for words in console if "live:" in words] == []


def test_words_for_other_scripts_do_not_make_a_page_live(site, alpha, page, line):
    """A server without its database still knows who is here; the page must not take that for news of the log."""
    open_people(site, alpha, page)
    line.passes = lambda message: False
    for _ in range(25):
        line.now.send('{"presence": {"of": "x", "people": []}}')
        page.wait_for_timeout(1000)
        if page.locator("#live-state").get_attribute("data-state") == "offline":
            break
    else:
        raise AssertionError("it called itself live on words that are not of the log")
    expect(page.locator("#stale")).to_contain_text("Not live since")


def test_the_figures_of_the_engine_follow_by_themselves(site, alpha, page):
    name, value = cookie_of(alpha, "admin").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{alpha.url}/live/")
    is_live(page)
    sockets = page.locator("#engine .figure-value").first
    expect(sockets).to_have_text("1", timeout=30_000)
    with Listener(site, alpha, "reception") as listener:
        listener.joined()
        expect(sockets).to_have_text("2", timeout=30_000)
        expect(page.get_by_role("rowheader", name="Reception")).to_be_visible()
    expect(sockets).to_have_text("1", timeout=30_000)

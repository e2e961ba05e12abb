"""A page that is open for long, slept, was frozen, or was sent away: it is live again and has missed nothing."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from realtime.connection import PATIENCE
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site
from realtime.tests.test_browser import is_live, open_people, row, with_lists
from realtime.tests.test_socket import grant

pytestmark = pytest.mark.browser
SOCKET = re.compile("/live/socket")


def sockets_of(page: Page) -> list[str]:
    """The addresses of all sockets that the page will have opened."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


def test_a_page_whose_socket_is_closed_for_its_age_comes_back_and_misses_nothing(
    django_db_setup, alpha, page, tmp_path
):
    """After a day the server closes each socket with 1000; here after two seconds."""
    own = Site(tmp_path / "own.log", "--websocket-timeout", "2").start()
    opened = sockets_of(page)
    try:
        admin = with_lists(open_people(own, alpha, page))
        for number in range(6):
            membership = grant(alpha, f"N{number}")
            expect(admin.locator(row(membership, "#here"))).to_have_count(1)
            admin.wait_for_timeout(1000)
        assert len(opened) > 1
        expect(admin.locator("#stale")).to_be_hidden()
    finally:
        own.stop()


def test_a_page_that_was_frozen_is_live_soon_after_it_wakes(site, alpha, page):
    """Nothing runs in it, so it acknowledges nothing, and meanwhile the server has closed its socket."""
    opened = sockets_of(page)
    admin = with_lists(open_people(site, alpha, page))
    browser = page.context.new_cdp_session(page)
    browser.send("Debugger.enable")
    browser.send("Debugger.pause")
    time.sleep(2)  # it stops at its next step
    first = grant(alpha)
    time.sleep(PATIENCE + 6)
    second = grant(alpha, "Olaf")
    assert len(opened) == 1
    browser.send("Debugger.disable")
    for membership in (first, second):
        expect(admin.locator(row(membership, "#here"))).to_have_count(1)
    is_live(admin)
    assert len(opened) == 2


def test_a_page_acknowledges_what_it_shows_and_keeps_its_socket(site, alpha, page):
    opened = sockets_of(page)
    admin = with_lists(open_people(site, alpha, page))
    membership = grant(alpha)
    expect(admin.locator(row(membership, "#here"))).to_have_count(1)
    admin.wait_for_timeout((PATIENCE + 5) * 1000)
    is_live(admin)
    assert len(opened) == 1


@pytest.mark.parametrize(("code", "fewest", "most"), [(1008, 1, 1), (4413, 1, 1), (1011, 3, 20)])
def test_a_page_that_a_limit_sends_away_does_not_knock_again_at_once(site, alpha, page, code, fewest, most):
    knocks = []

    def send_away(socket: WebSocketRoute) -> None:
        knocks.append(socket.url)
        socket.close(code=code)

    page.route_web_socket(SOCKET, send_away)
    opened_without_socket(site, alpha, page)
    page.wait_for_timeout(6000)
    assert fewest <= len(knocks) <= most


def opened_without_socket(site: Site, hospital, page: Page) -> None:
    name, value = cookie_of(hospital, "admin").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}/people/")

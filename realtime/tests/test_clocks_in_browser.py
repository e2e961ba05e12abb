"""FA-16: the browser's clock is put back, or goes on while the machine sleeps; a dead line is found all the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from realtime.tests.test_browser import is_live, open_people
from realtime.tests.test_debug_in_browser import Line
from realtime.tests.test_socket import grant

pytestmark = pytest.mark.browser
# `window.wall` moves the clock on the wall; `window.asleep` is where the steady one stands still.
CLOCKS = """
    const wall = Date.now.bind(Date), steady = performance.now.bind(performance);
    window.wall = 0;
    Date.now = () => wall() + window.wall;
    performance.now = () => window.asleep ?? steady();
"""
PUT_BACK = "window.wall = -24 * 3600000"
SLEPT = "window.asleep = performance.now(), window.wall = 8 * 3600000"


@pytest.fixture
def line(page) -> Line:
    page.add_init_script(CLOCKS)
    return Line(page)


@pytest.mark.parametrize("clocks", [PUT_BACK, SLEPT], ids=["put back a day", "slept for hours"])
def test_a_dead_line_is_found_whatever_the_clocks_say(site, alpha, page, line, clocks):
    admin = open_people(site, alpha, page)
    first, line.passes = line.now, lambda message: False
    admin.evaluate(clocks)
    expect(admin.locator("#stale")).to_contain_text("Not live since", timeout=60_000)
    line.passes = lambda message: True
    is_live(admin, seconds=60)
    assert line.now is not first


def test_what_was_lost_is_asked_for_after_the_clock_was_put_back(site, alpha, page, line):
    admin = open_people(site, alpha, page)
    admin.evaluate(PUT_BACK)
    line.passes = lambda message: "events" not in message
    first, before = line.now, resumes(line)
    grant(alpha)
    for _ in range(300):
        if resumes(line) > before:
            break
        admin.wait_for_timeout(100)
    assert resumes(line) > before
    assert line.now is first  # it did not wait until the server lost patience


def resumes(line: Line) -> int:
    return sum("resume" in said for said in line.said)

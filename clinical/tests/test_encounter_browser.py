"""A note in Chromium, on the real server: what is typed survives a killed server and a killed browser, and two writers."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from clinical.models import Encounter
from clinical.tests.notes import at, begun
from clinical.tests.wards import fresh
from hospital.tests.hospital import PASSWORD
from realtime.tests.listening import cookie_of
from realtime.tests.server import wait_until

pytestmark = pytest.mark.browser


def opened(site, hospital, page: Page, role: str, note: Encounter) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(site.url + at(hospital, note))
    expect(page.locator("#note-saved")).to_contain_text("Saved")
    return page


def section(page: Page, key: str):
    return page.locator(f"[name={key}]")


def text_of(hospital, note: Encounter, key: str) -> str:
    with hospital.acting():
        return note.sections.get(key=key).text


def stands(hospital, note: Encounter, key: str, text: str) -> None:
    wait_until(lambda: text_of(hospital, note, key) == text, 60, f"{key} is {text_of(hospital, note, key)!r}")


def kill_browser(mark: str) -> None:
    """The one process, of those that this test started, that carries the mark and is nobody's child of its own kind."""
    commands = {path.parent.name: path.read_bytes().split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline")}
    [pid] = [
        pid
        for pid, words in commands.items()
        if mark.encode() in words and not any(w.startswith(b"--type=") for w in words)
    ]
    os.kill(int(pid), signal.SIGKILL)


def test_a_note_is_typed_expanded_and_signed_with_the_keyboard(site, alpha, page):
    note = begun(alpha)
    opened(site, alpha, page, "main_doctor", note)
    section(page, "complaint").press_sequentially("Cough, typed")
    section(page, "examination").press_sequentially(".normal ")
    expect(section(page, "examination")).to_have_value(
        "General condition good. Heart sounds normal, lungs clear, abdomen soft and not tender. No oedema. "
    )
    stands(alpha, note, "complaint", "Cough, typed")
    page.locator("#note-head").get_by_role("link", name="Sign").click()
    page.locator("#dialog [name=proof]").fill(PASSWORD)
    page.locator("#dialog").get_by_role("button", name="Sign").click()
    expect(page.locator("#note-read")).to_contain_text("Checked now")
    with alpha.acting():
        assert fresh(note).status == Encounter.Status.SIGNED


def test_a_colleagues_section_appears_and_the_same_section_is_asked_about(site, alpha, page, browser):
    note = begun(alpha)
    hers, context = opened(site, alpha, page, "main_doctor", note), browser.new_context()
    his = opened(site, alpha, context.new_page(), "checker_doctor", note)
    section(hers, "complaint").press_sequentially("Hers")
    expect(section(his, "complaint")).to_have_value("Hers")
    his.route("**/save/", lambda route: route.abort())
    section(his, "advice").fill("His advice")
    section(hers, "advice").fill("Her advice")
    stands(alpha, note, "advice", "Her advice")
    his.unroute("**/save/")
    card = his.locator(".note-conflict")
    expect(card).to_contain_text("Her advice")
    expect(section(his, "advice")).to_have_value("His advice")
    card.get_by_role("button", name="Keep both").click()
    stands(alpha, note, "advice", "Her advice\nHis advice")
    expect(section(hers, "advice")).to_have_value("Her advice\nHis advice")
    context.close()


def test_what_was_typed_survives_a_killed_server_and_a_killed_browser(
    second_site, alpha, page, playwright, browser_type_launch_args
):
    """It is on the server by itself, or it is still on the page."""
    note, site = begun(alpha), second_site
    opened(site, alpha, page, "main_doctor", note)
    section(page, "complaint").press_sequentially("Before the crash")
    stands(alpha, note, "complaint", "Before the crash")
    site.process.kill()
    site.process.wait(30)
    section(page, "advice").press_sequentially("Typed without a server")
    expect(page.locator("#note-saved")).to_contain_text("Not saved since")
    expect(section(page, "advice")).to_have_value("Typed without a server")
    site.start()
    stands(alpha, note, "advice", "Typed without a server")
    mark = f"--doomed={uuid4().hex}"
    arguments = {**browser_type_launch_args, "args": [*browser_type_launch_args["args"], mark]}
    other = playwright.chromium.launch(**arguments)
    killed = opened(site, alpha, other.new_page(), "main_doctor", note)
    section(killed, "assessment").press_sequentially("Before the power went")
    stands(alpha, note, "assessment", "Before the power went")
    kill_browser(mark)
    opened(site, alpha, page, "main_doctor", note)
    expect(section(page, "assessment")).to_have_value("Before the power went")
    expect(section(page, "complaint")).to_have_value("Before the crash")

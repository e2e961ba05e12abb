"""Somebody types a note while the browser, the server or both are killed with -9: how many seconds of typing are lost."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.table import Table, progress

NEEDS_DATABASE = True
BROWSER, SERVER = "browser", "server"
KINDS = (BROWSER, SERVER, f"{SERVER} and {BROWSER}")
BETWEEN = 0.15  # seconds between two words
SETTLE = 20.0  # what a page that stays may take to send again


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=10, help="of each kind (%(default)s)")
    parser.add_argument("--seconds", type=float, default=9, help="of typing before the kill, at most (%(default)s)")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd

    house = crowd.open_house("Drafts")
    rounds = []
    for number in range(chosen.rounds):
        for kind in KINDS:
            progress(f"round {number + 1} of {chosen.rounds}: kill -9 of the {kind}")
            rounds.append(
                one_round(house, kind, random.uniform(chosen.seconds / 3, chosen.seconds)) | {"round": number}
            )
    return table_of(rounds)


def one_round(house: Any, kind: str, seconds: float) -> dict[str, Any]:
    from clinical.tests.notes import begun
    from realtime.tests.server import Site

    note = begun(house)
    site = Site(Path(tempfile.mkdtemp()) / "site.log").start()
    try:
        with opened(site.url, house, note) as (page, pid):
            typed = type_on(page, seconds)
            killed = time.monotonic()
            if SERVER in kind:
                site.process.kill()
                site.process.wait(10)
            if BROWSER in kind:
                os.kill(pid, signal.SIGKILL)
            if kind == SERVER:
                site.start()
                wait_for_the_last(house, note, len(typed))
        return {"kind": kind, "words": len(typed), "lost_s": lost(typed, saved(house, note), killed)}
    finally:
        site.stop()


def type_on(page: Any, seconds: float) -> list[float]:
    """Words 1, 2, 3 and so on; when each was typed."""
    typed, end = [], time.monotonic() + seconds
    page.locator("[name=complaint]").focus()
    while time.monotonic() < end:
        page.keyboard.type(f"{len(typed) + 1} ")
        typed.append(time.monotonic())
        time.sleep(BETWEEN)
    return typed


def saved(house: Any, note: Any) -> int:
    """The last word that the database has."""
    with house.acting():
        words = note.sections.get(key="complaint").text.split()
    return int(words[-1]) if words else 0


def wait_for_the_last(house: Any, note: Any, count: int) -> None:
    end = time.monotonic() + SETTLE
    while saved(house, note) < count and time.monotonic() < end:
        time.sleep(0.2)


def lost(typed: list[float], kept: int, killed: float) -> float:
    """From the first word that is gone to the kill."""
    return killed - typed[kept] if kept < len(typed) else 0.0


@contextmanager
def opened(url: str, house: Any, note: Any) -> Iterator[tuple[Any, int]]:
    """The note in a Chromium of its own, and the process to kill."""
    from playwright.sync_api import Error, sync_playwright

    from clinical.tests.notes import at

    mark = f"--bench-drafts={uuid4()}"
    session = house.client("main_doctor").cookies["sessionid"].value
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
    found = os.environ.get("HOSPITAL_BROWSER") or shutil.which("chromium")
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=found, args=["--no-sandbox", mark])
        page = browser.new_page()
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        page.goto(url + at(house, note))
        page.wait_for_selector("#note-saved:not(:empty)")
        try:
            yield page, process_with(mark)
        finally:
            try:
                browser.close()
            except Error:
                progress("the browser is gone")


def process_with(mark: str) -> int:
    commands = {int(path.parent.name): path.read_bytes().split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline")}
    [pid] = [
        pid
        for pid, words in commands.items()
        if mark.encode() in words and not any(word.startswith(b"--type=") for word in words)
    ]
    return pid


def table_of(rounds: list[dict[str, Any]]) -> Table:
    table = Table("kill -9 of the", "rounds", "lost, s: median", "most")
    for kind in KINDS:
        values = sorted(one["lost_s"] for one in rounds if one["kind"] == kind)
        if values:
            table.add(kind, len(values), values[len(values) // 2], values[-1], kind=kind, lost_s=values)
    return table

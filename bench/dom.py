"""From a form to the changed row in Chromium, with some real pages among many without a browser."""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.table import Table, percentile

NEEDS_DATABASE = True
ROWS = 40
SETTLE = 3.0
# Notes when a mark first stands in a row, on the clock that this process has too.
WATCH = """() => {
  window.benchSeen = {};
  new MutationObserver(() => {
    for (const [mark] of document.body.innerText.matchAll(/bench-\\d+/g)) window.benchSeen[mark] ??= Date.now();
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pages", type=int, default=200, help="altogether (%(default)s)")
    parser.add_argument("--browsers", type=int, default=4, help="of them in Chromium (%(default)s)")
    parser.add_argument("--rate", type=float, default=2, help="forms a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30)


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd, people, servers
    from bench.load import Load
    from bench.writers import Call, Writers
    from clinical.models import Visit

    house = crowd.open_house("Screens")
    with house.acting():
        for number in range(ROWS):
            crowd.arrive(number)
        visits = [str(pk) for pk in Visit.objects.order_by("pk").values_list("pk", flat=True)]
    colleagues = people.Crowd(house)
    with servers.Ours(colleagues) as server:
        writers = Writers([Call(server.port, house, f"Desk {number}", visits) for number in range(2)])
        with (
            Load(server.port, colleagues.pages(chosen.pages - chosen.browsers)) as load,
            open_pages(server.port, house, chosen.browsers) as pages,
        ):
            load.open()
            written = writers.at_rate(itertools.count(1), chosen.rate, chosen.seconds)
            time.sleep(SETTLE)
            seen = [page.evaluate("window.benchSeen") for page in pages]
    return table_of(written, seen, chosen)


@contextmanager
def open_pages(port: int, house: Any, count: int) -> Iterator[list[Any]]:
    """The front desk of so many people, each in a browser context of its own."""
    from playwright.sync_api import sync_playwright

    sessions = [house.client("reception", f"Screen {number}").cookies["sessionid"].value for number in range(count)]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as opened:
        engine = opened.enter_context(sync_playwright())
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
        found = os.environ.get("HOSPITAL_BROWSER") or shutil.which("chromium")
        browser = opened.enter_context(engine.chromium.launch(executable_path=found, args=["--no-sandbox"]))
        pages = []
        for session in sessions:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
            page = context.new_page()
            page.goto(f"{url}{house.url}/front-desk/")
            page.wait_for_selector("tr[data-v]")
            page.evaluate(WATCH)
            pages.append(page)
        time.sleep(SETTLE)
        yield pages


def table_of(written: list[Any], seen: list[dict[str, int]], chosen: argparse.Namespace) -> Table:
    to_wall = time.time() - time.monotonic()
    times: dict[str, list[float]] = {"the form was sent": [], "it was answered": []}
    for one in written:
        for page in seen:
            if at := page.get(f"bench-{one.mark}"):
                times["the form was sent"].append(at - (one.sent_at + to_wall) * 1000)
                times["it was answered"].append(at - (one.answered_at + to_wall) * 1000)
    expected = len(written) * len(seen)
    table = Table("to the changed row, since", "pages", "in Chromium", "rows seen", "p50, ms", "p99, ms")
    for since, ms in times.items():
        middle, last = (percentile(ms, share) if ms else float("nan") for share in (0.5, 0.99))
        table.add(
            since,
            chosen.pages,
            chosen.browsers,
            f"{len(ms)} of {expected}",
            middle,
            last,
            since=since,
            ms=ms,
            expected=expected,
        )
    return table

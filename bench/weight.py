"""Bytes of the first page of each role, and of the next one."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.table import Table

NEEDS_DATABASE = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=50, help="of each list (%(default)s)")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd
    from bench.wire import Browser
    from hospital.roles import ROLE_KEYS
    from realtime.tests.server import Site

    house = crowd.open_house("Weight")
    crowd.past(house, 100)
    crowd.present(house, chosen.rows)
    table = Table("role", "page", "first visit, kB", "next page, kB")
    site = Site(Path(tempfile.mkdtemp()) / "site.log").start()
    try:
        for role in ROLE_KEYS:
            browser = Browser(site.port, house, role)
            first, page = browser.open(f"{house.url}/")
            following, _ = browser.open(page)
            table.add(
                role,
                page.removeprefix(house.url),
                first / 1000,
                following / 1000,
                role=role,
                first=first,
                next=following,
            )
    finally:
        site.stop()
    return table

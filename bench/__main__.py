"""`bin/bench NAME [--json FILE]`: sets up what it needs, measures, prints a table, keeps the raw rounds."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import sys
from pathlib import Path

from bench.ground import ground
from bench.table import Table

NAMES = (
    "pages",
    "search",
    "calendar",
    "desk",
    "events",
    "fhir",
    "weight",
    "drafts",
    "start",
    "fanout",
    "e2e",
    "dom",
    "reconnect",
    "memory",
    "slow",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parsers = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name in NAMES:
        module = importlib.import_module(f"bench.{name}")
        one = parsers.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
        one.add_argument("--json", type=Path, metavar="FILE", help="keep every round here")
        module.arguments(one)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all servers are ended and the database is dropped
    run = importlib.import_module(f"bench.{chosen.name}")
    if run.NEEDS_DATABASE:
        with ground():
            table = run.measure(chosen)
    else:
        table = run.measure(chosen)
    report(chosen.name, table, chosen.json)


def report(name: str, table: Table, to: Path | None) -> None:
    print(machine(), table, sep="\n\n")
    if to:
        about = {"name": name, "machine": machine(), "command": sys.argv[1:]}
        to.write_text(json.dumps(about | table.facts | {"rounds": table.rounds}, indent=1))


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load:.1f}"


if __name__ == "__main__":
    main()

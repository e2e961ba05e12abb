"""Resources a second of `manage.py import_fhir`, into an empty hospital and again."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from bench.table import Table

NEEDS_DATABASE = True
RECORDS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "synthea"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", type=Path, default=RECORDS, help="records: files or a folder (%(default)s)")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd
    from clinical.fhir.files import files_under
    from clinical.fhir.importer import Import

    files = list(files_under([str(chosen.path)]))
    if not files:
        raise SystemExit(f"There is no FHIR file at {chosen.path}.")
    house = crowd.open_house("Records")
    table = Table("run", "files", "resources", "broken", "seconds", "resources/s")
    for run in ("first", "again, changing nothing"):
        begun, cpu = time.perf_counter(), time.process_time()
        tally = Import(house.tenant).take(files)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        table.add(
            run,
            len(files),
            tally.resources,
            len(tally.broken),
            seconds,
            tally.resources / seconds,
            run=run,
            seconds=seconds,
            cpu_seconds=cpu,
            resources=tally.resources,
        )
    return table

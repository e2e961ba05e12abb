"""First byte and queries of the pages with 50 rows, and what a long past costs."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
PAGES = {
    "front desk": ("reception", "/front-desk/"),
    "patients": ("reception", "/patients/"),
    "worklist": ("lab_technician", "/laboratory/"),
    "consultation": ("main_doctor", "/consultation/"),
    "dispensing": ("pharmacy", "/dispensing/"),
    "payments": ("billing", "/payments/"),
    "dashboard": ("admin", "/dashboard/"),
    "analytics": ("admin", "/analytics/"),
    "chart": ("main_doctor", "/patients/{patient}/chart/"),
    "timeline": ("main_doctor", "/patients/{patient}/chart/timeline/"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--visits", type=int, nargs="+", default=[10, 1_000], help="finished visits behind (%(default)s)"
    )
    parser.add_argument("--large", action="store_true", help="100,000 visits too")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring, until it is quiet")
    parser.add_argument("--slowest", action="store_true", help="print the slowest queries of each page")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd
    from realtime.tests.server import Site

    houses = {}
    for visits in [*chosen.visits, *([100_000] if chosen.large else [])]:
        progress(f"{visits:,} visits")
        houses[visits] = crowd.open_house(f"Past{visits}")
        crowd.past(houses[visits], visits)
        crowd.present(houses[visits])
    table = Table("page", "visits behind", "first byte p50, ms", "p95, ms", "server CPU, ms", "queries")
    if chosen.pause:
        input("Enter: ")
    site = Site(Path(tempfile.mkdtemp()) / "site.log").start()
    try:
        for page, (role, path) in PAGES.items():
            for visits, house in houses.items():
                row(table, page, visits, house, role, path, site, chosen)
    finally:
        site.stop()
    return table


def row(table: Table, page: str, visits: int, house, role: str, path: str, site, chosen: argparse.Namespace) -> None:
    from bench.wire import Browser

    address = house.url + path.format(patient=patient_of(house))
    browser = Browser(site.port, house, role)
    if (warm := browser.get(address)).status != 200:
        raise RuntimeError(f"{address} answered {warm.status}")
    cpu = cpu_of(site.process.pid)
    times = [browser.get(address).first_byte * 1000 for _ in range(chosen.rounds)]
    cpu = (cpu_of(site.process.pid) - cpu) / chosen.rounds * 1000
    asked = queries(house, role, address)
    table.add(
        page,
        visits,
        percentile(times, 0.5),
        percentile(times, 0.95),
        cpu,
        len(asked),
        page=page,
        visits=visits,
        ms=times,
        cpu=cpu,
        queries=len(asked),
    )
    if chosen.slowest:
        for query in sorted(asked, key=lambda one: -float(one["time"]))[:3]:
            print(f"{page}, {visits:,}: {float(query['time']) * 1000:.0f} ms  {query['sql'][:600]}\n")


def cpu_of(process: int) -> float:
    """Seconds that a process has computed: unlike the clock, nearly the same on a busy machine."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def patient_of(house) -> str:
    from clinical.models import Patient

    with house.acting():
        return str(Patient.objects.order_by("mrn").first().pk)


def queries(house, role: str, address: str) -> list[dict[str, str]]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = house.client(role)
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return [query for query in asked.captured_queries if query["sql"] not in ("BEGIN", "COMMIT")]

"""Fifty colleagues take payments, book and dispense, a given number of forms each second."""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time as clock
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
ROWS, PROVIDERS, MINUTES, OPENS = 200, 20, 15, 8
BOOKED_EACH_DAY = 32  # of one provider, from eight to four
WARM = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--rates", type=int, nargs="+", default=[5, 10, 20], help="forms a second, of all together")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement (%(default)s)")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd
    from bench.pages import cpu_of
    from bench.writers import Book, Dispense, Pay, Writers
    from realtime.tests.server import Site

    progress(f"{ROWS} visits, prescriptions and patients, {PROVIDERS} providers")
    house = crowd.open_house("Counter")
    crowd.present(house, ROWS)
    keys = {Pay: due(house), Dispense: lines(house), Book: times(house)}
    table = Table("verb", "forms/s", "answered", "failed", "p50, ms", "p95, ms", "p99, ms", "server CPU, ms a form")
    site = Site(Path(tempfile.mkdtemp()) / "site.log").start()
    try:
        marks = {verb: itertools.count() for verb in keys}
        for verb in keys:
            forms = [
                verb(site.port, house, f"{verb.__name__} {number}", keys[verb]) for number in range(chosen.writers)
            ]
            writers = Writers(forms, count_failures=True)
            writers.one_by_one(marks[verb], WARM, lambda: clock.sleep(0.02))
            for rate in chosen.rates:
                progress(f"{verb.__name__}: {rate} a second")
                cpu = cpu_of(site.process.pid)
                written = writers.at_rate(marks[verb], rate, chosen.seconds)
                cpu = (cpu_of(site.process.pid) - cpu) / len(written) * 1000
                times_ms = [(one.answered_at - one.sent_at) * 1000 for one in written]
                figures = [percentile(times_ms, share) for share in (0.5, 0.95, 0.99)]
                table.add(
                    verb.__name__,
                    rate,
                    len(written),
                    len(writers.failed),
                    *figures,
                    cpu,
                    verb=verb.__name__,
                    rate=rate,
                    ms=times_ms,
                    failed=[str(one)[:200] for one in writers.failed],
                )
    finally:
        site.stop()
    return table


def due(house: Any) -> list[str]:
    from clinical.models import Visit

    with house.acting():
        return [str(pk) for pk in Visit.objects.filter(payment="unpaid").values_list("pk", flat=True)[:ROWS]]


def lines(house: Any) -> list[str]:
    from clinical.models import PrescriptionLine

    with house.acting():
        return [str(pk) for pk in PrescriptionLine.objects.filter(status="pending").values_list("pk", flat=True)[:ROWS]]


def times(house: Any) -> list[str]:
    """The queries of many bookings, none of which is in another's way."""
    from clinical.models import Patient
    from scheduling.models import Location
    from scheduling.picking import key_of
    from scheduling.tests.desks import a_provider, a_type

    with house.acting():
        place = Location.objects.create(name="House")
        kind = a_type("Talk", minutes=MINUTES, needs_room=False)
        hours = (time(OPENS), time(20))
        doctors = [a_provider(house.person("main_doctor", f"Doctor {n}"), place, hours=hours) for n in range(PROVIDERS)]
        patients = list(Patient.objects.order_by("pk")[:ROWS])
        found, day = [], place.today() + timedelta(days=1)
        for number in range(PROVIDERS * BOOKED_EACH_DAY * 5):
            turn, whom = divmod(number, PROVIDERS)
            days, place_in_day = divmod(turn, BOOKED_EACH_DAY)
            opens = datetime.combine(day + timedelta(days=days), time(OPENS), tzinfo=place.zone)
            at = key_of(doctors[whom], opens + place_in_day * timedelta(minutes=MINUTES))
            found.append(urlencode({"patient": patients[number % ROWS].pk, "type": kind.pk, "at": at}))
    return found

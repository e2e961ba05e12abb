"""The calendar of one day: so many providers with so many appointments each."""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
VIEWS = {
    "day, by provider": "",
    "day, by room": "&by=room",
    "week of one": "&span=week",
    "day of one": "&provider={one}",
}
OPENS, MINUTES = 8, 30


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--providers", type=int, default=20)
    parser.add_argument("--appointments", type=int, default=20, help="of each provider on the day (%(default)s)")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring, until it is quiet")


def measure(chosen: argparse.Namespace) -> Table:
    from bench.pages import cpu_of, queries
    from bench.wire import Browser
    from realtime.tests.server import Site

    house, day, one = office(chosen.providers, chosen.appointments)
    table = Table("view", "appointments", "first byte p50, ms", "p95, ms", "server CPU, ms", "queries", "kB, packed")
    if chosen.pause:
        input("Enter: ")
    site = Site(Path(tempfile.mkdtemp()) / "site.log").start()
    try:
        browser = Browser(site.port, house, "reception")
        for view, query in VIEWS.items():
            address = f"{house.url}/calendar/?day={day}{query.format(one=one)}"
            warm = browser.get(address)
            if warm.status != 200:
                raise RuntimeError(f"{address} answered {warm.status}")
            cpu = cpu_of(site.process.pid)
            times = [browser.get(address).first_byte * 1000 for _ in range(chosen.rounds)]
            cpu = (cpu_of(site.process.pid) - cpu) / chosen.rounds * 1000
            asked, shown = len(queries(house, "reception", address)), chosen.providers * chosen.appointments
            figures = (percentile(times, 0.5), percentile(times, 0.95), cpu, asked, warm.bytes / 1000)
            table.add(view, shown, *figures, view=view, ms=times, cpu=cpu, queries=asked)
    finally:
        site.stop()
    return table


def office(providers: int, appointments: int) -> tuple:
    """Tomorrow from eight on, one patient after the other; a room for each provider."""
    from bench import crowd
    from clinical.models import Patient
    from scheduling.models import Appointment, Location, Room
    from scheduling.tests.desks import a_provider, a_type

    progress(f"{providers} providers with {appointments} appointments each")
    house = crowd.open_house("Calendar")
    crowd.patients(house, providers * appointments)
    hours = (time(OPENS), time())
    with house.acting("reception") as acting:
        place = Location.objects.create(name="House")
        for number in range(providers):
            Room(location=place, name=f"Room {number}").save()
        kinds = [a_type("Check-up", minutes=MINUTES), a_type("Talk", minutes=MINUTES, needs_room=False)]
        doctors = [a_provider(house.person("main_doctor", f"Doctor {n}"), place, hours=hours) for n in range(providers)]
        opens = datetime.combine(place.today() + timedelta(days=1), time(OPENS), tzinfo=place.zone)
        for number, patient in enumerate(Patient.objects.order_by("mrn")):
            turn, whom = divmod(number, providers)
            begins = opens + turn * timedelta(minutes=MINUTES)
            Appointment.book(patient, kinds[number % 2], doctors[whom], begins, by=acting.person)
    return house, opens.date(), doctors[0].pk

"""A form is sent, a row committed, the last of many sockets has the fragment: ours, and Express with pg and Socket.IO."""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
IDLE = 0
PAUSE = 0.05  # between two forms on an idle server
PATIENCE = 15.0
RIVALS_TABLE = (
    "CREATE TABLE bench_visit (id bigserial PRIMARY KEY, number int, complaint text, at timestamptz DEFAULT now()); \
    GRANT INSERT ON bench_visit TO hospital_app; GRANT USAGE ON SEQUENCE bench_visit_id_seq TO hospital_app"
)
COLUMNS = (
    "sockets",
    "writes/s",
    "server",
    "to the answer p50, ms",
    "to the last socket p50, ms",
    "p99, ms",
    "server CPU, ms a write",
    "p50, times the rival's",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, nargs="+", default=[50, 1_000])
    parser.add_argument("--rates", type=int, nargs="+", default=[IDLE, 10, 20, 50], help="0: one after the other")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--verb", choices=["call", "open"], default="call", help="call a patient, or open a visit")
    parser.add_argument("--without", nargs="*", default=[], choices=["socketio"])


def measure(chosen: argparse.Namespace) -> Table:
    from django.db import connections

    from bench import crowd, people, servers

    house = crowd.open_house("Ward")
    with house.acting():
        for number in range(200):
            crowd.arrive(number)
    colleagues = people.Crowd(house)
    with connections["owner"].cursor() as cursor:
        cursor.execute(RIVALS_TABLE)
    rounds: list[dict[str, Any]] = []
    with ExitStack() as running:
        rivals: list[Any] = [running.enter_context(servers.Ours(colleagues))]
        if not chosen.without:
            rivals.append(running.enter_context(servers.SocketIO(colleagues)))
        for number in range(chosen.rounds):
            for sockets in chosen.sockets:
                for rival in rivals:
                    rounds += [one | {"round": number} for one in round_of(rival, sockets, chosen)]
    return table_of(rounds)


def round_of(rival: Any, sockets: int, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from bench.load import Load
    from bench.writers import Writers

    progress(f"{rival.name}: {sockets} sockets")
    with Load(rival.port, rival.pages(sockets), protocol=rival.protocol, marks=True) as load:
        load.open()
        writers = Writers(forms_for(rival, chosen))
        marks = itertools.count(1)
        writers.one_by_one(marks, 20, lambda: time.sleep(PAUSE))
        for rate in chosen.rates:
            cpu = rival.cpu()
            if rate == IDLE:
                written = writers.one_by_one(marks, int(chosen.seconds * 8), lambda: time.sleep(PAUSE))
            else:
                written = writers.at_rate(marks, rate, chosen.seconds)
            cpu = (rival.cpu() - cpu) / len(written)
            arrived = arrivals(load, sockets, [one.mark for one in written])
            last = [(arrived[one.mark] - one.sent_at) * 1000 for one in written if one.mark in arrived]
            answered = [(one.answered_at - one.sent_at) * 1000 for one in written]
            yield {
                "sockets": sockets,
                "rate": rate,
                "server": rival.name,
                "written": len(written),
                "cpu_ms": cpu * 1000,
                "not_everywhere": len(written) - len(last),
                "last_ms": last,
                "answered_ms": answered,
            }


def forms_for(rival: Any, chosen: argparse.Namespace) -> list[Any]:
    from bench.writers import Call, Form, Open
    from clinical.models import Patient, Visit

    if rival.name != "ours":
        return [Form(rival.port) for _ in range(chosen.writers)]
    house = rival.crowd.house
    kind, model = (Call, Visit) if chosen.verb == "call" else (Open, Patient)
    with house.acting():
        keys = [str(pk) for pk in model.objects.order_by("pk").values_list("pk", flat=True)[:200]]
    return [kind(rival.port, house, f"Desk {number}", keys) for number in range(chosen.writers)]


def arrivals(load: Any, sockets: int, marks: list[int]) -> dict[int, float]:
    """When the last of the sockets had each of them, once all have all."""
    end = time.monotonic() + PATIENCE
    while True:
        seen = {mark: at for mark, (count, at) in load.marks().items() if count == sockets}
        if seen.keys() >= set(marks) or time.monotonic() > end:
            return seen
        time.sleep(0.2)


def table_of(rounds: list[dict[str, Any]]) -> Table:
    table = Table(*COLUMNS)
    for sockets, rate, server in dict.fromkeys((one["sockets"], one["rate"], one["server"]) for one in rounds):
        here = [one for one in rounds if (one["sockets"], one["rate"]) == (sockets, rate)]
        own = [one for one in here if one["server"] == server]
        last = [ms for one in own for ms in one["last_ms"]] or [float("nan")]
        if lost := sum(one["not_everywhere"] for one in own):
            print(f"{server}, {sockets} sockets, {rate} writes/s: {lost} did not reach every socket in {PATIENCE} s")
        table.add(
            sockets,
            rate or "one by one",
            server,
            percentile([ms for one in own for ms in one["answered_ms"]], 0.5),
            percentile(last, 0.5),
            percentile(last, 0.99),
            statistics.median(one["cpu_ms"] for one in own),
            ratio(here, server),
            sockets=sockets,
            rate=rate,
            server=server,
            rounds=own,
        )
    return table


def ratio(here: list[dict[str, Any]], server: str) -> float:
    """How many times as long as the rival, in the same rounds."""
    middle = {(one["server"], one["round"]): percentile(one["last_ms"], 0.5) for one in here if one["last_ms"]}
    both = [number for name, number in middle if name == server and ("Socket.IO", number) in middle]
    return statistics.median([middle[server, one] / middle["Socket.IO", one] for one in both] or [float("nan")])

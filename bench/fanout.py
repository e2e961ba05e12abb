"""From a publish to the last of many sockets, 1, 8 and 32 in flight, against Socket.IO and the usual Channels way."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from contextlib import ExitStack
from typing import Any

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
BURST = 128  # events at full speed; then a pause in which pages acknowledge, as they do in life
PAUSE = 0.6
PATIENCE = 6.0  # for a burst
SLOW = "Channels, group_send"  # measured less often, for it takes long
COLUMNS = (
    "sockets",
    "in flight",
    "server",
    "deliveries/s",
    "last socket p50, ms",
    "p99, ms",
    "server CPU, µs a delivery",
    "share of a core: server",
    "client",
    "times Socket.IO",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, nargs="+", default=[200, 1_000, 5_000])
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3, help="of each server, in turn (%(default)s)")
    parser.add_argument("--bursts", type=int, default=6, help=f"of {BURST} events (%(default)s)")
    parser.add_argument("--headline", type=int, default=1_000, help="sockets of ratio_socketio (%(default)s)")
    parser.add_argument("--processes", type=int, nargs="*", default=[], help="ours with so many, too")
    parser.add_argument("--without", nargs="*", default=[], choices=["plain", "naive", "socketio"])


def measure(chosen: argparse.Namespace) -> Table:
    from bench import people, servers
    from hospital.tests.hospital import Hospital

    crowd = people.Crowd(Hospital("Fanout"))
    crowd.pages(max(chosen.sockets))
    kinds = {"plain": servers.Plain, "naive": servers.Naive, "socketio": servers.SocketIO}
    with ExitStack() as running:
        rivals: list[Any] = [running.enter_context(servers.Ours(crowd, servers.READY))]
        for name, kind in kinds.items():
            if name not in chosen.without:
                rivals.append(running.enter_context(kind(crowd, servers.READY) if name == "plain" else kind(crowd)))
        for count in chosen.processes:
            rivals.append(running.enter_context(servers.Several(crowd, count)))
        rounds = [
            one
            for sockets in chosen.sockets
            for number in range(chosen.rounds)
            for server in rivals[number % len(rivals) :] + rivals[: number % len(rivals)]
            if server.name != SLOW or (number == 0 and sockets <= chosen.headline)
            for one in round_of(server, sockets, number, chosen)
        ]
    return table_of(rounds, chosen)


def round_of(server: Any, sockets: int, number: int, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    from bench.load import Load

    few = server.name == SLOW
    progress(f"{server.name}: {sockets} sockets, round {number + 1}")
    with Load(server.port, server.pages(sockets), controls=server.controls, protocol=server.protocol) as load:
        load.open()
        load.publish(16, 4, seconds=PATIENCE)
        time.sleep(PAUSE)
        return [
            measured(load, server, in_flight, 1 if few else chosen.bursts, 24 if few else BURST)
            | {"server": server.name, "sockets": sockets, "in_flight": in_flight, "round": number}
            for in_flight in chosen.in_flight
        ]


def measured(load: Any, server: Any, in_flight: int, bursts: int, events: int) -> dict[str, Any]:
    cpu, done = server.cpu(), []
    for _ in range(bursts):
        done.append(load.publish(events, in_flight, seconds=PATIENCE))
        time.sleep(PAUSE)
    cpu = server.cpu() - cpu
    total = {key: sum(one[key] for one in done) for key in done[0] if key not in ("ms", "pages")}
    return total | {"ms": [ms for one in done for ms in one["ms"]], "server_cpu": cpu} | judged(total, cpu)


def judged(total: dict[str, Any], cpu: float) -> dict[str, Any]:
    if total["checked"] != total["marks"] or total["completed"] != total["published"]:
        print(f"Not all arrived: {total}")
    return {
        "per_second": total["deliveries"] / total["seconds"],
        "microseconds": cpu / max(1, total["deliveries"]) * 1e6,
        "client_share": total["cpu"] / total["seconds"],
        "server_share": cpu / total["seconds"],
    }


def table_of(rounds: list[dict[str, Any]], chosen: argparse.Namespace) -> Table:
    table = Table(*COLUMNS)
    for sockets in chosen.sockets:
        for in_flight in chosen.in_flight:
            here = [one for one in rounds if (one["sockets"], one["in_flight"]) == (sockets, in_flight)]
            for server in dict.fromkeys(one["server"] for one in here):
                add_row(table, sockets, in_flight, server, here)
    table.facts = facts(rounds, chosen.headline)
    return table


def add_row(table: Table, sockets: int, in_flight: int, server: str, here: list[dict[str, Any]]) -> None:
    own = [one for one in here if one["server"] == server]
    times = [ms for one in own for ms in one["ms"]] or [float("nan")]
    table.add(
        sockets,
        in_flight,
        server,
        round(median(own, "per_second")),
        percentile(times, 0.5),
        percentile(times, 0.99),
        median(own, "microseconds"),
        f"{median(own, 'server_share'):.0%}",
        f"{median(own, 'client_share'):.0%}",
        ratio(here, server, "Socket.IO"),
        sockets=sockets,
        in_flight=in_flight,
        server=server,
        rounds=own,
    )


def median(rounds: list[dict[str, Any]], what: str) -> float:
    return statistics.median(one[what] for one in rounds)


def ratio(here: list[dict[str, Any]], one: str, other: str) -> float:
    """Of deliveries a second: the median over the rounds, each compared with the same round of the other."""
    speed = {(each["server"], each["round"]): each["per_second"] for each in here}
    both = [each["round"] for each in here if each["server"] == one and (other, each["round"]) in speed]
    return statistics.median([speed[one, number] / speed[other, number] for number in both] or [float("nan")])


def facts(rounds: list[dict[str, Any]], sockets: int) -> dict[str, Any]:
    """The figures of the headline, at the top of the JSON file."""
    found: dict[str, Any] = {"sockets": sockets, "ratio_socketio": {}, "ratio_channels": {}}
    for in_flight in sorted({one["in_flight"] for one in rounds}):
        here = [one for one in rounds if (one["sockets"], one["in_flight"]) == (sockets, in_flight)]
        found["ratio_socketio"][f"in_flight_{in_flight}"] = known(ratio(here, "ours", "Socket.IO"))
        found["ratio_channels"][f"in_flight_{in_flight}"] = known(ratio(here, "ours", SLOW))
    alone = [one for one in rounds if (one["sockets"], one["in_flight"]) == (sockets, 1)]
    found["last_socket_p99_ratio_socketio"] = known(p99(alone, "ours") / p99(alone, "Socket.IO"))
    return found


def known(figure: float) -> float | None:
    """JSON has no word for what was not measured but null."""
    return None if math.isnan(figure) else round(figure, 3)


def p99(rounds: list[dict[str, Any]], server: str) -> float:
    times = [ms for one in rounds if one["server"] == server for ms in one["ms"]]
    return percentile(times, 0.99) if times else float("nan")

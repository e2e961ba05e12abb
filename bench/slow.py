"""Two of 200 pages stop reading, or read 1 kB a second: what that costs the server, and the others."""

from __future__ import annotations

import argparse
import time
from typing import Any

from bench.table import Table, percentile, progress

NEEDS_DATABASE = True
STOPPED, SLOW = 0, 1  # the pages with these numbers
IN_FLIGHT = 64
SAMPLE = 0.25
COLUMNS = (
    "server",
    "others p50 / p99 before, ms",
    "others p50 / p99 meanwhile, ms",
    "memory grew by, MB",
    "sent to each, MB",
    "stopped one cut after, s",
    "slow one cut after, s",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--rate", type=int, default=200, help="events a second, 1.5 kB each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=45, help="with the two slow ones (%(default)s)")
    parser.add_argument("--without", nargs="*", default=[], choices=["plain", "socketio"])


def measure(chosen: argparse.Namespace) -> Table:
    from bench import people, servers
    from hospital.tests.hospital import Hospital

    crowd = people.Crowd(Hospital("Slow"))
    rivals: list[Any] = [servers.Ours(crowd, servers.READY)]
    if "plain" not in chosen.without:
        rivals.append(servers.Plain(crowd, servers.READY))
    if "socketio" not in chosen.without:
        rivals.append(servers.SocketIO(crowd))
    table = Table(*COLUMNS)
    for rival in rivals:
        add_row(table, with_slow_ones(rival, chosen))
    return table


def with_slow_ones(rival: Any, chosen: argparse.Namespace) -> dict[str, Any]:
    from bench.load import Load

    progress(rival.name)
    with rival, Load(rival.port, rival.pages(chosen.sockets), controls=rival.controls, protocol=rival.protocol) as load:
        load.open()
        load.publish(200, 8, seconds=5)
        before, _ = watched(rival, load, chosen.rate, chosen.seconds / 2)
        memory = rival.memory()
        load.ask("stop", STOPPED, 1)
        load.ask("slow", SLOW, 1)
        since = time.monotonic()
        during, most = watched(rival, load, chosen.rate, chosen.seconds)
        ends = [(one["at"] / 1e9 - since) if one["at"] else None for one in load.state(STOPPED, 2)["closed"]]
        return {
            "server": rival.name,
            "before_ms": before["ms"],
            "during_ms": during["ms"],
            "completed": during["completed"] / max(1, during["published"]),
            "grew": most - memory,
            "sent": during["published"] * 1500,
            "stopped_cut_s": ends[0],
            "slow_cut_s": ends[1],
        }


def watched(rival: Any, load: Any, rate: int, seconds: float) -> tuple[dict[str, Any], int]:
    """Publish at this rate, and see how high the memory gets."""
    load.say("publish", int(rate * seconds), IN_FLIGHT, rate, seconds)
    most, end = rival.memory(), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(SAMPLE)
        most = max(most, rival.memory())
    return load.hear(), most


def add_row(table: Table, one: dict[str, Any]) -> None:
    table.add(
        one["server"],
        both(one["before_ms"]),
        both(one["during_ms"]),
        one["grew"] / 1e6,
        one["sent"] / 1e6,
        one["stopped_cut_s"] or "not cut",
        one["slow_cut_s"] or "not cut",
        **one,
    )


def both(times: list[float]) -> str:
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.1f}" if times else "none arrived"

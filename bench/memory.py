"""What an open socket costs in memory, for a server with 1,000 and with 5,000 of them."""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from typing import Any

from bench.table import Table, progress

NEEDS_DATABASE = True
WARM = 100  # come and go first, so that what is loaded once does not count
SETTLE = 6.0  # a heartbeat, and some rest for the collectors of garbage
EVENTS = 32


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, nargs="+", default=[1_000, 5_000])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[], choices=["plain", "naive", "socketio"])


def measure(chosen: argparse.Namespace) -> Table:
    from bench import people, servers
    from hospital.tests.hospital import Hospital

    crowd = people.Crowd(Hospital("Memory"), pages_each=10)  # of a person who has pages in both steps: twenty
    kinds = {"plain": servers.Plain, "naive": servers.Naive, "socketio": servers.SocketIO}
    wanted = {"ours": servers.Ours} | {name: kind for name, kind in kinds.items() if name not in chosen.without}
    rounds = [
        one | {"round": number}
        for number in range(chosen.rounds)
        for name, kind in wanted.items()
        for one in filled(kind(crowd, servers.READY) if name in ("ours", "plain") else kind(crowd), chosen.sockets)
    ]
    table = Table("server", "sockets", "kB a socket", "of the server, MB")
    for server, sockets in dict.fromkeys((one["server"], one["sockets"]) for one in rounds):
        own = [one for one in rounds if (one["server"], one["sockets"]) == (server, sockets)]
        each = statistics.median(one["kb"] for one in own)
        table.add(server, sockets, each, own[-1]["memory"] / 1e6, server=server, sockets=sockets, rounds=own)
    return table


def filled(rival: Any, steps: list[int]) -> list[dict[str, Any]]:
    """More and more sockets on one server; each is compared with none at all."""
    progress(rival.name)
    found = []
    with rival, ExitStack() as opened:
        with crowd_of(rival, WARM) as load:
            tell(load)
        time.sleep(SETTLE)
        empty, total = rival.memory(), 0
        for sockets in sorted(steps):
            tell(opened.enter_context(crowd_of(rival, sockets - total)))
            total = sockets
            time.sleep(SETTLE)
            each = (rival.memory() - empty) / sockets / 1000
            found.append({"server": rival.name, "sockets": sockets, "kb": each, "memory": rival.memory()})
    return found


def crowd_of(rival: Any, count: int) -> Any:
    from bench.load import Load

    return Load(rival.port, rival.pages(count), controls=rival.controls, protocol=rival.protocol)


def tell(load: Any) -> None:
    load.open()
    load.publish(EVENTS, 1, seconds=20)

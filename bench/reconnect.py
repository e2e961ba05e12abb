"""The server is killed and comes back: how long until a thousand pages are live again, and what it costs the database."""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from bench.table import Table, progress

NEEDS_DATABASE = True
SETTLE = 2.5  # PostgreSQL counts a transaction up to a second later
PATIENCE = 90
COLUMNS = (
    "server",
    "pages return",
    "pages",
    "all accepted, s",
    "all live, s",
    "from the kill, s",
    "refused",
    "refetches",
    "transactions on the database",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], choices=["naive", "socketio"])
    parser.add_argument("--patiently", action="store_true", help="also as live.js does: 0.2 to 2 s, with chance in it")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import people, servers
    from hospital.tests.hospital import Hospital

    crowd = people.Crowd(Hospital("Storm"), pages_each=1)
    crowd.pages(chosen.pages)
    kinds = {"naive": servers.Naive, "socketio": servers.SocketIO}
    rivals = [servers.Ours(crowd), *(kind(crowd) for name, kind in kinds.items() if name not in chosen.without)]
    ways = [True, False] if chosen.patiently else [True]
    rounds = [
        one_return(rival, way, chosen.pages) | {"round": number}
        for number in range(chosen.rounds)
        for rival in rivals
        for way in ways
    ]
    return table_of(rounds)


def one_return(rival: Any, all_at_once: bool, pages: int) -> dict[str, Any]:
    from bench.load import Load

    progress(f"{rival.name}: {pages} pages")
    with rival, Load(rival.port, rival.pages(pages), protocol=rival.protocol) as load:
        before = load.open(at_once=50)
        time.sleep(SETTLE)
        transactions, killed = committed(), time.monotonic()
        load.say("return", int(all_at_once), PATIENCE)
        rival.kill()
        rival.start()
        answer = load.hear()
        from_kill = time.monotonic() - killed
        time.sleep(SETTLE)
        return {
            "server": rival.name,
            "all_at_once": all_at_once,
            "pages": answer["live"],
            "accepted_s": when_all(answer["accepted_ms"], pages),
            "live_s": when_all(answer["live_ms"], pages),
            "from_kill_s": from_kill,
            "refused": answer["refused"] - before["refused"],
            "refetches": answer["resyncs"] - before["resyncs"],
            "transactions": committed() - transactions,
            "ms": answer["live_ms"],
        }


def when_all(moments: list[float], pages: int) -> float:
    """Seconds until the last of them; not a number if some never came."""
    return max(moments) / 1000 if len(moments) == pages else float("nan")


def committed() -> int:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def table_of(rounds: list[dict[str, Any]]) -> Table:
    table = Table(*COLUMNS)
    for server, all_at_once in dict.fromkeys((one["server"], one["all_at_once"]) for one in rounds):
        own = [one for one in rounds if (one["server"], one["all_at_once"]) == (server, all_at_once)]

        def middle(what: str, own: list[dict[str, Any]] = own) -> float:
            return statistics.median(one[what] for one in own)

        table.add(
            server,
            "all at once" if all_at_once else "as live.js does",
            int(middle("pages")),
            middle("accepted_s"),
            middle("live_s"),
            middle("from_kill_s"),
            int(middle("refused")),
            int(middle("refetches")),
            int(middle("transactions")),
            server=server,
            all_at_once=all_at_once,
            rounds=own,
        )
    return table

"""Events a second of one tenant through the numbering at COMMIT, and what a commit costs with and without it."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable

from bench.table import Table, percentile

NEEDS_DATABASE = True
ROW = """
    INSERT INTO realtime_event (id, tenant_id, name, object_id, loudness, roles, people, created_at)
    VALUES (gen_random_uuid(), %s, 'bench:event', gen_random_uuid(), '{}', '{admin}', '{}', now())
"""
PLAIN = "CREATE TABLE bench_plain (LIKE realtime_event INCLUDING DEFAULTS INCLUDING INDEXES); GRANT INSERT ON bench_plain TO CURRENT_USER, hospital_app"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=8)


def measure(chosen: argparse.Namespace) -> Table:
    from django.db import connections

    from bench import crowd

    house = crowd.open_house("Events")
    with connections["owner"].cursor() as cursor:
        cursor.execute(PLAIN)
    table = Table("writers", "events", "events/s", "commit p50, ms", "commit p99, ms")
    for writers in chosen.writers:
        for numbered in (True, False):
            statement = ROW if numbered else ROW.replace("realtime_event", "bench_plain")
            commits, seconds = together(writers, chosen.seconds, house.tenant.pk, statement)
            kind = "numbered" if numbered else "the same row without the trigger"
            table.add(
                writers,
                kind,
                len(commits) / seconds,
                percentile(commits, 0.5),
                percentile(commits, 0.99),
                writers=writers,
                numbered=numbered,
                ms=commits,
            )
    return table


def together(writers: int, seconds: float, tenant: object, statement: str) -> tuple[list[float], float]:
    """All writers begin at the same moment, each on a connection of its own."""
    commits: list[float] = []
    start, end = threading.Barrier(writers + 1), threading.Event()
    threads = [
        threading.Thread(target=write, args=(tenant, statement, start.wait, end.is_set, commits))
        for _ in range(writers)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    time.sleep(seconds)
    end.set()
    for thread in threads:
        thread.join()
    return commits, time.perf_counter() - begun


def write(tenant: object, statement: str, start: Callable, ended: Callable[[], bool], commits: list[float]) -> None:
    import psycopg

    from hospital.tests.databases import database_url

    with psycopg.connect(database_url("default")) as own:
        own.execute("SELECT 1")
        own.commit()
        start()
        while not ended():
            own.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant)])
            own.execute(statement, [tenant])
            begun = time.perf_counter()
            own.commit()
            commits.append((time.perf_counter() - begun) * 1000)

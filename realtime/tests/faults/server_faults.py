"""FA-1 to FA-7: the servers are killed, stopped, paused, full, and refuse."""

from __future__ import annotations

import contextlib
import http.client
import signal
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import psycopg
from redis import Redis

from hospital.embedded import APP_ROLE
from hospital.tests.hospital import PASSWORD
from realtime.tests.faults.checker import percentile
from realtime.tests.faults.run import CALM, Run
from realtime.tests.faults.world import start
from realtime.tests.faults.writers import TOKEN, Operation

IMPATIENT = 9.0  # seconds: five for a connection or a statement, and what is around it


def one_or_all_servers_killed(run: Run) -> None:
    """FA-1: the second, all, the first."""
    run.prepare()
    run.work(1, 3)
    sites = run.world.sites
    chosen = run.in_turn([sites[1:], sites, sites[:1]])
    with run.damage():
        for site in chosen:
            site.process.kill()
            site.process.wait()
        run.work(1)
        start(chosen)
    run.work(1, 2)
    run.heals(within=5)


def rolling_restart(run: Run) -> None:
    """FA-2: nobody sees an error, whoever writes and whoever reads."""
    run.prepare()
    run.work(1, 2)
    with run.damage():
        for turn in range(10 if run.is_full else 2):
            site = run.world.sites[turn % 2]
            site.process.send_signal(signal.SIGTERM)
            site.process.wait(30)
            site.start()
    run.work(1)
    run.heals(within=5)
    seen = {status for operation in run.operations() for status in operation.answers} - CALM
    if seen or run.refusals():
        run.blame(f"people saw {sorted(seen)} and {run.refusals()} while the servers were restarted in turn")


def valkey_killed(run: Run) -> None:
    """FA-3"""
    run.prepare()
    run.work(4, 6)
    with run.damage():
        run.world.valkey.kill()
        run.work(10, 12)
    run.world.valkey.start()
    run.work(1)
    run.heals(within=3, lag=2)


def valkey_paused(run: Run) -> None:
    """FA-4: no write waits for it."""
    run.prepare()
    run.work(2, 3)
    seconds = run.in_turn([60, 10]) if run.is_full else 4
    run.figure("stopped for", seconds)
    with run.damage():
        run.world.valkey.pause()
        try:
            run.work(seconds)
        finally:
            run.world.valkey.go_on()
    share = 0.95 if run.is_full else 0.5  # of half a dozen writes, the slowest tells of the machine
    before, during = (percentile(durations(run, when), share) for when in (-1, 0))
    run.figure("write before", before)
    run.figure("write during", during)
    if during - before > run.within(0.3):
        run.blame(
            f"writes took {during:.2f} s at p{share * 100:.0f} while Valkey stood still, and {before:.2f} s before"
        )
    run.heals(within=3, lag=2)


def durations(run: Run, when: int) -> list[float]:
    """How long the writes took that began before (-1) or during (0) the damage."""
    return [
        operation.slowest
        for operation in run.operations()
        if operation.answered and (when == 0) == (operation.invoked >= run.broken_at)
    ]


def valkey_useless(run: Run) -> None:
    """FA-5: emptied, with another password, and full, in any order. Nobody gets an error, and people can log in."""
    run.prepare()
    run.work(1, 2)
    with run.damage():
        for kind in run.chance.sample([emptied, locked, full], 3):
            with kind(Redis(unix_socket_path=str(run.world.valkey.socket))):
                run.work(1.5, 4)
                log_in(run)
    run.heals(within=3, lag=2)
    run.expect_no_errors()


@contextlib.contextmanager
def emptied(valkey: Redis) -> Iterator[None]:
    valkey.flushall()
    yield


@contextlib.contextmanager
def full(valkey: Redis) -> Iterator[None]:
    valkey.config_set("maxmemory", "1mb")
    yield
    valkey.config_set("maxmemory", "0")


@contextlib.contextmanager
def locked(valkey: Redis) -> Iterator[None]:
    with valkey.client() as inside:
        inside.config_set("requirepass", "another")
        inside.client_kill_filter(_type="normal", skipme=True)
        inside.client_kill_filter(_type="pubsub", skipme=True)
        yield
        inside.config_set("requirepass", "")


def log_in(run: Run) -> None:
    """Its limits on guessing are counted in Valkey."""
    fields = {"login": run.hospitals[0].reception.email, "password": PASSWORD, "csrfmiddlewaretoken": TOKEN}
    status, _, _ = post(run, "/accounts/login/", fields, f"csrftoken={TOKEN}")
    if status != 302:
        run.blame(f"the log-in answered {status}")


def post(run: Run, path: str, fields: dict[str, str], cookie: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(run.world.url).netloc, timeout=30)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    try:
        connection.request("POST", path, urlencode(fields), headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def postgres_killed(run: Run) -> None:
    """FA-6: 503 with what was typed; after the recovery everything is there that was acknowledged."""
    run.prepare()
    run.work(1, 3)
    with run.damage():
        run.world.postgres.kill()
        expect_the_form_back(run)
        run.work(0.5, 4)
        run.world.postgres.start()
    run.work(1, 2)
    run.heals(within=10)
    expect_patience(run)


def expect_the_form_back(run: Run) -> None:
    operation = run.writers[0].operation("visit", "patients/new/", sex="female", age="40")
    status, headers, page = post(run, operation.path, operation.fields, run.writers[0].cookie)
    if status != 503 or not headers.get("Retry-After") or operation.mark not in page:
        run.blame(f"a form that was sent while PostgreSQL was away was answered {status}: {page[:200]}")


def expect_patience(run: Run) -> None:
    """Only 503 or nothing, and that soon: the queue is bounded."""
    odd = {status for operation in run.operations() for status in operation.answers} - CALM - {0, 502, 503, 504}
    if odd:
        run.blame(f"people saw {sorted(odd)}")
    slowest = max(operation.slowest for operation in run.operations())
    run.figure("slowest answer", slowest)
    if slowest > run.within(IMPATIENT):
        run.blame(f"somebody waited {slowest:.1f} s for an answer")


def expect_told(run: Run, operations: list[Operation]) -> None:
    """Who needs what is not there gets 503, in place of an answer that never comes."""
    told = sum(503 in operation.answers for operation in operations)
    run.figure("told 503", told)
    if not told:
        run.blame("nobody who worked meanwhile was told 503")


def postgres_paused(run: Run) -> None:
    """FA-7: it does not even refuse. Pages say so in time."""
    run.prepare()
    run.work(1, 2)
    with run.damage(), run.world.postgres.paused():
        run.work(10 if run.is_full else 8)
        if run.is_full:
            run.banner()
    run.heals(within=10)
    expect_patience(run)
    expect_told(run, run.operations())


def postgres_full(run: Run) -> None:
    """FA-7: no connection is left."""
    run.prepare()
    run.work(1, 2)
    with superuser(run) as database, run.damage():
        database.execute(f"ALTER ROLE {APP_ROLE} CONNECTION LIMIT 0")
        try:
            cut_all(database)
            run.work(8, 12)
        finally:
            database.execute(f"ALTER ROLE {APP_ROLE} CONNECTION LIMIT -1")
    run.heals(within=10)
    expect_patience(run)
    expect_told(run, run.operations())


def hospital_locked(run: Run) -> None:
    """FA-7: somebody sits in a transaction and holds what one hospital writes. The others do not notice."""
    run.prepare()
    run.work(3, 4)
    held = run.hospitals[0].tenant
    with superuser(run) as database, run.damage(), database.transaction():
        database.execute("SELECT FROM realtime_head WHERE tenant_id = %s FOR UPDATE", [held.pk])
        run.work(*((60,) if run.is_full else (8, 10)))
    run.heals(within=10)
    expect_patience(run)
    expect_others_undisturbed(run, held.slug)


def expect_others_undisturbed(run: Run, held: str) -> None:
    others = [operation for operation in run.operations() if operation.tenant != held]
    expect_told(run, [operation for operation in run.operations() if operation.tenant == held])
    if refused := [operation.path for operation in others if 503 in operation.answers]:
        run.blame(f"people of other hospitals were told 503 as well: {refused}")
    before, during = (percentile(times(others, run, when), 0.95) for when in (-1, 0))
    run.figure("others p95 before", before)
    run.figure("others p95 during", during)
    if during > max(run.within(2 * before), 1.0):
        run.blame(f"other hospitals waited {during:.2f} s at p95, {before:.2f} s before")


def times(operations: list[Operation], run: Run, when: int) -> list[float]:
    inside = [each for each in operations if (when == 0) == (run.broken_at <= each.invoked <= run.healed_at)]
    return [operation.slowest for operation in inside]


@contextlib.contextmanager
def superuser(run: Run) -> Iterator[psycopg.Connection]:
    home = run.world.postgres.server.home
    where = f"host={home.run} port=5432 user=postgres dbname=hospital"
    with psycopg.connect(where, autocommit=True) as database:
        yield database


def cut_all(database: psycopg.Connection) -> None:
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [APP_ROLE])


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-1": one_or_all_servers_killed,
    "FA-2": rolling_restart,
    "FA-3": valkey_killed,
    "FA-4": valkey_paused,
    "FA-5": valkey_useless,
    "FA-6": postgres_killed,
    "FA-7-paused": postgres_paused,
    "FA-7-full": postgres_full,
    "FA-7-locked": hospital_locked,
}

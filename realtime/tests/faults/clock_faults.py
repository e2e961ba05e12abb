"""FA-16: clocks that are wrong. The servers' and the browsers' own, and the database's, which jumps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import override_settings

from realtime.tests.faults.pages import Page, get
from realtime.tests.faults.run import Run

CLOCK = Path(__file__).parent / "clock"
HOUR, DAY = 3600, 86_400


def clocks_wrong(run: Run) -> None:
    """One server is ahead, the other behind, and people's own clocks are a day off."""
    run.prepare()
    with run.damage(), clocks(run, 300, -300):
        for page in run.pages:
            page.answers.clear()  # of the time when the servers began
        run.loop.do(shift_clocks(run))
        run.work(3, 6)
        if run.refusals():
            run.blame(f"pages were refused: {run.refusals()}")
    run.heals(within=5)


@contextmanager
def clocks(run: Run, *offsets: int) -> Iterator[None]:
    usual = [(site, site.command, site.environment) for site in run.world.sites]
    run.world.restart(
        [
            (site, command, {**around, "PYTHONPATH": str(CLOCK), "FAULTS_CLOCK": str(offset)})
            for (site, command, around), offset in zip(usual, offsets, strict=True)
        ]
    )
    yield
    run.world.restart(usual)


async def shift_clocks(run: Run) -> None:
    for number, window in enumerate(run.windows):
        await window.page.clock.set_system_time(time.time() + (DAY if number % 2 else -DAY))


def database_jumps(run: Run) -> None:
    """The database's clock steps by an hour, and back, while people work whose sessions last longer than that.

    Nobody loses a socket, and events keep their order. A session of fifteen minutes is over, as after an hour without a
    hand on the keys: its person has to log in. The socket of that page lasts as long as it would have.
    """
    life = settings.SESSION_COOKIE_AGE
    with run.world.postgres_with_a_clock() as clock, run.restarted_with(SESSION_IDLE_SECONDS=str(life)):
        with override_settings(SESSION_IDLE_SECONDS=life):
            run.prepare(anew=True)
        brief = run.page(run.world.url, 0, name="for a quarter of an hour")
        run.loop.do(run.follow(brief))
        run.work(3)
        connects = {page: page.connects for page in run.pages}
        with run.damage():
            for seconds in (HOUR, 0):
                clock.step(seconds)
                expect_time(run, seconds)
                run.work(3, 5)
                expect_log_in(run, brief, asked=seconds > 0)
        if cut := [page.path for page in run.pages if page.connects > connects[page]]:
            run.blame(f"{len(cut)} sockets were closed because the database's clock stepped")
        run.heals(within=5)
        run.expect_no_errors(besides=brief)


def expect_time(run: Run, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        ahead = cursor.fetchone()[0] - time.time()
    if abs(ahead - seconds) > 60:
        run.blame(f"the database's clock is {ahead:.0f} s ahead, and should be {seconds:.0f} s: nothing was tried")


def expect_log_in(run: Run, page: Page, *, asked: bool) -> None:
    status, _ = get(page.base, page.path, page.cookie)
    if (status in (302, 401)) != asked or status >= 500:
        run.blame(
            f"a session of fifteen minutes was answered {status} {'after' if asked else 'without'} an hour's step"
        )


FAULTS: dict[str, Callable[[Run], None]] = {"FA-16": clocks_wrong, "FA-16-database": database_jumps}

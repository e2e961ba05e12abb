"""FA-8, FA-16, FA-18, FA-19: workers, clocks, wear, and everybody at once."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hospital.models import SignIn
from realtime.tests.faults.network_faults import memory_of
from realtime.tests.faults.pages import Page
from realtime.tests.faults.run import Run
from realtime.tests.server import ROOT, Site, environment_of_run, wait_until

CLOCK = Path(__file__).parent / "clock"
DAY = 86_400
REDELIVERED = 90  # seconds


def worker_killed(run: Run) -> None:
    """FA-8: a worker dies in the middle of a task. Its successor does the work, once."""
    run.prepare()
    hospital = run.hospitals[0]
    marks = [uuid.uuid4().hex for _ in range(4)]
    with run.damage(), worker(run) as first:
        for mark in marks:
            order(str(hospital.tenant.pk), mark, str(hospital.admin.pk))
        wait_until(lambda: any(state(run, mark) == "begun" for mark in marks), 60, "no task began")
        first.kill()
        first.wait()
        with worker(run):
            took = run.until(lambda: all(written(hospital, mark) for mark in marks), REDELIVERED, "a task was lost")
            run.work(1)
    run.figure("redelivered", took)
    if twice := [mark for mark in marks if written(hospital, mark) > 1]:
        run.blame(f"{len(twice)} tasks had their effect twice")
    run.heals(within=5)


@contextmanager
def worker(run: Run) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "hospital.celery:app", "worker"]
    with (run.world.folder / "worker.log").open("ab") as output:
        process = subprocess.Popen(
            [
                *command,
                "--include",
                "realtime.tests.faults.jobs",
                "--pool",
                "solo",
                "--without-gossip",
                "--without-mingle",
            ],
            cwd=ROOT,
            env=environment_of_run() | surroundings(run),
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def surroundings(run: Run) -> dict[str, str]:
    """In the small version, the queue gives a task to somebody else sooner than in earnest."""
    return {"FAULTS_FOLDER": str(run.world.folder)} | ({} if run.is_full else {"FAULTS_REDELIVER_AFTER": "8"})


def order(*arguments: str) -> None:
    from realtime.tests.faults.jobs import sign_in_slowly

    sign_in_slowly.delay(*arguments)


def state(run: Run, mark: str) -> str:
    path = run.world.folder / mark
    return path.read_text() if path.exists() else ""


def written(hospital, mark: str) -> int:
    with hospital.acting():
        return SignIn.objects.filter(session=mark).count()


def clocks_wrong(run: Run) -> None:
    """FA-16: one server is ahead, the other behind, and people's own clocks are a day off."""
    run.prepare()
    with run.damage(), clocks(run, 300, -300):
        run.loop.do(shift_clocks(run))
        run.work(3, 6)
    run.heals(within=5)
    if run.refusals():
        run.blame(f"pages were refused: {run.refusals()}")


@contextmanager
def clocks(run: Run, *offsets: int) -> Iterator[None]:
    usual = [(site, site.command, site.environment) for site in run.world.sites]
    for (site, command, around), offset in zip(usual, offsets, strict=True):
        path = os.pathsep.join(filter(None, [str(CLOCK), around.get("PYTHONPATH", "")]))
        run.restart(site, command, {**around, "PYTHONPATH": path, "FAULTS_CLOCK": str(offset)})
    yield
    for site, command, around in usual:
        run.restart(site, command, around)


async def shift_clocks(run: Run) -> None:
    for number, window in enumerate(run.windows):
        await window.page.clock.set_system_time(time.time() + (DAY if number % 2 else -DAY))


def worn(run: Run) -> None:
    """FA-18: people come and go. Files, connections and memory of the servers do not grow."""
    run.prepare()
    churn(run, 3)
    before = [wear(site) for site in run.world.sites]
    began = time.monotonic()
    with run.damage():
        churn(run, 60 if run.is_full else 6)
    after = [wear(site) for site in run.world.sites]
    run.figure("churn seconds", time.monotonic() - began)
    run.figure("files more", max(later[0] - earlier[0] for earlier, later in zip(before, after, strict=True)))
    run.figure("memory MB more", max(later[1] - earlier[1] for earlier, later in zip(before, after, strict=True)) / 1e6)
    if run.verdict.figures["files more"] > 20:
        run.blame("a server kept files open")
    run.heals(within=5)


def churn(run: Run, rounds: int) -> None:
    for turn in range(rounds):
        pages = [run.page(run.world.url, number) for number in range(10)]
        run.loop.do(visit_shortly(run, pages, turn))


async def visit_shortly(run: Run, pages: list[Page], turn: int) -> None:
    await asyncio.gather(*(page.open() for page in pages))
    tasks = [asyncio.ensure_future(page.live(random.Random(turn))) for page in pages]
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def wear(site: Site) -> tuple[int, int]:
    return len(list(Path(f"/proc/{site.process.pid}/fd").iterdir())), memory_of(site)


def everybody_returns(run: Run) -> None:
    """FA-19: all servers restart, and every page comes back at once."""
    run.prepare(pages=1000 if run.is_full else 100)
    run.work(1)
    with run.damage():
        for site in run.world.sites:
            site.process.kill()
            site.process.wait()
        for site in run.world.sites:
            site.start()
    run.heals(within=30)


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-8": worker_killed,
    "FA-16": clocks_wrong,
    "FA-18": worn,
    "FA-19": everybody_returns,
}

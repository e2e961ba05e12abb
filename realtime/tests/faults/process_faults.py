"""FA-8, FA-16, FA-18, FA-19: workers, clocks, wear, and everybody at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import UUID

from django.conf import settings

from clinical.models import Document
from clinical.tasks import scan_waiting_documents
from clinical.tests.papers import pdf, upload
from clinical.tests.wards import a_patient
from hospital.celery import app
from hospital.models import AuditEntry
from hospital.tests.hospital import Hospital
from realtime.tests.faults.network_faults import memory_of
from realtime.tests.faults.pages import Page, end_all
from realtime.tests.faults.run import Run
from realtime.tests.faults.world import start
from realtime.tests.server import ROOT, Site, environment_of_run, wait_until

CLOCK = Path(__file__).parent / "clock"
DAY = 86_400
SWEPT = 90  # seconds


def worker_killed(run: Run) -> None:
    """FA-8: a worker dies while it scans an upload, and there are two beats. The next sweep does it, once."""
    run.prepare()
    hospital = run.hospitals[0]
    with run.damage(), SlowScanner(Path(settings.CLAMD_SOCKET)) as scanner, celery(run, "worker", *SOLO) as first:
        wait_until(lambda: hears(run), 60, "the worker did not start")
        document = upload_for(hospital)
        wait_until(scanner.begun.is_set, 60, "nothing was scanned")
        first.kill()
        first.wait()
        with celery(run, "worker", *SOLO), two_beats(run):
            took = run.until(
                lambda: filings(hospital, document) > 0, SWEPT, "the upload of a killed worker was not scanned"
            )
            run.work(3)
    run.figure("done after", took)
    if filings(hospital, document) > 1:
        run.blame("an upload was filed twice")
    run.heals(within=5)


SOLO = ("--pool", "solo", "--without-gossip", "--without-mingle")


class SlowScanner:
    """clamd, when it has much to do."""

    def __init__(self, path: Path) -> None:
        self.path, self.begun = path, threading.Event()

    def __enter__(self) -> Self:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.path))
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.close()
        self.path.unlink()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.server.accept()
                self.begun.set()
                threading.Thread(target=self.answer, args=[line], daemon=True).start()

    @staticmethod
    def answer(line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            line.recv(65536)
            time.sleep(2)
            line.sendall(b"stream: OK\0")


@contextmanager
def celery(run: Run, *arguments: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "hospital.celery:app", *arguments]
    with (run.world.folder / "celery.log").open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment_of_run(), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def hears(run: Run) -> bool:
    return bool(app.control.ping(timeout=1))


@contextmanager
def two_beats(run: Run) -> Iterator[None]:
    """In earnest, two processes, whose sweep comes each minute. The small version asks at once for what both would."""
    if not run.is_full:
        scan_waiting_documents.delay()
        scan_waiting_documents.delay()
        yield
        return
    schedules = [str(run.world.folder / f"schedule-{number}") for number in (1, 2)]
    with celery(run, "beat", "-s", schedules[0]), celery(run, "beat", "-s", schedules[1]):
        yield


def upload_for(hospital: Hospital) -> UUID:
    with hospital.acting("reception") as acting:
        return Document.upload(upload(pdf()), patient=a_patient(), by=acting.person).pk


def filings(hospital: Hospital, document: UUID) -> int:
    with hospital.acting():
        return AuditEntry.objects.filter(row_id=document, action="update", after__status="filed").count()


def clocks_wrong(run: Run) -> None:
    """FA-16: one server is ahead, the other behind, and people's own clocks are a day off."""
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


def worn(run: Run) -> None:
    """FA-18: people come and go. Files, connections and memory of the servers do not grow."""
    run.prepare()
    churn(run, 3 if run.is_full else 1)
    before = [wear(site) for site in run.world.sites]
    began = time.monotonic()
    with run.damage():
        churn(run, 60 if run.is_full else 3)
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
    await end_all(tasks)


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
        start(run.world.sites)
    run.heals(within=30)


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-8": worker_killed,
    "FA-16": clocks_wrong,
    "FA-18": worn,
    "FA-19": everybody_returns,
}

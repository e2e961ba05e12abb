"""FA-8, FA-18, FA-19: workers, wear, and everybody at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from django.conf import settings
from redis import Redis

from clinical.models import Document
from clinical.tasks import scan_waiting_documents
from clinical.tests.papers import pdf, upload
from clinical.tests.wards import a_patient
from hospital.celery import app
from hospital.models import AuditEntry
from hospital.tests.hospital import Hospital
from realtime.tests.faults.flood import flood, some_visits
from realtime.tests.faults.pages import Page, end_all
from realtime.tests.faults.reader_faults import memory_of
from realtime.tests.faults.run import Run
from realtime.tests.faults.world import start
from realtime.tests.server import ROOT, Site, environment_of_run, wait_until

TIDY = Path(__file__).parent / "tidy"
SWEPT = 90  # seconds
MB = 1_000_000
VISITS_AN_HOUR = 3000
NOISE = MB  # that a server grows and shrinks by anyway
WARM, FEWEST, CROWD = 6, 10, 15  # rounds before the first look, rounds with one, and people of one hospital in each
FEW = 5


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


@dataclass(frozen=True)
class Wear:
    """Of a server that people came to and left: how many until then, and what it holds."""

    visits: int
    files: int
    memory: int
    lines: int  # to Valkey, of all servers


def worn(run: Run) -> None:
    """FA-18: people come and go. Files and lines to Valkey stay as many, and memory grows by less than 1 MB in an hour of it.

    Two things would hide that, and are no wear: garbage that waits for its collection (in less than an hour of this, each
    server collects it at once), and pages that get longer (nobody writes; there is news of visits that are there).
    """
    with run.restarted_with(**({} if run.size.minutes >= 60 else {"PYTHONPATH": str(TIDY)})):
        run.prepare(anew=True)
        run.stop_writing()
        news = {hospital: some_visits(hospital, FEW) for hospital in run.hospitals}
        until = time.monotonic() + (run.size.minutes * 60 or (300 if run.is_full else 60))
        samples: list[list[Wear]] = []
        with run.damage():
            visits = come_and_go(run, news, WARM)
            while time.monotonic() < until or len(samples) < FEWEST:
                visits += come_and_go(run, news, 1)
                samples.append([wear(run, site, visits) for site in run.world.sites])
        run.figure("visits", visits)
        for one in zip(*samples, strict=True):
            judge_wear(run, one)
        run.heals(within=5)


def come_and_go(run: Run, news: dict[Hospital, list[UUID]], rounds: int) -> int:
    """Each with a session of their own. One of each kind loads the page, and everybody hears the news."""
    people = CROWD * len(run.hospitals)
    for turn in range(rounds):
        pages = [run.page(run.world.url, number) for number in range(people)]
        run.loop.do(visit_shortly(run, pages, turn))
        for hospital, visits in news.items():
            flood(hospital, visits, times=1)
    return rounds * people


async def visit_shortly(run: Run, pages: list[Page], turn: int) -> None:
    firsts = {page.key: page for page in pages}
    shown = {key: await page.fetch() for key, page in firsts.items()}
    for page in pages:
        await page.open(shown[page.key])
    tasks = [asyncio.ensure_future(page.live()) for page in pages]
    await asyncio.gather(*(run.joined(page) for page in pages))
    await end_all(tasks)


def wear(run: Run, site: Site, visits: int) -> Wear:
    assert site.process is not None
    files = len(list(Path(f"/proc/{site.process.pid}/fd").iterdir()))
    lines = Redis(unix_socket_path=str(run.world.valkey.socket)).info("clients")["connected_clients"]
    return Wear(visits, files, memory_of(site), lines)


def judge_wear(run: Run, samples: Sequence[Wear]) -> None:
    first, last = samples[0], samples[-1]
    visits = last.visits - first.visits
    grown = slope([(each.visits, each.memory) for each in samples]) * visits
    run.figure("bytes more per visit", grown / visits)
    run.figure("files more", last.files - first.files)
    run.figure("lines to Valkey more", last.lines - first.lines)
    if grown > visits / VISITS_AN_HOUR * MB + NOISE:
        run.blame(f"a server grew by {grown / MB:.1f} MB while {visits} pages came and went")
    if last.files - first.files > FEW:
        run.blame(f"a server keeps {last.files - first.files} more files open than {visits} visits before")
    if last.lines - first.lines > FEW:
        run.blame(f"there are {last.lines - first.lines} more lines to Valkey than {visits} visits before")


def slope(points: list[tuple[int, int]]) -> float:
    """The median of the slopes between any two (Theil and Sen): one large page more or less decides nothing."""
    return statistics.median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2))


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
    "FA-18": worn,
    "FA-19": everybody_returns,
}

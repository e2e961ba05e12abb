"""FA-10: pages that read a kilobyte a second, or nothing at all, or never say what they have seen."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hospital.tests.hospital import Hospital
from realtime import figures
from realtime.tests.faults import checker
from realtime.tests.faults.flood import flood, some_visits
from realtime.tests.faults.pages import SILENT, Page
from realtime.tests.faults.run import Run
from realtime.tests.faults.wire import Wire
from realtime.tests.server import Site

TRICKLE = 1000  # bytes per second
VISITS, FEW, NEWS, PAUSE = (
    20,
    3,
    40,
    0.1,
)  # rows told of at once in one hospital, in another; how often; seconds between
CUT = 15.0
MEMORY = 400_000  # bytes for each of them; if nothing were bounded, twice as much and more would wait (42.7 MB in all)
HEAP = 15_000_000  # by which a server's heap may grow meanwhile with what other requests leave behind
LATE = 2.0


@dataclass(eq=False)
class Readers:
    """Pages whose sockets are on a bad line."""

    kind: str
    place: int  # whose page it is: of the first hospital, or the second
    count: int
    wire: Wire
    pages: list[Page] = field(default_factory=list)

    def open(self, run: Run) -> None:
        names = [f"{self.kind} {number // 10}" for number in range(self.count)]
        self.pages = [run.page(run.world.url, self.place, name=name) for name in names]
        for page in self.pages:
            page.line, page.patience = self.wire.url, math.inf  # so that it is the server who ends it
        run.loop.do(run.follow(*self.pages, html=run.loop.do(self.pages[0].fetch())))


def readers_slow(run: Run) -> None:
    """Each costs the server a bounded memory, is cut off in time, and is true again when it reads. The others notice nothing.

    One hospital has news that fill the line of a page at once; the other's are short, so that a slow page acknowledges one
    now and then, ever later.
    """
    run.prepare(anew=True)
    site, news = run.world.sites[0], News(run)
    for _ in range(NEWS // 2):
        news.tell()  # so that the server has grown to what it needs anyway
    others, before = list(run.pages), memory_of(site)
    slow = Readers("slow", 0, 4, run.wire(site.port, rate=TRICKLE))
    ever_later = Readers("ever later", 1, 2, run.wire(site.port, rate=TRICKLE))
    deaf = Readers("deaf", 0, 30, run.wire(site.port, rate=TRICKLE))
    silent = Readers("silent", 0, 2, run.wire(site.port))
    everybody = [slow, ever_later, deaf, silent]
    for readers in everybody:
        readers.open(run)
    run.loop.do(run.act(deaf.wire.swallow))
    set_silent(silent, True)
    with run.damage():
        watch = Watch(everybody, site)
        for _ in range(NEWS):
            news.tell()
            watch.look()
        run.until(watch.look, CUT, "pages that did not keep up were not cut off")
    judge(run, others, watch, before)
    run.on_wires(Wire.go_on)
    run.on_wires(Wire.reset)
    set_silent(silent, False)
    for page in run.pages:
        page.patience = SILENT
    run.heals(within=5)


def set_silent(readers: Readers, value: bool) -> None:
    for page in readers.pages:
        page.silent = value


class News:
    def __init__(self, run: Run) -> None:
        self.busy, self.calm = run.hospitals[:2]
        self.many, self.few = some_visits(self.busy, VISITS), some_visits(self.calm, FEW)

    def tell(self) -> None:
        flood(self.busy, self.many, times=1)
        flood(self.calm, self.few, times=1)
        time.sleep(PAUSE)


class Watch:
    """When each kind was cut off, and how much the server has grown until then."""

    def __init__(self, everybody: list[Readers], site: Site) -> None:
        self.began, self.site, self.memory, self.queued = time.monotonic(), site, 0, 0
        self.everybody = everybody
        self.slugs = {page.tenant for readers in everybody for page in readers.pages}
        self.cut: dict[str, float] = {}

    def look(self) -> bool:
        self.memory = max(self.memory, memory_of(self.site))
        self.queued = max(self.queued, sum(queued_of(slug) for slug in self.slugs))
        for readers in self.everybody:
            if readers.kind not in self.cut and readers.wire.kept_of(readers.count) == 0:
                self.cut[readers.kind] = time.monotonic() - self.began
        return len(self.cut) == len(self.everybody)


def judge(run: Run, others: list[Page], watch: Watch, before: int) -> None:
    for kind, seconds in watch.cut.items():
        run.figure(f"{kind} cut after", seconds)
        if seconds > run.within(CUT):
            run.blame(f"pages that were {kind} were cut off only after {seconds:.1f} s")
    count, grown = sum(readers.count for readers in watch.everybody), watch.memory - before
    run.figure("memory MB", grown / 1e6)
    if grown > MEMORY * count + HEAP:
        run.blame(f"{count} pages that did not read cost {grown / 1e6:.1f} MB")
    run.figure("queued MB", watch.queued / 1e6)
    if watch.queued > MEMORY * count:
        run.blame(f"{watch.queued / 1e6:.1f} MB waited for {count} pages that did not read")
    lag = max(lag_of(run, others, hospital) for hospital in run.hospitals)
    run.figure("others behind", lag)
    if lag > run.within(LATE):
        run.blame(f"another page was {lag:.1f} s behind because of those that did not read")


def lag_of(run: Run, pages: list[Page], hospital: Hospital) -> float:
    there = [page for page in pages if page.tenant == hospital.tenant.slug]
    with hospital.acting():
        return checker.percentile(checker.lags(hospital, there, run.broken_at, run.healed_at), 1)


def queued_of(slug: str) -> int:
    """What its servers say that they keep for sockets that take nothing."""
    told, _ = figures.of_all_processes(slug)
    return sum(role["queued"] for process in told for role in process["roles"].values())


def memory_of(site: Site) -> int:
    assert site.process is not None
    pages = int(Path(f"/proc/{site.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


FAULTS: dict[str, Callable[[Run], None]] = {"FA-10": readers_slow}

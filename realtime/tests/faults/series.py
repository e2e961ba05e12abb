"""Many faults, one after the other, in one world."""

from __future__ import annotations

import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Self

from django.conf import settings

from realtime.tests.faults import (
    clock_faults,
    counting,
    log_faults,
    network_faults,
    process_faults,
    reader_faults,
    server_faults,
)
from realtime.tests.faults.browser import Chromium
from realtime.tests.faults.report import Report, say
from realtime.tests.faults.run import Loop, Run, Size, Verdict
from realtime.tests.faults.world import World

LASTS = 100  # faults in one world
FAULTS: dict[str, Callable[[Run], None]] = {
    **server_faults.FAULTS,
    **process_faults.FAULTS,
    **clock_faults.FAULTS,
    **network_faults.FAULTS,
    **reader_faults.FAULTS,
    **log_faults.FAULTS,
    **counting.FAULTS,
}


class Series:
    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        self.former: Run | None = None
        self.world, self.loop, self.chromium = World(folder), Loop(), Chromium()

    def __enter__(self) -> Self:
        self.world.__enter__()
        self.loop.do(self.chromium.start())
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self.former:
                self.former.end()
            self.loop.do(self.chromium.stop())
        finally:
            self.world.stop()

    def one(self, name: str, seed: int) -> Verdict:
        began = time.monotonic()
        former, self.former = self.former, None
        run = Run(self.world, self.loop, self.chromium, self.size, fault=name, seed=seed, former=former)
        try:
            FAULTS[name](run)
        except Exception:
            run.blame(traceback.format_exc())
        run.stop_writing()
        if run.is_reusable:
            self.former = run
        else:
            run.end()
        if former:
            former.end()  # what the run did not take over
        run.figure("seconds", time.monotonic() - began)
        return run.verdict

    def several(self, report: Report, only: list[str], seeds: range) -> None:
        """Each fault with each seed, but for those that the report holds already. The world is made anew now and then, and
        after whatever a fault may have left of it."""
        due = [(name, seed) for seed in seeds for name in only or FAULTS if not report.holds(name, seed)]
        report.begin(due)
        for done, (name, seed) in enumerate(due, start=1):
            verdict = self.one(name, seed)
            report.add(verdict, due[done:])
            if done < len(due) and (verdict.wrong or done % LASTS == 0):
                self.begin_anew()

    def begin_anew(self) -> None:
        """Another folder, another database: the hospitals of a hundred faults would fill the first."""
        if self.former:
            self.former.end()
            self.former = None
        self.world.stop()
        shutil.rmtree(settings.EMBEDDED.home.base / "postgres", ignore_errors=True)
        self.world = World(self.folder)
        self.world.__enter__()

    def listen(self) -> int:
        """For the test suite: one world for all its tests."""
        for line in sys.stdin:
            name, seed = line.split()
            say(json.dumps(asdict(self.one(name, int(seed)))))
        return 0

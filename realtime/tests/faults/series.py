"""Many faults, one after the other, in one world."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Self

from realtime.tests.faults import counting, log_faults, network_faults, process_faults, server_faults
from realtime.tests.faults.browser import Chromium
from realtime.tests.faults.run import FULL, SMALL, Loop, Run, Verdict
from realtime.tests.faults.world import World

FAULTS: dict[str, Callable[[Run], None]] = {
    **server_faults.FAULTS,
    **process_faults.FAULTS,
    **network_faults.FAULTS,
    **log_faults.FAULTS,
    **counting.FAULTS,
}


class Series:
    def __init__(self, folder: Path, *, small: bool) -> None:
        self.folder, self.size = folder, SMALL if small else FULL
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

    def several(self, only: list[str], first: int, count: int, report: str | None) -> int:
        failed = 0
        for seed in range(first, first + count):
            for name in only or FAULTS:
                verdict = self.one(name, seed)
                failed += bool(verdict.wrong)
                tell(verdict)
                if report:
                    with open(report, "a") as lines:
                        lines.write(f"{json.dumps(asdict(verdict))}\n")
        return failed

    def listen(self) -> int:
        """For the test suite: one world for all its tests."""
        for line in sys.stdin:
            name, seed = line.split()
            say(json.dumps(asdict(self.one(name, int(seed)))))
        return 0


def tell(verdict: Verdict) -> None:
    figures = ", ".join(f"{name} {value:g}" for name, value in verdict.figures.items())
    say(f"{verdict.fault:13} seed {verdict.seed:<5} {'FAILED' if verdict.wrong else 'ok':6} {figures}")
    for sentence in verdict.wrong:
        say(f"       {sentence[:1500]}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

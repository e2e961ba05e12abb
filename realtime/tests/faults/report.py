"""What came of each run, how long the rest will take, and what failed with the command that repeats it."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from realtime.tests.faults.run import Verdict

GUESS = {True: 20.0, False: 45.0}  # seconds for a fault of which nothing is known yet, small or full
WORST = ("converged", "behind", "banner", "slowest answer", "cut after")


class Report:
    """Kept in a file too, if one is named: so a series that was interrupted goes on where it was."""

    def __init__(self, file: str | None, *, small: bool) -> None:
        self.file, self.small = Path(file) if file else None, small
        self.verdicts: list[Verdict] = []
        if self.file and self.file.exists():
            lines = [json.loads(line) for line in self.file.read_text().splitlines()]
            self.verdicts = [verdict_in(line) for line in lines if line["small"] == small]

    def holds(self, fault: str, seed: int) -> bool:
        return any((verdict.fault, verdict.seed) == (fault, seed) for verdict in self.verdicts)

    def begin(self, due: list[tuple[str, int]]) -> None:
        if self.verdicts:
            say(f"{len(self.verdicts)} runs are in {self.file} already.")
        say(f"{len(due)} runs, about {self.time_for(due)}.")

    def time_for(self, due: list[tuple[str, int]]) -> timedelta:
        """By what each fault took so far."""
        known: dict[str, list[float]] = {}
        for verdict in self.verdicts:
            known.setdefault(verdict.fault, []).append(verdict.figures["seconds"])
        means = {fault: statistics.mean(seconds) for fault, seconds in known.items()}
        usual = statistics.mean(means.values()) if means else GUESS[self.small]
        return timedelta(seconds=round(sum(means.get(fault, usual) for fault, _ in due)))

    def add(self, verdict: Verdict, due: list[tuple[str, int]]) -> None:
        self.verdicts.append(verdict)
        tell(verdict)
        if self.file:
            with self.file.open("a") as lines:
                lines.write(f"{json.dumps({'small': self.small} | asdict(verdict))}\n")
        if due and due[0][1] != verdict.seed:
            say(f"Seed {verdict.seed} is done. The rest takes about {self.time_for(due)}.")

    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.wrong]

    def sum_up(self) -> None:
        failed, seeds = self.failed(), {verdict.seed for verdict in self.verdicts}
        say(f"{len(self.verdicts)} runs of {len(seeds)} seeds, {len(failed)} failed.")
        for name in WORST:
            values = [verdict.figures[name] for verdict in self.verdicts if name in verdict.figures]
            if values:
                say(f"  {name}: {statistics.median(values):.1f} s at the median, {max(values):.1f} s at most")
        for verdict in failed:
            small = " --small" if self.small else ""
            say(f"  FAILED: bin/faults{small} --only {verdict.fault} --seed {verdict.seed}")


def verdict_in(line: dict) -> Verdict:
    return Verdict(line["fault"], line["seed"], line["wrong"], line["figures"])


def tell(verdict: Verdict) -> None:
    figures = ", ".join(f"{name} {value:g}" for name, value in verdict.figures.items())
    say(f"{verdict.fault:15} seed {verdict.seed:<5} {'FAILED' if verdict.wrong else 'ok':6} {figures}")
    for sentence in verdict.wrong:
        say(f"       {sentence[:1500]}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

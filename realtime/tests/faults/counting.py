"""Every event counted: many writers, of whom one is killed now and then, and a rollback in every twenty."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from hospital.models import SignIn
from hospital.tests.hospital import Hospital
from realtime.models import Event
from realtime.tests.faults.checker import wrong_log
from realtime.tests.faults.run import Run
from realtime.tests.server import ROOT, environment_of_run

WRITERS = 4


class Scribes:
    """Those who write, one at each place."""

    def __init__(self, hospital: Hospital, seed: int, acknowledged: list[str]) -> None:
        arguments = [str(hospital.tenant.pk), str(hospital.admin.pk), str(seed)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "realtime.tests.faults.scribe", *arguments],
            cwd=ROOT,
            env=environment_of_run(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.acknowledged = acknowledged
        self.listening = threading.Thread(target=self.listen, daemon=True)
        self.listening.start()

    def listen(self) -> None:
        """A line for each commit."""
        for line in self.process.stdout:
            self.acknowledged += line.split()

    def begin_at(self, place: int) -> None:
        """Somebody writes here from now on; who did is killed."""
        self.process.stdin.write(f"{place}\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """All are killed. What the process that began them says: 0, unless one of them ended by itself."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.listening.join()


def events_counted(run: Run) -> None:
    """QUALITY 2: none lost, none doubled, no gap."""
    run.hospitals = [Hospital("Alpha")]
    acknowledged: list[str] = []
    with run.damage():
        kills = write_until(run, run.size.events, acknowledged)
    run.figure("events acknowledged", len(acknowledged))
    run.figure("kills", kills)
    with run.hospitals[0].acting():
        judge(run, acknowledged)


def write_until(run: Run, total: int, acknowledged: list[str]) -> int:
    scribes, kills = Scribes(run.hospitals[0], run.verdict.seed, acknowledged), 0
    try:
        for place in range(WRITERS):
            scribes.begin_at(place)
        run.until(lambda: len(acknowledged) > 0, 60, "nobody writes")
        while len(acknowledged) < total:
            run.work(0.3, 2)
            scribes.begin_at(run.chance.randrange(WRITERS))
            kills += 1
    finally:
        if scribes.end():
            run.blame("somebody who wrote ended without having been killed")
    return kills


def judge(run: Run, acknowledged: list[str]) -> None:
    there = Counter(SignIn.objects.exclude(session="").values_list("session", flat=True))
    if lost := set(acknowledged) - set(there):
        run.blame(f"{len(lost)} acknowledged events are lost")
    if twice := [mark for mark, times in there.items() if times > 1]:
        run.blame(f"{len(twice)} events are there twice")
    if taken_back := [mark for mark in there if mark.startswith("never")]:
        run.blame(f"{len(taken_back)} events that were rolled back are there")
    told = Event.objects.filter(name="user:signed_in").count()
    if told != SignIn.objects.count():
        run.blame(f"{told} events tell of {SignIn.objects.count()} sign-ins")
    run.blame(*wrong_log(run.hospitals[0]))


FAULTS: dict[str, Callable[[Run], None]] = {"events": events_counted}

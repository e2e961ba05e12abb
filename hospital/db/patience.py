"""How long a page waits for PostgreSQL. Somebody sits in front of it: after a few seconds, an answer that says no is worth more.

Only the processes that serve pages are in a hurry; what the worker and the commands do may take its time.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.abc import RV, PQGen
from psycopg.errors import _WaitTimeout

SILENCE = 1  # second more than any statement may take: then nobody is there who could even refuse
IDLE = 60  # seconds that a transaction may wait for us, if we were stopped in the middle of it
GIVE_UP = 2  # seconds of trying to connect before the pool forgets it, and begins at once for whoever asks next


class Connection(psycopg.Connection):
    """Takes a server that says nothing for one that is gone. A stopped PostgreSQL keeps its sockets open."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        patience = settings.DATABASE_STATEMENT_TIMEOUT + SILENCE if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience)
        except _WaitTimeout as error:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("PostgreSQL does not answer.") from error


def hurry() -> None:
    """Called once, by what serves pages, before the first connection is made."""
    options = connections[DEFAULT_DB_ALIAS].settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} {limits()}".strip()
    pool: dict[str, Any] = options.get("pool") or {}
    options["pool"] = {**pool, "connection_class": Connection, "reconnect_timeout": GIVE_UP}


def limits() -> str:
    seconds = {
        "lock_timeout": settings.DATABASE_LOCK_TIMEOUT,
        "statement_timeout": settings.DATABASE_STATEMENT_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE,
    }
    return " ".join(f"-c {name}={int(value * 1000)}" for name, value in seconds.items())

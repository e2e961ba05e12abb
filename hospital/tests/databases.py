"""The databases of a test run, past Django and its fences."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings


def database_url(alias: str, *, host: str = "") -> str:
    entry = settings.DATABASES[alias]
    secret = f":{quote(entry['PASSWORD'], safe='')}" if entry.get("PASSWORD") else ""
    where = quote(host or str(entry["HOST"]), safe="")
    return f"postgresql://{entry['USER']}{secret}@{where}:{entry['PORT']}/{entry['NAME']}"


def owner(**other: Any) -> psycopg.Connection:
    """As the owner, behind no fence; `dbname="postgres"` to create databases."""
    return psycopg.connect(database_url("owner"), autocommit=True, **other)


def somebody_waits_for(connection: Any) -> bool:
    """Whether another session waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0] > 0

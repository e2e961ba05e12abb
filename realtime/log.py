"""Reads the log for all tenants of this process, on a connection of its own that no request ever waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from django.db import connections
from psycopg.rows import namedtuple_row

T = TypeVar("T")
LIMIT = 500
PATIENCE = 5.0

ASK = "SELECT set_config('app.tenant', %s, true)"
READ = """
    SELECT head.epoch, head.seq AS head, event.seq, event.name, event.object_id, event.patient_id,
           event.loudness, event.roles, event.people
    FROM realtime_head head
    LEFT JOIN realtime_event event
        ON event.tenant_id = head.tenant_id AND event.seq > greatest(%s, head.seq - %s)
    WHERE head.tenant_id = %s ORDER BY event.seq
"""


@dataclass(frozen=True)
class Row:
    seq: int
    name: str
    object_id: UUID
    patient_id: UUID | None
    loudness: dict[str, str]
    roles: frozenset[str]
    people: frozenset[UUID]

    @property
    def is_personal(self) -> bool:
        """Not everybody in a role hears the same of it."""
        return bool(self.people) or len(self.loudness) > len(self.roles)

    def heard_by(self, role: str, person: UUID) -> bool:
        return role in self.roles and (not self.people or person in self.people)

    def is_louder_for(self, person: UUID) -> bool:
        return str(person) in self.loudness


@dataclass(frozen=True)
class Page:
    """Where a tenant's log stands, and what is new in it: at most the last 500 events."""

    epoch: UUID
    head: int
    rows: list[Row]

    def reaches(self, seq: int) -> bool:
        """Whether the rows continue what somebody knows who has seen everything up to `seq`."""
        return self.head - LIMIT <= seq <= self.head


class Log:
    def __init__(self) -> None:
        self.connection: psycopg.AsyncConnection | None = None

    async def read(self, after: dict[UUID, int]) -> dict[UUID, Page]:
        """One round trip for all tenants, each in a transaction that speaks for it. A failure closes the connection."""
        return await self._patiently(self._read(after))

    async def ask(self, question: LiteralString, values: list) -> list[Any]:
        """One question outside of every tenant."""
        return await self._patiently(self._ask(question, values))

    async def _patiently(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wait_for(work, PATIENCE)
        except BaseException:
            await self.close()
            raise

    async def _ask(self, question: LiteralString, values: list) -> list[Any]:
        connection = await self._connected()
        return await (await connection.execute(question, values)).fetchall()

    async def _read(self, after: dict[UUID, int]) -> dict[UUID, Page]:
        connection = await self._connected()
        cursors = {}
        async with connection.pipeline():
            for tenant_id, seq in after.items():
                await connection.execute("BEGIN READ ONLY")
                await connection.execute(ASK, [str(tenant_id)])
                cursors[tenant_id] = await connection.execute(READ, [seq, LIMIT, tenant_id])
                await connection.execute("COMMIT")
        return {tenant_id: page_of(tenant_id, await cursor.fetchall()) for tenant_id, cursor in cursors.items()}

    async def _connected(self) -> psycopg.AsyncConnection:
        if self.connection is None:
            self.connection = await connected()
        return self.connection

    async def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()


async def connected() -> psycopg.AsyncConnection:
    given = connections["default"].get_connection_params()
    ours = {name: value for name, value in given.items() if name not in ("context", "cursor_factory")}
    return await psycopg.AsyncConnection.connect(**ours, autocommit=True, row_factory=namedtuple_row)


def page_of(tenant_id: UUID, found: list) -> Page:
    if not found:  # no event yet: see realtime.models.cursor
        return Page(tenant_id, 0, [])
    rows = [
        Row(row.seq, row.name, row.object_id, row.patient_id, row.loudness, frozenset(row.roles), frozenset(row.people))
        for row in found
        if row.seq is not None
    ]
    return Page(found[0].epoch, found[0].head, rows)

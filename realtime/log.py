"""Reads the log for all tenants of this process, on connections of its own that no request ever waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from django.db import connections
from psycopg.rows import namedtuple_row

from hospital.db.patience import Connection

T = TypeVar("T")
Question = tuple[LiteralString, list]
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
        self.reader: psycopg.Connection | None = None

    def read(self, after: dict[UUID, int], question: Question) -> tuple[dict[UUID, Page], list[Any]]:
        """In a thread: what is new for these tenants, and then the answer to a question outside of them.

        One way to the server and back, and one transaction, in which each statement sees what was committed before it.
        A failure closes the connection.
        """
        try:
            return self._read(after, question)
        except BaseException:
            self._close_reader()
            raise

    async def ask(self, question: LiteralString, values: list) -> list[Any]:
        """One question outside of every tenant."""
        return await self._patiently(self._ask(question, values))

    async def _patiently(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wait_for(work, PATIENCE)
        except BaseException:
            await self._close_asker()
            raise

    async def _ask(self, question: LiteralString, values: list) -> list[Any]:
        connection = await self._connected()
        return await (await connection.execute(question, values)).fetchall()

    def _read(self, after: dict[UUID, int], question: Question) -> tuple[dict[UUID, Page], list[Any]]:
        if self.reader is None:
            self.reader = Connection.connect(**parameters(), autocommit=True, row_factory=namedtuple_row)
        values = [value for tenant_id, seq in after.items() for value in (str(tenant_id), seq, LIMIT, tenant_id)]
        pages = {}
        with psycopg.ClientCursor(self.reader) as cursor:
            cursor.execute(";".join([ASK, READ] * len(after) + [question[0]]), [*values, *question[1]])
            for tenant_id in after:
                cursor.nextset()
                pages[tenant_id] = page_of(tenant_id, cursor.fetchall())
                cursor.nextset()
            return pages, cursor.fetchall()

    async def _connected(self) -> psycopg.AsyncConnection:
        if self.connection is None:
            self.connection = await connected()
        return self.connection

    async def close(self) -> None:
        self._close_reader()
        await self._close_asker()

    async def _close_asker(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()

    def _close_reader(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()


async def connected() -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(**parameters(), autocommit=True, row_factory=namedtuple_row)


def parameters() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    return {name: value for name, value in given.items() if name not in ("context", "cursor_factory")}


def page_of(tenant_id: UUID, found: list) -> Page:
    if not found:  # no event yet: see realtime.models.cursor
        return Page(tenant_id, 0, [])
    rows = [
        Row(row.seq, row.name, row.object_id, row.patient_id, row.loudness, frozenset(row.roles), frozenset(row.people))
        for row in found
        if row.seq is not None
    ]
    return Page(found[0].epoch, found[0].head, rows)

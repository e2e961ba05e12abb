"""Whoever may no longer see something is cut off before anything that happened after that is pushed.

The database notes in each transaction whose rights it may have changed (hospital/db/revocation.py). The hub reads these
notes when it has read the log and rendered, and before it writes to any socket; so a fact that was committed after a
right ended reaches nobody who lost it. The sockets concerned are identified again, all at once, as if they came through the door.
If that cannot be done, nothing is pushed, and it is tried again.

`NOTIFY` makes it immediate. It may be lost, since the hub looks each second anyway; Valkey has no part in it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg

from hospital.db.revocation import CHANNEL
from hospital.models.session import EVERYBODY
from realtime import sight
from realtime.clock import database_clock
from realtime.connection import Connection
from realtime.doorkeeper import LOG_IN, NO_RIGHT, OTHER_ROLE, Identity, Refusal, identify_all
from realtime.log import Log, Question, connected

AT_ONCE = 500
PATIENCE = 5.0
KEPT = 60.0  # seconds for which a note is kept for sockets that were identified before it, and come in after it
CLOCKS_EVERY = 1.0
STILL_THERE = 30.0  # seconds of silence after which the line to the database is tried
RETRY = 1.0
FRESH = 3.0

# A transaction that was running at the last look may have written and committed since: its number is at least `xmin`.
NOTES = """
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now,
        pg_snapshot_xmin(now.snapshot)::text::bigint AS xmin, note.xact, note.subject
    FROM (SELECT pg_current_snapshot() AS snapshot) AS now LEFT JOIN hospital_authchange AS note ON note.xact >= %s
"""
CLOCKS = "SELECT session_key, extract(epoch FROM expire_date - now())::float8 AS left FROM hospital_session WHERE session_key = ANY(%s)"
TOO_LONG = 50 * 60.0  # seconds without a look after which notes may be gone: see hospital.tasks.forget_auth_changes
NO_NOTE = 2**63 - 1
NEVER_YET = float("-inf")

log = logging.getLogger(__name__)
thread = ThreadPoolExecutor(1, thread_name_prefix="live-revocation")


class Watch:
    """Which of this process's sockets are still in order."""

    def __init__(
        self, database: Log, sockets: Callable[[], list[Connection]], leave: Callable[[Connection], None]
    ) -> None:
        self.database, self.sockets, self.leave = database, sockets, leave
        self.since: int | None = None
        self.read: set[tuple[int, UUID]] = set()
        self.noted: dict[UUID, float] = {}
        self.due: set[Connection] = set()
        self.ends: dict[str, float] = {}  # when a session ends as far as is known; it may have been prolonged since
        self.looked_at_clocks = self.checked_at = NEVER_YET
        self.asked_at = 0.0  # by the database's clock

    def enter(self, connection: Connection) -> None:
        """Something may have changed between the look-up at the door and now."""
        if self.is_outdated(connection) or time.monotonic() - connection.identity.at > KEPT:
            self.due.add(connection)

    def is_outdated(self, connection: Connection) -> bool:
        subjects = (connection.person_id, connection.tenant_id, EVERYBODY)
        return max(self.noted.get(subject, NEVER_YET) for subject in subjects) >= connection.identity.at

    @property
    def is_sure(self) -> bool:
        """Whether everybody who is connected was in order a moment ago: for whatever is pushed beside the log."""
        return time.monotonic() - self.checked_at < FRESH

    @property
    def question(self) -> Question:
        """For the notes. After a failure, and after a long time, nothing of what was known counts."""
        if time.monotonic() - self.checked_at > TOO_LONG:
            self.since = None
        return NOTES, [NO_NOTE if self.since is None else self.since]

    async def check(self, notes: list[Any] | None = None) -> None:
        """Cut off whom it concerns. Raises if that is not known for sure; then the next time looks at everybody."""
        try:
            self.read_notes(await self.database.ask(*self.question) if notes is None else notes)
            if time.monotonic() - self.looked_at_clocks >= CLOCKS_EVERY:
                await self.look_at_clocks()
            if self.due:
                await self.identify_again(set(self.due))
        except BaseException:
            self.since, self.checked_at = None, NEVER_YET
            raise
        self.checked_at = time.monotonic()
        self.forget()

    def read_notes(self, found: list[Any]) -> None:
        if self.since is None:
            self.note([EVERYBODY])
        rows = {(row.xact, row.subject) for row in found if row.xact is not None}
        if new := rows - self.read:
            self.note({subject for _, subject in new})
        self.since, self.read = found[0].xmin, rows
        self.asked_at = found[0].now
        database_clock.set(self.asked_at)

    def note(self, subjects: Iterable[UUID]) -> None:
        now = time.monotonic()
        self.noted.update(dict.fromkeys(subjects, now))
        self.due.update(connection for connection in self.sockets() if self.is_outdated(connection))

    async def look_at_clocks(self) -> None:
        """A session that nobody prolongs ends without anybody writing anything."""
        now = time.monotonic()
        sockets = self.sockets()
        keys = {connection.session_key for connection in sockets}
        self.ends = {key: end for key, end in self.ends.items() if key in keys and end > now}
        if asked := list(keys - self.ends.keys()):
            for row in await self.database.ask(CLOCKS, [asked]):
                self.ends[row.session_key] = now + row.left
            for connection in sockets:
                if self.ends.get(connection.session_key, now) <= now:
                    self.cut(connection, LOG_IN)
        self.looked_at_clocks = now

    async def identify_again(self, judged: set[Connection]) -> None:
        loop, sockets = asyncio.get_running_loop(), [connection for connection in judged if connection.is_open]
        for start in range(0, len(sockets), AT_ONCE):
            group = sockets[start : start + AT_ONCE]
            askers = [connection.asker for connection in group]
            answers = await asyncio.wait_for(loop.run_in_executor(thread, identify_all, askers), PATIENCE)
            for connection, answer in zip(group, answers, strict=True):
                self.judge(connection, answer)
        left = {connection for connection in judged if connection.is_open and self.is_outdated(connection)}
        self.due = self.due - judged | left

    def judge(self, connection: Connection, answer: Identity | Refusal) -> None:
        was = connection.identity
        if isinstance(answer, Refusal):
            self.cut(connection, answer.code)
        elif answer.person_id != was.person_id:
            self.cut(connection, LOG_IN)
        elif answer.tenant_id != was.tenant_id:
            self.cut(connection, NO_RIGHT)
        elif answer.role != was.role:
            self.cut(connection, OTHER_ROLE)
        else:
            connection.identity = answer
            sight.doubt(connection, self.asked_at)

    def cut(self, connection: Connection, code: int) -> None:
        if connection.is_open:
            log.info("a socket of %s is cut off: %s", connection.person_id, code)
            connection.close(code)
        self.leave(connection)

    def forget(self) -> None:
        long_ago = time.monotonic() - KEPT
        self.noted = {subject: at for subject, at in self.noted.items() if at > long_ago}


async def listen(wake: Callable[[], None]) -> None:
    """Wakes the hub when the database says that there is a note."""
    while True:
        try:
            async with await connected() as line:
                await line.execute(f"LISTEN {CHANNEL}")
                while True:
                    await follow(line, wake)
        except Exception as error:
            log.info("no word from the database, trying on: %s", error or type(error).__name__)
        await asyncio.sleep(RETRY)


async def follow(line: psycopg.AsyncConnection, wake: Callable[[], None]) -> None:
    async for _ in line.notifies(timeout=STILL_THERE):
        wake()
    await asyncio.wait_for(line.execute("SELECT 1"), PATIENCE)

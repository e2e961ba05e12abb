"""Our application, whose hub finds events in memory, already painted, as `emit` does in Socket.IO.

All the rest is the product's: who may join, the hub's turn, joining what is pending, the frame, the write.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import hospital.asgi
import realtime.hub
import realtime.look
from bench.rivals.control import Control
from bench.rivals.words import ROLE, fragment
from realtime.log import LIMIT, Log, Page, Question, Row
from realtime.paint import Painted

TENANT = UUID(os.environ["BENCH_TENANT"])


class Ready:
    """The log of one tenant, without a database."""

    def __init__(self) -> None:
        self.database = Log()
        self.lock = threading.Lock()  # the hub reads in a thread of its own
        self.head = 0
        self.rows: deque[Row] = deque(maxlen=LIMIT)
        self.html: dict[int, str] = {}

    def read(self, after: dict[UUID, int], question: Question) -> tuple[dict[UUID, Page], list[Any]]:
        """Whose rights have changed is asked of the database, as in the product: after the rows were read and painted.

        For pages that come without a cursor (after 0) nothing is painted, and so nobody asks again.
        """
        pages = {tenant: self.page(seq) for tenant, seq in after.items()}
        is_asked_again = any(page.rows and after[tenant] for tenant, page in pages.items())
        return pages, [] if is_asked_again else self.database.read({}, question)[1]

    async def close(self) -> None:
        """Nothing is open."""

    def page(self, after: int) -> Page:
        with self.lock:
            new = min(self.head - after, len(self.rows))
            return Page(TENANT, self.head, list(islice(self.rows, len(self.rows) - new, None)))

    def add(self, number: int) -> None:
        with self.lock:
            self.head += 1
            row = Row(self.head, "visit:created", uuid4(), None, {ROLE: "info"}, frozenset([ROLE]), frozenset())
            self.rows.append(row)
            self.html[row.seq] = fragment(number)
            self.html.pop(row.seq - LIMIT, None)

    def paint(self, tenant: UUID, rows: list[Row], wanted: dict[str, int]) -> dict[str, list[Painted]]:
        return {role: [self.painted(row) for row in rows if row.seq > after] for role, after in wanted.items()}

    def painted(self, row: Row) -> Painted:
        return Painted(row, ("", row.object_id), self.html.get(row.seq, ""), {"name": row.name})


ready = Ready()
realtime.look.paint = ready.paint


async def publish(numbers: list[int]) -> None:
    hub = realtime.hub.hub()
    for number in numbers:
        ready.add(number)
    hub.hint([TENANT])


control = Control(publish)


async def application(scope: dict, receive: Callable, send: Callable) -> None:
    await control.open()
    realtime.hub.hub().log = ready
    await hospital.asgi.application(scope, receive, send)

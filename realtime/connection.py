"""One open socket, as the hub sees it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from uuid import UUID

log = logging.getLogger(__name__)


class Connection:
    """Who listens, in which role, and the one way to write to the socket."""

    def __init__(self, tenant_id: UUID, person_id: UUID, role: str, send: Callable[[dict], Awaitable[None]]) -> None:
        self.tenant_id, self.person_id, self.role = tenant_id, person_id, role
        self.acknowledged = 0
        self.is_open = True
        self._send = send
        self._outgoing: deque[dict] = deque()
        self._draining: asyncio.Task | None = None

    def write(self, text: str) -> None:
        """Never waits for this socket."""
        self._put({"type": "websocket.send", "text": text})

    def close(self, code: int) -> None:
        self._put({"type": "websocket.close", "code": code})
        self.is_open = False

    def _put(self, message: dict) -> None:
        if not self.is_open:
            return
        self._outgoing.append(message)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            while self._outgoing:
                await self._send(self._outgoing.popleft())
        except Exception as error:  # the server says so when the other side has gone
            log.info("a socket is lost: %s", error)
            self.is_open = False
            self._outgoing.clear()

"""The two ways to write to a socket: finished frames to our own server, messages to any other."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

EXTENSION = "hospital.frames"  # in scope["extensions"]: see realtime/server.py
OURS = {1008: 4400, 1009: 4413}  # daphne alone sends no standard code but 1000

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]
Hear = Callable[[str | None], None]


class Message:
    """A text for any number of sockets: written, encoded and framed once."""

    __slots__ = ("data", "frame", "text")

    def __init__(self, content: dict[str, Any] | str) -> None:
        self.text = content if isinstance(content, str) else written(content)
        self.data = self.text.encode()
        self.frame = framed(self.data)

    def __len__(self) -> int:
        return len(self.data)


def written(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def framed(data: bytes) -> bytes:
    """One unmasked text frame (RFC 6455, section 5.2)."""
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


class Outlet(Protocol):
    """`write` never waits, and tells how many bytes are still `queued` in this process. After `close`, nothing is written.

    What comes in after `listen` may be told to `hear` at once, or be received as ASGI has it. `sent` waits until the
    server has taken everything: an application that ends sooner would leave the close to the server.
    """

    def listen(self, hear: Hear) -> None: ...
    def write(self, message: Message) -> int: ...
    def queued(self) -> int: ...
    def close(self, code: int) -> None: ...
    def abort(self) -> None: ...
    async def sent(self) -> None: ...


def outlet_of(scope: dict[str, Any], send: Send) -> Outlet:
    offered = (scope.get("extensions") or {}).get(EXTENSION)
    return Frames(offered) if offered else Plain(send)


class Frames:
    """Our own server takes a finished frame, and any code."""

    __slots__ = ("abort", "close", "listen", "put", "queued")

    def __init__(self, offered: dict[str, Callable]) -> None:
        self.put, self.queued, self.listen = offered["write"], offered["queued"], offered["listen"]
        self.close, self.abort = offered["close"], offered["abort"]

    def write(self, message: Message) -> int:
        return self.put(message.frame)

    async def sent(self) -> None:
        """It takes everything at once."""


class Plain:
    """Any ASGI server. What is written goes out in a task of its own, never in that of the writer.

    For a server may give up after a time, and then cancels the task in which its `send` was begun.
    """

    __slots__ = ("is_closed", "is_sending", "queue", "send", "size", "task")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.queue: deque[dict[str, Any]] = deque()
        self.size = 0
        self.is_sending = self.is_closed = False
        self.task: asyncio.Task[None] | None = None

    def listen(self, hear: Hear) -> None:
        """Nothing is told but by `receive`."""

    def write(self, message: Message) -> int:
        if not self.is_closed:
            self._put({"type": "websocket.send", "text": message.text})
        return self.size

    def queued(self) -> int:
        return self.size

    def close(self, code: int) -> None:
        """What waits behind a message that the server does not take is not sent any more."""
        if not self.is_closed:
            self.is_closed = True
            if self.is_sending:
                self._forget()
            self._put({"type": "websocket.close", "code": OURS.get(code, code)})

    def abort(self) -> None:
        """ASGI knows no way to cut a socket off."""
        self.close(1008)

    async def sent(self) -> None:
        if self.task is not None:
            await asyncio.wait([self.task])

    def _put(self, message: dict[str, Any]) -> None:
        self.queue.append(message)
        self.size += len(message.get("text", ""))
        if self.task is None or self.task.done():
            self.task = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        self.is_sending = True
        try:
            while self.queue:
                message = self.queue.popleft()
                self.size -= len(message.get("text", ""))
                await self.send(message)
        except Exception as error:  # the server says so when the other side has gone
            self._lose(error)
        finally:
            self.is_sending = False

    def _lose(self, error: Exception) -> None:
        log.info("a socket is lost: %s", error or type(error).__name__)
        self.is_closed = True
        self._forget()

    def _forget(self) -> None:
        self.queue.clear()
        self.size = 0

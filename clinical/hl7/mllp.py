"""The listener: MLLP (VT … FS CR) on a port, several messages on a connection, each answered before the next is read.

Without encryption: it belongs behind a proxy that ends TLS, or on a network of its own. See docs/hl7.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connections

from clinical.hl7.ack import rejection
from clinical.hl7.door import Door
from clinical.hl7.routes import Routes

log = logging.getLogger(__name__)
VT, FS, CR = b"\x0b", b"\x1c", b"\r"
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Limits:
    message_bytes: int = 16 * 1024 * 1024
    connections: int = 100
    frame_seconds: float = 60  # from the first byte of a message to its end
    idle_seconds: float = 3600  # without a message; a sender that keeps the line open knocks anew
    answer_seconds: float = 30  # for a sender that does not read its answer
    workers: int = 4


class Refusal(Exception):
    """The bytes are no frame. The words go to the sender; `over` ends the connection."""

    def __init__(self, words: str, *, over: bool = True) -> None:
        super().__init__(words)
        self.over = over


class Frames:
    """The frames of one connection, however the network cuts them."""

    def __init__(self, reader: asyncio.StreamReader, limits: Limits) -> None:
        self.reader, self.limits, self.kept = reader, limits, bytearray()

    async def next(self) -> bytes | None:
        """The next content; None when the sender has gone. Raises Refusal."""
        if not await self._begin():
            return None
        try:
            async with asyncio.timeout(self.limits.frame_seconds):
                return await self._rest()
        except TimeoutError as error:
            raise Refusal("The message has no end (FS CR).") from error

    async def _begin(self) -> bool:
        """Wait for the first byte that says something; line ends between frames do not."""
        while True:
            self.kept[:] = self.kept.lstrip(b"\r\n\0 \t" + FS)
            if self.kept:
                return True
            try:
                async with asyncio.timeout(self.limits.idle_seconds):
                    if not await self._more():
                        return False
            except TimeoutError:
                return False

    async def _rest(self) -> bytes:
        seen = 0
        while (end := self.kept.find(FS, seen)) < 0:
            again = self.kept.find(VT, max(seen, 1))
            if again > 0:
                del self.kept[:again]
                raise Refusal("A message began before the one before it had ended (FS CR).", over=False)
            seen = len(self.kept)
            if seen > self.limits.message_bytes:
                raise Refusal(f"The message is larger than {self.limits.message_bytes:,} bytes.")
            if not await self._more():
                raise Refusal("The message has no end (FS CR).")
        if (again := self.kept.find(VT, 1, end)) > 0:
            del self.kept[:again]
            raise Refusal("A message began before the one before it had ended (FS CR).", over=False)
        content = bytes(self.kept[:end]).removeprefix(VT)
        del self.kept[: end + 1]
        if len(content) > self.limits.message_bytes:
            raise Refusal(f"The message is larger than {self.limits.message_bytes:,} bytes.")
        return content

    async def _more(self) -> bool:
        chunk = await self.reader.read(CHUNK)
        self.kept += chunk
        return bool(chunk)


class Listener:
    def __init__(self, routes: Routes, limits: Limits | None = None, *, tests: bool = False) -> None:
        self.routes, self.limits, self.tests = routes, limits or Limits(), tests
        self.open = 0
        self.pool = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="hl7")

    async def start(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self.converse, host, port, limit=CHUNK)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its sender or a limit ends it. Whatever goes wrong in it ends this one only."""
        if self.open >= self.limits.connections:
            log.warning("MLLP: more than %s connections, one is refused", self.limits.connections)
            writer.close()
            return
        self.open += 1
        try:
            keep_alive(writer)
            await self._converse(Frames(reader, self.limits), writer)
        except (ConnectionError, TimeoutError, OSError) as error:
            log.info("MLLP: a connection ended (%s)", type(error).__name__)
        except Exception as error:
            log.error("MLLP: a connection ended by a fault of ours (%s)", type(error).__name__)
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _converse(self, frames: Frames, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        door = Door(self.routes, via=f"MLLP {peer[0] if peer else ''}".strip(), tests=self.tests)
        while True:
            try:
                content = await frames.next()
                if content is None:
                    return
                async for answer in self._answers(door, content):
                    await self._send(writer, answer)
            except Refusal as refusal:
                log.info("MLLP: %s", refusal)
                await self._send(writer, rejection(bytes(frames.kept[:200]), str(refusal)).encode())
                if refusal.over:
                    return

    async def _answers(self, door: Door, content: bytes) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        for answer in await loop.run_in_executor(self.pool, self._take, door, content):
            yield answer

    @staticmethod
    def _take(door: Door, content: bytes) -> list[bytes]:
        """In a thread. An empty frame is no message, and is told so."""
        try:
            taken = list(door.take_all(content))
            for one in taken:
                log.info("MLLP %s", one.word)
            if not taken:
                return [rejection(content, "The frame is empty.").encode()]
            return [answer for one in taken for answer in one.answers]
        except Exception as error:
            log.error("MLLP: a message could not be taken (%s)", type(error).__name__)
            return [rejection(content, "It cannot be stored now. Send it again later.", 207).encode()]
        finally:
            connections.close_all()

    async def _send(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(VT + answer + FS + CR)
        async with asyncio.timeout(self.limits.answer_seconds):
            await writer.drain()


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """A sender whose machine died is noticed, though it never says good-bye."""
    line: socket.socket | None = writer.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

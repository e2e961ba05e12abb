"""A bad network between two ends: it can cut, reset, swallow, delay, lose, be slow, and lose patience. A loss costs TCP a wait, and no byte."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
RESEND = 0.2  # seconds until TCP sends a lost packet again
WINDOW, PACKET = 8192, 1400  # bytes: of a slow line, so that what waits for it waits in the server
LOOK_EVERY = 0.2
ESTABLISHED = 1  # of tcp_info.tcpi_state


class Wire:
    """Listens on a port of this machine, and passes on to a target. Lives in the event loop of the clients."""

    def __init__(self, host: str, port: int, chance: random.Random, *, rate: float = 0, patience: float = 0) -> None:
        self.target, self.chance = (host, port), chance
        self.open: set[asyncio.StreamWriter] = set()
        self.onward: list[socket.socket] = []  # the ends at the target, of all connections that ever were
        self.delay = self.loss = 0.0
        self.rate = rate  # bytes per second towards the client; 0 is no limit
        self.patience = patience  # seconds without a byte in either direction after which it cuts; 0 is no limit
        self.refuses = False
        self.flows = asyncio.Event()
        self.flows.set()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=4096)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        self.flows.set()
        self.reset()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def swallow(self) -> None:
        """A black hole: nothing arrives any more, and nobody is told."""
        self.flows.clear()

    def go_on(self) -> None:
        self.flows.set()
        self.delay = self.loss = self.rate = self.patience = 0.0
        self.refuses = False

    def reset(self) -> None:
        for writer in list(self.open):
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()

    def kept_of(self, first: int) -> int:
        """How many of its first connections the target keeps. One that it ended is not kept, even while the last bytes come."""
        return sum(is_kept(end) for end in self.onward[:first])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            await self.flows.wait()
            if self.refuses:
                return
            there, back = await self._reach()
            self.open.add(back)
            line = Line()
            await self._both(self._pass(reader, back, line, 0), self._pass(there, writer, line, 1), self._bored(line))
            back.transport.abort()
            self.open.discard(back)
        except OSError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        end = socket.socket()
        end.setblocking(False)
        if self.rate:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, PACKET)
        await asyncio.get_running_loop().sock_connect(end, self.target)
        self.onward.append(end)
        return await asyncio.open_connection(sock=end, limit=4096)

    @staticmethod
    async def _both(*ways) -> None:
        tasks = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line, down: int) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1024 if self.rate else 65536):
                line.passed_at = time.monotonic()
                await self.flows.wait()
                if wait := self.delay + (RESEND if self.chance.random() < self.loss else 0):
                    await asyncio.sleep(wait)
                if self.rate and down:
                    await asyncio.sleep(len(data) / self.rate)
                    await self.flows.wait()
                writer.write(data)
                await writer.drain()

    async def _bored(self, line: Line) -> None:
        """Until nothing has passed for too long."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self.patience and time.monotonic() - line.passed_at > self.patience:
                return


class Line:
    """One connection through the wire."""

    def __init__(self) -> None:
        self.passed_at = time.monotonic()


def is_kept(end: socket.socket) -> bool:
    if end.fileno() < 0:
        return False
    return end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED

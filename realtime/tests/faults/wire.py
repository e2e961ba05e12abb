"""A bad network between two ends: it can cut, reset, swallow, delay, lose, and be slow. A loss costs TCP a wait, and no byte."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
RESEND = 0.2  # seconds until TCP sends a lost packet again


class Wire:
    """Listens on a port of this machine, and passes on to a target. Lives in the event loop of the clients."""

    def __init__(self, host: str, port: int, chance: random.Random) -> None:
        self.target, self.chance = (host, port), chance
        self.open: set[asyncio.StreamWriter] = set()
        self.delay = self.loss = 0.0
        self.rate = 0  # bytes per second towards the client; 0 is no limit
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
        self.delay = self.loss = 0.0
        self.rate, self.refuses = 0, False

    def reset(self) -> None:
        for writer in list(self.open):
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            await self.flows.wait()
            if self.refuses:
                return
            there, back = await asyncio.open_connection(*self.target, limit=4096)
            self.open.add(back)
            await self._both(self._pass(reader, back, 0), self._pass(there, writer, 1))
            back.transport.abort()
            self.open.discard(back)
        except OSError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    @staticmethod
    async def _both(*ways) -> None:
        tasks = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: int) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1024 if self.rate else 65536):
                await self.flows.wait()
                if wait := self.delay + (RESEND if self.chance.random() < self.loss else 0):
                    await asyncio.sleep(wait)
                if self.rate and down:
                    await asyncio.sleep(len(data) / self.rate)
                    await self.flows.wait()
                writer.write(data)
                await writer.drain()

"""The port where the load client says what to publish next: a number on each line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable


class Control:
    """Opened with the first request, since daphne knows no lifespan."""

    def __init__(self, publish: Callable[[list[int]], Awaitable[None]]) -> None:
        self.publish = publish
        self.opening: asyncio.Task | None = None

    async def open(self) -> None:
        if self.opening is None:
            self.opening = asyncio.ensure_future(asyncio.start_server(self.serve, "127.0.0.1", port()))
        await self.opening

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        while data := await reader.read(65536):
            *lines, rest = (rest + data).split(b"\n")
            await self.publish([int(line) for line in lines])
        writer.close()


def port() -> int:
    return int(os.environ["BENCH_CONTROL"])

"""The only socket there is: `/<tenant>/live/socket`. The client says how far it has seen, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import Error

from realtime.connection import Connection
from realtime.doorkeeper import Refusal, comes_from_here, header, identify
from realtime.hub import hub

BYTES, TOO_BIG, TRY_AGAIN = 4400, 4413, 4503  # of ours: daphne cannot send the standard ones
ROOM = 4096
CURSOR = re.compile(r"\A([0-9a-f-]{36}):(\d{1,18})\Z")

log = logging.getLogger(__name__)
threads = ThreadPoolExecutor(4, thread_name_prefix="live-door")


class LiveConsumer:
    """An ASGI application. No message of the client chooses what is called."""

    async def __call__(self, scope: dict, receive: Callable[[], Awaitable[dict]], send: Callable) -> None:
        await receive()
        if not comes_from_here(scope):
            log.warning("socket refused: origin %r, host %r", header(scope, b"origin"), header(scope, b"host"))
            await send({"type": "websocket.close", "code": 403})
            return
        connection = await self.let_in(scope, send)
        if connection is None:
            return
        try:
            async for text in texts(receive):
                self.hear(connection, text)
        finally:
            connection.is_open = False
            hub().leave(connection)

    async def let_in(self, scope: dict, send: Callable) -> Connection | None:
        """Accept even those who are refused: a browser shows a page the code of a close, but not that of a handshake."""
        loop, cookies, query = asyncio.get_running_loop(), header(scope, b"cookie"), scope["query_string"]
        try:
            identity = await loop.run_in_executor(threads, identify, scope["tenant_slug"], cookies, query)
        except (Refusal, Error) as error:
            code = error.code if isinstance(error, Refusal) else TRY_AGAIN
            log.info("socket refused: %s for %s", code, scope["tenant_slug"])
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": code})
            return None
        await send({"type": "websocket.accept"})
        return Connection(identity.tenant_id, identity.person_id, identity.role, send)

    def hear(self, connection: Connection, text: str | None) -> None:
        """What is not understood is ignored, so that pages and servers of different releases get on."""
        if text is None or len(text) > ROOM:
            connection.close(BYTES if text is None else TOO_BIG)
            return
        message = parsed(text)
        if position := CURSOR.match(str(message.get("resume", ""))):
            hub().resume(connection, position[1], int(position[2]))
        elif message.get("resume") == "":
            hub().resume(connection, "", 0)
        elif type(message.get("ack")) is int:
            connection.acknowledged = max(connection.acknowledged, message["ack"])


async def texts(receive: Callable[[], Awaitable[dict]]) -> AsyncIterator[str | None]:
    """What the client sends, until it goes. Bytes are none of our protocol."""
    while (message := await receive())["type"] == "websocket.receive":
        yield message.get("text")


def parsed(text: str) -> dict:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}

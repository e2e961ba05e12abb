"""The only socket there is: `/<tenant>/live/socket`. The client says how far it has seen, and little else."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from realtime import figures, presence
from realtime.connection import Connection
from realtime.door import door
from realtime.doorkeeper import Refusal, asker_of, comes_from_here, header
from realtime.hub import hub
from realtime.limits import BYTES
from realtime.outlet import Send, outlet_of

NOT_OURS, TOO_BIG, TOO_MUCH = 1008, 1009, 1008
CURSOR = re.compile(r"\A([0-9a-f-]{36}):(\d{1,18})\Z")

log = logging.getLogger(__name__)


def resume(connection: Connection, message: dict[str, Any]) -> None:
    if message.get("again") is True:
        figures.count(connection.asker.slug, figures.AGAIN)
    if position := CURSOR.match(str(message["resume"])):
        hub().resume(connection, position[1], int(position[2]))
    elif message["resume"] == "":
        hub().resume(connection, "", 0)


def acknowledge(connection: Connection, message: dict[str, Any]) -> None:
    if type(message["ack"]) is int:
        hub().acknowledge(connection, message["ack"])


# What a message may be about, and who hears it; whatever else a client names is ignored.
HEARS: dict[str, Callable[[Connection, dict[str, Any]], None]] = {
    "resume": resume,
    "ack": acknowledge,
    "here": presence.hear,
}
# Who is told that a socket is gone.
LEAVES: tuple[Callable[[Connection], None], ...] = (presence.leave,)


class LiveConsumer:
    """An ASGI application. No message of the client chooses what is called."""

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict]], send: Send) -> None:
        await receive()
        connection = await let_in(scope, send)
        scope.clear()  # a server keeps it as long as the socket is open
        if connection is None:
            return
        heard = partial(hear, connection)
        connection.outlet.listen(heard)
        try:
            async for text in texts(receive):
                heard(text)
        finally:
            connection.is_open = False
            for leave in (hub().leave, *LEAVES):
                leave(connection)


async def let_in(scope: dict[str, Any], send: Send) -> Connection | None:
    """Accept even those who are refused: a browser shows a page the code of a close, but not that of a handshake."""
    if not comes_from_here(scope):
        log.warning("socket refused: origin %r, host %r", header(scope, b"origin"), header(scope, b"host"))
        figures.count(scope["tenant_slug"], f"{figures.REFUSED} 403")
        await send({"type": "websocket.close", "code": 403})
        return None
    asker, outlet = asker_of(scope["tenant_slug"], scope), outlet_of(scope, send)
    identity = await door().identify(asker)
    await send({"type": "websocket.accept"})
    if isinstance(identity, Refusal):
        log.info("socket refused: %s for %s", identity.code, asker.slug)
        figures.count(asker.slug, f"{figures.REFUSED} {identity.code}")
        outlet.close(identity.code)
        await outlet.sent()
        return None
    connection = Connection(asker, identity, outlet)
    hub().enter(connection)
    figures.count(asker.slug, figures.OPENED)
    return connection


def hear(connection: Connection, text: str | None) -> None:
    """What is not understood is ignored, so that pages and servers of different releases get on."""
    if not connection.is_open:
        return
    if text is None:
        connection.close(NOT_OURS)
    elif len(text) > BYTES:
        connection.close(TOO_BIG)
    elif not connection.messages.take():
        log.info("a socket of %s says too much", connection.person_id)
        connection.close(TOO_MUCH)
    else:
        message = parsed(text)
        for key in HEARS.keys() & message.keys():
            try:
                HEARS[key](connection, message)
            except Exception:
                log.exception("%s of a socket could not be heard", key)


async def texts(receive: Callable[[], Awaitable[dict]]) -> AsyncIterator[str | None]:
    """What the client sends, until it goes. Bytes are none of our protocol."""
    while (message := await receive())["type"] == "websocket.receive":
        yield message.get("text")


def parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}

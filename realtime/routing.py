"""Where sockets go: one address for each tenant."""

from __future__ import annotations

import re
from collections.abc import Callable

from realtime.consumer import LiveConsumer

ADDRESS = re.compile(r"\A/([a-z0-9][a-z0-9-]{1,48})/live/socket\Z")
live = LiveConsumer()


async def sockets(scope: dict, receive: Callable, send: Callable) -> None:
    match = ADDRESS.match(scope["path"])
    if match is None:
        await receive()
        await send({"type": "websocket.close", "code": 403})
        return
    scope["tenant_slug"] = match[1]
    await live(scope, receive, send)

"""An application for tests of servers: it writes what a client asks for, through the outlet that the server offers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime.outlet import Message, outlet_of


async def application(scope: dict, receive: Callable, send: Callable) -> None:
    if scope["type"] == "http":
        await answer(scope, send)
        return
    await receive()
    outlet = outlet_of(scope, send)
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        verb, _, rest = (message.get("text") or "bytes").partition(" ")
        if verb == "write":
            for size in rest.split():
                outlet.write(Message("ä" * (int(size) // 2) + "x" * (int(size) % 2)))
        elif verb == "queued":
            queued = [outlet.write(Message("x" * 100_000)) for _ in range(int(rest))]
            await asyncio.sleep(0.2)
            outlet.write(Message(str(max(queued))))
        elif verb == "close":
            outlet.write(Message("before"))
            outlet.close(int(rest))
            outlet.write(Message("after"))
        else:
            outlet.write(Message(f"heard {verb}"))


async def answer(scope: dict, send: Callable) -> None:
    """`/3` answers after three seconds."""
    seconds = scope["path"].strip("/")
    await asyncio.sleep(float(seconds) if seconds.isdigit() else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})

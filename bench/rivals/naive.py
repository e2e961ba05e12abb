"""The usual Channels way: one consumer and one subscription per socket, each message sent by each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from bench.rivals.control import Control
from bench.rivals.words import fragment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hospital.settings")
http = get_asgi_application()

GROUP = "bench"


class Published:
    """How many there were, so that a page knows where it begins."""

    count = 0


class Page(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        if not self.scope["user"].is_authenticated:
            await self.close()
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(json.dumps({"prev": 0, "head": Published.count}))

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Acknowledgements are not used."""

    async def visit_created(self, message: dict) -> None:
        seq = message["seq"]
        await self.send(json.dumps({"prev": seq - 1, "seq": seq, "html": [message["html"]]}))


async def publish(numbers: list[int]) -> None:
    for number in numbers:
        Published.count += 1
        message = {"type": "visit.created", "seq": Published.count, "html": fragment(number)}
        await get_channel_layer().group_send(GROUP, message)


control = Control(publish)
router = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(Page.as_asgi())})


async def application(scope: dict, receive: Callable, send: Callable) -> None:
    await control.open()
    await router(scope, receive, send)

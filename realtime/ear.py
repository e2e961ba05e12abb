"""Listens for hints on the channel layer, and notices by itself when nothing can be heard any more.

The layer loses its subscription silently when Valkey goes away. So each process sends itself an echo, and subscribes
anew when it has not heard even that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from uuid import UUID

from channels.layers import get_channel_layer

from realtime import groups, hints

PATIENCE = 1.0
ECHO_EVERY = 2.0
DEAF_AFTER = 5.0
RETRY = 1.0

log = logging.getLogger(__name__)


class Ear:
    def __init__(self, tell: Callable[[Iterable[UUID]], None]) -> None:
        self.tell = tell
        self.layer = get_channel_layer()
        self.heard_at = 0.0
        self.hears = True

    async def listen(self) -> None:
        while True:
            reason = "the subscription is lost"
            try:
                await self._until_deaf()
            except Exception as error:
                reason = str(error) or type(error).__name__
            if self.hears:
                log.warning("no hints from the layer, trying on: %s", reason)
            self.hears = False
            with suppress(Exception):
                await asyncio.wait_for(self.layer.flush(), PATIENCE)
            await asyncio.sleep(RETRY)

    async def _until_deaf(self) -> None:
        channel = await asyncio.wait_for(self.layer.new_channel(), PATIENCE)
        await asyncio.wait_for(self.layer.group_add(groups.HINTS, channel), PATIENCE)
        self.heard_at = time.monotonic()
        receiving = asyncio.ensure_future(self._receive(channel))
        try:
            while time.monotonic() - self.heard_at < DEAF_AFTER:
                await asyncio.wait_for(self.layer.send(channel, groups.echo()), PATIENCE)
                await asyncio.sleep(ECHO_EVERY)
        finally:
            with suppress(Exception):  # forgets the channel first, so that cancelling does not wait for Valkey
                await asyncio.wait_for(self.layer.flush(), PATIENCE)
            receiving.cancel()

    async def _receive(self, channel: str) -> None:
        while True:
            message = await self.layer.receive(channel)
            self.heard_at, self.hears = time.monotonic(), True
            if message["type"] == groups.HINT and message.get("by") != hints.publisher.name:
                self.tell(UUID(tenant_id) for tenant_id in message["tenants"])

"""After a commit, tell the hubs of all processes that a tenant's log has grown.

A hint may be lost: every hub reads the log each second anyway. So a hint never makes anybody wait: a thread of its
own publishes what has gathered, gives up after 250 ms, and then leaves the layer alone for a while.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from uuid import uuid4

from channels.layers import get_channel_layer

from realtime import groups

Nearby = Callable[[str], object]

PATIENCE = 0.25
PAUSE_AFTER_FAILURE = 2.0

log = logging.getLogger(__name__)


class Publisher:
    """A thread with an event loop, which owns publishing in this process."""

    def __init__(self) -> None:
        self.pending: set[str] = set()
        self.lock = threading.Lock()
        self.closed_until = 0.0
        self.idle = threading.Event()
        self.idle.set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.name = uuid4().hex  # by which this process knows its own hints again
        self.nearby: set[Nearby] = set()

    def tell_nearby(self, tenant_id: str) -> None:
        """The hubs of this process need no layer."""
        for tell in list(self.nearby):
            try:
                tell(tenant_id)
            except RuntimeError:  # its event loop has ended
                self.nearby.discard(tell)

    def publish(self, tenant_id: str) -> None:
        with self.lock:
            self.pending.add(tenant_id)
            if not self.idle.is_set():
                return
            self.idle.clear()
        self._loop().call_soon_threadsafe(self._begin)

    def flush(self, seconds: float = PATIENCE) -> bool:
        return self.idle.wait(seconds)

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                threading.Thread(target=self.loop.run_forever, name="live-hints", daemon=True).start()
            return self.loop

    def _begin(self) -> None:
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while tenants := self._take():
            if time.monotonic() < self.closed_until:
                continue
            try:
                hint = groups.hint(tenants, self.name)
                await asyncio.wait_for(get_channel_layer().group_send(groups.HINTS, hint), PATIENCE)
            except Exception as error:
                self.closed_until = time.monotonic() + PAUSE_AFTER_FAILURE
                log.warning("no hints for %s s: %s", PAUSE_AFTER_FAILURE, error or type(error).__name__)

    def _take(self) -> list[str]:
        with self.lock:
            tenants = sorted(self.pending)
            self.pending.clear()
            if not tenants:
                self.idle.set()
            return tenants


publisher = Publisher()


def publish(tenant_id: str) -> None:
    """Never waits and never raises on account of the layer."""
    publisher.tell_nearby(tenant_id)
    publisher.publish(tenant_id)


def flush() -> None:
    publisher.flush()


def start_afresh() -> None:
    """A forked child (a Celery worker) has the object, but not its thread."""
    global publisher
    publisher = Publisher()


os.register_at_fork(after_in_child=start_afresh)
atexit.register(flush)

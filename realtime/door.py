"""Those who knock within the same few milliseconds are looked up together: a thousand pages come back at once."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from realtime.doorkeeper import LOG_IN, Asker, Identity, Refusal, identify_all
from realtime.limits import HANDSHAKES, HANDSHAKES_EACH_SECOND, Allowances

GATHER = 0.004
AT_ONCE = 500
TRY_AGAIN, TOO_OFTEN = 4503, 1008

log = logging.getLogger(__name__)
thread = ThreadPoolExecutor(1, thread_name_prefix="live-door")


class Door:
    def __init__(self) -> None:
        self.waiting: list[tuple[Asker, asyncio.Future[Identity | Refusal]]] = []
        self.opening: asyncio.Task[None] | None = None
        self.knocks = Allowances(HANDSHAKES, HANDSHAKES_EACH_SECOND)

    async def identify(self, asker: Asker) -> Identity | Refusal:
        """Who asks too often is not even looked up, nor who brings no session."""
        if not asker.session_key:
            return Refusal(LOG_IN)
        if not self.knocks.take(asker.session_key):
            return Refusal(TOO_OFTEN)
        answer: asyncio.Future[Identity | Refusal] = asyncio.get_running_loop().create_future()
        self.waiting.append((asker, answer))
        if self.opening is None or self.opening.done():
            self.opening = asyncio.ensure_future(self._open())
        return await answer

    async def _open(self) -> None:
        await asyncio.sleep(GATHER)
        while self.waiting:
            group, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
            for (_, answer), found in zip(group, await self._found([asker for asker, _ in group]), strict=True):
                if not answer.done():
                    answer.set_result(found)

    async def _found(self, askers: list[Asker]) -> list[Identity | Refusal]:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, identify_all, askers)
        except Exception as error:
            log.warning("%s sockets could not be looked up: %s", len(askers), error or type(error).__name__)
            return [Refusal(TRY_AGAIN)] * len(askers)


_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, Door] = WeakKeyDictionary()


def door() -> Door:
    """The door of this event loop."""
    return _doors.setdefault(asyncio.get_running_loop(), Door())

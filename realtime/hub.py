"""One reader per process: from the log of each tenant with open sockets to those sockets.

A socket joins by telling how far its page has seen (`resume`), gets what is missing, and from then on what is new. Both
happen in the same turn of the one loop, so nothing is missed and nothing comes twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import cast
from uuid import UUID
from weakref import WeakKeyDictionary

from realtime import figures, hints, limits
from realtime.connection import TOO_SLOW, Connection, Parcel
from realtime.ear import Ear
from realtime.log import Log, Page, Row
from realtime.look import Asked, look
from realtime.models import cursor
from realtime.outlet import Message
from realtime.paint import Painted, frame, thread
from realtime.revocation import Watch, listen

EVERY = 1.0  # seconds between two looks at the log, whether or not a hint came
HEARTBEAT = 5.0
SWEEP = 1.0
FRESH = 3.0  # a heartbeat says "live" only if the log was read that recently
RETRY = 0.5
TOO_MUCH = 1008
AT_ONCE = 50  # heartbeats without a pause

log = logging.getLogger(__name__)


class Stream:
    """A tenant's sockets in this process, and how far they have been served."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.epoch: UUID | None = None
        self.seq = 0
        self.read_at = float("-inf")
        self.members: dict[str, set[Connection]] = defaultdict(set)
        self.waiting: dict[Connection, tuple[str, int]] = {}

    @property
    def is_empty(self) -> bool:
        return not self.waiting and not any(self.members.values())

    def resume(self, connection: Connection, epoch: str, seq: int) -> None:
        if connection in self.members[connection.role]:
            figures.count(connection.asker.slug, figures.GAPS)
        self.members[connection.role].discard(connection)
        self.waiting[connection] = (epoch, seq)

    def leave(self, connection: Connection) -> None:
        self.members[connection.role].discard(connection)
        self.waiting.pop(connection, None)

    def known(self) -> int:
        """The number after which rows are wanted."""
        known = [seq for epoch, seq in self.waiting.values() if epoch == str(self.epoch or epoch)]
        return min([self.seq, *known] if self.epoch else known, default=self.seq)

    def take(self, page: Page, joining: dict[Connection, tuple[str, int]], painted: dict[str, list[Painted]]) -> None:
        """Serve the members what is new, and whoever joins what is missing. Waits for nothing: rights were just checked."""
        self.read_at = time.monotonic()
        if self.epoch is None:
            self.epoch, self.seq = page.epoch, page.head
        continues, before = page.epoch == self.epoch and page.reaches(self.seq), self.seq
        self.epoch, self.seq = page.epoch, page.head
        try:
            if continues:
                self.dispatch(before, painted)
            else:
                self.resync(self.connections())
            self.let_join(page, joining, painted)
        except Exception:
            log.exception("tenant %s is not served; its pages fetch what they show", self.tenant_id)
            self.make_good()

    def let_join(
        self, page: Page, joining: dict[Connection, tuple[str, int]], painted: dict[str, list[Painted]]
    ) -> None:
        for connection, position in joining.items():
            if self.waiting.get(connection) == position:
                del self.waiting[connection]
                self.members[connection.role].add(connection)
                self.join(connection, *position, page, painted)

    def make_good(self) -> None:
        """Nobody knows who was told what. One that cannot be told even this comes in anew."""
        for connection in self.connections():
            try:
                self.resync([connection])
            except Exception:
                log.exception("a socket of %s cannot be written to", connection.person_id)
                connection.cut_off()

    def asks(self, joining: dict[Connection, tuple[str, int]]) -> Asked:
        served = {role: self.seq for role, members in self.members.items() if members}
        return Asked(self.known(), served, [(connection.role, *position) for connection, position in joining.items()])

    def dispatch(self, before: int, painted: dict[str, list[Painted]]) -> None:
        for role, members in self.members.items():
            if new := [item for item in painted.get(role, ()) if item.row.seq > before]:
                self.send(members, new)

    def join(self, connection: Connection, epoch: str, seq: int, page: Page, painted: dict[str, list[Painted]]) -> None:
        connection.start_afresh(seq)
        if epoch != str(page.epoch) or not page.reaches(seq):
            self.resync([connection])
        elif missed := [item for item in painted.get(connection.role, ()) if item.row.seq > seq]:
            self.send([connection], missed)
        self.tell_head([connection])

    def send(self, connections: Iterable[Connection], painted: list[Painted]) -> None:
        """One write for each socket that hears anything of it. The others learn the number with the next heartbeat."""
        narrow = [item.row for item in painted if item.row.is_personal]
        parcels: dict[object, Parcel | None] = {}
        for connection in connections:
            key = (connection.heard, *heard_of(narrow, connection)) if narrow else connection.heard
            if key not in parcels:
                parcels[key] = parcel_for(connection, painted)
            parcel = parcels[key]
            if parcel is None:
                continue
            if parcel.fits:
                connection.deliver(parcel)
            else:
                self.resync([connection])

    def resync(self, connections: Iterable[Connection]) -> None:
        message = Message({"resync": cursor(cast(UUID, self.epoch), self.seq)})
        for connection in connections:
            connection.start_afresh(self.seq)
            connection.write(message)
            figures.count(connection.asker.slug, figures.RESYNCS)

    def acknowledge(self, connection: Connection, seq: int) -> None:
        connection.acknowledge(seq)
        if connection.is_behind and not connection.owed:
            self.resync([connection])

    async def beat(self) -> None:
        """Bit by bit: what is new does not wait until all have been told that nothing is."""
        for some in batched(self.connections(), AT_ONCE):
            if time.monotonic() - self.read_at < FRESH:
                self.tell_head(one for one in some if one in self.members[one.role])
            await asyncio.sleep(0)

    def tell_head(self, connections: Iterable[Connection]) -> None:
        heads: dict[int, Message] = {}
        for connection in connections:
            if connection.is_behind:
                continue
            if connection.heard not in heads:
                heads[connection.heard] = Message({"prev": connection.heard, "head": self.seq})
            connection.write(heads[connection.heard])
            connection.heard = self.seq

    def connections(self) -> list[Connection]:
        return [connection for members in self.members.values() for connection in members]


def batched(connections: list[Connection], size: int) -> Iterable[list[Connection]]:
    return (connections[start : start + size] for start in range(0, len(connections), size))


def heard_of(rows: list[Row], connection: Connection) -> list[tuple[bool, bool]]:
    person = connection.person_id
    return [(row.heard_by(connection.role, person), row.is_louder_for(person)) for row in rows]


def parcel_for(connection: Connection, painted: list[Painted]) -> Parcel | None:
    """What this socket hears of it, and all that were told as much before; None if that is nothing."""
    person = connection.person_id
    heard = [item.for_person(person) for item in painted if item.words and item.row.heard_by(connection.role, person)]
    if not heard:
        return None
    seq = painted[-1].row.seq
    return Parcel(frame(connection.heard, seq, heard), seq, len(heard))


class Hub:
    def __init__(self) -> None:
        self.streams: dict[UUID, Stream] = {}
        self.people: dict[UUID, set[Connection]] = {}
        self.log = Log()
        self.watch = Watch(self.log, self.connections, self.leave)
        self.due: set[UUID] = set()
        self.wake = asyncio.Event()
        self.says_why = True
        works = (
            self.read(),
            self.tick(),
            self.beat(),
            self.sweep(),
            Ear(self.hint).listen(),
            listen(self.wake.set),
            figures.report(self),
        )
        self.tasks = [asyncio.ensure_future(work) for work in works]
        loop = asyncio.get_running_loop()
        hints.publisher.nearby.add(lambda tenant_id: loop.call_soon_threadsafe(self.hint, [UUID(tenant_id)]))

    def enter(self, connection: Connection) -> None:
        """One too many is sent away, not an old one: that would come back, and push out the next. A dead one goes by itself."""
        theirs = self.people.setdefault(connection.person_id, set())
        if sum(other.is_open for other in theirs) >= limits.SOCKETS:
            log.info("%s has too many sockets open", connection.person_id)
            connection.close(TOO_MUCH)
            return
        theirs.add(connection)
        self.watch.enter(connection)

    def leave(self, connection: Connection) -> None:
        theirs = self.people.get(connection.person_id, set())
        theirs.discard(connection)
        if not theirs:
            self.people.pop(connection.person_id, None)
        stream = self.streams.get(connection.tenant_id)
        if stream:
            stream.leave(connection)
            if stream.is_empty:
                del self.streams[connection.tenant_id]

    def connections(self) -> list[Connection]:
        """All that are open, of all tenants, also those that have not said yet how far they have seen."""
        return [connection for theirs in self.people.values() for connection in theirs if connection.is_open]

    def resume(self, connection: Connection, epoch: str, seq: int) -> None:
        stream = self.streams.setdefault(connection.tenant_id, Stream(connection.tenant_id))
        stream.resume(connection, epoch, seq)
        self.hint([connection.tenant_id])

    def acknowledge(self, connection: Connection, seq: int) -> None:
        stream = self.streams.get(connection.tenant_id)
        if stream:
            stream.acknowledge(connection, seq)

    def hint(self, tenant_ids: Iterable[UUID]) -> None:
        self.due.update(tenant_id for tenant_id in tenant_ids if tenant_id in self.streams)
        if self.due:
            self.wake.set()

    async def tick(self) -> None:
        """A hint may be lost."""
        while True:
            self.look_at_all()
            await asyncio.sleep(EVERY)

    def look_at_all(self) -> None:
        self.due.update(self.streams)
        self.wake.set()

    async def read(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            due, self.due = self.due, set()
            try:
                await self.turn([self.streams[tenant_id] for tenant_id in due if tenant_id in self.streams])
                self.says_why = True
            except Exception as error:
                if self.says_why:
                    log.warning("the log cannot be read, trying on: %s", error or type(error).__name__)
                self.says_why = False
                await asyncio.sleep(RETRY)
                self.look_at_all()

    async def turn(self, streams: list[Stream]) -> None:
        """What is new, to those who may still see it: read and rendered first, then whose rights have changed."""
        if not self.people:
            return
        joining = {stream.tenant_id: dict(stream.waiting) for stream in streams}
        asked = {stream.tenant_id: stream.asks(joining[stream.tenant_id]) for stream in streams}
        seen = await asyncio.get_running_loop().run_in_executor(thread, look, self.log, asked, self.watch.question)
        await self.watch.check(seen.notes)
        for stream in streams:
            tenant_id = stream.tenant_id
            if tenant_id in seen.painted:
                stream.take(seen.pages[tenant_id], joining[tenant_id], seen.painted[tenant_id])

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            for stream in list(self.streams.values()):
                await stream.beat()

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            now = time.monotonic()
            for connection in self.connections():
                if connection.is_too_slow(now):
                    log.info("a socket of %s does not keep up", connection.person_id)
                    connection.close(TOO_SLOW)
                    figures.count(connection.asker.slug, figures.SLOW)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of this event loop, started by the first socket (daphne knows no lifespan)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]

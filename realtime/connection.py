"""One open socket, as the hub sees it: who listens, how far it has seen, and what it has not acknowledged yet."""

from __future__ import annotations

import time
from collections import deque
from uuid import UUID

from realtime.doorkeeper import Asker, Identity
from realtime.limits import MESSAGES, MESSAGES_EACH_SECOND, Allowance
from realtime.outlet import Frames, Message, Outlet

EVENTS, BYTES = 200, 256 * 1024  # unacknowledged at most, unless they came in one
QUEUED = 512 * 1024  # in this process, for one socket: then it is cut off
PATIENCE = 13.0  # for an acknowledgement of each message; what closes it then takes up to two seconds
TOO_SLOW = 4429


class Parcel(Message):
    """A message with events, to be acknowledged by their last number."""

    __slots__ = ("at", "events", "fits", "seq", "size")

    def __init__(self, text: str, seq: int, events: int) -> None:
        super().__init__(text)
        self.seq, self.events, self.size = seq, events, len(self)
        self.fits = self.size <= BYTES
        self.at = time.monotonic()


class Connection:
    __slots__ = (
        "__weakref__",
        "acknowledged",
        "asker",
        "events",
        "heard",
        "identity",
        "is_behind",
        "is_open",
        "messages",
        "outlet",
        "owed",
        "put",
        "size",
    )

    def __init__(self, asker: Asker, identity: Identity, outlet: Outlet) -> None:
        self.asker, self.identity, self.outlet = asker, identity, outlet
        self.put = outlet.put if isinstance(outlet, Frames) else None  # one call less for each socket
        self.is_open = True
        self.heard = 0  # the number up to which it was told everything that it may hear
        self.is_behind = False  # it was sent too much at once: it gets nothing more, and a resync once it has caught up
        self.acknowledged = 0
        self.owed: deque[Parcel] = deque()
        self.events = self.size = 0  # of what it owes an acknowledgement for
        self.messages = Allowance(MESSAGES, MESSAGES_EACH_SECOND)

    @property
    def tenant_id(self) -> UUID:
        return self.identity.tenant_id

    @property
    def person_id(self) -> UUID:
        return self.identity.person_id

    @property
    def role(self) -> str:
        return self.identity.role

    @property
    def session_key(self) -> str:
        return self.identity.session_key

    def write(self, message: Message | str) -> None:
        """Never waits for this socket. One that takes nothing any more is cut off. Make a Message of what goes to many."""
        message = Message(message) if isinstance(message, str) else message
        if self.is_open and self.outlet.write(message) > QUEUED:
            self.cut_off()

    def cut_off(self) -> None:
        self.is_open = False
        self.outlet.abort()

    def close(self, code: int) -> None:
        """From now on not one frame goes out, and nothing that comes in is heard."""
        if self.is_open:
            self.is_open = False
            self.outlet.close(code)

    def deliver(self, parcel: Parcel) -> None:
        """Write it, unless the page has yet to acknowledge what it was sent before. Runs for each socket of a role."""
        if self.owed and (self.is_behind or self.events + parcel.events > EVENTS or self.size + parcel.size > BYTES):
            self.is_behind = True
            return
        self.owed.append(parcel)
        self.events += parcel.events
        self.size += parcel.size
        self.heard = parcel.seq
        if self.is_open and (self.put(parcel.frame) if self.put else self.outlet.write(parcel)) > QUEUED:
            self.cut_off()

    def acknowledge(self, seq: int) -> None:
        """Costs nothing of what the page may say: it acknowledges as often as it is sent something."""
        self.acknowledged = max(self.acknowledged, seq)
        if self.owed and self.owed[0].seq <= seq:
            self.messages.give_back()
        while self.owed and self.owed[0].seq <= seq:
            parcel = self.owed.popleft()
            self.events -= parcel.events
            self.size -= parcel.size

    def start_afresh(self, seq: int) -> None:
        """The page has, or takes from the database, everything up to here: what it was sent before counts no more."""
        self.heard = seq
        self.owed.clear()
        self.events = self.size = 0
        self.is_behind = False

    def is_too_slow(self, now: float) -> bool:
        """One that acknowledges, but ever later, would show what was true minutes ago and call itself live."""
        return bool(self.owed) and now - self.owed[0].at > PATIENCE

"""Who else looks at the same thing, and which part of it they are editing. A courtesy: never a lock, never a truth.

A page says every few seconds that it is still there (`hear`). Its seat stands in Valkey for twenty seconds at most, so
that a process that is killed leaves nobody behind. Whoever changes something tells all processes, and each its sockets.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from realtime import valkey
from realtime.connection import Connection
from realtime.hub import hub
from realtime.outlet import Message
from realtime.sight import Sight, read

LASTS = 20.0  # seconds that a seat stands without a word
APART = 1.0  # between two changes of one seat
PAUSE_AFTER_FAILURE = 2.0
MICROSECONDS = 1_000_000
SILENCE, SILENCES = 5.0, 3  # a subscription that does not even answer a ping so often is made anew

# Sets or clears one seat, by Valkey's own clock; drops those that have run out; tells everybody if anything changed.
SIT = """
local time = redis.call('TIME')
local now, lasts = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[3])
local rest, before, changed = {}, nil, false
local found = redis.call('HGETALL', KEYS[1])
for at = 1, #found, 2 do
    local seat = cjson.decode(found[at + 1])
    local stands = seat.ends > now and seat.ends <= now + lasts
    if stands and found[at] == ARGV[1] then before = seat
    elseif stands then rest[#rest + 1] = found[at + 1]
    else changed = redis.call('HDEL', KEYS[1], found[at]) == 1 end
end
if ARGV[2] == '' then
    changed = redis.call('HDEL', KEYS[1], ARGV[1]) == 1 or changed
else
    local seat = cjson.decode(ARGV[2])
    local same = before and before.part == seat.part
    seat.since, seat.ends, changed = same and before.since or now, now + lasts, changed or not same
    rest[#rest + 1] = cjson.encode(seat)
    redis.call('HSET', KEYS[1], ARGV[1], rest[#rest])
    redis.call('PEXPIRE', KEYS[1], lasts)
end
local answer = string.format('{"at":"%s","as_of":%s%06d,"seats":[%s]}', ARGV[5], time[1], time[2], table.concat(rest, ','))
if changed then redis.call('PUBLISH', ARGV[4], answer) end
return answer
"""

log = logging.getLogger(__name__)


class Seat:
    """A page that looks at a subject, through one socket."""

    def __init__(self, connection: Connection, sight: Sight) -> None:
        self.connection, self.sight = connection, sight
        self.id = uuid4().hex
        self.part = ""
        self.is_left = False
        self.as_of = 0
        self.heard_at = self.written_at = float("-inf")

    @property
    def place(self) -> str:
        return f"{self.sight.tenant_id.hex}:{self.sight.subject_id.hex}"

    @property
    def is_awake(self) -> bool:
        return not self.is_left and time.monotonic() - self.heard_at < LASTS

    def as_text(self) -> str:
        if self.is_left:
            return ""
        sight = self.sight
        seat = {"person": sight.person_id.hex, "name": sight.name, "role": sight.title, "part": self.part}
        return json.dumps(seat)

    def show(self, news: dict[str, Any]) -> None:
        """An answer and what other processes tell come on two ways. Much older news is newer, after Valkey's clock was put back."""
        if 0 < self.as_of - news["as_of"] < LASTS * MICROSECONDS:
            return
        self.as_of = news["as_of"]
        self.show_people(others(self.sight, news["seats"]))

    def show_people(self, people: list[dict[str, str]]) -> None:
        content = {"of": str(self.sight.subject_id), "people": people}
        self.connection.write(Message({"presence": content}))


def others(sight: Sight, seats: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """One entry for each other person: what they edit, rather than that they also only look; the newest of it."""
    found: dict[str, dict[str, Any]] = {}
    for seat in sorted(seats, key=lambda seat: (seat["part"] != "", seat["since"])):
        if seat["person"] != sight.person_id.hex:
            found[seat["person"]] = seat
    return [
        {"name": seat["name"], "role": seat["role"], "part": seat["part"] if seat["part"] in sight.parts else ""}
        for seat in sorted(found.values(), key=lambda seat: (seat["name"], seat["person"]))
    ]


class Board:
    """The seats of this process: one task writes them to Valkey, another hears of those of other processes."""

    def __init__(self) -> None:
        self.seats: dict[Connection, Seat] = {}
        self.at: dict[str, set[Seat]] = defaultdict(set)
        self.due: set[Seat] = set()
        self.wake = asyncio.Event()
        self.is_away = False
        self.valkey = valkey.asynchronous()
        self.tasks = [asyncio.ensure_future(work) for work in (self.write(), self.listen())]

    def hear(self, connection: Connection, sight: Sight, part: object) -> None:
        seat = self.seats.get(connection)
        if seat is None or seat.sight.subject_id != sight.subject_id:
            self.leave(connection)
            seat = self.seats[connection] = Seat(connection, sight)
            self.at[seat.place].add(seat)
        seat.sight, seat.heard_at = sight, time.monotonic()
        seat.part = part if isinstance(part, str) and part in sight.parts else ""
        self.write_soon(seat)

    def leave(self, connection: Connection) -> None:
        seat = self.seats.pop(connection, None)
        if seat:
            seat.is_left = True
            self.at[seat.place].discard(seat)
            if not self.at[seat.place]:
                del self.at[seat.place]
            self.write_soon(seat)

    def write_soon(self, seat: Seat) -> None:
        self.due.add(seat)
        self.wake.set()

    async def write(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            ready = self.ready()
            try:
                await self.write_all(ready)
                self.is_away = False
            except Exception as error:
                self.nobody_is_known(ready, error)
                await asyncio.sleep(PAUSE_AFTER_FAILURE)
            if self.due:
                asyncio.get_running_loop().call_later(APART / 4, self.wake.set)

    def ready(self) -> list[Seat]:
        """A seat that changes all the time is written once a second."""
        now = time.monotonic()
        ready = [seat for seat in self.due if seat.is_left or now - seat.written_at >= APART]
        self.due.difference_update(ready)
        for seat in ready:
            seat.written_at = now
        return ready

    async def write_all(self, ready: list[Seat]) -> None:
        if not ready:
            return
        async with self.valkey.pipeline(transaction=False) as pipeline:
            for seat in ready:
                keys, lasts = [valkey.name("here", seat.place)], int(LASTS * 1000)
                pipeline.eval(SIT, 1, *keys, seat.id, seat.as_text(), lasts, channel(), seat.place)
            answers = await asyncio.wait_for(pipeline.execute(), valkey.PATIENCE)
        for seat, answer in zip(ready, answers, strict=True):
            if not seat.is_left:
                self.show(seat, json.loads(answer))

    def show(self, seat: Seat, news: dict[str, Any]) -> None:
        """As with the log: nothing is pushed while nobody knows for sure who may still see it. Then it is tried again."""
        if not seat.sight.counts_for(seat.connection):
            self.leave(seat.connection)
            ask_again(seat.connection)
        elif hub().watch.is_sure:
            seat.show(news)
        else:
            self.write_soon(seat)

    def nobody_is_known(self, ready: list[Seat], error: Exception) -> None:
        """Who stays says so again by itself; who left runs out."""
        if not self.is_away:
            log.warning("presence shows nothing, trying on: %s", error or type(error).__name__)
        self.is_away = True
        for seat in ready:
            if not seat.is_left:
                seat.show_people([])

    async def listen(self) -> None:
        while True:
            with suppress(Exception):  # the writing task says what is wrong
                await self.listen_until_deaf()
            await asyncio.sleep(PAUSE_AFTER_FAILURE)

    async def listen_until_deaf(self) -> None:
        silences = 0
        async with self.valkey.pubsub() as subscription:
            await subscription.subscribe(channel())
            while silences < SILENCES:
                message = await subscription.get_message(timeout=SILENCE)
                silences = 0 if message else silences + 1
                if message is None:
                    await subscription.ping()
                elif message["type"] == "message":
                    self.tell(json.loads(message["data"]))

    def tell(self, news: dict[str, Any]) -> None:
        for seat in list(self.at.get(news["at"], ())):
            if seat.is_awake:
                self.show(seat, news)


def channel() -> str:
    return valkey.name("here")


def ask_again(connection: Connection) -> None:
    """Shows nobody. A page that still has the right fetches a new token for it."""
    connection.write(Message({"presence": {"people": [], "renew": True}}))


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Board] = WeakKeyDictionary()


def hear(connection: Connection, message: dict[str, Any]) -> None:
    """`{"here": token, "part": "diagnosis"}` of a page. A token that is not this socket's own is as good as none."""
    token, loop = message.get("here"), asyncio.get_running_loop()
    sight = read(token, connection) if isinstance(token, str) else None
    if sight is None:
        log.info("presence refused: person %s in %s", connection.person_id, connection.tenant_id)
        return
    if not sight.counts_for(connection):
        leave(connection)
        ask_again(connection)
        return
    if loop not in _boards:
        _boards[loop] = Board()
    _boards[loop].hear(connection, sight, message.get("part"))


def leave(connection: Connection) -> None:
    board = _boards.get(asyncio.get_running_loop())
    if board:
        board.leave(connection)

"""A page that does not keep up is sent nothing more, then told to fetch itself, or closed; and it costs the others nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from hospital.models import Membership
from realtime import hints
from realtime.connection import BYTES, EVENTS, PATIENCE, QUEUED, Connection, Parcel
from realtime.consumer import LiveConsumer
from realtime.doorkeeper import Asker, Identity
from realtime.hub import Stream
from realtime.log import Row
from realtime.models import Event
from realtime.outlet import Frames, Message, Plain, framed
from realtime.paint import Painted
from realtime.tests.listening import Listener, bare, cursor_of
from realtime.tests.test_limits import MB, memory_of
from realtime.tests.test_socket import grant, sign_in_often

EITHER = pytest.mark.parametrize("server", ["site", "daphne"])


@EITHER
def test_a_page_that_acknowledges_nothing_gets_200_events_and_a_resync_once_it_has_caught_up(request, alpha, server):
    site = request.getfixturevalue(server)
    with Listener(site, alpha, "admin") as page, Listener(site, alpha, "admin", name="Witness") as witness:
        page.joined(), witness.joined()
        page.acknowledges = False
        membership = grant(alpha)
        for _ in range(6):
            say_often(alpha, membership, EVENTS // 4)
            witness.until(lambda: witness.cursor == cursor_of(alpha), 20)
        assert count_of(page) <= EVENTS
        page.messages.clear()
        page.say({"ack": page.seq})
        page.until(lambda: page.messages, 20)
        assert page.messages[0] == {"resync": cursor_of(alpha)}
        page.acknowledges = True
        grant(alpha)
        page.hears("user:changed", seconds=20)


def say_often(hospital, membership: Membership, times: int) -> None:
    """Many events of one commit come in one message, if nothing else is under way."""
    with hospital.acting("admin"):
        for _ in range(times):
            Event.objects.create(
                name="user:changed", object_id=membership.pk, roles=["admin"], loudness={"admin": "info"}
            )
    hints.publish(str(hospital.tenant.pk))
    time.sleep(0.1)


def count_of(page: Listener) -> int:
    """How many events came, once nothing more comes, not even a heartbeat that would tell of a gap."""
    page.until(lambda: len(page.events) > EVENTS // 2, 30)
    page.messages.clear()
    page.listen(7)
    assert page.messages == [] or page.messages[-1].get("head") is None
    return len(page.events)


def test_a_page_that_acknowledges_nothing_is_closed_with_4429_and_misses_nothing_when_it_is_back(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        page.acknowledges = False
        grant(alpha)
        page.hears("user:changed", seconds=20)
        began = time.monotonic()
        assert page.closed_with(40) == 4429
        assert time.monotonic() - began > PATIENCE / 2
        grant(alpha, "Olaf")
        page.disconnect()
        page.acknowledges = True
        page.connect()
        page.hears("user:changed", seconds=20)
        assert page.cursor == cursor_of(alpha)


def test_a_page_that_owes_nothing_stays_open_for_as_long_as_it_likes(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        page.listen(PATIENCE + 5)
        page.messages.clear()
        page.until(lambda: page.messages, 20)


def test_a_reader_that_stops_costs_little_is_closed_and_disturbs_nobody(site, alpha):
    with Listener(site, alpha, "admin") as page, bare(site, alpha, "admin") as silent:
        page.joined()
        silent.sendall(resume(cursor_of(alpha)))
        grant(alpha)
        page.hears("user:changed", seconds=20)
        before = memory_of(site)
        for _ in range(30):
            sign_in_often(alpha, 20)
            page.until(lambda: page.cursor == cursor_of(alpha), 20)
        assert memory_of(site) - before < 2 * MB
        began = time.monotonic()
        with suppress(ConnectionError):
            while silent.recv(65536):
                assert time.monotonic() - began < 60


def resume(cursor: str) -> bytes:
    text = json.dumps({"resume": cursor}).encode()
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


# --- the connection, and the plain way of any server -----------------------------------------------


class Writings:
    """What an outlet of our own server would be given."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ends: list[object] = []
        self.queued = 0

    def write(self, frame: bytes) -> int:
        self.frames.append(frame)
        return self.queued

    def connection(self) -> Connection:
        offered = {
            "write": self.write,
            "close": self.ends.append,
            "abort": lambda: self.ends.append("cut"),
            "listen": lambda hear: None,
            "queued": lambda: self.queued,
        }
        identity = Identity(uuid4(), uuid4(), "admin", "key", time.monotonic())
        return Connection(Asker("alpha", "key"), identity, Frames(offered))


def parcel(seq: int, events: int = 1, size: int = 10) -> Parcel:
    return Parcel("x" * size, seq, events)


def test_at_most_256_kb_are_unacknowledged():
    writings = Writings()
    page = writings.connection()
    for seq in range(1, 10):
        page.deliver(parcel(seq, size=BYTES // 4))
    assert len(writings.frames) == 4
    assert page.is_behind
    assert page.heard == 4


@pytest.mark.parametrize(("size", "comes"), [(BYTES - 1000, "seq"), (BYTES, "resync")])
def test_what_is_too_long_for_one_message_is_fetched_as_a_page(size, comes):
    """Else a page that comes back would be sent more than it can read, and cut off, again and again."""
    writings = Writings()
    page = writings.connection()
    stream = Stream(page.tenant_id)
    stream.epoch, stream.seq = uuid4(), 8
    row = Row(8, "visit:created", uuid4(), None, {"admin": "info"}, frozenset({"admin"}), frozenset())
    stream.send([page], [Painted(row, ("", row.object_id), "x" * size, {"name": row.name})])
    [written] = writings.frames
    assert comes in json.loads(written[written.index(b"{") :])
    assert page.heard == 8
    assert not page.is_behind


def test_one_message_alone_may_hold_more_events_than_that():
    writings = Writings()
    page = writings.connection()
    page.deliver(parcel(500, events=500))
    page.deliver(parcel(501))
    assert len(writings.frames) == 1


def test_an_acknowledgement_makes_room_for_what_it_acknowledges():
    writings = Writings()
    page = writings.connection()
    for seq in range(1, EVENTS + 1):
        page.deliver(parcel(seq))
    page.acknowledge(EVENTS // 2)
    assert (page.events, page.size) == (EVENTS // 2, EVENTS // 2 * 10)
    page.deliver(parcel(EVENTS + 1))
    assert not page.is_behind
    page.acknowledge(10**9)
    assert (page.events, page.size, len(page.owed)) == (0, 0, 0)


def test_patience_is_for_the_oldest_message_that_is_not_acknowledged():
    """Else a page that reads a kilobyte a second would be minutes behind, and call itself live."""
    page = Writings().connection()
    for seq, ago in ((1, PATIENCE), (2, PATIENCE - 5), (3, 0.0)):
        sent = parcel(seq)
        sent.at -= ago
        page.deliver(sent)
    assert page.is_too_slow(time.monotonic() + 0.1)
    page.acknowledge(1)
    assert not page.is_too_slow(time.monotonic() + 4)
    assert page.is_too_slow(time.monotonic() + 6)
    page.acknowledge(3)
    assert not page.is_too_slow(time.monotonic() + 10 * PATIENCE)


def test_a_socket_that_takes_nothing_any_more_is_cut_off():
    writings = Writings()
    page = writings.connection()
    page.write("a")
    writings.queued = QUEUED + 1
    page.write("b")
    page.write("c")
    assert writings.ends == ["cut"]
    assert writings.frames == [framed(b"a"), framed(b"b")]


def test_after_its_close_a_connection_writes_nothing_and_closes_only_once():
    writings = Writings()
    page = writings.connection()
    page.write("a")
    page.close(4401)
    page.close(4403)
    page.write("b")
    page.deliver(parcel(1))
    assert (writings.frames, writings.ends) == ([framed(b"a")], [4401])


class Server:
    """Any ASGI server: it takes a message at once, or lets the sender wait."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.free.wait()
        self.taken.append(message.get("text", message.get("code")))


def together(test: Callable[[Server, Plain], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        server = Server()
        await asyncio.wait_for(test(server, Plain(server.send)), 20)

    asyncio.run(run())


def test_a_server_that_takes_messages_at_once_gets_all_of_them_in_one_turn_of_the_loop():
    async def test(server: Server, outlet: Plain) -> None:
        for text in "abc":
            outlet.write(Message(text))
        await asyncio.sleep(0)
        assert (server.taken, outlet.queued()) == (["a", "b", "c"], 0)

    together(test)


def test_what_waits_is_counted_and_goes_out_in_its_order():
    async def test(server: Server, outlet: Plain) -> None:
        server.free.clear()
        outlet.write(Message("aa"))
        await asyncio.sleep(0)
        assert [outlet.write(Message(text)) for text in ("bb", "cc")] == [2, 4]
        assert server.taken == []
        server.free.set()
        await outlet.sent()
        outlet.write(Message("dd"))
        await outlet.sent()
        assert server.taken == ["aa", "bb", "cc", "dd"]
        assert outlet.queued() == 0

    together(test)


def test_what_was_written_before_a_close_goes_out_before_it():
    async def test(server: Server, outlet: Plain) -> None:
        outlet.write(Message("a"))
        outlet.close(4401)
        outlet.write(Message("b"))
        await outlet.sent()
        assert server.taken == ["a", 4401]

    together(test)


def test_a_server_that_gives_up_after_a_time_stops_its_own_socket_and_not_the_writer():
    """`asyncio.timeout` cancels the task in which it was begun: that must not be the hub's."""

    async def test(server: Server, outlet: Plain) -> None:
        async def impatient(message: dict[str, Any]) -> None:
            async with asyncio.timeout(0.05):
                await server.free.wait()

        async def hub() -> str:
            outlet.write(Message("a"))
            await asyncio.sleep(0)
            await outlet.sent()
            return "goes on"

        outlet.send = impatient
        server.free.clear()
        assert await asyncio.create_task(hub()) == "goes on"
        assert outlet.is_closed

    together(test)


def test_who_refuses_a_socket_ends_only_when_the_close_is_sent():
    """An application that has ended is closed by the server, with a code of its own."""

    async def test(server: Server, outlet: Plain) -> None:
        async def late(message: dict[str, Any]) -> None:
            await asyncio.sleep(0.05)
            server.taken.append(message.get("code", message["type"]))

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        scope = {"scheme": "ws", "headers": headers, "query_string": b"", "tenant_slug": "alpha"}
        await LiveConsumer()(scope, receive, late)
        assert server.taken == ["websocket.accept", 4401]

    together(test)


def test_a_close_overtakes_what_waits_and_nothing_follows():
    async def test(server: Server, outlet: Plain) -> None:
        server.free.clear()
        for text in "abc":
            outlet.write(Message(text))
        await asyncio.sleep(0)
        outlet.close(4401)
        outlet.write(Message("d"))
        server.free.set()
        await outlet.sent()
        assert server.taken == ["a", 4401]

    together(test)


def test_a_socket_that_breaks_while_it_waits_takes_nothing_more():
    async def test(server: Server, outlet: Plain) -> None:
        async def broken(message: dict[str, Any]) -> None:
            await server.free.wait()
            raise OSError("gone")

        outlet.send = broken
        server.free.clear()
        outlet.write(Message("a"))
        outlet.write(Message("b"))
        await asyncio.sleep(0)
        server.free.set()
        await outlet.sent()
        outlet.write(Message("c"))
        outlet.close(4401)
        assert (outlet.is_closed, outlet.size, list(outlet.queue)) == (True, 0, [])

    together(test)

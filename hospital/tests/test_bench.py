"""The load client of bench/ counts right: what it says is what the benches tell people."""

from __future__ import annotations

import json
import socket
import struct
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator

import pytest

from bench import fanout
from bench.load import Load, Page

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
PADDING = "x" * 70_000  # longer than a short length in a frame's header can say


def frame(text: str) -> bytes:
    data, first = text.encode(), b"\x81"
    if len(data) < 126:
        return first + bytes([len(data)]) + data
    return (
        first + (struct.pack("!BH", 126, len(data)) if len(data) < 65536 else struct.pack("!BQ", 127, len(data))) + data
    )


def unmasked(data: bytes) -> str:
    """The text of the client's one small frame."""
    mask, text = data[2:6], data[6:]
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(text)).decode()


class Server:
    """Answers the handshake, and on the control port says to every page what it was given, cut where it was told."""

    def __init__(self, greeting: list[str], published: list[bytes]) -> None:
        self.greeting, self.published = greeting, published
        self.pages: list[socket.socket] = []
        self.heard: list[str] = []
        self.listening, self.control = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        for work in (self.take_pages, self.publish):
            threading.Thread(target=work, daemon=True).start()

    @property
    def port(self) -> int:
        return self.listening.getsockname()[1]

    @property
    def control_port(self) -> int:
        return self.control.getsockname()[1]

    def take_pages(self) -> None:
        while True:
            page, _ = self.listening.accept()
            page.settimeout(30)
            request = b""
            while b"\r\n\r\n" not in request:
                request += page.recv(4096)
            page.sendall(ACCEPTED)
            self.greet(page)
            self.pages.append(page)

    def greet(self, page: socket.socket) -> None:
        if not self.greeting[0].startswith("{"):
            page.sendall(frame(self.greeting[0]))
        self.heard.append(unmasked(page.recv(4096)))
        page.sendall(frame(self.greeting[-1]))

    def publish(self) -> None:
        told, _ = self.control.accept()
        told.recv(4096)
        for piece in self.published:
            for page in self.pages:
                page.sendall(piece)
            threading.Event().wait(0.05)


@pytest.fixture
def asked() -> Iterator[Callable]:
    """Opens two pages, has three things published, and returns what the client counted, and what it said."""

    def ask(protocol: str, greeting: list[str], pieces: list[bytes]) -> tuple[dict, list[str]]:
        server = Server(greeting, pieces)
        pages = [Page("/somewhere")] * 2
        with Load(server.port, pages, controls=[server.control_port], protocol=protocol) as load:
            load.open(seconds=30)
            return load.publish(3, 3, seconds=30), server.heard

    return ask


def test_events_are_counted_whether_they_come_joined_apart_or_in_pieces(asked):
    two = frame(json.dumps({"prev": 0, "seq": 2, "html": ["bench-0", f"bench-1 {PADDING}"]}))
    third = frame(json.dumps({"prev": 2, "seq": 3, "html": ["bench-2"]}))
    joined = two + third
    counted, said = asked(
        "live", ['{"prev": 0, "head": 0}'], [joined[:1], joined[1:5], joined[5:40_000], joined[40_000:]]
    )
    assert said == ['{"resume":""}'] * 2
    assert (counted["completed"], counted["deliveries"], counted["gaps"], counted["lost"]) == (3, 6, 0, 0)
    assert counted["bytes"] == 2 * len(joined)
    assert counted["checked"] == counted["marks"] == 3  # the first page looks at every word
    assert len(counted["ms"]) == 3 and all(
        ms >= 100 for ms in counted["ms"]
    )  # the last piece was the third pause later


def test_what_was_not_sent_is_not_counted(asked):
    first = frame(json.dumps({"prev": 0, "seq": 1, "html": ["bench-0"]}))
    beyond = frame(json.dumps({"prev": 2, "seq": 3, "html": ["bench-2"]}))
    filled = frame(json.dumps({"prev": 1, "seq": 3, "html": ["bench-1"]}))
    counted, _ = asked("live", ['{"prev": 0, "head": 0}'], [first, beyond, filled])
    assert (counted["gaps"], counted["deliveries"]) == (2, 6)
    assert (counted["checked"], counted["marks"]) == (3, 3)


def test_events_of_socket_io_are_counted_one_by_one(asked):
    opened, joined, event = '0{"sid":"a"}', '40{"sid":"a"}', '42["visit:created","bench-{}"]'
    frames = [frame(event.replace("{}", str(number))) for number in range(3)]
    counted, said = asked("socketio", [opened, joined], [frames[0] + frames[1] + frame("2"), frames[2]])
    assert said == ["40", "40"]
    assert (counted["completed"], counted["deliveries"], counted["marks"], counted["lost"]) == (3, 6, 3, 0)


def test_fanout_reaches_every_socket_of_the_real_server(django_db_setup):
    small = Namespace(
        sockets=[6],
        in_flight=[1, 8],
        rounds=1,
        bursts=1,
        headline=6,
        processes=[2],
        without=["plain", "naive", "socketio"],
    )
    table = fanout.measure(small)
    rounds = [one for row in table.rounds for one in row["rounds"]]
    assert [one["deliveries"] for one in rounds] == [6 * fanout.BURST] * 4
    assert all(one["checked"] == one["marks"] == fanout.BURST for one in rounds)
    assert not any(one["gaps"] or one["resyncs"] or one["lost"] for one in rounds)
    assert set(table.facts["ratio_socketio"]) == {"in_flight_1", "in_flight_8"}

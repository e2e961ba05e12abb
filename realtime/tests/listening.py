"""A page without a browser: a socket that keeps its cursor as static/live.js does."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import ExitStack, suppress
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from hospital.tests.hospital import Hospital
from realtime.door import TRY_AGAIN
from realtime.models import Head
from realtime.tests.server import Site


def cookie_of(hospital: Hospital, role: str, name: str = "") -> str:
    cookies = hospital.client(role, name).cookies
    return "; ".join(f"{key}={morsel.value}" for key, morsel in cookies.items())


def cursor_of(hospital: Hospital) -> str:
    """Where the log stands, once the hospital has its admin, whose arrival is an event too."""
    assert hospital.admin
    with hospital.acting():
        return Head.cursor()


def without_keys(html: str) -> str:
    """A rendering without what differs each time: tokens, keys of forms, and white space."""
    return " ".join(re.sub(r"<input[^>]*(csrfmiddlewaretoken|form_key)[^>]*>", "", html).split())


def dial(site: Site, path: str, *, cookie: str = "", origin: str | None = "same", **more) -> connect:
    headers = {"Cookie": cookie} if cookie else {}
    return connect(
        f"{site.socket_url}{path}",
        additional_headers=headers,
        origin=site.url if origin == "same" else origin,
        proxy=None,
        **more,
    )


def bare(site: Site, hospital: Hospital, role: str) -> socket.socket:
    """An open socket on which nothing is read or sent but what a test does itself."""
    lines = [
        f"GET {hospital.url}/live/socket HTTP/1.1",
        f"Host: 127.0.0.1:{site.port}",
        f"Origin: {site.url}",
        f"Cookie: {cookie_of(hospital, role)}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    caller = socket.create_connection(("127.0.0.1", site.port), timeout=20)
    caller.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += caller.recv(1)
    assert b" 101 " in answer
    return caller


def masked(first: int, payload: bytes) -> bytes:
    """A frame as a client sends it, with a mask that changes nothing."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return bytes([first]) + length + bytes(4) + payload


class Listener:
    """`with Listener(site, alpha, "admin") as page: page.hears("user:changed")`."""

    def __init__(self, site: Site, hospital: Hospital, role: str, *, name: str = "", cursor: str | None = None) -> None:
        self.site, self.path = site, f"{hospital.url}/live/socket"
        self.cookie = cookie_of(hospital, role, name)
        self.cursor = cursor_of(hospital) if cursor is None else cursor
        self.events: list[dict] = []
        self.html: list[str] = []
        self.received = ""
        self.messages: list[dict] = []
        self.acknowledges = True

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *error: object) -> None:
        self.disconnect()

    def connect(self, tries: int = 5) -> None:
        """Like a page, it comes again if the server was too busy to look it up."""
        self.open = ExitStack()
        self.socket = self.open.enter_context(dial(self.site, self.path, cookie=self.cookie))
        try:
            self.say({"resume": self.cursor})
        except ConnectionClosed as closed:
            if tries == 1 or closed.rcvd is None or closed.rcvd.code != TRY_AGAIN:
                raise
            self.disconnect()
            time.sleep(1)
            self.connect(tries - 1)

    def disconnect(self) -> None:
        self.open.close()

    def say(self, message: object) -> None:
        self.socket.send(json.dumps(message))

    @property
    def seq(self) -> int:
        return int(self.cursor.split(":")[1])

    def joined(self) -> Self:
        """The hub has answered, so that from now on everything is pushed."""
        self.until(lambda: any("head" in message for message in self.messages))
        return self

    def hears(self, name: str, *, seconds: float = 20) -> dict:
        """The event with this name that was not asked for yet."""
        self.until(lambda: any(event["name"] == name for event in self.events), seconds)
        found = next(event for event in self.events if event["name"] == name)
        self.events.remove(found)
        return found

    def listen(self, seconds: float) -> Self:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.take(left):
            pass
        return self

    def until(self, true, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not true():
            left = end - time.monotonic()
            if left <= 0 or not self.take(left):
                raise AssertionError(f"not heard in {seconds} s; heard {self.messages}")

    def take(self, seconds: float) -> bool:
        try:
            text = self.socket.recv(timeout=seconds)
        except TimeoutError:
            return False
        self.received += text
        self.see(json.loads(text))
        return True

    def see(self, message: dict) -> None:
        self.messages.append(message)
        epoch = self.cursor.split(":")[0]
        if "resync" in message:
            self.cursor = message["resync"]
        elif "head" in message:
            assert message["prev"] <= self.seq, f"a gap was not filled: {message} at {self.cursor}"
            self.cursor = f"{epoch}:{max(self.seq, message['head'])}"
        else:
            assert message["prev"] <= self.seq < message["seq"], f"missed or twice: {message} at {self.cursor}"
            self.events += message["events"]
            self.html += message["html"]
            self.cursor = f"{epoch}:{message['seq']}"
            self.acknowledge()

    def acknowledge(self) -> None:
        if self.acknowledges:
            with suppress(ConnectionClosed):
                self.say({"ack": self.seq})

    def closed_with(self, seconds: float = 20) -> int:
        try:
            while True:
                self.socket.recv(timeout=seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

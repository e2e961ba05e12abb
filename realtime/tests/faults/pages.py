"""Pages without a browser, many in one event loop. They keep cursor and lists as static/live.js does."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

SILENT, POLL, ANSWER, SLOWEST, RETRY, GATHER, LONGEST = 12.0, 5.0, 1.0, 2.0, 2.0, 0.15, 2.0  # as in static/live.js
LIST = re.compile(r'<tbody[^>]*\bdata-live-list="([^"]+)"[^>]*>(.*?)</tbody>', re.DOTALL)
ROOT = re.compile(r"<\w+\b[^>]*\bdata-v=[^>]*>", re.DOTALL)
REGION = re.compile(r"<\w+\b[^>]*\sdata-live(?=[\s>])[^>]*>", re.DOTALL)
CURSOR = re.compile(r'data-live-cursor="([^"]+)"')
Lists = dict[str, dict[str, int]]
threads = ThreadPoolExecutor(24, thread_name_prefix="headless")


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return found[1] if found else ""


def get(base: str, path: str, cookie: str, seconds: float = 30, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Cookie": cookie, "Connection": "close", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def lists_in(html: str) -> Lists:
    """Each live list of a page: which rows, and in which version."""
    return {
        name: {attribute(tag, "id"): int(attribute(tag, "data-v")) for tag in ROOT.findall(rows)}
        for name, rows in LIST.findall(html)
    }


def regions_in(html: str) -> dict[str, str]:
    """What is written from the beginning of each live region to the next one."""
    found = list(REGION.finditer(html))
    ends = [*(one.start() for one in found[1:]), len(html)]
    return {attribute(one[0], "id"): html[one.start() : end] for one, end in zip(found, ends, strict=False)}


def listens(region: str) -> set[str]:
    return set(attribute(REGION.findall(region)[0], "data-live-on").split())


async def end_all(tasks: Iterable[asyncio.Task]) -> None:
    """Until they are ended: a task may miss its first cancelling."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=2)


@dataclass
class Jump:
    """A resync: what is between is not told, but fetched."""

    before: int
    after: int


@dataclass(eq=False)
class Page:
    base: str
    path: str
    cookie: str
    tenant: str
    role: str
    chance: random.Random
    lists: dict[str, dict[str, int]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    follows: dict[str, set[str]] = field(default_factory=dict)  # by region, the events that it listens to
    wanted: set[str] | None = field(default_factory=set)  # regions to be fetched; None: all of the page
    took: float = 0.0
    heard: list[str | Jump] = field(default_factory=list)
    heard_when: dict[int, float] = field(default_factory=dict)
    received: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    began: int = 0
    seq: int = 0
    epoch: str = ""
    heard_at: float = 0.0
    resumed_at: float = 0.0
    fetching: bool = False
    again: bool = False
    socket: Any = None
    connects: int = 0
    answers: list[int] = field(default_factory=list)  # of each GET; 0: none came
    disturbed: float = 0.0  # how many of the frames are lost, come twice, or late: as many of each
    lost: int = 0
    doubled: int = 0
    late: int = 0
    kept: list[dict] = field(default_factory=list)  # frames that come when the page knows newer ones
    told_to_fetch: list[str] = field(default_factory=list)  # events whose fragment did not come with them
    whole_fetches: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    misplaced: int = 0  # how far a test has moved the cursor
    line: str = ""  # where its socket goes, if not where the page comes from
    patience: float = SILENT  # with a socket on which nothing comes
    silent: bool = False  # never acknowledges anything

    @property
    def live_path(self) -> str:
        return "/" + self.path.split("/")[1] + "/live/socket"

    @property
    def key(self) -> str:
        """Pages with the same one show the same."""
        return self.path + self.role

    @property
    def jumps(self) -> list[Jump]:
        return [item for item in self.heard if isinstance(item, Jump)]

    async def open(self, html: str = "") -> None:
        html = html or await self.fetch()
        found = CURSOR.search(html)
        assert found, f"no cursor on {self.path}: {html[:300]}"
        self.take_cursor(found[1])
        self.began = self.seq
        self.lists = lists_in(html)
        self.follows = {name: listens(region) for name, region in regions_in(html).items()}

    def take_cursor(self, cursor: str) -> None:
        self.epoch, seq = cursor.split(":")
        self.seq = int(seq)

    async def fetch(self, regions: Iterable[str] = ()) -> str:
        loop = asyncio.get_running_loop()
        named = {"X-Live-Regions": " ".join(regions)} if regions else {}
        try:
            status, html = await loop.run_in_executor(threads, self._get, named)
        except (OSError, http.client.HTTPException):
            self.answers.append(0)
            raise
        self.answers.append(status)
        self.received.append(html)
        if status != 200:
            raise OSError(f"the page answered {status}")
        return html

    def begin_anew(self) -> None:
        """What was told so far is judged; the page itself goes on."""
        self.heard.clear()
        self.heard_when.clear()
        self.received.clear()
        self.answers.clear()
        self.kept.clear()
        self.told_to_fetch.clear()
        self.began, self.connects = self.seq, 1
        self.lost = self.doubled = self.late = self.whole_fetches = 0

    def _get(self, named: dict[str, str]) -> tuple[int, str]:
        return get(self.base, self.path, self.cookie, 30, **{"X-Live-Refresh": "1", **named})

    async def live(self) -> None:
        """Always a socket, or one on its way; polls while it is silent."""
        polling = asyncio.ensure_future(self.poll())
        attempts = 0
        try:
            while True:
                before = self.heard_at
                with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                    await self.follow()
                attempts = 0 if self.heard_at > before else attempts + 1
                await asyncio.sleep(min(SLOWEST, 0.2 * 2**attempts) * (0.5 + self.chance.random() / 2))
        finally:
            polling.cancel()

    async def follow(self) -> None:
        base = self.line or self.base
        address = base.replace("http", "ws", 1) + f"{self.live_path}?role={self.role}"
        headers = {"Cookie": self.cookie}
        dial = connect(
            address,
            additional_headers=headers,
            origin=base,
            proxy=None,
            open_timeout=SILENT,
            ping_interval=None,
            close_timeout=0.5,
        )
        async with dial as self.socket:
            self.connects += 1
            await self.resume()
            while True:
                async with asyncio.timeout(self.patience):
                    text = await self.socket.recv()
                self.received.append(text)
                for message in self.arriving(json.loads(text), self.chance.random()):
                    await self.receive(message)

    def arriving(self, message: dict, drawn: float) -> list[dict]:
        overdue = [frame for frame in self.kept if frame["seq"] <= self.seq]
        self.kept = [frame for frame in self.kept if frame not in overdue]
        self.late += len(overdue)
        return [*self.disturb(message, drawn), *overdue]

    def disturb(self, message: dict, drawn: float) -> list[dict]:
        if "html" not in message or drawn >= self.disturbed:
            return [message]
        if drawn < self.disturbed / 3:
            self.doubled += 1
            return [message, message]
        if drawn < 2 * self.disturbed / 3:
            self.lost += 1
        else:
            self.kept.append(message)
        return []

    async def resume(self) -> None:
        self.resumed_at = time.monotonic()
        await self.socket.send(json.dumps({"resume": f"{self.epoch}:{self.seq}"}))

    async def next_message(self) -> None:
        """Until something was heard, or fetched."""
        self.news.clear()
        await self.news.wait()

    async def receive(self, message: dict) -> None:
        self.heard_at = time.monotonic()
        self.news.set()
        if "resync" in message:
            before, self.misplaced = self.seq - self.misplaced, 0
            self.take_cursor(message["resync"])
            self.heard.append(Jump(before, self.seq))
            self.refetch()
        elif message.get("prev", 0) > self.seq:
            if time.monotonic() - self.resumed_at > ANSWER:
                await self.resume()
        elif "head" in message:
            self.seq = max(self.seq, message["head"])
        elif message.get("seq", 0) > self.seq:
            await self.apply(message)

    async def apply(self, message: dict) -> None:
        self.heard_when |= dict.fromkeys(range(self.seq + 1, message["seq"] + 1), time.time())
        self.seq = message["seq"]
        self.heard += [event["name"] for event in message["events"]]
        for html in message["html"]:
            self.place(html)
        names = {event["name"] for event in message["events"]}
        if without := [event["name"] for event in message["events"] if event.get("refetch")]:
            self.told_to_fetch += without
            self.refetch()
        elif touched := {region for region, followed in self.follows.items() if followed & names}:
            self.want(touched)
        if not self.silent:
            await self.socket.send(json.dumps({"ack": self.seq}))

    def place(self, html: str) -> None:
        found = ROOT.search(html)
        if not found:
            return
        row, version, named = (attribute(found[0], name) for name in ("id", "data-v", "data-lists"))
        for name, rows in self.lists.items():
            if rows.get(row, -1) >= int(version) or (row not in rows and self.gone.get(row, -1) > int(version)):
                continue
            if name in named.split():
                rows[row] = int(version)
            elif rows.pop(row, None) is not None:
                self.gone[row] = int(version)

    def refetch(self) -> None:
        self.want(None)

    def want(self, regions: set[str] | None) -> None:
        self.wanted = None if regions is None or self.wanted is None else self.wanted | regions
        if self.fetching:
            self.again = True
            return
        self.fetching = True
        self.task = asyncio.ensure_future(self._refetch())

    async def _refetch(self) -> None:
        """What was pushed while the page was fetched stays, if it is newer."""
        await asyncio.sleep(max(GATHER, min(2 * self.took, LONGEST)))
        only, self.wanted, self.again, began = self.wanted, set(), False, time.monotonic()
        mark = len(self.received)
        try:
            html = await self.fetch(only or ())
            self.took = time.monotonic() - began
            self.renew(html, only)
            self.news.set()
            for text in self.received[mark:]:
                if text.startswith("{"):
                    for fragment in json.loads(text).get("html", ()):
                        self.place(fragment)
        except (OSError, http.client.HTTPException):
            await asyncio.sleep(RETRY)
            self.again = True
            self.wanted = None if only is None or self.wanted is None else self.wanted | only
        finally:
            self.fetching = False
            if self.again:
                self.again = False
                self.want(set())

    def renew(self, html: str, only: set[str] | None) -> None:
        if only is None:
            self.whole_fetches += 1
            self.lists = lists_in(html)
            return
        for name, region in regions_in(html).items():
            if name in only:
                self.lists |= lists_in(region)

    async def poll(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            if time.monotonic() - self.heard_at > SILENT:
                self.refetch()

    @property
    def is_quiet(self) -> bool:
        return not self.fetching and not self.again

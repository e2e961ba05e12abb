"""FA-9, FA-10, WS-9: the network between the pages and the servers, and pages that do not read or sleep."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from realtime.tests.faults.pages import Page
from realtime.tests.faults.run import Run
from realtime.tests.faults.wire import Wire
from realtime.tests.server import Site


def network_gone(run: Run) -> None:
    """FA-9: a black hole, half-open sockets. Each page says within twelve seconds that it is not live."""
    run.prepare(wired=True)
    run.work(1, 2)
    with run.damage():
        run.on_wires(Wire.swallow)
        run.banner()
        if run.is_full:
            run.work(*run.chance.choice([(0, 0), (15, 20)]))
        run.on_wires(Wire.reset)
    run.on_wires(Wire.go_on)
    run.heals(within=5)


def network_changed(run: Run) -> None:
    """FA-9: resets, a short hole, another Wi-Fi."""
    run.prepare(wired=True)
    run.work(1, 2)
    with run.damage():
        for _ in range(run.chance.randint(2, 5)):
            run.on_wires(run.chance.choice([Wire.reset, Wire.swallow, refuse]))
            run.work(0.2, 5 if run.is_full else 1)
            run.on_wires(Wire.go_on)
            run.work(0.2, 2)
    run.heals(within=5)


def refuse(wire: Wire) -> None:
    wire.refuses = True
    wire.reset()


def network_bad(run: Run) -> None:
    """FA-9: half a second late, and every tenth packet lost."""
    run.prepare(wired=True)
    with run.damage():
        run.on_wires(worsen)
        run.work(4, 15 if run.is_full else 6)
    run.on_wires(Wire.go_on)
    run.heals(within=5)


def worsen(wire: Wire) -> None:
    wire.delay, wire.loss = 0.5, 0.1


def reader_stopped(run: Run) -> None:
    """FA-10: pages that never read, or never say what they have seen, cost the server little, and are cut."""
    run.prepare()
    site = run.world.sites[0]
    before = memory_of(site)
    sleepers = [run.page(site.url, number) for number in range(4)]
    with run.damage():
        lasted = run.loop.do(sleep_all(sleepers, run.within(30)), 300)
        run.work(1)
    run.figure("cut after", max(lasted))
    run.figure("memory MB", (memory_of(site) - before) / 1e6)
    if max(lasted) >= run.within(30):
        run.blame("a page that said nothing was never cut")
    run.heals(within=5)


async def sleep_all(pages: list[Page], limit: float) -> list[float]:
    await asyncio.gather(*(page.open() for page in pages))
    return await asyncio.gather(*(asleep(page, limit) for page in pages))


async def asleep(page: Page, limit: float) -> float:
    """How long the server keeps a page that resumes and then never acknowledges anything."""
    address = page.base.replace("http", "ws", 1) + f"{page.live_path}?role={page.role}"
    headers = {"Cookie": page.cookie}
    began = time.monotonic()
    async with connect(address, additional_headers=headers, origin=page.base, proxy=None, ping_interval=None) as socket:
        page.socket = socket
        await page.resume()
        try:
            await asyncio.wait_for(drain(socket), limit)
        except TimeoutError:
            return limit
    return time.monotonic() - began


async def drain(socket) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        async for _ in socket:
            pass


def memory_of(site: Site) -> int:
    pages = int(Path(f"/proc/{site.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def page_asleep(run: Run) -> None:
    """WS-9: a frozen tab, as under a closed lid: true again when it wakes, without being loaded."""
    run.prepare()
    run.work(1)
    with run.damage():
        run.loop.do(set_all(run, "frozen"))
        run.work(15 if run.is_full else 4)
        run.loop.do(set_all(run, "active"))
    run.heals(within=5)


async def set_all(run: Run, state: str) -> None:
    for window in run.windows:
        tools = await window.devtools()
        await tools.send("Page.setWebLifecycleState", {"state": state})


def page_open_for_a_day(run: Run) -> None:
    """WS-9: the server ends each socket after a day, here after seconds. No page shows anything of it."""
    run.prepare()
    with run.damage(), run.restarted_with("--websocket-timeout", "3"):
        run.work(8, 12)
    run.heals(within=5)


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-9-gone": network_gone,
    "FA-9-changed": network_changed,
    "FA-9-bad": network_bad,
    "FA-10": reader_stopped,
    "WS-9-asleep": page_asleep,
    "WS-9-day": page_open_for_a_day,
}

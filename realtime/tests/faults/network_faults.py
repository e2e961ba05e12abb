"""FA-9, WS-9: the network between the pages and the servers, and pages that sleep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from realtime.log import LIMIT
from realtime.tests.faults.flood import flood, some_visits
from realtime.tests.faults.run import Run
from realtime.tests.faults.wire import Wire

LESS_PATIENT = 2.0  # than the heartbeat


def network_gone(run: Run) -> None:
    """FA-9: a black hole of half a minute, half-open sockets; with every third seed, of five seconds."""
    run.prepare(wired=True)
    run.work(1, 2)
    is_short = run.is_full and run.in_turn([True, False, False])
    with run.damage():
        run.on_wires(Wire.swallow)
        if is_short:
            run.work(5)
        else:
            run.banner()
            run.work(*((15, 20) if run.is_full else (0, 0)))
            run.on_wires(Wire.reset)
    run.on_wires(Wire.go_on)
    run.heals(within=5)


def network_long_gone(run: Run) -> None:
    """FA-9: a black hole of five minutes (the small version: of twenty seconds), and more happens than the log gives back."""
    run.prepare(wired=True)
    run.work(1, 2)
    hospital = run.hospitals[0]
    visits = some_visits(hospital, 2)
    with run.damage():
        run.on_wires(Wire.swallow)
        run.banner()
        flood(hospital, visits, times=LIMIT)
        run.work(288 if run.is_full else 8)
        run.on_wires(Wire.reset)
    run.on_wires(Wire.go_on)
    run.heals(within=5)
    if any(not page.jumps for page in run.pages if page.tenant == hospital.tenant.slug and page.role == "reception"):
        run.blame("a page was not told to fetch itself, though the log did not reach back")


def proxy_impatient(run: Run) -> None:
    """FA-9: a proxy that cuts what is silent for a minute (the small version: for eight seconds) never finds anything to cut,
    since the heartbeat passes. One that is less patient than that cuts, and the pages are back before anybody sees it.
    """
    run.prepare(wired=True)
    run.stop_writing()
    patience = 60.0 if run.is_full else 8.0
    with run.damage(), someone_silent(run) as silent:
        run.on_wires(lambda wire: setattr(wire, "patience", patience))
        connects = [page.connects for page in run.pages]
        run.until(silent.done, patience + 5, "the proxy did not cut what was silent")
        run.work(patience / 2)
        if connects != [page.connects for page in run.pages]:
            run.blame(f"a proxy cut live sockets for silence, after {patience:g} s without a byte")
        run.on_wires(lambda wire: setattr(wire, "patience", LESS_PATIENT))
        run.work(8)
        expect_nobody_saw(run)
    run.on_wires(Wire.go_on)
    if connects == [page.connects for page in run.pages]:
        run.blame("an impatient proxy cut nothing, so nothing was tried")
    run.heals(within=5)


@contextlib.contextmanager
def someone_silent(run: Run) -> Iterator[Future]:
    """A connection through the first wire on which nobody says anything: done when it is cut."""

    async def wait() -> bytes:
        reader, _ = await asyncio.open_connection("127.0.0.1", run.wires[0].port)
        return await reader.read()

    waiting = asyncio.run_coroutine_threadsafe(wait(), run.loop.loop)
    yield waiting
    waiting.cancel()


def expect_nobody_saw(run: Run) -> None:
    for window in run.windows:
        if run.loop.do(window.says_stale()):
            run.blame("a page said that it was not live while an impatient proxy cut its socket")


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
    "FA-9-long": network_long_gone,
    "FA-9-idle": proxy_impatient,
    "FA-9-changed": network_changed,
    "FA-9-bad": network_bad,
    "WS-9-asleep": page_asleep,
    "WS-9-day": page_open_for_a_day,
}

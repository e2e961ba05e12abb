"""One fault: traffic, damage, mending, and the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connection

from billing.tests.till import price
from hospital.tests.hospital import Hospital
from realtime.models import Event
from realtime.tests.faults import checker
from realtime.tests.faults.browser import Chromium, Window
from realtime.tests.faults.pages import Lists, Page, end_all, lists_in
from realtime.tests.faults.wire import Wire
from realtime.tests.faults.world import World
from realtime.tests.faults.writers import Operation, Writer
from realtime.tests.listening import cookie_of

T = TypeVar("T")
BANNER = 12.0
CALM = {200, 204, 302, 303, 409, 422}
STALE = 3.0  # seconds
TOO_LATE = 60.0  # seconds after which nobody waits for a page any more
CROWDED = 70  # a hundred rows fill a page of the front desk
PLACES = (("reception", "front-desk/"), ("checker_doctor", "examination/"), ("admin", "front-desk/"))


@dataclass(frozen=True)
class Size:
    """How much goes on. `patience` stretches the limits where the machine has other work too."""

    tenants: int
    writers: int
    pages: int
    windows: int
    pace: float
    patience: float
    events: int = 100_000
    minutes: float = 0  # of coming and going; 0: five minutes, or one in the small version


SMALL = Size(tenants=2, writers=3, pages=8, windows=1, pace=1.0, patience=3)
FULL = Size(tenants=5, writers=20, pages=100, windows=4, pace=1.5, patience=1)


class Loop:
    """The event loop of all clients, in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True, name="clients").start()

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 120) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)


@dataclass
class Verdict:
    fault: str
    seed: int
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


class Run:
    def __init__(
        self,
        world: World,
        loop: Loop,
        chromium: Chromium,
        size: Size,
        *,
        fault: str,
        seed: int,
        former: Run | None = None,
    ) -> None:
        self.world, self.loop, self.chromium, self.size = world, loop, chromium, size
        self.verdict = Verdict(fault, seed)
        self.chance = self.chance_of("plan")  # only the plan draws from it, so that the seed alone decides it
        self.opened = itertools.count(1)
        self.broken_at = self.healed_at = 0.0
        self.former = former
        self.tasks: list[asyncio.Task] = []
        self.pages: list[Page] = []
        self.windows: list[Window] = []
        self.wires: list[Wire] = []

    def chance_of(self, what: str) -> random.Random:
        """A generator of its own: what draws from another, and how often, changes nothing of it."""
        return random.Random(f"{self.verdict.fault}/{self.verdict.seed}/{what}")

    def in_turn(self, kinds: Sequence[T]) -> T:
        """One kind with each seed, so that a few seeds have tried them all."""
        return kinds[self.verdict.seed % len(kinds)]

    # --- before -------------------------------------------------------------------------------------------

    def prepare(self, *, wired: bool = False, pages: int = 0, anew: bool = False) -> None:
        """Hospitals, their people at their pages, and writers who begin."""
        connection.close()
        if self.former and not pages and not anew:
            self.take_over(self.former)
        else:
            self.open_hospitals(wired or not self.is_full, pages)
        self.writers = [self.writer(number) for number in range(self.size.writers)]
        for writer in self.writers:
            writer.start()

    def take_over(self, former: Run) -> None:
        """The small version goes on with the people of the fault before."""
        self.hospitals, self.pages, self.windows = former.hospitals, former.pages, former.windows
        self.wires, self.tasks = former.wires, former.tasks
        former.windows, former.wires, former.tasks = [], [], []
        self.loop.do(self.begin_anew())

    async def begin_anew(self) -> None:
        for page in self.pages:
            page.begin_anew()

    @property
    def is_reusable(self) -> bool:
        """Pages that are still true, of hospitals whose lists are still short."""
        if self.is_full or self.verdict.wrong or not self.pages or len(self.pages) > self.size.pages:
            return False
        return max(len(rows) for page in self.pages for rows in page.lists.values()) < CROWDED

    def open_hospitals(self, wired: bool, pages: int) -> None:
        base = self.wire().url if wired else self.world.url
        self.hospitals = [
            Hospital(name) for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")[: self.size.tenants]
        ]
        for hospital in self.hospitals:
            with hospital.acting("admin"):
                price("100")
        self.pages = [self.page(base, number) for number in range(pages or self.size.pages)]
        self.loop.do(self.open_pages())
        self.windows = [self.window(number, base) for number in range(self.size.windows)]

    def wire(self, port: int = 0, **fault: float) -> Wire:
        """To nginx, or to a server itself."""

        async def started() -> Wire:
            chance = self.chance_of(f"wire {len(self.wires)}")
            wire = Wire("127.0.0.1", port or self.world.front.port, chance, **fault)
            await wire.start()
            return wire

        self.wires.append(self.loop.do(started()))
        return self.wires[-1]

    def page(self, base: str, number: int, *, name: str = "") -> Page:
        hospital = self.hospitals[number % len(self.hospitals)]
        role, path = PLACES[number // len(self.hospitals) % len(PLACES)]
        cookie = cookie_of(hospital, role, name or f"{role} {number // (15 * len(self.hospitals))}")
        chance = self.chance_of(f"page {next(self.opened)}")
        return Page(base, f"{hospital.url}/{path}", cookie, hospital.tenant.slug, role, chance)

    async def open_pages(self) -> None:
        """Pages of the same place and role show the same, so one GET serves them all."""
        firsts = {page.key: page for page in reversed(self.pages)}
        shown = {key: await page.fetch() for key, page in firsts.items()}
        for page in self.pages:
            await page.open(shown[page.key])
        self.tasks = [asyncio.ensure_future(page.live()) for page in self.pages]
        await asyncio.gather(*(self.joined(page) for page in self.pages))

    async def follow(self, *pages: Page, html: str = "") -> None:
        """More pages, beside those that are there from the beginning."""
        for page in pages:
            await page.open(html)
            self.tasks.append(asyncio.ensure_future(page.live()))
        await asyncio.gather(*(self.joined(page) for page in pages))
        self.pages += pages

    @staticmethod
    async def joined(page: Page) -> None:
        while not page.heard_at:
            await page.next_message()

    def window(self, number: int, base: str) -> Window:
        hospital = self.hospitals[number % len(self.hospitals)]
        role, path = PLACES[number // len(self.hospitals) % len(PLACES)]
        cookie = cookie_of(hospital, role, f"{role} at a screen {number}")
        return self.loop.do(self.chromium.open(base, hospital, role, path, cookie))

    def writer(self, number: int) -> Writer:
        hospital, chance = self.hospitals[number % len(self.hospitals)], self.chance_of(f"writer {number}")
        return Writer(self.world.url, hospital, chance, self.size.pace)

    @property
    def is_full(self) -> bool:
        return self.size.patience == 1

    # --- during ---------------------------------------------------------------------------------------------

    def work(self, low: float, high: float | None = None) -> None:
        """People work on for a while."""
        time.sleep(self.chance.uniform(low, high or low))

    @contextlib.contextmanager
    def damage(self) -> Iterator[None]:
        self.broken_at = time.time()
        try:
            yield
        finally:
            self.healed_at = time.time()

    def blame(self, *sentences: str) -> None:
        self.verdict.wrong += sentences

    def within(self, seconds: float) -> float:
        return seconds * self.size.patience

    def until(self, true: Callable[[], bool], seconds: float, otherwise: str) -> float:
        """How long it took; a sentence in the verdict when it took too long."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > self.within(seconds):
                self.blame(f"{otherwise} within {self.within(seconds):.0f} s")
                break
            time.sleep(0.1)
        return time.monotonic() - began

    def on_wires(self, action: Callable[[Wire], None]) -> None:
        self.loop.do(self.act(*(functools.partial(action, wire) for wire in self.wires)))

    async def act(self, *actions: Callable[[], None]) -> None:
        """In the loop of the clients, where wires live."""
        for action in actions:
            action()

    @contextlib.contextmanager
    def restarted_with(self, *options: str, **environment: str) -> Iterator[None]:
        """The servers run differently for a while."""
        usual = [(site, site.command, site.environment) for site in self.world.sites]
        self.world.restart([(site, [*command, *options], around | environment) for site, command, around in usual])
        yield
        self.world.restart(usual)

    def refusals(self, besides: Page | None = None) -> list[int]:
        """What the pages were answered, if it was not the page."""
        return [status for page in self.pages for status in page.answers if status != 200 and page is not besides]

    def expect_no_errors(self, besides: Page | None = None) -> None:
        errors = [status for operation in self.operations() for status in operation.answers if status not in CALM]
        if errors or self.refusals(besides):
            self.blame(f"people saw {errors} and {self.refusals(besides)}")

    def banner(self) -> None:
        """Every page in Chromium says that it is not live: one clock for all of them."""
        took = self.until(lambda: self.loop.do(self.all_say_stale()), BANNER, "not every page said that it is not live")
        self.figure("banner", took)

    async def all_say_stale(self) -> bool:
        return all(await asyncio.gather(*(window.says_stale() for window in self.windows)))

    def figure(self, name: str, value: float) -> None:
        self.verdict.figures[name] = round(max(value, self.verdict.figures.get(name, 0.0)), 3)

    def operations(self) -> list[Operation]:
        return [operation for writer in self.writers for operation in writer.done]

    # --- after ------------------------------------------------------------------------------------------------

    def heals(self, *, within: float, lag: float | None = None) -> Verdict:
        """Everybody stops writing, all pages become true in time, and nothing is lost, doubled or foreign."""
        for writer in self.writers:
            writer.ending.set()
        for writer in self.writers:
            writer.join()
        connection.close()  # ours may have died with the server
        calm = max([self.healed_at, *(operation.answered for operation in self.operations())])
        ends = self.last_numbers()
        took = self.loop.do(self.converge(ends, TOO_LATE), TOO_LATE + 60) - calm
        self.figure("converged", took)
        if took > self.within(within):
            self.blame(f"pages were true after {took:.1f} s, and should be after {self.within(within):.0f} s")
        self.judge(lag)
        return self.verdict

    def last_numbers(self) -> dict[tuple[str, str], int]:
        """For each hospital and role, the last event that it hears."""
        found: dict[tuple[str, str], int] = {}
        for hospital in self.hospitals:
            with hospital.acting():
                for seq, roles in Event.objects.order_by("seq").values_list("seq", "roles"):
                    found |= {(hospital.tenant.slug, role): seq for role in roles}
        return found

    async def converge(self, ends: dict[tuple[str, str], int], limit: float) -> float:
        """When all showed what is true: nobody writes any more, so what it is can be asked for after they were looked at."""
        end, truth, asked = time.monotonic() + limit, None, 0.0
        while time.monotonic() < end:
            if all(page.seq >= ends.get((page.tenant, page.role), 0) and page.is_quiet for page in self.pages):
                at, shown = time.time(), self.shown()
                in_windows = asyncio.ensure_future(self.differences_in_windows())
                if truth is None or time.monotonic() - asked > STALE:
                    truth, asked = await self.truth(), time.monotonic()
                if not await in_windows and not differences_between(shown, truth):
                    return at
            await asyncio.sleep(0.05)
        return time.time()

    def differences(self) -> list[str]:
        truth = self.loop.do(self.truth())
        return self.loop.do(self.differences_in_windows()) + differences_between(self.shown(), truth)

    async def truth(self) -> dict[str, Lists]:
        """What each kind of page without a browser shows when it is loaded anew."""
        firsts = {page.key: page for page in self.pages}
        shown = await asyncio.gather(*(page.fetch() for page in firsts.values()))
        return {key: lists_in(html) for key, html in zip(firsts, shown, strict=True)}

    def shown(self) -> list[tuple[str, Lists]]:
        return [(page.key, {name: dict(rows) for name, rows in page.lists.items()}) for page in self.pages]

    async def differences_in_windows(self) -> list[str]:
        found = await asyncio.gather(*(window.differences() for window in self.windows))
        return [sentence for sentences in found for sentence in sentences]

    def judge(self, lag: float | None) -> None:
        self.blame(*self.differences())
        self.blame(*checker.foreign_words(self.pages, self.hospitals))
        lags: list[float] = []
        before: list[float] = []
        for hospital in self.hospitals:
            pages = [page for page in self.pages if page.tenant == hospital.tenant.slug]
            operations = [each for each in self.operations() if each.tenant == hospital.tenant.slug]
            with hospital.acting():
                self.blame(*checker.wrong_writes(hospital, operations))
                self.blame(*checker.wrong_log(hospital))
                self.blame(*checker.wrong_stories(pages))
                before += checker.lags(hospital, pages, 0, self.broken_at)
                lags += checker.lags(hospital, pages, self.broken_at, self.healed_at)
        self.figure("writes", len(self.operations()))
        self.figure("unknown", sum(each.result == "unknown" for each in self.operations()))
        usual, worst = checker.percentile(before, 1), checker.percentile(lags, 1)
        self.figure("behind before", usual)
        self.figure("behind p99", checker.percentile(lags, 0.99))
        self.figure("behind", worst)
        if lag is not None and worst > usual + self.within(lag):
            self.blame(f"a page was {worst:.1f} s behind during the fault, and {usual:.1f} s before")

    def stop_writing(self) -> None:
        for writer in getattr(self, "writers", ()):
            writer.ending.set()

    def end(self) -> None:
        for window in self.windows:
            with contextlib.suppress(Exception):
                self.loop.do(window.close())
        self.loop.do(self.close_pages())

    async def close_pages(self) -> None:
        await end_all(self.tasks)
        for wire in self.wires:
            await wire.stop()


def differences_between(shown: list[tuple[str, Lists]], truth: dict[str, Lists]) -> list[str]:
    return [f"{key} shows {lists} and should show {truth[key]}" for key, lists in shown if lists != truth[key]]

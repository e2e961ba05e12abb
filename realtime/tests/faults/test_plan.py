"""A seed alone decides what is broken and when: whatever goes on meanwhile draws from other generators."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from unittest.mock import MagicMock, Mock

import pytest

from realtime.tests.faults import run as running
from realtime.tests.faults import server_faults, writers
from realtime.tests.faults.network_faults import network_changed
from realtime.tests.faults.run import FULL, SMALL, Loop, Run, Size
from realtime.tests.faults.server_faults import one_or_all_servers_killed, valkey_paused, valkey_useless

SEEDS = (1, 2, 3, 4)


clients = cache(Loop)


class Planned(Run):
    """Nobody is there and nothing breaks: it writes down what would, while messages come to pages, wires and writers."""

    def __init__(self, size: Size, seed: int, messages: int) -> None:
        world = MagicMock()
        world.sites = [world.first, world.second]
        super().__init__(world, clients(), Mock(), size, fault="FA", seed=seed)
        self.messages, self.steps = messages, []
        self.writers = []
        self.hospitals = [Mock(url="/alpha"), Mock(url="/beta")]

    def prepare(self, **_: bool) -> None:
        self.pages = [self.page("", number) for number in range(3)]
        self.writers = [self.writer(number) for number in range(2)]
        self.wire(port=1)
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        self.steps.append(seconds)
        for one in (*self.pages, *self.writers, *self.wires):
            for _ in range(self.messages):
                one.chance.random()

    def on_wires(self, action: Callable) -> None:
        self.steps.append(action.__name__)

    def heals(self, **_: float) -> None:
        self.steps += [re.sub(r" id='\d+'", "", str(call)) for call in self.world.mock_calls]


@pytest.fixture
def plan(monkeypatch) -> Callable[..., list]:
    for module in (running, writers):
        monkeypatch.setattr(module, "cookie_of", Mock(return_value=""))
    monkeypatch.setattr(server_faults, "log_in", Mock())
    return partial(planned, monkeypatch)


def planned(monkeypatch, fault: Callable[[Run], None], seed: int, *, size: Size = SMALL, messages: int = 0) -> list:
    run = Planned(size, seed, messages)
    monkeypatch.setattr(running, "time", Mock(sleep=run.sleep, time=lambda: 0))
    for name in ("Redis", "start"):
        monkeypatch.setattr(server_faults, name, getattr(run.world, name))
    try:
        fault(run)
    finally:
        run.loop.do(run.close_pages())
    return run.steps


@pytest.mark.parametrize("fault", [one_or_all_servers_killed, valkey_useless, network_changed])
def test_one_seed_breaks_the_same_at_the_same_moments_whatever_the_traffic_draws(plan, fault):
    plans = [plan(fault, seed) for seed in SEEDS]
    assert [plan(fault, seed, messages=7) for seed in SEEDS] == plans
    assert plans[0] not in plans[1:]


def test_a_few_seeds_kill_either_server_and_both(plan):
    killed = [names_of(plan(one_or_all_servers_killed, seed), "process.kill") for seed in SEEDS]
    assert sorted(map(len, killed[:3])) == [1, 1, 2]
    assert killed[1] != killed[2]


def test_every_seed_empties_fills_and_locks_valkey(plan):
    for seed in SEEDS:
        done = plan(valkey_useless, seed, size=FULL)
        assert names_of(done, "flushall") and names_of(done, "'maxmemory'") and names_of(done, "'requirepass'")


def test_two_seeds_stop_valkey_for_ten_seconds_and_for_a_minute(plan):
    assert {10, 60} < {step for seed in SEEDS[:2] for step in plan(valkey_paused, seed, size=FULL)}


def test_the_banners_of_all_windows_are_timed_by_one_clock(plan, monkeypatch):
    """The second says so later than the first."""
    run = Planned(SMALL, 1, messages=0)
    clock = Mock(sleep=run.sleep, monotonic=lambda: len(run.steps))
    monkeypatch.setattr(running, "time", clock)
    run.windows = [Window(clock, after) for after in (3, 6)]
    run.banner()
    assert run.verdict.figures["banner"] == 6


class Window:
    def __init__(self, clock: Mock, after: int) -> None:
        self.clock, self.after = clock, after

    async def says_stale(self) -> bool:
        return self.clock.monotonic() >= self.after


def names_of(steps: list, part: str) -> list[str]:
    return [step for step in map(str, steps) if part in step]

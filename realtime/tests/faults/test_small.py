"""Each fault of THREATS 9 once, with few people. The whole of it, and many seeds: bin/faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from realtime.tests.server import ROOT

SEED = 1
SLOW = pytest.mark.slow  # another variant of a fault that is tried anyway
LIMIT = 900  # seconds for one fault on a machine that has other work; 100,000 events took 364 at load 15

pytestmark = pytest.mark.browser


class Harness:
    """`bin/faults --small --listen`: one installation for all these tests, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "realtime.tests.faults", "--small", "--listen"]
        environment = {**os.environ, "HOSPITAL_TEST_NAME": "faults"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, fault: str) -> dict:
        watch = threading.Timer(LIMIT, self.process.terminate)
        watch.start()
        try:
            self.process.stdin.write(f"{fault} {SEED}\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline() or '{"wrong": ["the harness ended"]}')
        finally:
            watch.cancel()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    running = Harness()
    yield running
    running.end()


def repeats(fault: str) -> str:
    return f"bin/faults --small --seed {SEED} --only {fault}"


@pytest.mark.parametrize("fault", ["FA-1", "FA-2"])
def test_a_server_is_killed_or_restarted_and_nobody_loses_anything(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)


@pytest.mark.parametrize("fault", ["FA-3", "FA-4", "FA-5"])
def test_without_valkey_pages_follow_within_two_seconds_and_nobody_sees_an_error(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)


@pytest.mark.parametrize("fault", ["FA-6", "FA-7-paused", pytest.param("FA-7-full", marks=SLOW), "FA-7-locked"])
def test_without_postgresql_people_are_told_soon_and_keep_what_they_typed(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)


def test_the_work_of_a_killed_worker_is_done_once(harness):
    assert harness.run("FA-8")["wrong"] == [], repeats("FA-8")


@pytest.mark.parametrize(
    "fault",
    [
        "FA-9-gone",
        "FA-9-long",
        "FA-9-idle",
        pytest.param("FA-9-changed", marks=SLOW),
        pytest.param("FA-9-bad", marks=SLOW),
        "WS-9-asleep",
        pytest.param("WS-9-day", marks=SLOW),
    ],
)
def test_whatever_the_network_does_a_page_says_so_and_becomes_true_again(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)


def test_a_page_that_reads_a_kilobyte_a_second_or_nothing_is_cut_off_and_costs_neither_memory_nor_the_others(harness):
    assert harness.run("FA-10")["wrong"] == [], repeats("FA-10")


@pytest.mark.parametrize(
    "fault", ["FA-11-frames", pytest.param("FA-11-cursors", marks=SLOW), "FA-12", "FA-13", "FA-14"]
)
def test_what_is_lost_between_the_log_and_a_page_is_noticed(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)


def test_under_kills_and_rollbacks_every_event_is_there_once(harness):
    assert harness.run("events")["wrong"] == [], repeats("events")


@pytest.mark.parametrize("fault", ["FA-16", "FA-16-database", "FA-18", "FA-19"])
def test_wrong_clocks_wear_and_a_herd_change_nothing(harness, fault):
    assert harness.run(fault)["wrong"] == [], repeats(fault)

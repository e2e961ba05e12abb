"""WS-1, WS-2, WS-3: how soon a socket is cut off, in each way, with Valkey and without. `pytest -s` shows the figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pytest

from hospital.tests.hospital import Hospital
from realtime.tests.listening import Listener
from realtime.tests.server import Site
from realtime.tests.test_socket import grant
from realtime.tests.victims import CHANGES, frames_until_the_cut, site_with_own_valkey, victim_at


@dataclass
class Cut:
    change: str
    seconds: float


@pytest.fixture
def site_without_valkey(django_db_setup) -> Iterator[Site]:
    with TemporaryDirectory(prefix="live") as folder, site_with_own_valkey(Path(folder)) as (site, valkey):
        valkey.kill()
        yield site


def seconds_of_a_push(site: Site, hospital: Hospital) -> float:
    """What a change needs to come to a page that stays: the machine's own part of each time."""
    with Listener(site, hospital, "admin", name="Witness") as page:
        return median(until_heard(page.joined(), hospital) for _ in range(5))


def until_heard(page: Listener, hospital: Hospital) -> float:
    earlier = grant(hospital, "Earlier")
    began = time.monotonic()
    page.until(lambda: str(earlier.pk) in page.received)
    return time.monotonic() - began


def moment_of_the_cut(page: Listener) -> tuple[int, float]:
    return frames_until_the_cut(page), time.monotonic()


def cut_off(site: Site, hospital: Hospital, number: int) -> Cut:
    """Timed from when whoever does it is answered until the page has read the close. No later event is in what it heard."""
    change = [*CHANGES][number % len(CHANGES)]
    code, make = CHANGES[change]
    with victim_at(site, hospital, f"Vera {number}") as victim, ThreadPoolExecutor(1) as reader:
        cut = reader.submit(moment_of_the_cut, victim.page)
        make(victim)
        began = time.monotonic()
        later = grant(hospital, "Later")
        found, at = cut.result()
        assert (change, found) == (change, code)
        assert str(later.pk) not in victim.page.received, change
        return Cut(change, at - began)


@pytest.mark.parametrize(
    ("server", "promised", "trials"),
    [
        ("site", 2.0, len(CHANGES)),
        ("site_without_valkey", 6.0, len(CHANGES)),
        pytest.param("site", 2.0, 1000, marks=pytest.mark.slow),
    ],
)
def test_a_socket_is_cut_off_at_once_and_hears_nothing_more(request, alpha, server, promised, trials):
    site = request.getfixturevalue(server)
    before = seconds_of_a_push(site, alpha)
    cuts = [cut_off(site, alpha, number) for number in range(trials)]
    push = max(before, seconds_of_a_push(site, alpha))
    middle, slowest = median(cut.seconds for cut in cuts), max(cuts, key=lambda cut: cut.seconds)
    sys.stdout.write(
        f"{trials} cuts ({server}): p50 {middle * 1000:.0f} ms, most {slowest.seconds * 1000:.0f} ms ({slowest.change});"
        f" a push takes {push * 1000:.0f} ms\n"
    )
    assert middle < promised + push

"""WS-1, WS-2, WS-3: how soon a socket is cut off, measured from the commit. `pytest -s` shows the figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

import pytest

from hospital.models import Membership, Person
from realtime.tests.listening import Listener
from realtime.tests.test_revocation import LOG_IN, NO_RIGHT, Victim, frames_until_the_cut
from realtime.tests.test_socket import grant

WITHIN = 2.0  # seconds, at the median; usual are milliseconds, and half a second where NOTIFY does not come through
CHANGES: tuple[tuple[int, Callable[[Victim], object]], ...] = (
    (LOG_IN, lambda victim: victim.sessions.delete()),
    (LOG_IN, lambda victim: victim.rows.update(password="!")),
    (
        NO_RIGHT,
        lambda victim: victim.within(lambda: Membership.objects.filter(person=victim.person).update(is_active=False)),
    ),
)


@dataclass
class Vera(Victim):
    name: str

    @property
    def person(self) -> Person:
        return self.hospital.person("admin", self.name)


def moment_of_the_cut(page: Listener) -> tuple[int, float]:
    return frames_until_the_cut(page), time.monotonic()


def seconds_until_the_cut(site, hospital, number: int) -> float:
    """From the commit until the page has read the close. What happens in between must not be in what it heard."""
    code, change = CHANGES[number % len(CHANGES)]
    with Listener(site, hospital, "admin", name=f"Vera {number}") as page, ThreadPoolExecutor(1) as reader:
        victim = Vera(hospital, page.joined(), f"Vera {number}")
        cut = reader.submit(moment_of_the_cut, page)
        change(victim)
        began = time.monotonic()
        later = grant(hospital, "Later")
        found, at = cut.result()
        assert found == code
        assert str(later.pk) not in page.received
        return at - began


@pytest.mark.parametrize("trials", [25, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_socket_is_cut_off_at_once_and_hears_nothing_more(site, alpha, trials):
    took = [seconds_until_the_cut(site, alpha, number) for number in range(trials)]
    percentiles = quantiles(took, n=100)
    sys.stdout.write(
        f"{trials} cuts: p50 {percentiles[49] * 1000:.0f} ms, p99 {percentiles[98] * 1000:.0f} ms, most {max(took) * 1000:.0f} ms\n"
    )
    assert percentiles[49] < WITHIN

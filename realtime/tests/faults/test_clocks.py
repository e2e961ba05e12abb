"""FA-16: what decides whether a page is live, and in which order it hears, never asks a clock on the wall."""

from __future__ import annotations

import re

import pytest

from realtime.tests.server import ROOT

WALL = re.compile(r"\btime\.time\(|\btimezone\.now\(|\bdatetime\.now\(|\butcnow\(|\bnow\(\)")
MODULES = [
    "connection",
    "consumer",
    "door",
    "ear",
    "hints",
    "hub",
    "limits",
    "log",
    "outlet",
    "paint",
    "presence",
    "server",
    "sight",
]


@pytest.mark.parametrize("module", MODULES)
def test_time_between_two_moments_is_measured_by_a_steady_clock(module):
    assert WALL.findall((ROOT / f"realtime/{module}.py").read_text()) == []

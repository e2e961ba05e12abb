"""WS-8: whatever a client sends, the server neither fails, nor grows, nor stops serving the others.

A longer run: `pytest realtime/tests/test_fuzz.py -m slow`; another one: `FUZZ_SEED=7`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinical.tests.wards import a_patient
from hospital.tests.hospital import Hospital
from realtime.sight import token_for
from realtime.tests.fuzz.client import Client
from realtime.tests.fuzz.handshakes import Target
from realtime.tests.listening import Listener, cookie_of
from realtime.tests.server import Site
from realtime.tests.test_socket import grant

SEED = int(os.environ.get("FUZZ_SEED", "1"))
PEOPLE = 60  # each may knock only so often
ROUND = 1000  # frames; then the others are asked whether they still hear
WARM = 0.5  # by then everything is loaded that is loaded once, and garbage is collected as often as it comes
GROWTH = 16 * 1024  # kB that the process may keep of the second half
# Ours, and those of the protocol for one who breaks its rules: never 1011, which says that we failed.
CODES = {0, 1000, 1002, 1005, 1007, 1008, 1009, 4400, 4401, 4403, 4409, 4413, 4429}
FAILURES = ("Traceback", "Unhandled", "could not be", "Exception")


@pytest.fixture
def target_site(django_db_setup, tmp_path) -> Iterator[Site]:
    site = Site(tmp_path / "site.log").start()
    yield site
    site.stop()


@pytest.mark.parametrize(
    ("frames", "handshakes"),
    [(20_000, 5_000), pytest.param(250_000, 62_500, marks=pytest.mark.slow)],
)
def test_no_frame_and_no_handshake_harms_the_server_or_the_other_sockets(target_site, alpha, beta, frames, handshakes):
    client = Client([target_for(alpha, f"Fuzz {number}", target_site) for number in range(PEOPLE)], SEED)
    with (
        ThreadPoolExecutor(1) as background,
        Listener(target_site, alpha, "admin") as admin,
        Listener(target_site, beta, "admin") as stranger,
    ):
        admin.joined(), stranger.joined()
        sizes = []  # after each round
        for _ in range(frames // ROUND):
            attack = background.submit(asyncio.run, client.attack(ROUND, handshakes * ROUND // frames))
            while not attack.done():
                admin.listen(0.1), stranger.listen(0.1)
            attack.result()
            for page, hospital in ((admin, alpha), (stranger, beta)):
                page.events.clear()
                grant(hospital)
                page.hears("user:changed", seconds=30)
            sizes.append(memory_of(target_site))
    tally = client.tally
    assert (tally.frames, tally.handshakes) == (frames, handshakes)
    assert tally.stuck == []
    assert set(tally.closes) <= CODES, tally
    assert all(status < 500 for status in tally.answers), tally
    assert failures_in(target_site.log) == []
    assert target_site.process.poll() is None
    assert sizes[-1] - sizes[int(len(sizes) * WARM)] < GROWTH, sizes


def target_for(hospital: Hospital, name: str, site: Site) -> Target:
    cookie = cookie_of(hospital, "reception", name)
    with hospital.acting("reception", name):
        token = token_for(a_patient().pk, ("allergies",))
    return Target(site.port, f"{hospital.url}/live/socket", cookie, token)


def memory_of(site: Site) -> int:
    """Resident, in kB."""
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def failures_in(log: Path) -> list[str]:
    """Each record of the log that tells of one. That a host is refused is none."""
    records = re.split(r"^(?=\d{4}-\d\d-\d\d )", log.read_text(errors="replace"), flags=re.MULTILINE)
    return [record for record in records if any(word in record for word in FAILURES) and "DisallowedHost" not in record]

"""What is lost, paused or away costs a moment, and never an event."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from clinical.models import Visit
from clinical.tests.wards import a_visit
from hospital.context import current
from hospital.models import SignIn
from hospital.tests.databases import database_url
from realtime import hints, paint
from realtime.hints import Publisher
from realtime.log import Row
from realtime.render import render
from realtime.tests.listening import Listener, cursor_of
from realtime.tests.server import Site
from realtime.tests.servers import Valkey, Wire
from realtime.tests.test_socket import grant

HINTED = 0.4  # seconds; without hints it is half a second on average, and up to one


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="live") as name:  # short: a socket's path has at most 107 bytes
        yield Path(name)


@pytest.fixture(scope="module")
def valkey(folder) -> Iterator[Valkey]:
    server = Valkey(folder).start()
    layers = {"default": {**settings.CHANNEL_LAYERS["default"]}}
    layers["default"]["CONFIG"] = {
        **layers["default"]["CONFIG"],
        "hosts": [{**layers["default"]["CONFIG"]["hosts"][0], "address": server.url}],
    }
    with override_settings(CHANNEL_LAYERS=layers):
        yield server
    server.kill()


@pytest.fixture(scope="module")
def fragile_site(django_db_setup, folder, valkey) -> Iterator[Site]:
    """A server whose Valkey is this module's own, and so are the hints of this process."""
    site = Site(folder / "site.log", REDIS_URL=valkey.url).start()
    yield site
    site.stop()


@pytest.fixture
def publisher(valkey, monkeypatch) -> Publisher:
    """A new one, with no memory of the failures of earlier tests."""
    fresh = Publisher()
    monkeypatch.setattr(hints, "publisher", fresh)
    return fresh


def delays(page: Listener, hospital, times: int = 7) -> list[float]:
    found = []
    for number in range(times):
        time.sleep(0.13)
        grant(hospital, f"N{number}")
        began = time.monotonic()
        page.hears("user:changed")
        found.append(time.monotonic() - began)
    return found


def test_a_hint_makes_it_quick(fragile_site, alpha, publisher):
    with Listener(fragile_site, alpha, "admin") as page:
        page.joined()
        wait_for_hints(page, alpha)
        assert statistics.median(delays(page, alpha)) < HINTED / 2


def wait_for_hints(page: Listener, hospital, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while statistics.median(delays(page, hospital, 5)) > HINTED / 2:
        assert time.monotonic() < end, "the hints did not come back"


def test_while_valkey_stands_still_no_request_waits_and_the_log_is_read_each_second(
    fragile_site, alpha, valkey, publisher
):
    with Listener(fragile_site, alpha, "admin") as page:
        page.joined()
        valkey.pause()
        try:
            assert max(commits(alpha, 5)) < 0.2
            assert max(delays(page, alpha)) < 2
        finally:
            valkey.go_on()
        wait_for_hints(page, alpha)


def commits(hospital, times: int) -> list[float]:
    found = []
    for _ in range(times):
        began = time.monotonic()
        with hospital.acting("admin"):
            SignIn.objects.create(person=hospital.admin, role="admin")
        found.append(time.monotonic() - began)
    return found


def test_after_valkey_was_killed_and_came_back_the_hints_come_back(fragile_site, alpha, valkey, publisher):
    with Listener(fragile_site, alpha, "admin") as page:
        page.joined()
        valkey.kill()
        assert max(delays(page, alpha)) < 2
        time.sleep(3)
        valkey.start()
        wait_for_hints(page, alpha)


def test_flushing_at_exit_waits_no_longer_than_a_quarter_of_a_second(alpha, valkey, publisher):
    valkey.pause()
    try:
        publisher.publish(str(alpha.tenant.pk))
        began = time.monotonic()
        publisher.flush()
        assert time.monotonic() - began < 4 * hints.PATIENCE
    finally:
        valkey.go_on()


def test_after_a_failure_the_layer_is_left_alone_for_a_while(alpha, valkey, publisher):
    valkey.pause()
    try:
        publisher.publish(str(alpha.tenant.pk))
        assert publisher.flush(2)
        began = time.monotonic()
        publisher.publish(str(alpha.tenant.pk))
        assert publisher.flush(2)
        assert time.monotonic() - began < hints.PATIENCE, "it did not even try"
    finally:
        valkey.go_on()


def test_a_reader_whose_connection_is_cut_reads_on(fragile_site, alpha):
    with Listener(fragile_site, alpha, "admin") as page:
        page.joined()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 2
        connection.close_pool()  # ours were among them
        grant(alpha)
        page.hears("user:changed")


def test_while_postgresql_is_away_no_heartbeat_says_live_and_afterwards_nothing_is_missing(folder, alpha):
    before = cursor_of(alpha)
    entry = settings.DATABASES["default"]
    (folder / "pg").mkdir()
    wire = Wire(folder / "pg", f"{entry['HOST']}/.s.PGSQL.{entry['PORT']}").join()
    site = Site(folder / "cut.log", DATABASE_URL=database_url("default", host=str(folder / "pg"))).start()
    try:
        with Listener(site, alpha, "admin", cursor=before) as page:
            page.joined()
            wire.cut()
            time.sleep(4)
            page.listen(0.2)
            page.messages.clear()
            writer = threading.Thread(target=write_and_close, args=[alpha])
            writer.start()
            page.listen(6)
            writer.join()
            assert page.messages == []
            wire.join()
            page.hears("user:changed", seconds=10)
            page.until(lambda: page.cursor == cursor_of(alpha))
    finally:
        site.stop()
        wire.cut()


def write_and_close(hospital) -> None:
    grant(hospital)
    connection.close()


def test_a_server_that_was_killed_is_resumed_from_the_page(folder, alpha):
    site = Site(folder / "killed.log").start()
    page = Listener(site, alpha, "admin")
    try:
        page.connect()
        page.joined()
        site.process.kill()
        site.process.wait(10)
        membership = grant(alpha)
        page.disconnect()
        site.start()
        page.connect()
        page.hears("user:changed")
        assert f"membership-{membership.pk}" in page.html[-1]
    finally:
        page.disconnect()
        site.stop()


def test_a_fragment_that_cannot_be_made_for_one_role_is_fetched_by_that_role_alone(alpha, monkeypatch):
    """FA-13: a template that fails for one role and one visit. What comes after it is pushed to that role too."""
    with alpha.acting("reception"):
        visits = [a_visit(), a_visit()]

    def poisoned(template: str, visit: Visit) -> str:
        if visit == visits[0] and current().role.key == "reception":
            raise ValueError
        return render(template, visit)

    monkeypatch.setattr(paint, "render", poisoned)
    rows = [told_of(visit, seq) for seq, visit in enumerate(visits, start=1)]
    painted = paint.paint(alpha.tenant.pk, rows, dict.fromkeys(HEARING, 0))
    fetched = {role: ["refetch" in one.words for one in ones] for role, ones in painted.items()}
    assert fetched == {"reception": [True, False], "checker_doctor": [False, False]}
    shown = {role: [bool(one.html) for one in ones] for role, ones in painted.items()}
    assert shown == {"reception": [False, True], "checker_doctor": [True, True]}


HEARING = ("reception", "checker_doctor")


def told_of(visit: Visit, seq: int) -> Row:
    loudness = dict.fromkeys(HEARING, "info")
    return Row(seq, "visit:created", visit.pk, visit.patient_id, loudness, frozenset(HEARING), frozenset())

"""WS-1, WS-2, WS-3: whoever loses a right loses the socket, and hears of nothing that happened after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings
from django.test import override_settings
from websockets.exceptions import ConnectionClosed

from hospital.models import Membership, Role, Tenant
from hospital.tests.databases import database_url, owner
from realtime.tests.listening import Listener
from realtime.tests.server import Site
from realtime.tests.servers import Wire
from realtime.tests.test_socket import grant
from realtime.tests.victims import (
    CHANGES,
    LOG_IN,
    NO_RIGHT,
    SOON,
    Victim,
    frames_until_the_cut,
    site_with_own_valkey,
    victim_at,
)

IDLE = 12  # seconds


@pytest.fixture
def victim(site, alpha) -> Iterator[Victim]:
    with victim_at(site, alpha) as victim:
        yield victim


@pytest.mark.parametrize("change", CHANGES)
def test_the_socket_is_cut_off_and_nothing_later_is_heard(site, alpha, victim, change):
    code, make = CHANGES[change]
    with Listener(site, alpha, "admin") as colleague:
        colleague.joined()
        make(victim)
        later = grant(alpha, "Later")
        assert frames_until_the_cut(victim.page) == code
        assert str(later.pk) not in victim.page.received
        colleague.until(lambda: str(later.pk) in colleague.received, SOON)


KEPT: dict[str, Callable[[Victim], object]] = {
    "name": lambda v: v.rows.update(name="Another Name"),
    "another role": lambda v: v.within(lambda: Membership.grant(v.person, "pharmacy")),
    "a right of the role": lambda v: v.within(
        lambda: Role.objects.get(key="admin").allow_exactly(
            Role.objects.get(key="admin").permissions - {"billing.waive"}
        )
    ),
    "a session of somebody else": lambda v: v.post("/accounts/logout/", by=v.hospital.client("pharmacy")),
    "another session of the same person": lambda v: v.post("/accounts/logout/", by=v.elsewhere),
    "what is in the session": lambda v: v.post("/role/", {"role": "admin"}, by=v.own),
}


@pytest.mark.parametrize("change", KEPT)
def test_the_socket_stays_where_the_right_stays(alpha, victim, change):
    KEPT[change](victim)
    later = grant(alpha, "Later")
    victim.page.until(lambda: str(later.pk) in victim.page.received, SOON)


def test_log_out_closes_all_sockets_of_this_session_and_no_other(site, alpha, victim):
    """WS-1."""
    tabs = [Listener(site, alpha, "admin", name="Vera") for _ in range(5)]
    for tab in tabs:
        tab.cookie = victim.page.cookie
        tab.connect()
        tab.joined()
    with Listener(site, alpha, "admin", name="Vera") as elsewhere:
        elsewhere.joined()
        victim.post("/accounts/logout/", by=victim.own)
        assert {frames_until_the_cut(page) for page in (victim.page, *tabs)} == {LOG_IN}
        later = grant(alpha, "Later")
        elsewhere.until(lambda: str(later.pk) in elsewhere.received, SOON)
    for tab in tabs:
        tab.disconnect()


@pytest.mark.parametrize("how", ["update", "by hand"])
def test_a_suspended_hospital_falls_silent(alpha, beta, site, victim, how):
    with Listener(site, beta, "admin") as neighbour:
        neighbour.joined()
        if how == "update":
            victim.within(lambda: Tenant.objects.filter(pk=alpha.tenant.pk).update(is_active=False))
        else:
            victim.by_hand("UPDATE hospital_tenant SET is_active = false WHERE id = %(tenant)s")
        later = grant(alpha, "Later")
        assert frames_until_the_cut(victim.page) == NO_RIGHT
        assert str(later.pk) not in victim.page.received
        theirs = grant(beta, "Theirs")
        neighbour.until(lambda: str(theirs.pk) in neighbour.received, SOON)


def test_a_table_of_sessions_that_is_emptied_logs_everybody_out(alpha, victim):
    with owner() as database:
        database.execute("TRUNCATE hospital_session")
    assert frames_until_the_cut(victim.page) == LOG_IN


def test_a_socket_that_has_not_said_yet_how_far_it_has_seen_is_cut_off_too(site, alpha):
    page = Listener(site, alpha, "admin", name="Vera")
    page.cursor = "mute"
    with page:
        time.sleep(1)
        Victim(alpha, page).sessions.delete()
        assert frames_until_the_cut(page) == LOG_IN and page.messages == []


# --- with Valkey, or PostgreSQL, away ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="live") as name:  # short: a socket's path has at most 107 bytes
        yield Path(name)


@pytest.mark.parametrize("change", ["log-out: page", "membership: update", "password: by hand"])
def test_without_valkey_it_is_the_same(folder, alpha, change):
    with site_with_own_valkey(folder) as (site, valkey), victim_at(site, alpha) as victim:
        valkey.kill()
        code, make = CHANGES[change]
        make(victim)
        later = grant(alpha, "Later")
        assert frames_until_the_cut(victim.page) == code
        assert str(later.pk) not in victim.page.received


def test_what_cannot_be_checked_is_not_pushed(folder, alpha):
    """PostgreSQL is away for this server only: the right goes, then things happen, then it is back."""
    entry = settings.DATABASES["default"]
    (folder / "pg").mkdir()
    wire = Wire(folder / "pg", f"{entry['HOST']}/.s.PGSQL.{entry['PORT']}").join()
    site = Site(folder / "cut.log", DATABASE_URL=database_url("default", host=str(folder / "pg"))).start()
    try:
        with Listener(site, alpha, "admin", name="Vera") as page:
            page.joined()
            wire.cut()
            Victim(alpha, page).sessions.delete()
            later = grant(alpha, "Later")
            page.listen(4)
            wire.join()
            assert frames_until_the_cut(page) == LOG_IN
            assert str(later.pk) not in page.received
    finally:
        site.stop()
        wire.cut()


# --- a session's clock -----------------------------------------------------------------------------------------


@pytest.fixture
def hasty(folder, alpha) -> Iterator[Listener]:
    """A page where a session ends when nobody has used it for so short a time."""
    site = Site(folder / "idle.log", SESSION_IDLE_SECONDS=str(IDLE)).start()
    try:
        with override_settings(SESSION_IDLE_SECONDS=IDLE), Listener(site, alpha, "admin", name="Vera") as page:
            yield page.joined()
    finally:
        site.stop()


def test_a_session_that_nobody_uses_ends_though_its_page_polls_and_answers(hasty, alpha):
    """WS-4. Acknowledgements, heartbeats and refreshes go on until the last moment."""
    client, began = Victim(alpha, hasty).own, time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        while time.monotonic() - began < IDLE + SOON:
            hasty.take(0.5)
            hasty.say({"ack": hasty.seq})
            client.get(f"{alpha.url}/people/", headers={"X-Live-Refresh": "1"})
    assert closed.value.rcvd.code == LOG_IN
    assert time.monotonic() - began > IDLE / 2


def test_a_session_that_is_used_goes_on(hasty, alpha):
    client, began = Victim(alpha, hasty).own, time.monotonic()
    while time.monotonic() - began < IDLE * 1.5:
        hasty.take(0.5)
        assert client.get(f"{alpha.url}/people/").status_code == 200

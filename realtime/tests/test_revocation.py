"""WS-1, WS-2, WS-3: whoever loses a right loses the socket, and hears of nothing that happened after it.

Each change is made by a page, by the administration pages, by `QuerySet.update`, and by hand in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from hospital.models import Membership, Person, Role, Session, Tenant
from hospital.tests.databases import database_url, owner
from hospital.tests.hospital import PASSWORD, Hospital
from realtime.tests.listening import Listener
from realtime.tests.server import Site
from realtime.tests.servers import Valkey, Wire
from realtime.tests.test_socket import grant

SOON = 20.0  # seconds; it takes milliseconds, but the machine of a test run may be busy
IDLE = 12  # seconds
LOG_IN, NO_RIGHT, OTHER_ROLE = 4401, 4403, 4409


@dataclass
class Victim:
    """Vera, an administrator, whose page is open; and everything with which somebody can be taken a right away."""

    hospital: Hospital
    page: Listener

    @property
    def person(self) -> Person:
        return self.hospital.person("admin", "Vera")

    @property
    def rows(self) -> Any:
        return Person.objects.filter(pk=self.person.pk)

    @property
    def sessions(self) -> Any:
        return Session.objects.filter(person=self.person)

    @property
    def own(self) -> Client:
        """The browser in which the page is open."""
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = self.page.cookie.split("=")[1]
        return client

    def membership(self) -> Membership:
        with self.hospital.acting():
            return Membership.objects.get(person=self.person)

    def post(self, path: str, fields: dict | None = None, by: Client | None = None) -> None:
        """A page of the hospital, used by the other administrator."""
        client = by or self.hospital.client("admin")
        address = path if path.startswith("/accounts") else self.hospital.url + path
        answer = client.post(address, fields or {})
        assert answer.status_code == 302, answer.content.decode()[-2000:]

    def within(self, work: Callable[[], object]) -> None:
        with self.hospital.acting():
            work()

    def by_hand(self, statement: str) -> None:
        """As somebody would who has psql, and no idea of the application."""
        values = {"person": self.person.pk, "tenant": self.hospital.tenant.pk}
        with owner() as database, database.transaction():
            database.execute("SELECT set_config('app.tenant', %s, true)", [str(values["tenant"])])
            assert database.execute(statement, values).rowcount


def change_password(victim: Victim) -> None:
    """On another device, where the person stays logged in."""
    other = victim.hospital.client("admin", "Vera")
    new = "another long and quiet river"
    victim.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}, by=other)
    assert other.get(f"{victim.hospital.url}/people/").status_code == 200


def switch_role(victim: Victim) -> None:
    with victim.hospital.acting():
        Membership.grant(victim.person, "pharmacy")
    victim.post("/role/", {"role": "pharmacy"}, by=victim.own)


def give_another_role(victim: Victim) -> None:
    with victim.hospital.acting():
        Membership.objects.filter(person=victim.person).update(role=Role.objects.get(key="pharmacy"))


def add_factor(victim: Victim) -> None:
    Authenticator.objects.create(user=victim.person, type="totp", data={"secret": "x"})


FIND = "person_id = %(person)s AND tenant_id = %(tenant)s"
CHANGES: dict[str, tuple[int, Callable[[Victim], object]]] = {
    "log-out: page": (LOG_IN, lambda v: v.post("/accounts/logout/", by=v.own)),
    "session ended: command": (LOG_IN, lambda v: call_command("end_sessions", v.person.email)),
    "session ended: people": (LOG_IN, lambda v: v.post(f"/people/memberships/{v.membership().pk}/log-out/")),
    "session ended: own page": (
        LOG_IN,
        lambda v: v.post("/sessions/others/end/", by=v.hospital.client("admin", "Vera")),
    ),
    "session ended: admin": (
        LOG_IN,
        lambda v: v.post("/admin/hospital/person/", {"action": "end_sessions", "_selected_action": v.person.pk}),
    ),
    "session deleted: queryset": (LOG_IN, lambda v: v.sessions.delete()),
    "session deleted: by hand": (
        LOG_IN,
        lambda v: v.by_hand("DELETE FROM hospital_session WHERE person_id = %(person)s"),
    ),
    "session expired: update": (LOG_IN, lambda v: v.sessions.update(expire_date=timezone.now())),
    "session expired: by hand": (
        LOG_IN,
        lambda v: v.by_hand("UPDATE hospital_session SET expire_date = now() WHERE person_id = %(person)s"),
    ),
    "session of nobody: update": (LOG_IN, lambda v: v.sessions.update(session_data="")),
    "password: page": (LOG_IN, change_password),
    "password: update": (LOG_IN, lambda v: v.rows.update(password="!")),
    "password: by hand": (
        LOG_IN,
        lambda v: v.by_hand("UPDATE hospital_person SET password = '!' WHERE id = %(person)s"),
    ),
    "deactivated: update": (LOG_IN, lambda v: v.rows.update(is_active=False)),
    "deactivated: by hand": (
        LOG_IN,
        lambda v: v.by_hand("UPDATE hospital_person SET is_active = false WHERE id = %(person)s"),
    ),
    "second factor: added": (LOG_IN, add_factor),
    "second factor: by hand": (
        LOG_IN,
        lambda v: v.by_hand(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%(person)s, 'totp', '{}', now())"
        ),
    ),
    "membership: page": (NO_RIGHT, lambda v: v.post(f"/people/memberships/{v.membership().pk}/end/")),
    "membership: admin": (NO_RIGHT, lambda v: v.post(f"/admin/hospital/membership/{v.membership().pk}/change/", {})),
    "membership: update": (
        NO_RIGHT,
        lambda v: v.within(lambda: Membership.objects.filter(person=v.person).update(is_active=False)),
    ),
    "membership: by hand": (
        NO_RIGHT,
        lambda v: v.by_hand(f"UPDATE hospital_membership SET is_active = false WHERE {FIND}"),
    ),
    "membership: deleted by hand": (NO_RIGHT, lambda v: v.by_hand(f"DELETE FROM hospital_membership WHERE {FIND}")),
    "role: switched": (OTHER_ROLE, switch_role),
    "role: another one": (OTHER_ROLE, give_another_role),
}


@pytest.fixture
def victim(site, alpha) -> Iterator[Victim]:
    with Listener(site, alpha, "admin", name="Vera") as page:
        yield Victim(alpha, page.joined())


def frames_until_the_cut(page: Listener) -> int:
    """Takes everything that still comes, and says with what the socket was closed."""
    end = time.monotonic() + SOON
    try:
        while time.monotonic() < end:
            page.take(0.5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    raise AssertionError(f"not cut off in {SOON} s; heard {page.messages}")


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
    "another session of the same person": lambda v: v.post("/accounts/logout/", by=v.hospital.client("admin", "Vera")),
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
    valkey = Valkey(folder).start()
    layers = {"default": {**settings.CHANNEL_LAYERS["default"]}}
    layers["default"]["CONFIG"] = {**layers["default"]["CONFIG"], "hosts": [{"address": valkey.url}]}
    site = Site(folder / "site.log", REDIS_URL=valkey.url).start()
    try:
        with override_settings(CHANNEL_LAYERS=layers), Listener(site, alpha, "admin", name="Vera") as page:
            page.joined()
            valkey.kill()
            code, make = CHANGES[change]
            make(Victim(alpha, page))
            later = grant(alpha, "Later")
            assert frames_until_the_cut(page) == code
            assert str(later.pk) not in page.received
    finally:
        site.stop()


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

"""Somebody whose page is open, and every way in which that person's right to it ends.

Each change is made by a page, by the administration pages, by `QuerySet.update`, and by hand in the database.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from hospital.models import Membership, Person, Role, Session
from hospital.tests.databases import owner
from hospital.tests.hospital import PASSWORD, Hospital
from realtime.tests.listening import Listener
from realtime.tests.server import Site
from realtime.tests.servers import Valkey

SOON = 20.0  # seconds; it takes milliseconds, but the machine of a test run may be busy
LOG_IN, NO_RIGHT, OTHER_ROLE = 4401, 4403, 4409
NEW = "another long and quiet river"


@dataclass
class Victim:
    """An administrator whose page is open; and everything with which somebody can be taken a right away."""

    hospital: Hospital
    page: Listener
    name: str = "Vera"

    @property
    def person(self) -> Person:
        return self.hospital.person("admin", self.name)

    @property
    def rows(self) -> Any:
        return Person.objects.filter(pk=self.person.pk)

    @property
    def sessions(self) -> Any:
        return Session.objects.filter(person=self.person)

    @property
    def factors(self) -> Any:
        return Authenticator.objects.filter(user=self.person)

    @property
    def own(self) -> Client:
        """The browser in which the page is open."""
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = self.page.cookie.split("=")[1]
        return client

    @property
    def elsewhere(self) -> Client:
        """Another browser of the same person, newly logged in."""
        return self.hospital.client("admin", self.name)

    def membership(self) -> Membership:
        with self.hospital.acting():
            return Membership.objects.get(person=self.person, role__key="admin")

    def post(self, path: str, fields: dict | None = None, by: Client | None = None) -> None:
        """A page of the hospital, used by the other administrator."""
        client = by or self.hospital.client("admin")
        address = path if path.startswith("/accounts") else self.hospital.url + path
        answer = client.post(address, fields or {})
        assert answer.status_code == 302, answer.content.decode()[-2000:]

    def act(self, action: str) -> None:
        """On the administration page of the people."""
        self.post("/admin/hospital/person/", {"action": action, "_selected_action": self.person.pk})

    def within(self, work: Callable[[], object]) -> None:
        with self.hospital.acting():
            work()

    def by_hand(self, statement: str) -> None:
        """As somebody would who has psql, and no idea of the application."""
        values = {"person": self.person.pk, "tenant": self.hospital.tenant.pk}
        with owner() as database, database.transaction():
            database.execute("SELECT set_config('app.tenant', %s, true)", [str(values["tenant"])])
            assert database.execute(statement, values).rowcount


@contextmanager
def victim_at(site: Site, hospital: Hospital, name: str = "Vera") -> Iterator[Victim]:
    """Of somebody who has a second factor."""
    person = hospital.person("admin", name)
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    person.refresh_from_db(fields=["credentials"])
    with Listener(site, hospital, "admin", name=name) as page:
        yield Victim(hospital, page.joined(), name)


@contextmanager
def site_with_own_valkey(folder: Path) -> Iterator[tuple[Site, Valkey]]:
    """A server whose Valkey a test may kill. Whoever writes meanwhile has no other one either."""
    valkey = Valkey(folder).start()
    layer = settings.CHANNEL_LAYERS["default"]
    layers = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "hosts": [{"address": valkey.url}]}}}
    site = Site(folder / "site.log", REDIS_URL=valkey.url)
    try:
        with override_settings(CHANNEL_LAYERS=layers):
            yield site.start(), valkey
    finally:
        site.stop()
        valkey.kill()


def change_password(victim: Victim) -> None:
    """On another device, where the person stays logged in."""
    other = victim.elsewhere
    victim.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}, by=other)
    assert other.get(f"{victim.hospital.url}/people/").status_code == 200


def reset_password(victim: Victim) -> None:
    """By the link in an e-mail, in a browser where nobody is logged in."""
    anybody = Client()
    victim.post("/accounts/password/reset/", {"email": victim.person.email}, by=anybody)
    [letter] = [message for message in mail.outbox if victim.person.email in message.to]
    link = re.search(r"/accounts/password/reset/key/\S+", letter.body)[0]
    victim.post(anybody.get(link).headers["Location"], {"password1": NEW, "password2": NEW}, by=anybody)


def remove_factor(victim: Victim) -> None:
    """On another device, where the password is asked for once more."""
    other = victim.elsewhere
    victim.post("/accounts/reauthenticate/", {"password": PASSWORD}, by=other)
    victim.post("/accounts/2fa/totp/deactivate/", by=other)
    assert not victim.factors.exists()


def switch_role(victim: Victim) -> None:
    victim.within(lambda: Membership.grant(victim.person, "pharmacy"))
    victim.post("/role/", {"role": "pharmacy"}, by=victim.own)


def end_one_role(victim: Victim, address: str) -> None:
    """Another one is left."""
    victim.within(lambda: Membership.grant(victim.person, "pharmacy"))
    victim.post(address.format(victim.membership().pk))


def end_all_roles(victim: Victim, address: str) -> None:
    with victim.hospital.acting():
        other = Membership.grant(victim.person, "pharmacy")
    for membership in (other, victim.membership()):
        victim.post(address.format(membership.pk))


def give_another_role(victim: Victim) -> None:
    with victim.hospital.acting():
        Membership.objects.filter(person=victim.person).update(role=Role.objects.get(key="pharmacy"))


FIND = "person_id = %(person)s AND tenant_id = %(tenant)s"
ANOTHER_ROLE = (
    "UPDATE hospital_membership SET role_id = (SELECT id FROM hospital_role WHERE tenant_id = %(tenant)s AND key = 'pharmacy')"
    f" WHERE {FIND}"
)
BY_PAGE, BY_ADMIN = "/people/memberships/{}/end/", "/admin/hospital/membership/{}/change/"
CHANGES: dict[str, tuple[int, Callable[[Victim], object]]] = {
    "log-out: page": (LOG_IN, lambda v: v.post("/accounts/logout/", by=v.own)),
    "session ended: command": (LOG_IN, lambda v: call_command("end_sessions", v.person.email)),
    "session ended: people": (LOG_IN, lambda v: v.post(f"/people/memberships/{v.membership().pk}/log-out/")),
    "session ended: own page": (LOG_IN, lambda v: v.post("/sessions/others/end/", by=v.elsewhere)),
    "session ended: admin": (LOG_IN, lambda v: v.act("end_sessions")),
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
    "password: link in an e-mail": (LOG_IN, reset_password),
    "password: update": (LOG_IN, lambda v: v.rows.update(password="!")),
    "password: by hand": (
        LOG_IN,
        lambda v: v.by_hand("UPDATE hospital_person SET password = '!' WHERE id = %(person)s"),
    ),
    "deactivated: admin": (LOG_IN, lambda v: v.act("deactivate")),
    "deactivated: update": (LOG_IN, lambda v: v.rows.update(is_active=False)),
    "deactivated: by hand": (
        LOG_IN,
        lambda v: v.by_hand("UPDATE hospital_person SET is_active = false WHERE id = %(person)s"),
    ),
    "second factor added: queryset": (
        LOG_IN,
        lambda v: Authenticator.objects.create(user=v.person, type="recovery_codes", data={}),
    ),
    "second factor added: by hand": (
        LOG_IN,
        lambda v: v.by_hand(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            " VALUES (%(person)s, 'recovery_codes', '{}', now())"
        ),
    ),
    "second factor removed: page": (LOG_IN, remove_factor),
    "second factor removed: queryset": (LOG_IN, lambda v: v.factors.delete()),
    "second factor removed: update": (
        LOG_IN,
        lambda v: v.factors.update(user=v.hospital.person("admin", f"Ida after {v.name}")),
    ),
    "second factor removed: by hand": (
        LOG_IN,
        lambda v: v.by_hand("DELETE FROM mfa_authenticator WHERE user_id = %(person)s"),
    ),
    "membership: page": (NO_RIGHT, lambda v: v.post(BY_PAGE.format(v.membership().pk))),
    "membership: admin": (NO_RIGHT, lambda v: v.post(BY_ADMIN.format(v.membership().pk))),
    "membership: update": (
        NO_RIGHT,
        lambda v: v.within(lambda: Membership.objects.filter(person=v.person).update(is_active=False)),
    ),
    "membership: by hand": (
        NO_RIGHT,
        lambda v: v.by_hand(f"UPDATE hospital_membership SET is_active = false WHERE {FIND}"),
    ),
    "membership: deleted by hand": (NO_RIGHT, lambda v: v.by_hand(f"DELETE FROM hospital_membership WHERE {FIND}")),
    "all memberships: page": (NO_RIGHT, lambda v: end_all_roles(v, BY_PAGE)),
    "all memberships: admin": (NO_RIGHT, lambda v: end_all_roles(v, BY_ADMIN)),
    "role: switched": (OTHER_ROLE, switch_role),
    "role: page": (OTHER_ROLE, lambda v: end_one_role(v, BY_PAGE)),
    "role: admin": (OTHER_ROLE, lambda v: end_one_role(v, BY_ADMIN)),
    "role: update": (OTHER_ROLE, give_another_role),
    "role: by hand": (OTHER_ROLE, lambda v: v.by_hand(ANOTHER_ROLE)),
}


def frames_until_the_cut(page: Listener) -> int:
    """Takes everything that still comes, and says with what the socket was closed."""
    end = time.monotonic() + SOON
    try:
        while time.monotonic() < end:
            page.take(0.5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    raise AssertionError(f"not cut off in {SOON} s; heard {page.messages}")

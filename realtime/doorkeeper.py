"""Who may open a socket: the origin of the page, then the session, the person, the membership and the acting role."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import close_old_connections
from django.http.request import split_domain_port, validate_host

from hospital.models import Person, Role, Session, Tenant
from hospital.sessions import is_key, is_opened_by
from hospital.tenancy import acting_for

LOG_IN, NO_RIGHT, OTHER_ROLE = 4401, 4403, 4409
PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Asker:
    """What a browser brings: an address, its session, and the role that its page was made for.

    The role gives it nothing: a page only hears nothing for another one.
    """

    slug: str
    session_key: str
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    tenant_id: UUID
    person_id: UUID
    role: str
    session_key: str
    at: float = field(compare=False)  # not before this moment, by the process's own clock, it was true


@dataclass(frozen=True, slots=True)
class Refusal:
    code: int


def comes_from_here(scope: dict) -> bool:
    """Browsers send cookies with a foreign page's handshake, so its origin must be exactly this host."""
    host, origin = header(scope, b"host"), header(scope, b"origin")
    domain, port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    scheme = "https" if is_secure(scope) else "http"
    try:
        parts = urlsplit(origin)
        given = (parts.scheme, parts.hostname, str(parts.port or PORTS.get(parts.scheme)))
    except ValueError:
        return False
    bare = f"{parts.scheme}://{parts.netloc}" == origin and "@" not in parts.netloc
    return bare and given == (scheme, domain.strip("[]"), port or PORTS[scheme])


def header(scope: dict, name: bytes) -> str:
    """A header that is sent twice counts as missing."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def is_secure(scope: dict) -> bool:
    said_by_proxy = cast(tuple[str, str] | None, settings.SECURE_PROXY_SSL_HEADER)
    if said_by_proxy:
        name, value = said_by_proxy
        return header(scope, name.removeprefix("HTTP_").replace("_", "-").lower().encode()) == value
    return scope.get("scheme") == "wss"


def asker_of(slug: str, scope: dict) -> Asker:
    made_for = parse_qs(scope["query_string"].decode("latin-1")).get("role", [""])[0]
    return Asker(slug, session_key_of(header(scope, b"cookie")), made_for)


def session_key_of(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        morsel = None
    return morsel.value if morsel and is_key(morsel.value) else ""


def identify_all(askers: Sequence[Asker]) -> list[Identity | Refusal]:
    """An answer for each, in their order. Everything is read from the database: once for all sessions, once for all
    persons, once for all tenants, and once per tenant for the roles. Runs in a thread.
    """
    at = time.monotonic()
    try:
        sessions = sessions_with({asker.session_key for asker in askers})
        people = people_in(sessions)
        tenants = Tenant.objects.filter(slug__in={asker.slug for asker in askers}, is_active=True)
        rooms = {tenant.slug: (tenant, roles_in(tenant, set(people.values()))) for tenant in tenants}
        return [identity_of(asker, sessions, people, rooms, at) for asker in askers]
    finally:
        close_old_connections()


def sessions_with(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the sessions that still live say, by their keys."""
    return {row.session_key: row.get_decoded() for row in Session.objects.alive().filter(session_key__in=keys)}


def people_in(sessions: dict[str, dict[str, Any]]) -> dict[str, Person]:
    """Whoever may still log in, and whose password is the one that the session was opened with; by the session's key."""
    people = Person.objects.filter(is_active=True).in_bulk(
        {said.get(SESSION_KEY) for said in sessions.values()} - {None}
    )
    found = {key: people.get(UUID(said[SESSION_KEY])) for key, said in sessions.items() if SESSION_KEY in said}
    return {key: person for key, person in found.items() if person and is_opened_by(sessions[key], person)}


def roles_in(tenant: Tenant, people: Iterable[Person]) -> dict[UUID, list[str]]:
    """The keys of the roles that each person holds, the first one first."""
    held = defaultdict(list)
    with acting_for(tenant):
        for person_id, key in Role.objects.held_by(*people).values_list("memberships__person", "key"):
            held[person_id].append(key)
    return held


def identity_of(asker: Asker, sessions: dict, people: dict[str, Person], rooms: dict, at: float) -> Identity | Refusal:
    person = people.get(asker.session_key)
    if person is None:
        return Refusal(LOG_IN)
    tenant, held = rooms.get(asker.slug, (None, {}))
    if tenant is None or person.pk not in held:
        return Refusal(NO_RIGHT)
    chosen = sessions[asker.session_key].get("roles", {}).get(str(tenant.pk))
    role = chosen if chosen in held[person.pk] else held[person.pk][0]
    if asker.made_for not in ("", role):
        return Refusal(OTHER_ROLE if asker.made_for in held[person.pk] else NO_RIGHT)
    return Identity(tenant.pk, person.pk, role, asker.session_key, at)

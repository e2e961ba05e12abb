"""Who may open a socket: the origin of the page, then the session, the person, the membership and the acting role."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from hospital.middleware import acting_role, roles_in
from hospital.models import Tenant

LOG_IN, NO_RIGHT, OTHER_ROLE = 4401, 4403, 4409
PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Identity:
    tenant_id: UUID
    person_id: UUID
    role: str


class Refusal(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


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


def identify(slug: str, cookies: str, query: bytes = b"") -> Identity:
    """Everything is read from the database; the browser only brings its session. Runs in a thread.

    A page says for which role it was made. That gives it nothing: it only hears nothing for another one.
    """
    try:
        identity = identity_of(slug, session_of(cookies))
    finally:
        close_old_connections()
    if made_for(query) not in ("", identity.role):
        raise Refusal(OTHER_ROLE)
    return identity


def made_for(query: bytes) -> str:
    return parse_qs(query.decode("latin-1")).get("role", [""])[0]


def session_of(cookies: str):
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        morsel = None
    return import_module(settings.SESSION_ENGINE).SessionStore(morsel.value if morsel else None)


def identity_of(slug: str, session) -> Identity:
    request = HttpRequest()
    request.session = session
    person = get_user(request)
    if not person.is_authenticated:
        raise Refusal(LOG_IN)
    tenant = Tenant.objects.filter(slug=slug, is_active=True).first()
    roles = roles_in(tenant, person) if tenant else []
    if tenant is None or not roles:
        raise Refusal(NO_RIGHT)
    return Identity(tenant.pk, person.pk, acting_role(session, tenant, roles).key)

"""From an address to a tenant, a person, a role and a transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import quote, unquote_plus
from uuid import uuid4

from django.conf import settings
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import get_script_prefix, set_script_prefix

from hospital import idempotency, outage
from hospital.context import ForeignTenant, current
from hospital.http import ActingPerson, Request
from hospital.models import Person, Role, SignIn, Tenant
from hospital.models.tenant import RESERVED_SLUGS
from hospital.sessions import prolong
from hospital.tenancy import acting_for
from hospital.views.errors import bad_request, refusal, too_large
from hospital.workflow import IllegalMove, Refused

PREFIX = re.compile(r"\A/([a-z0-9][a-z0-9-]{1,48})(/.*)\Z", re.DOTALL)
SAFE = ("GET", "HEAD", "OPTIONS")
WALL_BOARD = "board"
ROOM_FOR_FIELDS = 1024 * 1024


class Address:
    """Moves the tenant's slug from the path to the script prefix, so that `{% url %}` is right everywhere."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.request_id = uuid4().hex
        request.tenant_slug = ""
        if is_damaged(request):
            return bad_request(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_LIMIT + ROOM_FOR_FIELDS:
            return too_large(request)
        slug, rest = split_address(request.path_info)
        request.tenant_slug, request.path_info = slug, rest
        request.urlconf = "hospital.urls" if slug else "hospital.public_urls"
        with script_prefix(f"/{slug}/" if slug else "/"):
            response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def is_damaged(request: HttpRequest) -> bool:
    """No browser sends a length that is no number, or a NUL in an address; a database refuses the NUL as text."""
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    query = request.META.get("QUERY_STRING", "")
    return not (length.isascii() and length.isdigit()) or "\0" in request.path_info + unquote_plus(query)


def split_address(path: str) -> tuple[str, str]:
    """ "/riverside/people/" is ("riverside", "/people/"); an address outside any tenant has no slug."""
    match = PREFIX.match(path)
    return (match[1], match[2]) if match and match[1] not in RESERVED_SLUGS else ("", path)


@contextmanager
def script_prefix(prefix: str) -> Iterator[None]:
    before = get_script_prefix()
    set_script_prefix(prefix)
    try:
        yield
    finally:
        set_script_prefix(before)


class Tenancy:
    """Opens the tenant for its members, and a transaction around the whole request. A stranger gets 404."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if not request.tenant_slug:
            return self.get_response(request)
        if not request.user.is_authenticated:
            return log_in_first(request)
        tenant = Tenant.objects.filter(slug=request.tenant_slug, is_active=True).first()
        if tenant is None:
            return outside(request)
        entered = request.session.get("entered", {})

        def forget() -> None:
            forget_attempt(request)
            request.session["entered"] = entered

        try:
            return outage.persistently(lambda: self.within(request, tenant), forget)
        except Stranger:
            return outside(request)

    def within(self, request: Request, tenant: Tenant) -> HttpResponse:
        again = "X-Live-Refresh" in request.headers
        person = cast(Person, request.user)

        def role() -> Role:
            request.my_roles = my_roles(request, person)
            current().opened.closed = frozenset(request.my_roles[0].closed)
            return acting_role(request.session, tenant, request.my_roles)

        with acting_for(tenant, person, role, request_id=request.request_id, says_again=again) as acting:
            request.acting = cast(ActingPerson, acting)
            note_sign_in(request)
            return self.get_response(request)

    def process_view(self, request: Request, view: Callable, args: tuple, kwargs: dict) -> HttpResponse | None:
        """An unsafe request runs in a savepoint, so that a refusal undoes everything and can still be shown."""
        if not request.tenant_slug or request.method in SAFE:
            return None

        def attempt() -> HttpResponse:
            with transaction.atomic():
                return idempotency.once(request, lambda: view(request, *args, **kwargs))

        try:
            return outage.persistently(attempt, lambda: forget_attempt(request))
        except (IllegalMove, Refused) as error:
            return refusal(request, error)
        except ForeignTenant as error:
            raise Http404 from error

    def process_exception(self, request: Request, error: Exception) -> HttpResponse | None:
        return refusal(request, error) if isinstance(error, IllegalMove | Refused) else None


def forget_attempt(request: Request) -> None:
    """What an attempt that the database undid has left in memory: its messages, and files that were read."""
    vars(request)["_messages"] = default_storage(request)
    for name in request.FILES:
        for file in request.FILES.getlist(name):
            file.seek(0)


class Stranger(Exception):
    """Somebody who holds no role here."""


def my_roles(request: Request, person: Person) -> list[Role]:
    roles = Role.objects.of(person)
    if not roles:
        raise Stranger
    if {role.key for role in roles} == {WALL_BOARD}:
        prolong(request)  # nobody touches a screen on the wall
    return roles


def acting_role(session: SessionBase, tenant: Tenant, roles: list[Role]) -> Role:
    chosen = session.get("roles", {}).get(str(tenant.pk))
    return next((role for role in roles if role.key == chosen), roles[0])


def note_sign_in(request: Request) -> None:
    """The first request of a session in a tenant is a sign-in there; hospital.accounts ends it at log-out."""
    acting, entered = request.acting, request.session.get("entered", {})
    if str(acting.tenant.pk) in entered:
        return
    sign_in = SignIn.objects.create(
        person=acting.person, role=acting.role.key, session=SignIn.digest_of(request.session.session_key or "")
    )
    request.session["entered"] = {**entered, str(acting.tenant.pk): str(sign_in.pk)}


def log_in_first(request: Request) -> HttpResponse:
    """A page would show the log-in page in place of the fragment that it asked for; static/session.js knows what to do."""
    return HttpResponse(status=401) if request.htmx else redirect(f"{login_address()}?next={quote(request.path)}")


def login_address() -> str:
    return "/accounts/login/"


def outside(request: Request) -> HttpResponse:
    """Not a member, or no such organisation: the same answer for both."""
    from hospital.views.errors import not_found

    set_script_prefix("/")
    request.urlconf = "hospital.public_urls"
    return not_found(request)

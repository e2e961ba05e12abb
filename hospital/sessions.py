"""How long a log-in lasts, and what ends it.

A session ends when its person has done nothing for a while, or has been logged in for long. Both times are kept by the
database's clock. What a page does by itself (polling, refreshing, heartbeats) is no action of a person: it says so, and
saying so can only fail to prolong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Least, Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from hospital.context import current_or_none
from hospital.models import AuditEntry, Person, Session, SignIn, Tenant
from hospital.tenancy import acting_for

STATE = "/accounts/session/"  # a page asks there how long its session lasts, and says there that somebody types
WRITTEN_EVERY = 30  # seconds between two notes of somebody's activity, at most
PROLONG = """
    UPDATE hospital_session SET last_active_at = now(), agent = %s,
        expire_date = least(now() + make_interval(secs => %s), started_at + make_interval(secs => %s))
    WHERE session_key = %s AND expire_date > now()
    RETURNING expire_date, expire_date - now()
"""

log = logging.getLogger(__name__)


def idle_time() -> timedelta:
    return timedelta(seconds=min(settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE))


class SessionStore(db.SessionStore):
    """Django's database sessions, with a row that tells whose it is, since when, and when somebody was last there."""

    row: Session | None = None
    former: Session | None = None  # whose life the row goes on with that is made now
    left = quiet = timedelta()  # as of the reading: until the end, and since the last action

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        if is_key(self.session_key):
            rows = Session.objects.alive().filter(session_key=self.session_key).select_related("person")
            found = rows.annotate(left=F("expire_date") - Now(), quiet=Now() - F("last_active_at")).first()
            if found:
                self.row, self.left, self.quiet = found, found.left, found.quiet
        if self.row is None:
            self._session_key = None
        return self.row

    def save(self, must_create: bool = False) -> None:
        """What is in a session that is there already: one statement of its own."""
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        data = dict(self.items())
        row = Session.objects.filter(session_key=self.session_key)
        if not row.update(session_data=self.encode(data), person=data.get(SESSION_KEY)):
            raise UpdateError

    def create_model_instance(self, data: dict) -> Session:
        row = Session(
            session_key=cast(str, self.session_key),
            session_data=self.encode(data),
            person_id=data.get(SESSION_KEY),
            expire_date=Now() + idle_time(),
        )
        if self.former:
            row.started_at, life = self.former.started_at, timedelta(seconds=settings.SESSION_COOKIE_AGE)
            row.expire_date = Least(Now() + idle_time(), Value(row.started_at + life))
        return row

    def cycle_key(self) -> None:
        """At a log-in, whose life begins; or when the password or a factor changes: then it goes on as it was."""
        if self.get(SESSION_KEY):
            self.former = self.row
        super().cycle_key()
        self.row = self.former = None
        self._get_session_from_db()

    @property
    def seconds_left(self) -> float:
        """From the moment at which the session was read or prolonged. A new one has all its time."""
        return (self.left if self.row else idle_time()).total_seconds()

    @property
    def may_be_prolonged(self) -> bool:
        """Not in the last minutes of its life."""
        life = timedelta(seconds=settings.SESSION_COOKIE_AGE)
        return self.row is None or self.row.expire_date < self.row.started_at + life

    def prolong(self, agent: str) -> None:
        """Somebody did something. One short statement of its own, and none if it was noted a moment ago."""
        if self.row is None or not self.get(SESSION_KEY):
            return
        agent = agent[: Session._meta.get_field("agent").max_length] or "-"
        often = min(timedelta(seconds=WRITTEN_EVERY), idle_time() / 10)
        if self.quiet < often and self.row.agent == agent:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                PROLONG, [agent, idle_time().total_seconds(), settings.SESSION_COOKIE_AGE, self.row.session_key]
            )
            found = cursor.fetchone()
        if found:
            self.row.expire_date, self.left = found
            self.quiet, self.row.agent = timedelta(), agent

    @classmethod
    def clear_expired(cls) -> None:
        for row in Session.objects.filter(expire_date__lte=Now()).select_related("person"):
            end(row, "session_expired")


class Authentication(AuthenticationMiddleware):
    """The person comes with the session, in one question. Whatever is unusual about it, Django decides."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        vars(request)["user"] = SimpleLazyObject(lambda: person_behind(request))


def person_behind(request: HttpRequest) -> Person | AnonymousUser:
    known = vars(request)
    if "_cached_user" not in known:
        known["_cached_user"] = person_of(cast(SessionStore, request.session)) or get_user(request)
    return known["_cached_user"]


def person_of(session: SessionStore) -> Person | None:
    """Whose session it is, if the person may still log in, with the password that it was opened with."""
    key = session.get(SESSION_KEY)
    person = session.row.person if session.row else None
    is_known = person is not None and person.is_active and str(person.pk) == key
    return person if person and is_known and is_opened_by(session, person) else None


def is_opened_by(session: SessionBase | dict[str, Any], person: Person) -> bool:
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return False
    given = session.get(HASH_SESSION_KEY, "")
    valid = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(given, hash) for hash in valid)


def is_key(text: str | None) -> bool:
    """Whether it could be one: a browser may send anything as its cookie, and the database takes no NUL."""
    return text is not None and text.isascii() and text.isalnum()


class Activity:
    """What a person does keeps the session alive; what a page does by itself does not."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """A form counts once it is known that no foreign page sent it: that is refused with 403.

        Nor when it failed: whoever waited in vain for the database need not wait for it a second time.
        """
        acts = bool(request.session.get(SESSION_KEY)) and not is_background(request)
        looks = request.method in ("GET", "HEAD")
        if acts and looks:
            prolong(request)
        response = self.get_response(request)
        if acts and not looks and response.status_code != 403 and response.status_code < 500:
            prolong(request)
        return response


def prolong(request: HttpRequest) -> None:
    cast(SessionStore, request.session).prolong(request.headers.get("User-Agent", ""))


def is_background(request: HttpRequest) -> bool:
    """A page's own refresh or question, or a browser that fetches ahead."""
    asks = request.method == "GET" and request.path == STATE
    said = {"X-Live-Refresh", "X-Background"} & {*request.headers}
    return asks or bool(said) or "prefetch" in request.headers.get("Sec-Purpose", "")


def open_sessions_of(person: Person) -> list[Session]:
    return [row for row in Session.objects.alive().filter(person=person).select_related("person") if row.is_open]


def end_all(sessions: Iterable[Session]) -> int:
    """Returns how many."""
    ended = list(sessions)
    for session in ended:
        end(session, "session_ended")
    return len(ended)


def end(session: Session, action: str) -> None:
    """The row goes, and with it every socket; each organisation that was entered learns that its sign-in is over."""
    leave(session.get_decoded().get("entered", {}), action=action, session=session)
    session.delete()


def leave(
    entered: dict[str, str], *, by: Person | None = None, action: str = "", session: Session | None = None
) -> None:
    """End these sign-ins, by tenant. Who acts in one of them is named there; in the others it was the system."""
    acting = current_or_none()
    for tenant in Tenant.objects.filter(pk__in=entered):
        here = acting if acting and acting.tenant == tenant else None
        with acting_for(tenant, here.person if here else by, here.role if here else None):
            sign_in = SignIn.objects.filter(pk=entered[str(tenant.pk)], ended_at=None).first()
            if sign_in:
                sign_in.ended_at = timezone.now()
                sign_in.save(update_fields=["ended_at"])
            if action and session:
                detail = {"person": str(session.person_id), "agent": session.agent}
                AuditEntry.note(action, table="hospital_session", row_id=session.ref, detail=detail)

"""Browsers that are logged in, and the list of whose rights may have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

if TYPE_CHECKING:
    from hospital.sessions import SessionStore

EVERYBODY = UUID(int=0)
# What browsers call themselves holds the names of others: the first that fits is the right one.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


class Sessions(BaseSessionManager["Session"]):
    def alive(self) -> models.QuerySet[Session]:
        return self.filter(expire_date__gt=Now())


class Session(AbstractBaseSession):
    """One browser. Not a tenant's: a person logs in once for all organisations, and before any of them is open.

    `expire_date` is the end as it stands: the idle time after the last action of the person, or the end of the
    session's life. Only `SessionStore.prolong` moves it, so nothing else keeps a session alive.
    """

    ref = models.UUIDField(
        default=uuid4, unique=True, editable=False, help_text="Its name in pages: the key is secret."
    )
    person = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.CASCADE, db_constraint=False, related_name="sessions"
    )
    agent = models.CharField(max_length=200, help_text="What the browser calls itself.")
    started_at = models.DateTimeField(db_default=Now())
    last_active_at = models.DateTimeField(db_default=Now())

    objects: ClassVar = Sessions()

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        ordering = ["-last_active_at"]

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        from hospital.sessions import SessionStore

        return SessionStore

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The store saves what is in a session. When it began and when it ends is none of that."""
        if kwargs.get("force_update"):
            kwargs["update_fields"] = ["session_data", "person"]
        super().save(*args, **kwargs)

    @property
    def device(self) -> str:
        browser = next((name for sign, name in BROWSERS.items() if sign in self.agent), "A browser")
        system = next((name for sign, name in SYSTEMS.items() if sign in self.agent), "")
        return f"{browser} on {system}" if system else browser

    @property
    def is_open(self) -> bool:
        """Whether it was opened with what the person logs in with now."""
        given = self.get_decoded().get(HASH_SESSION_KEY, "")
        return self.person is not None and constant_time_compare(given, self.person.get_session_auth_hash())


class AuthChange(models.Model):
    """In this transaction something changed that decides what somebody may do. Written by triggers only.

    Each process reads it for its open sockets (realtime/revocation.py). A row is never changed, so nobody waits for
    anybody; `xact` lets a reader find also what was written before its last look and committed after it.
    """

    xact = models.BigIntegerField()
    subject = models.UUIDField(help_text="A person; or a tenant: all who act in it; or zero: everybody.")
    at = models.DateTimeField(
        db_default=models.Func(function="clock_timestamp", output_field=models.DateTimeField()), db_index=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["xact", "subject"], name="auth_change_once")]

    def __str__(self) -> str:
        return f"{self.subject} in {self.xact}"

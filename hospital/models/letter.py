"""The outbox: an e-mail is a row of the transaction that wants it, and is written when it is sent.

So no text with a secret or about a patient lies in the table: a row says to whom, what kind, and about which row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantManager

MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)


class Letters(models.QuerySet):
    def due(self, now: datetime) -> Letters:
        return self.filter(state=Letter.State.WAITING, next_at__lte=now)


class Letter(EditableModel):
    """One e-mail, from being wanted to being sent. See hospital.outbox."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        NEEDLESS = "needless", "No longer needed"
        FAILED = "failed", "Failed"

    in_the_clear: ClassVar = ("site",)

    kind = models.CharField(max_length=30)
    about = models.UUIDField(help_text="The row that it is about.")
    patient_id = models.UUIDField(null=True, help_text="Whose address it is, if it is a patient's.")
    to = models.EmailField()
    site = models.CharField(max_length=200, help_text="The address of this installation that its links begin with.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    objects: ClassVar = TenantManager.from_queryset(Letters)()

    class Meta(EditableModel.Meta):
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["tenant", "next_at"], condition=models.Q(state="waiting"), name="letter_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"

    @classmethod
    def post(cls, kind: str, *, about: UUID, to: str, site: str = "", patient_id: UUID | None = None) -> Letter:
        """In the transaction of what it tells of: both or neither."""
        where = (site or settings.SITE_URL).rstrip("/")
        return cls.objects.create(kind=kind, about=about, to=to, site=where, patient_id=patient_id)

    def begin(self, now: datetime) -> None:
        """Count the attempt before it is made: whoever dies in it leaves the letter to the next sweep after the pause."""
        self.attempts += 1
        self.next_at = now + FIRST_PAUSE * 2 ** (self.attempts - 1)
        self.save(update_fields=["attempts", "next_at"])

    def settle(self, state: str, error: str = "") -> None:
        self.state, self.error, self.settled_at = state, error[:1000], timezone.now()
        self.save(update_fields=["state", "error", "settled_at"])

    def not_sent(self, error: str) -> None:
        if self.attempts >= MOST_ATTEMPTS:
            self.settle(self.State.FAILED, error)
        else:
            self.error = error[:1000]
            self.save(update_fields=["error"])

    def try_again(self) -> None:
        """From the beginning, by the hand of an administrator."""
        self.state, self.attempts, self.next_at, self.settled_at = self.State.WAITING, 0, timezone.now(), None
        self.save(update_fields=["state", "attempts", "next_at", "settled_at"])

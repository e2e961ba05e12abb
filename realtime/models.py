"""The log of what happened: the truth behind every live screen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from hospital.context import current
from hospital.tenancy import TenantModel
from realtime.alerts.models import Alert, Climb, Ladder, Preference, Read, Told
from realtime.catalogue import Undeclared, catalogue
from realtime.clock import database_clock

__all__ = ["Alert", "Climb", "Event", "Head", "Ladder", "Preference", "Read", "Told", "cursor"]
AT_ONCE = 5000


class Event(TenantModel):
    """One fact that roles of this tenant hear. Written in the transaction of the change.

    `seq` is given at COMMIT by the trigger `realtime_number`: dense per tenant, in the order of the commits. A number
    taken earlier would let a reader pass over an event that commits late. The application cannot change or delete a row;
    the function `realtime_forget` does, if it is older than any page may ask for.
    """

    seq = models.BigIntegerField(null=True, editable=False)
    name = models.CharField(max_length=60)
    object_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    loudness = models.JSONField(default=dict, help_text="By role, and by person where somebody hears it more loudly.")
    roles = ArrayField(models.CharField(max_length=30))
    people = ArrayField(
        models.UUIDField(), default=list, help_text="Only these persons hear it; empty: everybody in the roles."
    )
    loud = models.BooleanField(default=False, db_default=False, help_text="More than info for somebody.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="event_seq_once")]
        indexes = [
            models.Index(fields=["tenant", "-seq"], condition=models.Q(loud=True), name="event_loud"),
            models.Index(fields=["tenant", "-created_at", "-seq"], condition=models.Q(loud=True), name="event_loud_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.name not in catalogue.by_name:
            raise Undeclared(f"{self.name} is in no events.py. Declare it, so that it has an audience.")
        super().save(*args, **kwargs)

    @classmethod
    def loud_before(cls, span: timedelta) -> models.QuerySet:
        """The number of the last loud one that is older: one look into an index, and a bound for those that follow."""
        old = cls.objects.filter(loud=True, created_at__lte=timezone.now() - span)
        return old.order_by("-created_at", "-seq").values_list("seq", flat=True)[:1]

    @classmethod
    def forget(cls, kept: timedelta) -> int:
        """Delete the oldest of the open tenant, at most so many at once. Returns how many went."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT realtime_forget(make_interval(secs => %s), %s)", [kept.total_seconds(), AT_ONCE])
            return cursor.fetchone()[0]


class Head(TenantModel):
    """The number of a tenant's last event. The trigger `realtime_number` counts it on.

    `manage.py new_epoch` begins a new epoch when the log no longer continues what pages have seen: after a restore.
    """

    epoch = models.UUIDField()
    seq = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="head_once")]

    def __str__(self) -> str:
        return cursor(self.epoch, self.seq)

    @classmethod
    def cursor(cls) -> str:
        """Where the log of the open tenant stands now. The same question tells what time it is."""
        found = cls.objects.values_list("epoch", "seq", Now()).first()
        if found is None:
            return cursor(current().tenant.pk, 0)
        epoch, seq, now = found
        database_clock.set(now.timestamp())
        return cursor(epoch, seq)


def cursor(epoch: object, seq: int) -> str:
    """The epoch of a log without events is the tenant's id; the trigger begins with the same."""
    return f"{epoch}:{seq}"

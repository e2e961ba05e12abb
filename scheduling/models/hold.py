"""A slot that somebody is about to book: held for a few minutes, so that nobody else is offered it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models, transaction
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantKey, TenantManager
from scheduling.models.provider import Provider
from scheduling.moments import Span

if TYPE_CHECKING:
    from hospital.models import Person
    from scheduling.models.appointment import Appointment

HELD_FOR = timedelta(minutes=5)


class Holds(models.QuerySet):
    def standing(self) -> Self:
        return self.filter(ended_at=None, expires_at__gt=timezone.now())

    def of_others(self, person: Person | None) -> Self:
        """Those that keep this person from booking: an offer of the waitlist belongs to nobody at the desk."""
        return self.standing().exclude(held_by__isnull=False, held_by=person)

    def over_unnoticed(self) -> Self:
        return self.filter(ended_at=None, expires_at__lte=timezone.now())


class Hold(EditableModel):
    """`held_by` is whoever books; nobody, while the slot is offered to a person of the waitlist."""

    provider = TenantKey(Provider, related_name="holds")
    busy_from = models.DateTimeField()
    busy_until = models.DateTimeField()
    held_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar = TenantManager.from_queryset(Holds)()

    class Meta(EditableModel.Meta):
        ordering = ["busy_from"]
        indexes = [
            models.Index(fields=["tenant", "expires_at"], condition=models.Q(ended_at=None), name="hold_standing")
        ]

    def __str__(self) -> str:
        return f"{self.provider} from {self.busy_from:%Y-%m-%d %H:%M}"

    @property
    def span(self) -> Span:
        return Span(self.busy_from, self.busy_until)

    @classmethod
    @transaction.atomic
    def place(
        cls,
        provider: Provider,
        busy: Span,
        *,
        by: Person | None,
        until: datetime | None = None,
        leaving: Appointment | None = None,
    ) -> Hold | None:
        """Hold it, or nothing where another holds or has booked it. Whoever holds another slot lets that go.

        What is `leaving` is about to be moved, and may overlap it.
        """
        from scheduling.models.appointment import Appointment

        provider.lock()
        if by is not None:
            cls.let_go_of(by)
        taken = Appointment.objects.active().filter(provider=provider)
        if leaving is not None:
            taken = taken.exclude(pk=leaving.pk)
        theirs = cls.objects.of_others(by).filter(provider=provider)
        overlapping = {"busy_from__lt": busy.ends, "busy_until__gt": busy.begins}
        if taken.filter(**overlapping).exists() or theirs.filter(**overlapping).exists():
            return None
        hold = cls(provider=provider, busy_from=busy.begins, busy_until=busy.ends, held_by=by)
        hold.expires_at = until or timezone.now() + HELD_FOR
        hold.save(force_insert=True)
        return hold

    @classmethod
    def let_go_of(cls, person: Person) -> None:
        for hold in cls.objects.standing().filter(held_by=person):
            hold.end()

    def end(self) -> None:
        self.ended_at = timezone.now()
        self.save(update_fields=["ended_at"])

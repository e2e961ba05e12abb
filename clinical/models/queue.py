from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantKey

if TYPE_CHECKING:
    from clinical.models.visit import Visit
    from hospital.models import Person


class QueuePlace(EditableModel):
    """A visit waits here under a token. Moving on ends one place and begins another; an ended one stays as it is."""

    class Queue(models.TextChoices):
        EXAMINATION = "examination", "Examination"
        LABORATORY = "laboratory", "Laboratory"
        CONSULTATION = "consultation", "Consultation"
        PHARMACY = "pharmacy", "Pharmacy"

    visit = TenantKey("clinical.Visit", related_name="places")
    patient = TenantKey("clinical.Patient", related_name="places")
    queue = models.CharField(max_length=12, choices=Queue.choices)
    day = models.DateField()
    token = models.PositiveIntegerField()
    priority = models.PositiveSmallIntegerField(default=2, help_text="0 before 1 before 2.")
    entered_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True)
    called_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    called_to = models.CharField("room", max_length=40, blank=True)
    ended_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    former = TenantKey("self", null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta(EditableModel.Meta):
        ordering = ["priority", "entered_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "queue", "day", "token"], name="token_once_a_day"),
            models.UniqueConstraint(fields=["tenant", "visit"], condition=models.Q(ended_at=None), name="one_open_place_a_visit"),
        ]
        indexes = [models.Index(fields=["tenant", "queue", "priority", "entered_at"], condition=models.Q(ended_at=None), name="open_places")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The token as it is called out: E-012."""
        return f"{self.queue[0].upper()}-{self.token:03}"

    @classmethod
    @transaction.atomic
    def enter(cls, visit: Visit, queue: str, *, by: Person | None) -> QueuePlace:
        """End the visit's open place and begin one in this queue; if it already waits there, it keeps its place."""
        raise NotImplementedError

    @classmethod
    @transaction.atomic
    def call_next(cls, queue: str, *, to: str, by: Person) -> QueuePlace | None:
        """Call whoever has waited longest, the urgent first. Two callers never get the same one."""
        raise NotImplementedError

    @transaction.atomic
    def call(self, *, to: str, by: Person) -> None:
        raise NotImplementedError

    @transaction.atomic
    def uncall(self, *, by: Person) -> None:
        """Back to waiting: called by mistake, or not there."""
        raise NotImplementedError

    @transaction.atomic
    def move_to_queue(self, queue: str, *, by: Person, reason: str = "") -> QueuePlace:
        raise NotImplementedError

    @transaction.atomic
    def undo(self, *, by: Person) -> QueuePlace:
        """Undo the move that made this place: the former place is open again."""
        raise NotImplementedError

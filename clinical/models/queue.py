from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from clinical import days
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantKey
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models.visit import Visit
    from hospital.models import Person

CALL = "clinical.call_patient"


class QueuePlace(EditableModel):
    """A visit waits here under a token. Moving on ends one place and begins another; an ended one stays as it is.

    Whoever changes a place holds its visit, so that a step of the visit and a call never meet in the middle.
    """

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
            models.UniqueConstraint(
                fields=["tenant", "visit"], condition=models.Q(ended_at=None), name="one_open_place_a_visit"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "entered_at"], name="place_by_time"),
            models.Index(
                fields=["tenant", "queue", "priority", "entered_at"],
                condition=models.Q(ended_at=None),
                name="open_places",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The token as it is called out: E-012."""
        return f"{self.queue[0].upper()}-{self.token:03}"

    @property
    def is_latest(self) -> bool:
        return self.ended_at is None

    @property
    def can_undo(self) -> bool:
        """Only a move by hand can be taken back, and only while the patient still waits where it led."""
        return self.is_latest and self.former_id is not None

    @classmethod
    @transaction.atomic
    def enter(cls, visit: Visit, queue: str, *, by: Person | None) -> QueuePlace:
        """End the visit's open place and begin one in this queue; where it already waits, it keeps its place."""
        visit.lock()
        place = visit.place
        if place is not None and place.queue == queue:
            return place
        if place is not None:
            place.end()
        return cls._begin(visit, queue)

    @classmethod
    @transaction.atomic
    def call_next(cls, queue: str, *, to: str, by: Person) -> QueuePlace | None:
        """Call whoever has waited longest, the urgent first. Two callers never get the same one."""
        allow(CALL, by)
        waiting = cls.objects.filter(queue=queue, ended_at=None, called_at=None)
        place = (
            waiting.select_related("visit")
            .select_for_update(skip_locked=True, of=("self", "visit"), no_key=True)
            .first()
        )
        if place is not None:
            place._call(to, by)
        return place

    @transaction.atomic
    def call(self, *, to: str, by: Person) -> None:
        """Call this patient; again, if the first call was not heard."""
        self._hold(by)
        self._call(to, by)

    @transaction.atomic
    def uncall(self, *, by: Person) -> None:
        """Back to waiting: called by mistake, or not there."""
        self._hold(by)
        self.called_at, self.called_by, self.called_to = None, None, ""
        self._keep("called_at", "called_by", "called_to")

    @transaction.atomic
    def move_to_queue(self, queue: str, *, by: Person, reason: str = "") -> QueuePlace:
        self._hold(by)
        if queue not in self.Queue.values:
            raise Refused("There is no such queue.", status=422, field="queue")
        if queue == self.queue:
            raise Refused(f"{self.label} already waits for {self.get_queue_display().lower()}.")
        self.end()
        place = self._begin(self.visit, queue, former=self, reason=reason)
        self.visit.mark()
        return place

    @transaction.atomic
    def undo(self, *, by: Person) -> QueuePlace:
        """Take back the move that made this place: the former one is open again, with its token and its waiting time."""
        self._hold(by)
        if self.former is None:
            raise Refused(f"{self.label} was given by a step of the visit, not by a move, so there is nothing to undo.")
        self.undone_at = timezone.now()
        self.end()
        former = self.former
        former.ended_at = None
        former.save(update_fields=["ended_at"])
        self.visit.mark()
        return former

    def end(self) -> None:
        """For those who hold the visit."""
        self.ended_at = timezone.now()
        self.save(update_fields=["ended_at", "undone_at"])
        self.visit.forget_place()

    @classmethod
    def _begin(cls, visit: Visit, queue: str, *, former: QueuePlace | None = None, reason: str = "") -> QueuePlace:
        day = days.today()
        place = cls(visit=visit, patient_id=visit.patient_id, queue=queue, day=day, former=former, reason=reason)
        place.priority = visit.rank
        place.token = Counter.take(f"token:{queue}:{day}")
        place.save(force_insert=True)
        visit.forget_place()
        return place

    def _hold(self, by: Person | None) -> None:
        """Take the visit, then this place, and refuse if it is over."""
        allow(CALL, by)
        self.visit.lock()
        self.refresh_from_db(fields=["called_at", "called_by", "called_to", "ended_at", "version"])
        if self.ended_at is not None:
            raise Refused(f"{self.label} is over: the patient is no longer in this queue. Look where the visit is now.")

    def _call(self, to: str, by: Person) -> None:
        self.called_at, self.called_by, self.called_to = timezone.now(), by, to.strip()[:40]
        self._keep("called_at", "called_by", "called_to")

    def _keep(self, *fields: str) -> None:
        self.save(update_fields=fields)
        self.visit.forget_place()
        self.visit.mark()

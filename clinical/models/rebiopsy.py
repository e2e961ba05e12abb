"""A biopsy came to nothing: somebody decides whether it is taken again. Until then the loop stays open."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical.models.biopsy import REVIEW, Biopsy
from clinical.models.lab_result import by_person, moment
from hospital.seals import raw, truth
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from clinical.models.visit import Visit
    from hospital.models import Person

COPIED = ("laboratory_id", "kind", "site", "laterality", "x", "y", "question", "clinical_code", "clinical_diagnosis")


class RebiopsyTasks(models.QuerySet):
    def open(self) -> RebiopsyTasks:
        return self.filter(settled_at=None)

    def found_since(self, at: datetime | None) -> RebiopsyTasks:
        """Of what was lost, and is here again."""
        return self.filter(answer=RebiopsyTask.Answer.FOUND, settled_at__gt=at)

    def shown(self) -> RebiopsyTasks:
        return self.select_related("biopsy__patient", "biopsy__ordered_by", "settled_by")


class RebiopsyTask(EditableModel):
    class Answer(models.TextChoices):
        OPEN = "", "To decide"
        ORDERED = "ordered", "Taken again"
        NOT_AGAIN = "not_again", "Not taken again"
        FOUND = "found", "Found again"
        REPORTED = "reported", "A report came"

    biopsy = TenantKey(Biopsy, related_name="rebiopsy_tasks")
    why = models.CharField(max_length=300)
    answer = models.CharField(max_length=9, choices=Answer.choices, blank=True, default="", editable=False)
    settled_because = models.CharField(max_length=300, blank=True, default="", editable=False)
    settled_at = moment()
    settled_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(RebiopsyTasks)()

    class Meta(EditableModel.Meta):
        ordering = ["created_at"]
        verbose_name = "re-biopsy task"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "biopsy"], condition=models.Q(settled_at=None), name="rebiopsy_task_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"Re-biopsy of {self.biopsy}"

    @classmethod
    def open_for(cls, biopsy: Biopsy, why: str) -> RebiopsyTask:
        return cls.objects.create(biopsy=biopsy, why=why)

    @transaction.atomic
    def order_again(self, visit: Visit, *, by: Person | None) -> Biopsy:
        """The same question at the same place, in this visit."""
        visit.lock()
        former = self._lock()
        same = {name: truth(former, name) for name in COPIED}
        with raw():
            jars = [part.what for part in former.specimens]
        again = Biopsy.order(visit, by=by, specimens=jars, rebiopsy_of=former, **same)
        self._settle(self.Answer.ORDERED, f"{again.number} is ordered.", by=by)
        return again

    @transaction.atomic
    def found(self, place: str, *, by: Person | None) -> None:
        """It was lost, and is here: it goes on from the collection, and nobody needs to take it again."""
        where = needs(place, "Say where it was found.", field="place")
        biopsy = self._lock()
        # It was taken when it was taken, by whoever took it.
        taken: dict[str, Any] = {name: getattr(biopsy, name) for name in ("collected_at", "collected_by")}
        again = {"ended_because": "", "said_tier": 0, **taken}
        biopsy.go(Biopsy.Status.COLLECTED, by=by, place=where, note="Found again.", **again)
        for part in biopsy.specimens:
            part.put(received_at=None, received_by=None)
        self._settle(self.Answer.FOUND, "It was found again.", by=by)

    def _lock(self) -> Biopsy:
        """The biopsy first, then the task, which must still be open."""
        self.biopsy.lock()
        self.lock()
        if self.settled_at is not None:
            raise Refused("The re-biopsy is decided already.")
        return self.biopsy

    @classmethod
    def settle_by_report(cls, biopsy: Biopsy, *, by: Person | None) -> None:
        """A report, or a corrected one, asks the question anew. The biopsy is locked, and saved by who calls."""
        for task in cls.objects.open().filter(biopsy=biopsy):
            task._note(cls.Answer.REPORTED, "The laboratory has reported since.", by=by)

    def _settle(self, answer: str, because: str, *, by: Person | None) -> None:
        self._note(answer, because, by=by)
        self.biopsy.touch()

    def _note(self, answer: str, because: str, *, by: Person | None) -> None:
        self.answer, self.settled_because = answer, because
        self.settled_at, self.settled_by = timezone.now(), by
        self.save(update_fields=["answer", "settled_because", "settled_at", "settled_by"])
        self.biopsy.note_custody("Re-biopsy decided", by=by, note=f"{self.get_answer_display()}: {because}"[:400])

    @transaction.atomic
    def decline(self, reason: str, *, by: Person | None) -> None:
        """It is not taken again: the patient does not want it, or it is not needed."""
        allow(REVIEW, by)
        why = needs(reason, "Say why it is not taken again, and that the patient knows.")
        self._lock()
        self._settle(self.Answer.NOT_AGAIN, why, by=by)

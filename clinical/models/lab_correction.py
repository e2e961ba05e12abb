"""A released value that was wrong: the new version, why, and who had seen the old one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from clinical.models.lab_result import NO_DELTA, LabResult, by_person, moment
from clinical.seen import who_opened
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, Workflow

if TYPE_CHECKING:
    from clinical.models.laboratory import LabOrder
    from hospital.models import Person

PROCESS, READ = "clinical.process_lab", "clinical.view_results"
# The pages of a patient that show values.
SHOWS = (
    "visit",
    "chart",
    "results",
    "timeline",
    "printed chart",
    "consultation",
    "laboratory",
    "laboratory test",
    "laboratory report",
    "note",
    "note on paper",
    "changes of the chart",
    "message",
)
AS_IT_WAS = ", as it was on "


class Correction(Workflow):
    """A new version of a result that was released. Where a second person releases, it waits; until then the old value stands."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for release"
        RELEASED = "released", "Released"
        WITHDRAWN = "withdrawn", "Withdrawn"

    MOVES = {Status.WAITING: {Status.RELEASED: PROCESS, Status.WITHDRAWN: PROCESS}}

    order = TenantKey("clinical.LabOrder", related_name="corrections")
    former = TenantKey(LabResult, related_name="+")
    result = TenantKey(LabResult, related_name="corrections")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, editable=False)
    released_at = moment()
    released_by = by_person()
    withdrawn_at = moment()
    withdrawn_by = by_person()

    class Meta(Workflow.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "order"], condition=models.Q(status="waiting"), name="correction_waiting_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.former} corrected to {self.result}"

    @transaction.atomic
    def release(self, *, by: Person | None) -> None:
        """From here on the new value counts, and everybody who saw the old one is told."""
        order = self.order
        order.lock_with_visit()
        order.refuse_release(self.result, by, instead_of=self.former)
        self.move_to(self.Status.RELEASED, by=by, released_at=timezone.now(), released_by=by)
        seen = seen_by(order)
        for person in seen.keys() - {self.result.entered_by_id, by.pk if by else None}:
            CorrectionNotice.objects.create(correction=self, person_id=person, why=seen[person])
        order.take_over(self, by=by)

    @property
    @raw()
    def changes(self) -> dict[str, Any]:
        """Of the order. Whoever says why a value is corrected has said why it can be believed; another laboratory has not."""
        result = self.result
        changes = {"result": result, "corrected_at": self.released_at, **NO_DELTA}
        if not result.delta or result.entered_by_id is None:
            return changes
        who = {"delta_confirmed_at": result.entered_at, "delta_confirmed_by": result.entered_by}
        return {**changes, "delta_reason": result.reason, **who}

    def withdraw(self, *, by: Person | None) -> None:
        self.move_to(self.Status.WITHDRAWN, by=by, withdrawn_at=timezone.now(), withdrawn_by=by)


def released_results() -> models.QuerySet[LabResult]:
    """What was ever shown outside the laboratory: the value of a released test, and what a released correction replaced."""
    from clinical.models.laboratory import LabOrder

    shown = LabOrder.objects.filter(
        result=models.OuterRef("pk"), status__in=(LabOrder.Status.RELEASED, LabOrder.Status.REVIEWED)
    )
    former = Correction.objects.filter(former=models.OuterRef("pk"), status=Correction.Status.RELEASED)
    return LabResult.objects.filter(models.Exists(shown) | models.Exists(former))


def seen_by(order: LabOrder) -> dict[UUID, str]:
    """Who may have read the value that is released now, and how it is known."""
    since = cast(datetime, order.corrected_at or order.released_at)
    shows = models.Q(after__page__in=SHOWS) | models.Q(after__page__icontains=AS_IT_WAS)
    seen = who_opened(order.patient_id, shows, READ, since=since)
    own: Iterable[tuple[Any, str]] = (
        (order.visit.doctor_id, "are the doctor of the visit"),
        (order.ordered_by_id, "ordered it"),
        (order.reviewed_by_id, "reviewed it"),
    )
    return seen | {person: why for person, why in own if person}


class Notices(models.QuerySet):
    def open(self) -> Notices:
        return self.filter(acknowledged_at=None)

    def shown(self) -> Notices:
        return self.select_related(
            "correction__order__test",
            "correction__order__patient",
            "correction__former",
            "correction__result__entered_by",
            "correction__released_by",
        )


class CorrectionNotice(EditableModel):
    """One person who saw a value that was wrong, until that person has looked at the right one."""

    correction = TenantKey(Correction, related_name="notices")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=60)
    acknowledged_at = moment()

    objects: ClassVar = TenantManager.from_queryset(Notices)()

    class Meta(EditableModel.Meta):
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "correction", "person"], name="correction_notice_once")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "person"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="correction_notice_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.why}"

    def acknowledge(self, *, by: Person) -> None:
        if self.person_id != by.pk:
            raise Refused("This notice is for a colleague.", status=403)
        if self.acknowledged_at is None:
            self.acknowledged_at = timezone.now()
            self.save(update_fields=["acknowledged_at"])

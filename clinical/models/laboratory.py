"""What was ordered from the laboratory, and what came out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from clinical.models.lab_result import NO_DELTA, LabResult, by_person, moment
from clinical.models.lab_test import LabTest
from clinical.models.queue import QueuePlace
from clinical.outside import Outside, accept
from hospital.models import Counter
from hospital.seals import truth
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from clinical.measure import Limits
    from clinical.models import Panel, Visit
    from clinical.models.lab_correction import Correction
    from clinical.models.lab_range import Facts
    from hospital.models import Person

PROCESS, ORDER = "clinical.process_lab", "clinical.order_tests"


class Orders(models.QuerySet):
    def open(self) -> Orders:
        return self.filter(status__in=LabOrder.OPEN)

    def counted(self) -> Orders:
        """Without those that will never have a result."""
        return self.exclude(status__in=(LabOrder.Status.CANCELLED, LabOrder.Status.REJECTED))

    def shown(self) -> Orders:
        """With what a row needs, in a constant number of queries."""
        places = models.Prefetch("visit__places", QueuePlace.objects.filter(ended_at=None), to_attr="open_places")
        return self.select_related(
            "patient", "visit", "test", "result", "ordered_by", "panel", "specimen"
        ).prefetch_related(places)

    def in_order(self) -> Orders:
        """The most urgent first, then who waits longest."""
        return self.order_by(PRIORITY_RANK, "ordered_at", "accession")


class LabOrder(Workflow):
    """One test for one visit, from the doctor's request to the doctor's review."""

    class Priority(models.TextChoices):
        ROUTINE = "routine", "Routine"
        URGENT = "urgent", "Urgent"
        STAT = "stat", "Stat"

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        COLLECTED = "collected", "Collected"
        RECEIVED = "received", "Received"
        IN_PROGRESS = "in_progress", "In progress"
        RESULTED = "resulted", "Resulted"
        RELEASED = "released", "Released"
        REVIEWED = "reviewed", "Reviewed"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Cancelled"

    class Rejection(models.TextChoices):
        HAEMOLYSED = "haemolysed", "Haemolysed"
        CLOTTED = "clotted", "Clotted"
        INSUFFICIENT = "insufficient", "Too little"
        UNLABELLED = "unlabelled", "Not labelled"
        MISLABELLED = "mislabelled", "Wrongly labelled"
        WRONG_TUBE = "wrong_tube", "Wrong tube"
        LEAKED = "leaked", "Leaked"
        TOO_OLD = "too_old", "Too old"

    REJECTABLE = (Status.COLLECTED, Status.RECEIVED, Status.IN_PROGRESS)
    OPEN = (Status.REQUESTED, Status.COLLECTED, Status.RECEIVED, Status.IN_PROGRESS, Status.RESULTED)
    MOVES = {
        Status.REQUESTED: {Status.COLLECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.COLLECTED: {Status.RECEIVED: PROCESS, Status.REJECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.RECEIVED: {
            Status.IN_PROGRESS: PROCESS,
            Status.COLLECTED: PROCESS,
            Status.REJECTED: PROCESS,
            Status.CANCELLED: ORDER,
        },
        Status.IN_PROGRESS: {Status.RESULTED: PROCESS, Status.REJECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.RESULTED: {Status.RELEASED: PROCESS, **dict.fromkeys((Status.REQUESTED, *REJECTABLE), SYSTEM)},
        Status.RELEASED: {Status.REVIEWED: ORDER},
        Status.REVIEWED: {Status.RELEASED: PROCESS},
    }
    telling: tuple[UUID, ...] = ()  # who saw the value that the save under way corrects

    accession = models.PositiveBigIntegerField(editable=False)
    visit = TenantKey("clinical.Visit", related_name="lab_orders")
    patient = TenantKey("clinical.Patient", related_name="lab_orders")
    test = TenantKey(LabTest, related_name="orders")
    panel = TenantKey("clinical.Panel", null=True, blank=True, related_name="orders", editable=False)
    specimen = TenantKey("clinical.Specimen", null=True, blank=True, related_name="orders", editable=False)
    facts = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Conditions when it was ordered, each with its weeks."
    )
    priority = models.CharField(max_length=8, choices=Priority.choices, default=Priority.ROUTINE)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.REQUESTED, editable=False)
    result = TenantKey("clinical.LabResult", null=True, blank=True, related_name="+", editable=False)
    recollect_of = TenantKey("self", null=True, blank=True, related_name="recollections", editable=False)
    cancel_reason = models.CharField(max_length=200, blank=True, default="")
    rejection_reason = models.CharField(max_length=12, choices=Rejection.choices, blank=True, default="")

    ordered_at = models.DateTimeField(default=timezone.now, editable=False)
    ordered_by = by_person()
    collected_at = moment()
    collected_by = by_person()
    received_at = moment()
    received_by = by_person()
    begun_at = moment()
    begun_by = by_person()
    resulted_at = moment()
    resulted_by = by_person()
    released_at = moment()
    released_by = by_person()
    reviewed_at = moment()
    reviewed_by = by_person()
    review_note = models.CharField(max_length=500, blank=True, default="", help_text="What was decided.")
    due_at = moment()
    delta_reason = models.CharField(max_length=300, blank=True, default="", help_text="Why the delta is believed.")
    delta_confirmed_at = moment()
    delta_confirmed_by = by_person()
    corrected_at = moment()
    rejected_at = moment()
    rejected_by = by_person()
    cancelled_at = moment()
    cancelled_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(Orders)()

    class Meta(Workflow.Meta):
        ordering = ["ordered_at", "accession"]
        verbose_name = "laboratory test"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "accession"], name="accession_once"),
            models.UniqueConstraint(
                fields=["tenant", "visit", "test"],
                condition=models.Q(status__in=("requested", "collected", "received", "in_progress", "resulted")),
                name="test_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "ordered_at"], name="lab_order_by_status"),
            models.Index(fields=["tenant", "patient", "-ordered_at"], name="lab_order_of_patient"),
            models.Index(
                fields=["tenant", "released_at"],
                condition=models.Q(released_at__isnull=False),
                name="lab_order_released",
            ),
            models.Index(
                fields=["tenant", "patient"], condition=models.Q(status="released"), name="lab_order_unreviewed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.test} {self.number}"

    @property
    def number(self) -> str:
        return f"L-{self.accession:06}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_released(self) -> bool:
        return self.status in (self.Status.RELEASED, self.Status.REVIEWED)

    @property
    def is_critical(self) -> bool:
        return self.result is not None and self.result.is_critical

    @property
    def needs_reason_for_delta(self) -> bool:
        return bool(self.result and self.result.delta) and self.delta_confirmed_at is None

    @property
    def can_go_again(self) -> bool:
        """Whether a new specimen makes sense: the patient is still here, and the test is still offered."""
        return self.visit.is_open and self.test.is_active

    @property
    def sort(self) -> str:
        """Where the row stands in a list: text that sorts as `in_order` does."""
        return f"{RANKS[self.priority]} {self.ordered_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f} {self.accession:012}"

    @classmethod
    @transaction.atomic
    def request(
        cls,
        visit: Visit,
        test: LabTest,
        *,
        by: Person | None,
        priority: str = Priority.ROUTINE,
        recollect_of: LabOrder | None = None,
        panel: Panel | None = None,
        facts: Facts | None = None,
    ) -> LabOrder:
        """Ask for a test. The visit's own verb `order_tests` is what moves the visit."""
        from clinical.models.specimen import Specimen

        if not test.is_active:
            raise Refused(f"{test.name} is no longer offered. Choose another test.")
        if cls.objects.open().filter(visit=visit, test=test).exists():
            raise Refused(f"{test.name} is already ordered for this visit.")
        order = cls(visit=visit, patient_id=visit.patient_id, test=test, priority=priority, ordered_by=by)
        order.recollect_of, order.panel, order.facts = recollect_of, panel, dict(facts or {})
        former = recollect_of.specimen if recollect_of else None
        order.specimen = Specimen.expected(visit, test, by=by, instead_of=former)
        order.accession = Counter.take("accession")
        order.due_at = order.ordered_at + timedelta(minutes=test.target_minutes(priority))
        order.start(by=by)
        return order

    @transaction.atomic
    def collect(self, *, by: Person | None) -> None:
        self._locked_visit().check_gate("laboratory")
        self.move_with_specimen(self.Status.COLLECTED, by=by, collected_at=timezone.now(), collected_by=by)

    @transaction.atomic
    def receive(self, *, by: Person | None) -> None:
        self.move_with_specimen(self.Status.RECEIVED, by=by, received_at=timezone.now(), received_by=by)

    def begin(self, *, by: Person | None) -> None:
        self.move_to(self.Status.IN_PROGRESS, by=by, begun_at=timezone.now(), begun_by=by)

    @transaction.atomic
    def enter_result(self, value: Any, *, by: Person | None, note: str = "") -> LabResult:
        """Write down what came out: a number as text, an option's code, a text, or a filed Document.

        A specimen that was only received is begun. Entered again before the release, it is the next version.
        """
        self.lock()
        if self.status == self.Status.RECEIVED:
            self.begin(by=by)
        result = LabResult.of(self, value, by=by, note=note)
        self.put(result, by=by)
        return result

    def accept_outside(self, value: str, *, source: str, status: str = "final", **said: Any) -> LabResult:
        """What another laboratory measured: see clinical/outside.py, which names what else may be said."""
        return accept(self, Outside.said(value, source=source, status=status, **said))

    def confirm_delta(self, reason: str, *, by: Person | None) -> None:
        """Somebody has looked why the value is so far from the last one."""
        allow(PROCESS, by)
        self.lock()
        why = needs(reason, "Say why this value can be believed.")
        if self.status != self.Status.RESULTED or not (self.result and self.result.delta):
            raise Refused("There is no delta to confirm here.")
        self.rewrite({"delta_reason": why, "delta_confirmed_at": timezone.now(), "delta_confirmed_by": by})

    @transaction.atomic
    def release(self, *, by: Person | None) -> None:
        visit = self.lock_with_visit()
        if self.status == self.Status.REVIEWED:
            raise Refused(f"{self.test} is released and reviewed. Only a correction opens it again.")
        if self.result:
            self.refuse_release(self.result, by)
        if self.needs_reason_for_delta:
            raise Refused(f"{self.test} {cast(LabResult, self.result).delta}. Confirm it with a reason, then release.")
        self.move_to(self.Status.RELEASED, by=by, released_at=timezone.now(), released_by=by)
        self.drafts.all().delete()
        visit.labs_settled()

    def refuse_release(self, result: LabResult, by: Person | None, *, instead_of: LabResult | None = None) -> None:
        """What nobody may release yet, and what this person may not. The database refuses the latter too."""
        if result.document and not result.document.is_filed:
            raise Refused(f"The file of {self.test} is not filed yet. Release the test when it is.")
        if result.is_preliminary:
            raise Refused(
                f"{result.source} has sent {self.test} as preliminary. Release it when the final one is here."
            )
        if result.needs_another(by, instead_of=instead_of):
            raise Refused(f"You entered {self.test}. A colleague of the laboratory has to release it.")

    def review(self, *, by: Person | None, note: str = "") -> None:
        self.move_to(
            self.Status.REVIEWED, by=by, reviewed_at=timezone.now(), reviewed_by=by, review_note=note.strip()[:500]
        )

    @transaction.atomic
    def correct(self, value: Any, reason: str, *, by: Person | None, note: str = "") -> Correction:
        """After the release: a new version. It counts at once, or when a second person has released it."""
        allow(PROCESS, by)
        self.lock_with_visit()
        why = needs(reason, "Say why the result is corrected.")
        if not self.is_released:
            raise Refused("Only a released result is corrected. Before that, enter it again at the bench.")
        if self.corrections.filter(status="waiting").exists():
            raise Refused("A correction of this result waits for its release already.")
        former = cast(LabResult, self.result)
        result = LabResult.of(self, value, by=by, note=note, reason=why)
        if result.says_the_same(former):
            raise Refused("This is what was released. Change the value or the note.", status=422, field="value")
        return self.corrected(former, result, by=by)

    def take_over(self, correction: Correction, *, by: Person | None) -> None:
        """The corrected value counts from now on. What was reviewed is to be reviewed again."""
        self.telling = tuple(correction.notices.values_list("person_id", flat=True))
        fields = correction.changes
        if self.status == self.Status.REVIEWED:
            self.move_to(self.Status.RELEASED, by=by, **fields, reviewed_at=None, reviewed_by=None, review_note="")
        else:
            self.rewrite(fields)
        self.telling = ()

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        why = needs(reason, "Say why the test is cancelled.")
        visit = self._locked_visit()
        fields = {"cancelled_at": timezone.now(), "cancelled_by": by, "cancel_reason": why}
        self.move_with_specimen(self.Status.CANCELLED, by=by, reason=reason, **fields)
        visit.labs_settled()

    @transaction.atomic
    def reject(self, reason: str, *, by: Person | None) -> LabOrder | None:
        """The specimen is no good. While the visit goes on and the test is offered, it is ordered again: that order is returned.

        Otherwise nothing is ordered or charged: the doctors hear of it and decide.
        """
        if reason not in self.Rejection.values:
            raise Refused("Choose what is wrong with the specimen.", status=422, field="reason")
        visit = self._locked_visit()
        fields = {"rejected_at": timezone.now(), "rejected_by": by, "rejection_reason": reason}
        self.move_with_specimen(self.Status.REJECTED, by=by, reason=self.Rejection(reason).label, **fields)
        if self.can_go_again:
            same = {"priority": self.priority, "panel": self.panel, "facts": truth(self, "facts")}
            return LabOrder.request(visit, self.test, by=self.ordered_by, recollect_of=self, **same)
        visit.labs_settled()
        return None

    def limits_at(self, at: datetime) -> Limits:
        """What is normal for this patient then, with what was known when the test was ordered."""
        return self.test.limits_for(self.patient, at, truth(self, "facts"))

    def move_with_specimen(self, status: str, *, by: Person | None, **fields: Any) -> None:
        """The specimen is held first, as its own verbs do, and follows."""
        if self.specimen:
            self.specimen.lock()
        self.move_to(status, by=by, **fields)
        if self.specimen:
            self.specimen.follow(self, by=by)

    def lock_with_visit(self) -> Visit:
        """Whoever holds the visit decides for its tests: always the visit first, then the specimen, then the order."""
        visit = self._locked_visit()
        if self.specimen:
            self.specimen.lock()
        self.lock()
        return visit

    def _locked_visit(self) -> Visit:
        visit = self.visit
        visit.lock()
        return visit

    def put(self, result: LabResult, *, by: Person | None) -> None:
        """The first result, or the next version before the release. A delta is confirmed for one version only."""
        fields: dict[str, Any] = {"result": result, "resulted_at": result.entered_at, "resulted_by": by, **NO_DELTA}
        if self.status != self.Status.RESULTED:
            self.move_to(self.Status.RESULTED, by=by, **fields)
            return
        allow(PROCESS, by)
        self.rewrite(fields)

    def rewrite(self, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    def corrected(self, former: LabResult, result: LabResult, *, by: Person | None) -> Correction:
        from clinical.models.lab_correction import Correction

        correction = Correction(order=self, former=former, result=result)
        correction.start(by=by)
        if not result.needs_another(by, instead_of=former):
            correction.release(by=by)
        return correction


RANKS: dict[str, int] = {LabOrder.Priority.STAT: 0, LabOrder.Priority.URGENT: 1, LabOrder.Priority.ROUTINE: 2}
PRIORITY_RANK = models.Case(
    *(models.When(priority=priority, then=rank) for priority, rank in RANKS.items()),
    output_field=models.SmallIntegerField(),
)

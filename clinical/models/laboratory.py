"""What was ordered from the laboratory, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical.measure import Limits, in_words
from clinical.models.lab_test import LabTest, measure
from clinical.models.queue import QueuePlace
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from clinical.models import Visit
    from clinical.models.document import Document
    from hospital.models import Person

PROCESS, ORDER = "clinical.process_lab", "clinical.order_tests"


def by_person() -> models.ForeignKey:
    return models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )


def moment() -> models.DateTimeField:
    return models.DateTimeField(null=True, blank=True, editable=False)


class Orders(models.QuerySet):
    def open(self) -> Orders:
        return self.filter(status__in=LabOrder.OPEN)

    def counted(self) -> Orders:
        """Without those that will never have a result."""
        return self.exclude(status__in=(LabOrder.Status.CANCELLED, LabOrder.Status.REJECTED))

    def shown(self) -> Orders:
        """With what a row needs, in a constant number of queries."""
        places = models.Prefetch("visit__places", QueuePlace.objects.filter(ended_at=None), to_attr="open_places")
        return self.select_related("patient", "visit", "test", "result", "ordered_by").prefetch_related(places)

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

    OPEN = (Status.REQUESTED, Status.COLLECTED, Status.RECEIVED, Status.IN_PROGRESS, Status.RESULTED)
    MOVES = {
        Status.REQUESTED: {Status.COLLECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.COLLECTED: {Status.RECEIVED: PROCESS, Status.REJECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.RECEIVED: {Status.IN_PROGRESS: PROCESS, Status.REJECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.IN_PROGRESS: {Status.RESULTED: PROCESS, Status.REJECTED: PROCESS, Status.CANCELLED: ORDER},
        Status.RESULTED: {Status.RELEASED: PROCESS},
        Status.RELEASED: {Status.REVIEWED: ORDER},
    }

    accession = models.PositiveBigIntegerField(editable=False)
    visit = TenantKey("clinical.Visit", related_name="lab_orders")
    patient = TenantKey("clinical.Patient", related_name="lab_orders")
    test = TenantKey(LabTest, related_name="orders")
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
    ) -> LabOrder:
        """Ask for a test. The visit's own verb `order_tests` is what moves the visit."""
        if not test.is_active:
            raise Refused(f"{test.name} is no longer offered. Choose another test.")
        if cls.objects.open().filter(visit=visit, test=test).exists():
            raise Refused(f"{test.name} is already ordered for this visit.")
        order = cls(visit=visit, patient_id=visit.patient_id, test=test, priority=priority, ordered_by=by)
        order.recollect_of = recollect_of
        order.accession = Counter.take("accession")
        order.start(by=by)
        return order

    @transaction.atomic
    def collect(self, *, by: Person | None) -> None:
        visit = self._locked_visit()
        visit.check_gate("laboratory")
        self.move_to(self.Status.COLLECTED, by=by, collected_at=timezone.now(), collected_by=by)

    def receive(self, *, by: Person | None) -> None:
        self.move_to(self.Status.RECEIVED, by=by, received_at=timezone.now(), received_by=by)

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
        if self.status == self.Status.RESULTED:
            self._correct(result, by=by)
        else:
            self.move_to(self.Status.RESULTED, by=by, resulted_at=result.entered_at, resulted_by=by, result=result)
        return result

    @transaction.atomic
    def release(self, *, by: Person | None) -> None:
        visit = self._locked_visit()
        if self.result and self.result.document and not self.result.document.is_filed:
            raise Refused(f"The file of {self.test} is not filed yet. Release the test when it is.")
        self.move_to(self.Status.RELEASED, by=by, released_at=timezone.now(), released_by=by)
        visit.labs_settled()

    def review(self, *, by: Person | None) -> None:
        self.move_to(self.Status.REVIEWED, by=by, reviewed_at=timezone.now(), reviewed_by=by)

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        why = needs(reason, "Say why the test is cancelled.")
        visit = self._locked_visit()
        fields = {"cancelled_at": timezone.now(), "cancelled_by": by, "cancel_reason": why}
        self.move_to(self.Status.CANCELLED, by=by, reason=reason, **fields)
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
        self.move_to(self.Status.REJECTED, by=by, reason=self.Rejection(reason).label, **fields)
        if self.can_go_again:
            return LabOrder.request(visit, self.test, by=self.ordered_by, priority=self.priority, recollect_of=self)
        visit.labs_settled()
        return None

    def _locked_visit(self) -> Visit:
        """Whoever holds the visit decides for its tests: always the visit first, then the order."""
        visit = self.visit
        visit.lock()
        return visit

    def _correct(self, result: LabResult, *, by: Person | None) -> None:
        allow(PROCESS, by)
        self.result, self.resulted_at, self.resulted_by = result, result.entered_at, by
        self.save(update_fields=["result", "resulted_at", "resulted_by"])


RANKS: dict[str, int] = {LabOrder.Priority.STAT: 0, LabOrder.Priority.URGENT: 1, LabOrder.Priority.ROUTINE: 2}
PRIORITY_RANK = models.Case(
    *(models.When(priority=priority, then=rank) for priority, rank in RANKS.items()),
    output_field=models.SmallIntegerField(),
)


class LabResult(TenantModel):
    """What came out, with the range as it was, so that history never flags anew. A row never changes."""

    class Flag(models.TextChoices):
        NONE = "", "—"
        LOW = "low", "Low"
        HIGH = "high", "High"
        ABNORMAL = "abnormal", "Abnormal"
        CRITICAL_LOW = "critical_low", "Critical low"
        CRITICAL_HIGH = "critical_high", "Critical high"
        CRITICAL = "critical", "Critical"

    order = TenantKey(LabOrder, related_name="results")
    sequence = models.PositiveSmallIntegerField("version", help_text="From 1; the highest is what counts.")
    comparator = models.CharField(
        max_length=2, blank=True, default="", help_text="< or > when beyond what is measured."
    )
    value_number = measure()
    value_code = models.CharField(max_length=40, blank=True, default="")
    value_text = models.TextField(blank=True, default="", help_text="What is read, for every kind.")
    document = TenantKey("clinical.Document", null=True, blank=True, related_name="lab_results")
    unit = models.CharField(max_length=30, blank=True, default="")
    flag = models.CharField(max_length=14, choices=Flag.choices, blank=True, default=Flag.NONE)
    low = measure()
    high = measure()
    critical_low = measure()
    critical_high = measure()
    note = models.TextField(blank=True, default="")
    entered_by = by_person()
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["order", "-sequence"]
        verbose_name = "result"
        constraints = [models.UniqueConstraint(fields=["tenant", "order", "sequence"], name="result_sequence_once")]

    def __str__(self) -> str:
        return f"{self.value_text} {self.unit_shown}".strip()

    @property
    def unit_shown(self) -> str:
        return in_words(self.unit)

    @property
    def is_critical(self) -> bool:
        return self.flag.startswith("critical")

    @property
    def limits(self) -> Limits:
        return Limits(self.low, self.high, self.critical_low, self.critical_high)

    @property
    def verdict(self) -> str:
        """The flag, or "normal" where a range or an answer says so. What only a person can judge has none."""
        within = not self.comparator and (self.low is not None or self.high is not None)
        return self.flag or ("normal" if self.value_code or within else "")

    @classmethod
    def of(cls, order: LabOrder, value: Any, *, by: Person | None, note: str = "") -> LabResult:
        """The next version of the order's result. The caller holds the order."""
        sequence = order.results.count() + 1
        result = cls(order=order, sequence=sequence, unit=order.test.unit, note=note.strip(), entered_by=by)
        READERS[order.test.kind](result, order, value)
        result.save(force_insert=True)
        return result

    def _read_number(self, order: LabOrder, value: Any) -> None:
        test = order.test
        measured = test.read(str(value))
        limits = test.limits_for(order.patient, order.collected_at or self.entered_at)
        self.low, self.high = limits.low, limits.high
        self.critical_low, self.critical_high = limits.critical_low, limits.critical_high
        self.comparator, self.value_number, self.value_text = measured.comparator, measured.number, str(measured)
        self.flag = limits.flag(measured)

    def _read_code(self, order: LabOrder, value: Any) -> None:
        option = order.test.option(str(value))
        if option is None:
            raise Refused(f"Choose one of the answers of {order.test}.", status=422, field="value")
        self.value_code, self.value_text = option["code"], option["label"]
        if option.get("critical"):
            self.flag = self.Flag.CRITICAL
        elif option.get("abnormal"):
            self.flag = self.Flag.ABNORMAL

    def _read_text(self, order: LabOrder, value: Any) -> None:
        if not str(value or "").strip():
            raise Refused(f"Write the result of {order.test}.", status=422, field="value")
        self.value_text = str(value).strip()

    def _read_file(self, order: LabOrder, value: Document | None) -> None:
        if value is None:
            raise Refused(f"Choose the file with the result of {order.test}.", status=422, field="value")
        if value.patient_id != order.patient_id:
            raise Refused("This file belongs to another patient.", status=422, field="value")
        self.document, self.value_text = value, value.name


READERS: dict[str, Callable[[LabResult, LabOrder, Any], None]] = {
    LabTest.Kind.NUMERIC: LabResult._read_number,
    LabTest.Kind.CODED: LabResult._read_code,
    LabTest.Kind.TEXT: LabResult._read_text,
    LabTest.Kind.FILE: LabResult._read_file,
}

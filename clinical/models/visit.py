from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from clinical import days
from clinical.models.ending import AT_PHARMACY, OPEN_PRESCRIPTION, UnderWay, call_off
from clinical.models.observation import Examination
from clinical.models.patient import Patient
from clinical.models.queue import QueuePlace
from hospital.context import current
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, IllegalMove, Moves, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from clinical.models.diagnosis import Diagnosis
    from clinical.models.lab_panel import Panel
    from clinical.models.lab_range import Facts
    from clinical.models.laboratory import LabOrder, LabTest
    from hospital.models import Person


class Visits(models.QuerySet):
    def shown(self) -> Self:
        """With what a row needs, in a constant number of queries."""
        places = models.Prefetch("places", QueuePlace.objects.filter(ended_at=None), to_attr="open_places")
        return self.select_related("patient", "checker", "doctor").prefetch_related(places)

    def here(self, patient_id: UUID) -> Visit | None:
        """The patient's visit that is open now; the last one, if there are several."""
        found: Any = self.filter(patient=patient_id, ended_at=None).order_by("-registered_at").first()
        return found

    def in_queue(self, queue: str) -> Self:
        """Who waits there, in the order of calling."""
        return self.in_order().filter(ended_at=None, now_at__queue=queue)

    def in_order(self) -> Self:
        """Open before over, urgent before routine, then who waits longest."""
        over = models.Q(ended_at__isnull=False)
        return self.annotate(
            now_at=models.FilteredRelation("places", condition=models.Q(places__ended_at=None)),
            is_over=models.ExpressionWrapper(over, models.BooleanField()),
        ).order_by(
            "is_over",
            Coalesce("now_at__priority", 5),
            Coalesce("now_at__entered_at", "registered_at"),
            "serial",
        )

    def of_day(self, day: date) -> Self:
        """Registered on this day or still open then: what the front desk has to do with."""
        start, end = days.bounds(day)
        return self.filter(models.Q(registered_at__lt=end) & (models.Q(ended_at=None) | models.Q(ended_at__gte=start)))


class Visit(Workflow):
    """A patient's way through the house on one day, from the front desk to the pharmacy."""

    class Status(models.TextChoices):
        REGISTERED = "registered", "Registered"
        CHECKED = "checked", "Checked"
        LAB_PENDING = "lab_pending", "Tests pending"
        LAB_DONE = "lab_done", "Tests done"
        DIAGNOSED = "diagnosed", "Diagnosed"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        LEFT = "left", "Left"

    class Payment(models.TextChoices):
        UNPAID = "unpaid", "Unpaid"
        PARTIAL = "partial", "Partly paid"
        PAID = "paid", "Paid"
        WAIVED = "waived", "Waived"

    class Kind(models.TextChoices):
        WALK_IN = "walk_in", "Walk-in"
        APPOINTMENT = "appointment", "Appointment"

    class Priority(models.TextChoices):
        ROUTINE = "routine", "Routine"
        URGENT = "urgent", "Urgent"
        EMERGENCY = "emergency", "Emergency"

    CLOSING: dict[str, str] = {Status.CANCELLED: "clinical.close_visit", Status.LEFT: "clinical.close_visit"}
    MOVES: Moves = {
        Status.REGISTERED: {Status.CHECKED: "clinical.examine", Status.LAB_PENDING: "clinical.order_tests", **CLOSING},
        Status.CHECKED: {Status.LAB_PENDING: "clinical.order_tests", Status.DIAGNOSED: "clinical.diagnose", **CLOSING},
        Status.LAB_PENDING: {Status.LAB_DONE: SYSTEM, Status.CHECKED: SYSTEM, **CLOSING},
        Status.LAB_DONE: {Status.DIAGNOSED: "clinical.diagnose", Status.LAB_PENDING: "clinical.diagnose", **CLOSING},
        Status.DIAGNOSED: {Status.DONE: SYSTEM, Status.LAB_PENDING: "clinical.diagnose", **CLOSING},
        Status.DONE: {Status.DIAGNOSED: "clinical.reopen_visit"},
    }
    OVER = (Status.DONE, Status.CANCELLED, Status.LEFT)

    serial = models.PositiveBigIntegerField("number", editable=False)
    patient = TenantKey("clinical.Patient", related_name="visits")
    complaint = models.TextField("reason for the visit", blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.WALK_IN)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.ROUTINE)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.REGISTERED, editable=False)
    payment = models.CharField(max_length=8, choices=Payment.choices, default=Payment.UNPAID, editable=False)
    registered_at = models.DateTimeField(default=timezone.now, editable=False)
    registered_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    checker = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    doctor = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    gate_override_reason = models.CharField(max_length=200, blank=True, editable=False)
    gate_override_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    gate_override_at = models.DateTimeField(null=True, editable=False)
    consultation_finished_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(max_length=200, blank=True, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Visits)()

    class Meta(Workflow.Meta):
        ordering = ["-registered_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="visit_number_once")]
        indexes = [
            models.Index(fields=["tenant", "-registered_at"], name="visit_by_time"),
            models.Index(fields=["tenant", "patient", "-registered_at"], name="visit_of_patient"),
            models.Index(
                fields=["tenant", "status", "registered_at"], condition=models.Q(ended_at=None), name="visit_open"
            ),
            models.Index(fields=["tenant", "ended_at"], condition=models.Q(ended_at__isnull=False), name="visit_ended"),
            models.Index(
                fields=["tenant", "registered_at"],
                condition=models.Q(payment__in=("unpaid", "partial")),
                name="visit_owing",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("clinical:visit", args=[self.pk])

    @property
    def number(self) -> str:
        return f"V-{self.serial:06}"

    @property
    def is_open(self) -> bool:
        return self.status not in self.OVER

    @property
    def rank(self) -> int:
        return RANKS[self.priority]

    @property
    def place(self) -> QueuePlace | None:
        """Where the visit waits now."""
        if "open_places" not in self.__dict__:
            self.open_places = list(self.places.filter(ended_at=None)[:1])
        return next(iter(self.open_places), None)

    @property
    def token(self) -> str:
        return self.place.label if self.place else ""

    @classmethod
    @transaction.atomic
    def register(
        cls,
        patient: Patient,
        *,
        complaint: str,
        by: Person | None,
        priority: str = Priority.ROUTINE,
        kind: str = Kind.WALK_IN,
    ) -> Visit:
        """Open a visit with its number and the first token."""
        if patient.deceased_at:
            raise Refused(f"{patient.name} has died. A visit cannot be registered.")
        visit = cls(patient=patient, complaint=complaint.strip(), priority=priority, kind=kind, registered_by=by)
        visit.serial = Counter.take("visit")
        visit.start(by=by)
        QueuePlace.enter(visit, QueuePlace.Queue.EXAMINATION, by=by)
        return visit

    # --- examination and tests ----------------------------------------------------------

    @transaction.atomic
    def examine(
        self,
        *,
        by: Person,
        symptoms: str,
        findings: str,
        vitals: dict[str, Decimal | None],
        tests: Iterable[LabTest] = (),
        panels: Iterable[Panel] = (),
        priority: str = "routine",
        facts: Facts | None = None,
    ) -> Examination:
        """Record the examination; with tests the visit goes to the laboratory, without to the doctor."""
        self.lock()
        tests, panels = list(tests), list(panels)
        step = self.Status.LAB_PENDING if tests or panels else self.Status.CHECKED
        if self.status != self.Status.REGISTERED:
            raise IllegalMove(self, step)
        self.check_gate("consultation")
        examination = Examination(
            visit=self, patient=self.patient, symptoms=symptoms, findings=findings, examined_by=by
        )
        examination.save(force_insert=True)
        examination.measure(vitals, by=by)
        self._go(step, by=by, checker=self.checker or by)
        self._request(tests, panels, facts, by, priority)
        return examination

    @transaction.atomic
    def order_tests(
        self,
        tests: Iterable[LabTest],
        *,
        by: Person | None,
        priority: str = "routine",
        reason: str = "",
        panels: Iterable[Panel] = (),
        facts: Facts | None = None,
    ) -> list[LabOrder]:
        """Ask the laboratory; more tests may follow while others are pending. `facts` are conditions of this hour."""
        self.lock()
        tests, panels = list(tests), list(panels)
        if not tests and not panels:
            raise Refused("Choose at least one test.", status=422, field="tests")
        if self.status == self.Status.DIAGNOSED:
            needs(reason, "A diagnosis is already recorded. Say why more tests are needed.")
        if self.status == self.Status.REGISTERED:
            self.check_gate("consultation")
        if self.status != self.Status.LAB_PENDING:
            self._go(self.Status.LAB_PENDING, by=by, reason=reason)
        return self._request(tests, panels, facts, by, priority)

    def _request(
        self, tests: list[LabTest], panels: list[Panel], facts: Facts | None, by: Person | None, priority: str
    ) -> list[LabOrder]:
        """A panel orders those of its tests that are not ordered yet; a test that is also chosen alone, once."""
        from clinical.models.lab_panel import wanted
        from clinical.models.lab_range import PatientCondition
        from clinical.models.laboratory import LabOrder

        pairs = wanted(self, tests, panels)
        known = PatientCondition.facts(self.patient, timezone.now()) | dict(facts or {}) if pairs else {}
        return [
            LabOrder.request(self, test, by=by, priority=priority, panel=panel, facts=known) for test, panel in pairs
        ]

    @transaction.atomic
    def labs_settled(self) -> None:
        """The laboratory says that a test is released or cancelled: when nothing is left, the visit goes on by itself."""
        self.lock()
        if self.status != self.Status.LAB_PENDING or self.lab_orders.open().exists():
            return
        any_released = self.lab_orders.counted().exists()
        self._go(self.Status.LAB_DONE if any_released else self.Status.CHECKED, by=None)

    # --- consultation and the end -------------------------------------------------------

    @transaction.atomic
    def diagnose(self, *, by: Person | None, diagnoses: list[dict[str, Any]]) -> list[Diagnosis]:
        """Make these the visit's diagnoses. See `Diagnosis.record` for what each may say."""
        from clinical.models.diagnosis import Diagnosis

        self.lock()
        if not self.is_open:
            raise Refused(f"{self.number} is over. It must be opened again before anything is diagnosed.")
        recorded = Diagnosis.record(self, diagnoses, by=by)
        if self.doctor_id is None and by is not None:
            self.doctor = by
        if self.status == self.Status.DIAGNOSED:
            self.save(update_fields=["doctor"])
        else:
            self._go(self.Status.DIAGNOSED, by=by, doctor=self.doctor)
        return recorded

    @transaction.atomic
    def finish_consultation(self, *, by: Person | None) -> None:
        """The doctor has nothing to add: what was prescribed waits at the pharmacy, and without it the visit is done."""
        allow("clinical.diagnose", by)
        self.lock()
        if self.status != self.Status.DIAGNOSED:
            raise Refused("Record a diagnosis first. Then the consultation can be finished.")
        self.consultation_finished_at = timezone.now()
        self.save(update_fields=["consultation_finished_at"])
        if self.prescriptions.filter(status__in=AT_PHARMACY).exists():
            QueuePlace.enter(self, QueuePlace.Queue.PHARMACY, by=by)
        self.settle()

    @transaction.atomic
    def settle(self) -> None:
        """The visit is done when the doctor has finished, or prescribed, and no prescription is open."""
        self.lock()
        if self.status != self.Status.DIAGNOSED:
            return
        prescriptions = list(self.prescriptions.values_list("status", flat=True))
        if any(status in OPEN_PRESCRIPTION for status in prescriptions):
            return
        if self.consultation_finished_at or any(status in SETTLED_PRESCRIPTION for status in prescriptions):
            self._go(self.Status.DONE, by=None, ended_at=timezone.now())

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None, knowing: str = "") -> None:
        """See `_end` for what `knowing` is."""
        self._end(self.Status.CANCELLED, reason, by, knowing)

    @transaction.atomic
    def leave(self, reason: str, *, by: Person | None, knowing: str = "") -> None:
        """The patient went away before the end."""
        self._end(self.Status.LEFT, reason, by, knowing)

    @transaction.atomic
    def reopen(self, reason: str, *, by: Person | None) -> None:
        why = needs(reason, "Say why the visit is opened again.")[:200]
        self._go(self.Status.DIAGNOSED, by=by, reason=why, ended_at=None, consultation_finished_at=None)

    @transaction.atomic
    def wait_again(self, reason: str) -> None:
        """A prescription is back at our pharmacy, and the patient who was done waits for it there."""
        self.lock()
        if self.status in (self.Status.CANCELLED, self.Status.LEFT):
            raise Refused(
                f"{self.number} is {self.get_status_display().lower()}. What is needed now is prescribed anew."
            )
        if self.status == self.Status.DONE:
            self.move_to(self.Status.DIAGNOSED, by=None, reason=reason[:200], ended_at=None)
        if self.place is None:
            QueuePlace.enter(self, QueuePlace.Queue.PHARMACY, by=None)

    def _end(self, status: str, reason: str, by: Person | None, knowing: str) -> None:
        """A person who ends it in the middle names, by its stamp, what was under way: as it is now, not as it was."""
        why = needs(reason, "Say why the visit ends here.")[:200]
        self.lock()
        under_way = UnderWay.of(self)
        if by is not None and self.is_open and under_way and knowing != under_way.stamp:
            raise Refused(f"Look first at what is under way: {under_way.words}. Open the form again to confirm it.")
        self._go(status, by=by, reason=why, ended_at=timezone.now(), end_reason=why)
        call_off(self, f"The visit ended: {why}"[:200])

    # --- beside the status --------------------------------------------------------------

    @transaction.atomic
    def assign_checker(self, person: Person | None, *, by: Person | None) -> None:
        allow("clinical.call_patient", by)
        self.lock()
        self.checker = person
        self.save(update_fields=["checker"])

    @transaction.atomic
    def assign_doctor(self, person: Person | None, *, by: Person | None) -> None:
        allow("clinical.call_patient", by)
        self.lock()
        self.doctor = person
        self.save(update_fields=["doctor"])

    @transaction.atomic
    def set_payment(self, payment: str) -> None:
        """Billing says how much of what is due is paid."""
        self.lock()
        if payment != self.payment:
            self.payment = payment
            self.save(update_fields=["payment"])

    @transaction.atomic
    def override_gate(self, reason: str, *, by: Person | None) -> None:
        """An emergency does not wait for the money."""
        allow("clinical.override_payment", by)
        self.lock()
        if not self.is_open:
            raise Refused(
                f"{self.number} is {self.get_status_display().lower()}: nothing waits for a payment any more."
            )
        self.gate_override_reason = needs(reason, "Say why this patient may go on before paying.")[:200]
        self.gate_override_by, self.gate_override_at = by, timezone.now()
        self.save(update_fields=["gate_override_reason", "gate_override_by", "gate_override_at"])

    def check_gate(self, step: str) -> None:
        """Refuse a step that must be paid before: "consultation", "laboratory" or "pharmacy"."""
        if self.is_gated(step):
            raise Refused(
                f"{self.number} is {self.debt_words}. Reception takes the payment first; in an emergency, let the patient pass with a reason."
            )

    @property
    def debt_words(self) -> str:
        return "only partly paid" if self.payment == self.Payment.PARTIAL else "not paid yet"

    def is_gated(self, step: str) -> bool:
        settled = self.payment in (self.Payment.PAID, self.Payment.WAIVED)
        return current().tenant.require_payment_before == step and not settled and not self.gate_override_reason

    @transaction.atomic
    def touch(self) -> None:
        """Something that the visit's row shows has changed: count the version, and tell the screens."""
        self.lock()
        self.mark()

    def mark(self) -> None:
        """The same, for those who hold the visit."""
        self.save(update_fields=["updated_at"])

    def forget_place(self) -> None:
        self.__dict__.pop("open_places", None)

    def lock(self) -> None:
        super().lock()
        self.forget_place()

    def _go(self, status: str, *, by: Person | None, reason: str = "", **fields: Any) -> None:
        """Take the step, and stand in the queue that it leads to."""
        self.move_to(status, by=by, reason=reason, **fields)
        queue = QUEUE_OF.get(status)
        if queue:
            QueuePlace.enter(self, queue, by=by)
        elif self.place:
            self.place.end()


QUEUE_OF: dict[str, str] = {
    Visit.Status.REGISTERED: QueuePlace.Queue.EXAMINATION,
    Visit.Status.CHECKED: QueuePlace.Queue.CONSULTATION,
    Visit.Status.LAB_PENDING: QueuePlace.Queue.LABORATORY,
    Visit.Status.LAB_DONE: QueuePlace.Queue.CONSULTATION,
    Visit.Status.DIAGNOSED: QueuePlace.Queue.CONSULTATION,
}
RANKS: dict[str, int] = {Visit.Priority.EMERGENCY: 0, Visit.Priority.URGENT: 1, Visit.Priority.ROUTINE: 2}
SETTLED_PRESCRIPTION = ("dispensed", "partly", "declined", "sent")

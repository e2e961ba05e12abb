"""What the doctor prescribes, and what becomes of it at the pharmacy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.allergies import allergies_against
from clinical.dosing import most_of
from clinical.models.pharmacy import Batch, Medicine, StockMove, at_least_one, needs
from clinical.models.queue import QueuePlace
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow, allow

if TYPE_CHECKING:
    from clinical.models.history import Allergy
    from clinical.models.visit import Visit
    from hospital.models import Person

RANKS = {"emergency": 0, "urgent": 1, "routine": 2}
PRESCRIBE = "clinical.prescribe"
DISPENSE = "clinical.dispense"
VALID_FOR = timedelta(days=90)


class Prescriptions(models.QuerySet):
    def at_pharmacy(self) -> Prescriptions:
        return self.filter(status__in=Prescription.AT_PHARMACY)

    def shown(self) -> Prescriptions:
        """With what a row needs, in a constant number of queries."""
        places = models.Prefetch("visit__places", QueuePlace.objects.filter(ended_at=None), to_attr="open_places")
        lines = models.Prefetch("lines", PrescriptionLine.objects.select_related("medicine"))
        return self.select_related("visit", "patient", "prescribed_by").prefetch_related(places, lines)

    def in_order(self) -> Prescriptions:
        """The urgent first, then who waits longest."""
        rank = models.Case(*(models.When(visit__priority=name, then=rank) for name, rank in RANKS.items()))
        return self.order_by(rank, "prescribed_at", "serial")


class Prescription(Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "At the pharmacy"
        DISPENSING = "dispensing", "Being dispensed"
        DISPENSED = "dispensed", "Dispensed"
        PARTLY = "partly", "Partly dispensed"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.DRAFT: {Status.ACTIVE: PRESCRIBE, Status.CANCELLED: PRESCRIBE},
        Status.ACTIVE: {
            Status.DISPENSING: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.DISPENSING: {
            Status.DISPENSING: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.PARTLY: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
    }
    AT_PHARMACY = (Status.ACTIVE, Status.DISPENSING)
    OPEN = (Status.DRAFT, *AT_PHARMACY)

    serial = models.PositiveBigIntegerField("number", editable=False)
    visit = TenantKey("clinical.Visit", related_name="prescriptions")
    patient = TenantKey("clinical.Patient", related_name="prescriptions")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    note = models.TextField(blank=True, default="", help_text="For the pharmacy.")
    prescribed_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    prescribed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True, default="")

    objects: ClassVar = TenantManager.from_queryset(Prescriptions)()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="prescription_number_once")]
        indexes = [
            models.Index(fields=["tenant", "status", "prescribed_at"], name="prescription_at_pharmacy"),
            models.Index(fields=["tenant", "patient", "-prescribed_at"], name="prescription_of_patient"),
            models.Index(
                fields=["tenant", "-ended_at"], condition=models.Q(ended_at__isnull=False), name="prescription_ended"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"R-{self.serial:06}"

    def get_absolute_url(self) -> str:
        return reverse("clinical:prescription", args=[self.pk])

    @property
    def sort(self) -> str:
        """Where the row stands in the list: text that sorts as `in_order` does."""
        return f"{RANKS[self.visit.priority]} {self.prescribed_at or self.created_at:%Y-%m-%dT%H:%M:%S.%f} {self.serial:012}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_at_pharmacy(self) -> bool:
        return self.status in self.AT_PHARMACY

    @property
    def expires_at(self) -> datetime | None:
        return self.prescribed_at and self.prescribed_at + VALID_FOR

    @classmethod
    @transaction.atomic
    def write(cls, visit: Visit, lines: list[dict[str, Any]], *, by: Person | None, note: str = "") -> Prescription:
        """A draft. Each line has `medicine` and `quantity`, and may have the other fields of a line.

        A medicine that a known allergy speaks against needs an `allergy_reason`.
        """
        if not lines:
            raise Refused("Choose at least one medicine.", status=422, field="medicine")
        check_each_once(lines)
        known = list(visit.patient.allergies.active())
        for entry in lines:
            check_line(entry, known)
        prescription = cls(visit=visit, patient_id=visit.patient_id, prescribed_by=by, note=note.strip())
        prescription.serial = Counter.take("prescription")
        prescription.start(by=by)
        for position, entry in enumerate(lines):
            PrescriptionLine(prescription=prescription, position=position, **entry).start(by=by)
        return prescription

    @transaction.atomic
    def sign(self, *, by: Person | None) -> None:
        """Send it to the pharmacy, and the patient with it."""
        visit = self.visit
        visit.lock()
        if visit.status != visit.Status.DIAGNOSED:
            raise Refused("Record a diagnosis first. Then the prescription can be signed.")
        for line in self.lines.select_related("medicine"):
            line.refuse_without_directions()
        self.move_to(self.Status.ACTIVE, by=by, prescribed_by=by, prescribed_at=timezone.now())
        QueuePlace.enter(visit, QueuePlace.Queue.PHARMACY, by=by)

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        """Take it back, as long as nothing was issued."""
        needs(reason, "Say why the prescription is cancelled.")
        visit = self.visit
        visit.lock()
        self.lock()
        lines = list(self.lines.select_for_update(of=("self",), no_key=True))
        if any(line.dispensed for line in lines):
            raise Refused("A part was issued already. Ask the pharmacy to decline the rest.")
        self._end(lines, reason.strip(), by=by)
        visit.settle()

    @transaction.atomic
    def call_off(self, why: str) -> None:
        """The visit ended: what was issued stays issued, and the rest is not given."""
        self.lock()
        self._end(list(self.lines.select_for_update(of=("self",), no_key=True)), why, by=None)

    def _end(self, lines: list[PrescriptionLine], why: str, *, by: Person | None) -> None:
        for line in lines:
            if not line.is_settled:
                line.settle(line.Status.CANCELLED, by=by, reason=why, decline_reason=why[:250])
        self.move_to(self.outcome(lines), by=by, reason=why, ended_at=timezone.now(), end_reason=why)

    @transaction.atomic
    def dispense_all(self, *, by: Person | None) -> None:
        """Everything that is still outstanding. The lines go in the order of their medicines, as all who hold several do."""
        lines = self.lines.filter(status__in=PrescriptionLine.UNSETTLED).order_by("medicine_id")
        for line in lines:
            line.dispense(line.outstanding, by=by)

    def follow(self, *, by: Person | None) -> None:
        """Take the status that the lines tell."""
        lines = list(self.lines.all())
        if all(line.is_settled for line in lines):
            self.move_to(self.outcome(lines), by=by, ended_at=timezone.now())
        else:
            self.move_to(self.Status.DISPENSING, by=by)

    @classmethod
    def outcome(cls, lines: list[PrescriptionLine]) -> str:
        """What became of it, when nothing more is issued."""
        statuses = {line.status for line in lines}
        if statuses == {PrescriptionLine.Status.DISPENSED}:
            return cls.Status.DISPENSED
        if any(line.dispensed for line in lines):
            return cls.Status.PARTLY
        return cls.Status.DECLINED if statuses == {PrescriptionLine.Status.DECLINED} else cls.Status.CANCELLED


def check_each_once(lines: list[dict[str, Any]]) -> None:
    medicines = [entry["medicine"] for entry in lines]
    if twice := next((medicine for medicine in medicines if medicines.count(medicine) > 1), None):
        raise Refused(f"{twice} is there twice. Remove one of them.", status=422, field="medicine")


def too_many(medicine: Medicine) -> str:
    return f"At most {most_of(medicine.unit)} {medicine.units} go on one line. Check the number."


def check_line(entry: dict[str, Any], allergies: list[Allergy]) -> None:
    medicine = entry["medicine"]
    at_least_one(entry["quantity"])
    if entry["quantity"] > most_of(medicine.unit):
        raise Refused(too_many(medicine), status=422, field="quantity")
    if not medicine.is_active:
        raise Refused(f"{medicine} is no longer used here. Choose another medicine.", status=422, field="medicine")
    if matches := allergies_against(medicine, allergies):
        needs_reason = f"{matches[0]}. Say why {medicine} is prescribed all the same, or choose another medicine."
        needs(entry.get("allergy_reason", ""), needs_reason, field="allergy_reason")


class PrescriptionLine(Workflow):
    class Status(models.TextChoices):
        PENDING = "pending", "To dispense"
        PARTIAL = "partial", "Partly dispensed"
        DISPENSED = "dispensed", "Dispensed"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.PENDING: {
            Status.PARTIAL: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.PARTIAL: {
            Status.PARTIAL: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: SYSTEM,
        },
    }
    UNSETTLED = (Status.PENDING, Status.PARTIAL)

    prescription = TenantKey(Prescription, related_name="lines")
    medicine = TenantKey(Medicine, related_name="prescription_lines")
    position = models.PositiveSmallIntegerField(default=0)
    dose = models.CharField(max_length=60, blank=True, default="")
    frequency = models.CharField(max_length=60, blank=True, default="")
    duration_days = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(365)])
    instructions = models.CharField(max_length=250, blank=True, default="")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Prescribed.")
    dispensed = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    short_reason = models.CharField(max_length=250, blank=True, default="", help_text="Why less was issued than asked.")
    decline_reason = models.CharField(
        max_length=250, blank=True, default="", help_text="Why it, or the rest of it, is not issued."
    )
    allergy_reason = models.CharField(
        max_length=250, blank=True, default="", help_text="Why it is given in spite of an allergy."
    )
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(Workflow.Meta):
        ordering = ["prescription", "position", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="line_prescribes_something"),
            models.CheckConstraint(
                condition=models.Q(dispensed__lte=models.F("quantity")), name="line_not_more_than_prescribed"
            ),
            models.CheckConstraint(
                condition=models.Q(returned__lte=models.F("dispensed")), name="line_not_more_back_than_given"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.medicine}"

    @property
    def outstanding(self) -> int:
        return self.quantity - self.dispensed

    @property
    def is_settled(self) -> bool:
        return self.status not in self.UNSETTLED

    @property
    def outcome(self) -> str:
        """The status in words, with what was issued before the rest was not."""
        words = self.get_status_display()
        if self.is_settled and 0 < self.dispensed < self.quantity:
            return f"Partly dispensed, rest {words.lower()}"
        return words

    @property
    def directions(self) -> str:
        """How it is taken, in one line."""
        days = f"for {self.duration_days} day{'' if self.duration_days == 1 else 's'}" if self.duration_days else ""
        return ", ".join(filter(None, [" ".join(filter(None, [self.dose, self.frequency])), days, self.instructions]))

    def refuse_without_directions(self) -> None:
        """A number alone does not tell the patient what to do."""
        needs(self.dose, f"Write the dose of {self.medicine}: how much is taken at once.", field="dose")
        how = self.frequency or self.instructions
        needs(how, f"Write how often {self.medicine} is taken, or how.", field="frequency")

    @transaction.atomic
    def dispense(
        self, quantity: int, *, by: Person | None, batch: Batch | None = None, reason: str = ""
    ) -> list[StockMove]:
        """Issue pieces, first expiry first. Less than what is outstanding needs a reason; so does another batch."""
        visit, prescription = self._hold()
        self._refuse_unless_open(prescription)
        if prescription.status == prescription.Status.ACTIVE:
            visit.check_gate("pharmacy")  # once begun, what each line costs does not stop the next one
        self._refuse_wrong(quantity, reason)
        moves = self.medicine.issue(quantity, line=self, by=by, batch=batch, reason=reason)
        if quantity == self.outstanding:
            self.settle(self.Status.DISPENSED, by=by, reason=reason, dispensed=self.quantity)
        else:
            self.move_to(
                self.Status.PARTIAL,
                by=by,
                reason=reason,
                dispensed=self.dispensed + quantity,
                short_reason=reason.strip(),
            )
        self._report(visit, prescription, by)
        return moves

    @transaction.atomic
    def decline(self, reason: str, *, by: Person | None) -> None:
        """Issue none, or no more, and say why."""
        needs(reason, "Say why it is not issued.")
        visit, prescription = self._hold()
        self._refuse_unless_open(prescription)
        self.settle(self.Status.DECLINED, by=by, reason=reason, decline_reason=reason.strip())
        self._report(visit, prescription, by)

    @transaction.atomic
    def take_back(self, quantity: int, batch: Batch, reason: str, *, by: Person | None) -> StockMove:
        """The patient brings pieces back: into the batch that they came from."""
        _, prescription = self._hold()
        allow(DISPENSE, by)
        at_least_one(quantity)
        needs(reason, "Say why it comes back.")
        medicine = batch.hold()
        given = -(self.moves.filter(batch=batch).aggregate(sum=models.Sum("quantity"))["sum"] or 0)
        if quantity > given:
            raise Refused(f"Only {given} were issued from lot {batch.lot}.", status=422, field="quantity")
        move = batch.book(StockMove.Kind.RETURN, quantity, by=by, reason=reason, line=self)
        medicine.recount()
        self.returned += quantity
        self.save(update_fields=["returned"])
        prescription.save(update_fields=[])
        return move

    def _hold(self) -> tuple[Visit, Prescription]:
        """The visit first, then the prescription, then the line."""
        prescription = self.prescription
        visit = prescription.visit
        visit.lock()
        prescription.lock()
        self.lock()
        return visit, prescription

    def _refuse_unless_open(self, prescription: Prescription) -> None:
        if not prescription.is_at_pharmacy:
            raise Refused(
                f"Prescription {prescription} is {prescription.get_status_display().lower()}. Nothing of it can be dispensed."
            )
        if prescription.expires_at and prescription.expires_at < timezone.now():
            raise Refused(
                f"Prescription {prescription} is older than {VALID_FOR.days} days. Ask the doctor for a new one."
            )
        if self.is_settled:
            raise Refused(f"{self.medicine} is {self.get_status_display().lower()} already.")

    def _refuse_wrong(self, quantity: int, reason: str) -> None:
        at_least_one(quantity)
        if quantity > self.outstanding:
            raise Refused(f"Only {self.outstanding} of {self.medicine} are outstanding.", status=422, field="quantity")
        if quantity < self.outstanding:
            needs(reason, f"{self.outstanding} are outstanding. Say why only {quantity} are issued.")

    def settle(self, status: str, *, by: Person | None, reason: str, **fields: Any) -> None:
        self.move_to(status, by=by, reason=reason, settled_at=timezone.now(), settled_by=by, **fields)

    def _report(self, visit: Visit, prescription: Prescription, by: Person | None) -> None:
        prescription.follow(by=by)
        if not prescription.is_open:
            visit.settle()

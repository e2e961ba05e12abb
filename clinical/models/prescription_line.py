"""A line of a prescription: so many of one medicine, and what was issued of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from clinical.allergies import allergies_against
from clinical.dosing import most_of
from clinical.models.ledger import StockMove, at_least_one
from clinical.models.pharmacy import Batch, Medicine
from hospital.tenancy import TenantKey
from hospital.workflow import SYSTEM, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from clinical.models.history import Allergy
    from clinical.models.prescription import Prescription
    from clinical.models.visit import Visit
    from hospital.models import Person

PRESCRIBE = "clinical.prescribe"
DISPENSE = "clinical.dispense"
SEND = "clinical.send_prescription"


class PrescriptionLine(Workflow):
    class Status(models.TextChoices):
        PENDING = "pending", "To dispense"
        PARTIAL = "partial", "Partly dispensed"
        DISPENSED = "dispensed", "Dispensed"
        SENT = "sent", "Sent outside"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.PENDING: {
            Status.PARTIAL: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.SENT: SEND,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.SENT: {Status.PENDING: SEND},
        Status.PARTIAL: {
            Status.PARTIAL: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: SYSTEM,
        },
    }
    UNSETTLED = (Status.PENDING, Status.PARTIAL)

    prescription = TenantKey("clinical.Prescription", related_name="lines")
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
            models.CheckConstraint(
                condition=~models.Q(status="sent") | models.Q(dispensed=0), name="line_sent_outside_is_not_given_here"
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
        prescription.refuse_unless_valid()
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

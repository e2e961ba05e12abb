"""What the doctor prescribes, and what becomes of it at the pharmacy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from clinical.models.prescription_line import DISPENSE, PRESCRIBE, SEND, PrescriptionLine, check_line
from clinical.models.queue import QueuePlace
from clinical.models.sending import Sending, once
from clinical.models.visit import RANKS
from hospital.models import Counter
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import Refused, Workflow, needs

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from clinical.models.visit import Visit
    from hospital.models import Person

VALID_FOR = timedelta(days=90)
LATEST = 200
WHERE_IT_IS = models.Q(sent_at__isnull=True) & ~models.Q(status="sent") | models.Q(
    status="sent", sent_at__isnull=False, ended_at__isnull=False, outside_pharmacy__gt="", outside_way__gt=""
)


class Prescriptions(models.QuerySet):
    def at_pharmacy(self) -> Prescriptions:
        return self.filter(status__in=Prescription.AT_PHARMACY)

    def outside(self) -> Prescriptions:
        """Sent to another pharmacy, and valid still: the patient may come back with it."""
        return self.filter(status=Prescription.Status.SENT, prescribed_at__gt=timezone.now() - VALID_FOR)

    def pharmacies_for(self, patient: Patient) -> list[str]:
        """The outside pharmacies that were written before: for this patient, then for others, the last first."""
        written = (
            self.filter(outside_pharmacy__gt="").order_by("-prescribed_at").values_list("outside_pharmacy", flat=True)
        )
        return once([*written.filter(patient=patient)[:LATEST], *written[:LATEST]])

    def shown(self) -> Prescriptions:
        """With what a row needs, in a constant number of queries."""
        places = models.Prefetch("visit__places", QueuePlace.objects.filter(ended_at=None), to_attr="open_places")
        lines = models.Prefetch("lines", PrescriptionLine.objects.select_related("medicine"))
        return self.select_related("visit", "patient", "prescribed_by", "sent_by").prefetch_related(places, lines)

    def in_order(self) -> Prescriptions:
        """The urgent first, then who waits longest."""
        rank = models.Case(*(models.When(visit__priority=name, then=rank) for name, rank in RANKS.items()))
        return self.order_by(rank, "prescribed_at", "serial")


class Prescription(Sending, Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "At the pharmacy"
        SENT = "sent", "Sent outside"
        DISPENSING = "dispensing", "Being dispensed"
        DISPENSED = "dispensed", "Dispensed"
        PARTLY = "partly", "Partly dispensed"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.DRAFT: {Status.ACTIVE: PRESCRIBE, Status.CANCELLED: PRESCRIBE},
        Status.ACTIVE: {
            Status.SENT: SEND,
            Status.DISPENSING: DISPENSE,
            Status.DISPENSED: DISPENSE,
            Status.DECLINED: DISPENSE,
            Status.CANCELLED: PRESCRIBE,
        },
        Status.SENT: {Status.ACTIVE: SEND},
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
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="prescription_number_once"),
            models.CheckConstraint(condition=WHERE_IT_IS, name="prescription_says_where_it_is"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "prescribed_at"], name="prescription_at_pharmacy"),
            models.Index(fields=["tenant", "patient", "-prescribed_at"], name="prescription_of_patient"),
            models.Index(
                fields=["tenant", "-ended_at"], condition=models.Q(ended_at__isnull=False), name="prescription_ended"
            ),
            models.Index(
                fields=["tenant", "-prescribed_at"],
                condition=models.Q(outside_pharmacy__gt=""),
                name="prescription_outside",
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
        return f"{self.visit.rank} {self.prescribed_at or self.created_at:%Y-%m-%dT%H:%M:%S.%f} {self.serial:012}"

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
        why = needs(reason, "Say why the prescription is cancelled.")
        self._hold()
        lines = self._held_lines()
        if any(line.dispensed for line in lines):
            raise Refused("A part was issued already. Ask the pharmacy to decline the rest.")
        self._end(lines, why, by=by)
        self.visit.settle()

    @transaction.atomic
    def call_off(self, why: str) -> None:
        """The visit ended: what was issued stays issued, and the rest is not given."""
        self.lock()
        self._end(self._held_lines(), why, by=None)

    def _end(self, lines: list[PrescriptionLine], why: str, *, by: Person | None) -> None:
        for line in lines:
            if not line.is_settled:
                line.settle(line.Status.CANCELLED, by=by, reason=why, decline_reason=why[:250])
        self.move_to(self.outcome(lines), by=by, reason=why, ended_at=timezone.now(), end_reason=why)

    @transaction.atomic
    def send(self, pharmacy: str, way: str, *, by: Person | None, contact: str = "", note: str = "") -> None:
        """To an outside pharmacy, as long as nothing was done with it here. The visit goes on as if it were dispensed."""
        name = needs(pharmacy, "Write the name of the pharmacy.", field="pharmacy")
        self._hold()
        if self.status == self.Status.DISPENSING:
            raise Refused(
                f"The pharmacy has begun with {self}. Decline what is left of it, and prescribe that anew for the outside pharmacy."
            )
        if self.is_at_pharmacy:
            self.refuse_if_expired()
        said = {"outside_pharmacy": name, "outside_way": self.Way(way)}
        said |= {"outside_contact": contact.strip(), "outside_note": note.strip(), "call_back_reason": ""}
        now, why = timezone.now(), f"Sent to {name}"
        self.move_to(self.Status.SENT, by=by, reason=why, ended_at=now, sent_at=now, sent_by=by, **said)
        for line in self._held_lines():
            line.settle(line.Status.SENT, by=by, reason=why)
        self.visit.settle()

    @transaction.atomic
    def call_back(self, reason: str, *, by: Person | None) -> None:
        """The other pharmacy had none, or the patient wants it here: it waits at our pharmacy again, and the visit with it."""
        why = needs(reason, "Say why it is called back.")
        self._hold()
        if self.status == self.Status.SENT:
            self.refuse_if_expired()
        fields = {"ended_at": None, "sent_at": None, "sent_by": None, "call_back_reason": why}
        self.move_to(self.Status.ACTIVE, by=by, reason=why, **fields)
        for line in self._held_lines():
            line.move_to(line.Status.PENDING, by=by, reason=why, settled_at=None, settled_by=None)
        self.visit.wait_again(f"{self} was called back: {why}")

    def _hold(self) -> None:
        """The visit first, then the prescription."""
        self.visit.lock()
        self.lock()

    def _held_lines(self) -> list[PrescriptionLine]:
        return list(self.lines.select_for_update(of=("self",), no_key=True))

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

    def refuse_unless_valid(self) -> None:
        if self.status == self.Status.SENT:
            raise Refused(f"Prescription {self} is sent to {self.outside_pharmacy}. Call it back to dispense it here.")
        if not self.is_at_pharmacy:
            raise Refused(
                f"Prescription {self} is {self.get_status_display().lower()}. Nothing of it can be dispensed."
            )
        self.refuse_if_expired()

    def refuse_if_expired(self) -> None:
        if self.expires_at and self.expires_at < timezone.now():
            raise Refused(f"Prescription {self} is older than {VALID_FOR.days} days. Ask the doctor for a new one.")

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

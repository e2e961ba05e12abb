"""A tube or another container: one serves all tests of a visit that are done from it, from its label to the bin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.db.models import ExpressionWrapper, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinical import accession
from clinical.models.lab_test import LabTest, Material
from clinical.models.laboratory import PROCESS, RANKS, LabOrder, by_person, moment
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import SYSTEM, Refused, Workflow, allow

if TYPE_CHECKING:
    from clinical.models import Visit
    from hospital.models import Person

UNDO_WITHIN = timedelta(minutes=10)


class SpecimenType(EditableModel):
    """What is taken, into what: the tube, the colour of its cap, how much, how it is handled, how long it is good."""

    class Cap(models.TextChoices):
        NONE = "", "No cap"
        RED = "red", "Red"
        GOLD = "gold", "Gold"
        LAVENDER = "lavender", "Lavender"
        LIGHT_BLUE = "light_blue", "Light blue"
        GREEN = "green", "Green"
        GREY = "grey", "Grey"
        BLACK = "black", "Black"
        YELLOW = "yellow", "Yellow"
        WHITE = "white", "White"

    code = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    tube = models.CharField("tube or container", max_length=80, blank=True, default="")
    cap = models.CharField("colour of the cap", max_length=12, choices=Cap.choices, blank=True, default=Cap.NONE)
    millilitres = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    handling = models.CharField(
        max_length=200, blank=True, default="", help_text="Such as: invert eight times, on ice."
    )
    stable_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="From collection to receiving; later it is too old."
    )
    keep_days = models.PositiveSmallIntegerField(default=7, help_text="How long it is kept after its tests are done.")
    rank = models.PositiveSmallIntegerField("order of draw", default=100)
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["rank", "name"]
        verbose_name = "specimen type"
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="specimen_type_code_once")]

    def __str__(self) -> str:
        return self.name


class Specimens(models.QuerySet):
    def shown(self) -> Specimens:
        """With what a row or a label needs, in a constant number of queries."""
        orders = models.Prefetch("orders", LabOrder.objects.select_related("test", "panel").order_by("accession"))
        people = ("collected_by", "received_by", "rejected_by", "stored_by", "discarded_by")
        return self.select_related("patient", "visit", "type", "recollect_of", *people).prefetch_related(orders)

    def to_discard(self, at: datetime) -> Specimens:
        """Worked off, and kept as long as its type says."""
        open_tests = LabOrder.objects.open().filter(specimen=models.OuterRef("pk"))
        kept = self.filter(status__in=Specimen.HELD).exclude(models.Exists(open_tests))
        last = (
            LabOrder.objects.filter(specimen=models.OuterRef("pk")).order_by("-released_at").exclude(released_at=None)
        )
        done_at = Coalesce(models.Subquery(last.values("released_at")[:1]), "rejected_at", "collected_at")
        days = ExpressionWrapper(Coalesce("type__keep_days", 7) * Value(timedelta(days=1)), models.DurationField())
        until = ExpressionWrapper(done_at + days, models.DateTimeField())
        return kept.annotate(keep_until=until).filter(keep_until__lte=at)


class Specimen(Workflow):
    """Its state follows its tests: each verb here takes those along that stand where it stands."""

    class Status(models.TextChoices):
        EXPECTED = "expected", "To collect"
        COLLECTED = "collected", "Collected"
        RECEIVED = "received", "Received"
        STORED = "stored", "Stored"
        REJECTED = "rejected", "Rejected"
        DISCARDED = "discarded", "Discarded"
        CANCELLED = "cancelled", "Cancelled"

    in_the_clear: ClassVar = ("material", "rack", "position")
    HELD = (Status.RECEIVED, Status.STORED, Status.REJECTED)
    MOVES = {
        Status.EXPECTED: {Status.COLLECTED: PROCESS, Status.CANCELLED: SYSTEM},
        Status.COLLECTED: {
            Status.RECEIVED: PROCESS,
            Status.REJECTED: PROCESS,
            Status.CANCELLED: SYSTEM,
            Status.EXPECTED: SYSTEM,
        },
        Status.RECEIVED: {
            Status.STORED: PROCESS,
            Status.DISCARDED: PROCESS,
            Status.REJECTED: PROCESS,
            Status.COLLECTED: PROCESS,
            Status.CANCELLED: SYSTEM,
            Status.EXPECTED: SYSTEM,
        },
        Status.STORED: {Status.RECEIVED: PROCESS, Status.DISCARDED: PROCESS, Status.REJECTED: PROCESS},
        Status.REJECTED: {Status.DISCARDED: PROCESS},
    }

    serial = models.PositiveBigIntegerField(editable=False)
    visit = TenantKey("clinical.Visit", related_name="specimens")
    patient = TenantKey("clinical.Patient", related_name="specimens")
    type = TenantKey(SpecimenType, null=True, blank=True, related_name="specimens")
    material = models.CharField(max_length=10, choices=Material.choices, default=Material.SERUM)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.EXPECTED, editable=False)
    recollect_of = TenantKey("self", null=True, blank=True, related_name="recollections", editable=False)
    labels = models.PositiveSmallIntegerField("labels printed", default=0, editable=False)
    labelled_at = moment()
    collected_at = moment()
    collected_by = by_person()
    received_at = moment()
    received_by = by_person()
    rejected_at = moment()
    rejected_by = by_person()
    rejection_reason = models.CharField(max_length=12, choices=LabOrder.Rejection.choices, blank=True, default="")
    rack = models.CharField(max_length=30, blank=True, default="")
    position = models.CharField(max_length=10, blank=True, default="")
    stored_at = moment()
    stored_by = by_person()
    discarded_at = moment()
    discarded_by = by_person()

    objects: ClassVar = TenantManager.from_queryset(Specimens)()

    class Meta(Workflow.Meta):
        ordering = ["serial"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="specimen_serial_once"),
            models.UniqueConstraint(
                fields=["tenant", "visit", "type", "material"],
                condition=models.Q(status="expected"),
                name="one_expected_specimen",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "collected_at"], name="specimen_by_status"),
            models.Index(fields=["tenant", "received_by", "-received_at"], name="specimen_by_receiver"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return accession.in_words(self.serial)

    @property
    def bars(self) -> str:
        return accession.in_bars(self.serial)

    @property
    def type_name(self) -> str:
        return str(self.type) if self.type else self.get_material_display()

    @classmethod
    def by_accession(cls, text: str) -> Specimen | None:
        """The specimen with the number that was scanned or typed. One that cannot be a number is refused with words."""
        try:
            serial = accession.parse(text)
        except accession.BadAccession as error:
            raise Refused(str(error), status=422, field="scan") from None
        return cls.objects.filter(serial=serial).first()

    @classmethod
    def expected(
        cls, visit: Visit, test: LabTest, *, by: Person | None, instead_of: Specimen | None = None
    ) -> Specimen | None:
        """The one that this test of the visit will be done from: nothing for what needs none. The caller holds the visit."""
        if test.specimen == Material.NONE:
            return None
        key = {"visit": visit, "type_id": test.specimen_type_id, "material": test.specimen}
        there = cls.objects.filter(**key, status=cls.Status.EXPECTED).first()
        if there:
            return there
        made = cls(**key, patient_id=visit.patient_id, recollect_of=instead_of, serial=Counter.take("specimen"))
        made.start(by=by)
        return made

    # --- the way of a tube ------------------------------------------------------------------

    @transaction.atomic
    def collect(self, *, by: Person | None) -> None:
        self.visit.lock()
        self.visit.check_gate("laboratory")
        self.lock()
        stamp: dict[str, Any] = {"collected_at": timezone.now(), "collected_by": by}
        self.move_to(self.Status.COLLECTED, by=by, **stamp)
        for order in self._at(LabOrder.Status.REQUESTED):
            order.move_to(LabOrder.Status.COLLECTED, by=by, **stamp)

    @transaction.atomic
    def receive(self, *, by: Person | None) -> None:
        """Of two who take it at once the second is told who was first."""
        self.lock()
        if self.status == self.Status.RECEIVED:
            raise Refused(f"{self.number} is already received{self._by_whom()}.")
        stamp: dict[str, Any] = {"received_at": timezone.now(), "received_by": by}
        self.move_to(self.Status.RECEIVED, by=by, **stamp)
        for order in self._at(LabOrder.Status.COLLECTED):
            order.move_to(LabOrder.Status.RECEIVED, by=by, **stamp)

    @transaction.atomic
    def take_back(self, *, by: Person | None) -> None:
        """It was received by mistake: only by the same person, soon, and before anything is started."""
        self.lock()
        if self.status != self.Status.RECEIVED or self.received_at is None:
            raise Refused(f"{self.number} is {self.get_status_display().lower()}. There is nothing to take back.")
        if by is not None and (self.received_by_id != by.pk or timezone.now() - self.received_at > UNDO_WITHIN):
            raise Refused("Only who received it can take that back, within ten minutes.")
        if self.orders.filter(begun_at__isnull=False).exists():
            raise Refused(f"Work on {self.number} has begun. Reject it if it must not be used.")
        none: dict[str, Any] = {"received_at": None, "received_by": None}
        self.move_to(self.Status.COLLECTED, by=by, **none)
        for order in self._at(LabOrder.Status.RECEIVED):
            order.move_to(LabOrder.Status.COLLECTED, by=by, **none)

    @transaction.atomic
    def reject(self, reason: str, *, by: Person | None) -> Specimen | None:
        """No good, with all its tests. Those that can go again are ordered again, on one new specimen: that is returned."""
        if reason not in LabOrder.Rejection.values:
            raise Refused("Choose what is wrong with the specimen.", status=422, field="reason")
        self.visit.lock()
        self.lock()
        self.rejected(reason, by=by)
        again = [order.reject(reason, by=by) for order in self._at(*LabOrder.REJECTABLE)]
        return next((order.specimen for order in again if order and order.specimen), None)

    def rejected(self, reason: str, *, by: Person | None) -> None:
        stamp: dict[str, Any] = {"rejected_at": timezone.now(), "rejected_by": by, "rejection_reason": reason}
        self.move_to(self.Status.REJECTED, by=by, reason=LabOrder.Rejection(reason).label, **stamp)

    @transaction.atomic
    def store(self, rack: str, position: str, *, by: Person | None) -> None:
        """Where it stands now; a stored one can be put elsewhere."""
        if not rack.strip():
            raise Refused("Say in which rack it stands.", status=422, field="rack")
        allow(PROCESS, by)
        self.lock()
        where = {"rack": rack.strip(), "position": position.strip()}
        stamp: dict[str, Any] = {**where, "stored_at": timezone.now(), "stored_by": by}
        if self.status != self.Status.STORED:
            self.move_to(self.Status.STORED, by=by, **stamp)
            return
        for name, value in stamp.items():
            setattr(self, name, value)
        self.save(update_fields=list(stamp))

    @transaction.atomic
    def discard(self, *, by: Person | None) -> None:
        self.lock()
        waiting = self.orders.open().count()
        if waiting:
            tests = "1 test" if waiting == 1 else f"{waiting} tests"
            raise Refused(f"{tests} of {self.number} still open. Keep it until they are released.")
        self.move_to(self.Status.DISCARDED, by=by, discarded_at=timezone.now(), discarded_by=by)

    @transaction.atomic
    def print_label(self, *, by: Person | None) -> bool:
        """Count one more label; whether it is a reprint, which the label says."""
        allow(PROCESS, by)
        self.lock()
        self.labels += 1
        self.labelled_at = timezone.now()
        self.save(update_fields=["labels", "labelled_at"])
        return self.labels > 1

    def follow(self, order: LabOrder, *, by: Person | None) -> None:
        """One of its tests was moved by itself. Called with the test's own stamp, by the test's verb."""
        self.lock()
        step = FOLLOWS.get((self.status, order.status))
        if step == self.Status.COLLECTED:
            self.move_to(step, by=by, collected_at=order.collected_at, collected_by=by)
        elif step == self.Status.RECEIVED:
            self.move_to(step, by=by, received_at=order.received_at, received_by=by)
        elif not self.orders.exclude(status__in=(LabOrder.Status.CANCELLED, LabOrder.Status.REJECTED)).exists():
            self._ends(by=by)

    def not_taken(self, order: LabOrder) -> None:
        """Only a message had said that it was collected, and the message was another patient's."""
        others = self.orders.exclude(pk=order.pk).exclude(status=LabOrder.Status.REQUESTED)
        if self.status not in (self.Status.COLLECTED, self.Status.RECEIVED) or others.exists():
            return
        same = {"visit": self.visit_id, "type": self.type_id, "material": self.material}
        twin = Specimen.objects.filter(**same, status=self.Status.EXPECTED).first()
        if twin is None:
            none: dict[str, Any] = dict.fromkeys(("collected_at", "collected_by", "received_at", "received_by"))
            self.move_to(self.Status.EXPECTED, by=None, **none)
            return
        order.specimen = twin
        order.save(update_fields=["specimen"])
        self.move_to(self.Status.CANCELLED, by=None)

    def _ends(self, *, by: Person | None) -> None:
        """None of its tests goes on: one that was rejected says why."""
        lost = self.orders.filter(status=LabOrder.Status.REJECTED).order_by("rejected_at").last()
        if lost and self.can_be_rejected:
            self.rejected(lost.rejection_reason, by=by)
        elif not lost and self.Status.CANCELLED in self.MOVES.get(self.status, {}):
            self.move_to(self.Status.CANCELLED, by=None)

    # --- what is known of it ---------------------------------------------------------------

    @property
    def good_until(self) -> datetime | None:
        if self.collected_at is None or self.type is None or self.type.stable_hours is None:
            return None
        return self.collected_at + timedelta(hours=self.type.stable_hours)

    @property
    def is_too_old(self) -> bool:
        """Whether it was older than its type allows when it was received, or is now."""
        until = self.good_until
        return until is not None and (self.received_at or timezone.now()) > until

    @property
    def can_be_rejected(self) -> bool:
        return self.Status.REJECTED in self.MOVES.get(self.status, {})

    @property
    def urgency(self) -> str:
        """The highest of its tests' priorities."""
        return min((order.priority for order in self.orders.all()), key=RANKS.__getitem__, default="routine")

    def chain(self) -> list[Specimen]:
        """From the first specimen to the last, where one was collected again."""
        first = self
        while first.recollect_of:
            first = first.recollect_of
        found, at = [first], 0
        while at < len(found):
            found.extend(found[at].recollections.all())
            at += 1
        return found

    def _at(self, *statuses: str) -> list[LabOrder]:
        return list(
            self.orders.filter(status__in=statuses).select_related("test", "visit", "specimen").order_by("accession")
        )

    def _by_whom(self) -> str:
        who = f" by {self.received_by}" if self.received_by else ""
        when = f" at {timezone.localtime(self.received_at):%H:%M}" if self.received_at else ""
        return who + when


FOLLOWS: dict[tuple[str, str], str] = {
    (Specimen.Status.EXPECTED, LabOrder.Status.COLLECTED): Specimen.Status.COLLECTED,
    (Specimen.Status.COLLECTED, LabOrder.Status.RECEIVED): Specimen.Status.RECEIVED,
}

"""Appointments that come as a file: each of its lines is a row, with what was thought of it and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from clinical.models import Patient
from hospital.seals import truth
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, Moves, Refused, Workflow
from scheduling.models.appointment import Appointment
from scheduling.models.place import Location
from scheduling.models.provider import AppointmentType, Provider

if TYPE_CHECKING:
    from hospital.models import Person

MANAGE = "scheduling.manage"
AGAIN = "import_line_booked_once"


class AppointmentImport(Workflow):
    """One file: looked through, then imported in the background, or thrown away."""

    class Status(models.TextChoices):
        CHECKED = "checked", "Looked through"
        RUNNING = "running", "Being imported"
        DONE = "done", "Imported"
        DISCARDED = "discarded", "Thrown away"

    MOVES: Moves = {
        Status.CHECKED: {Status.RUNNING: MANAGE, Status.DISCARDED: MANAGE},
        Status.RUNNING: {Status.DONE: SYSTEM},
    }

    name = models.CharField(max_length=200)
    columns = models.JSONField(help_text="The first line, as it is in the file.")
    outside = models.BooleanField("also outside the hours", default=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.CHECKED, editable=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0, help_text="Lines that were settled, when it was last counted.")
    uploaded_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta(Workflow.Meta):
        ordering = ["-uploaded_at"]
        verbose_name = "import of appointments"
        verbose_name_plural = "imports of appointments"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("scheduling:import", args=[self.pk])

    def tally(self) -> dict[str, int]:
        """How many lines there are of each verdict and each outcome."""
        wanted = {value: Count("pk", filter=Q(verdict=value)) for value in ImportLine.Verdict.values}
        wanted |= {value: Count("pk", filter=Q(outcome=value)) for value in ImportLine.Outcome.values}
        return self.lines.aggregate(**wanted)

    def begin(self, *, by: Person | None) -> None:
        self.move_to(self.Status.RUNNING, by=by, started_at=timezone.now())

    def discard(self, *, by: Person | None) -> None:
        self.move_to(self.Status.DISCARDED, by=by)

    @transaction.atomic
    def recount(self) -> None:
        """How far it is; the last line ends it."""
        self.lock()
        if self.status != self.Status.RUNNING:
            return
        self.done = self.lines.settled().count()
        self.save(update_fields=["done"])
        if self.done >= self.total:
            self.move_to(self.Status.DONE, by=None, done_at=timezone.now())


class ImportLines(models.QuerySet):
    def settled(self) -> Self:
        return self.exclude(outcome="")

    def waiting(self) -> Self:
        return self.filter(outcome="")


class ImportLine(TenantModel):
    """One line. What could be read of it stands in columns; its cells are as they are in the file."""

    class Verdict(models.TextChoices):
        OK = "ok", "Good"
        WARNING = "warning", "Good, with a remark"
        KNOWN = "known", "Imported before"
        ERROR = "error", "Cannot be booked"

    class Outcome(models.TextChoices):
        BOOKED = "booked", "Booked"
        THERE = "there", "Imported before"
        REFUSED = "refused", "Not booked"

    of = TenantKey(AppointmentImport, related_name="lines")
    number = models.PositiveIntegerField(help_text="In the file, of which the first line is the heading.")
    cells = models.JSONField()
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    words = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=7, choices=Outcome.choices, blank=True)
    patient = TenantKey(Patient, null=True, related_name="+")
    type = TenantKey(AppointmentType, null=True, related_name="+")
    provider = TenantKey(Provider, null=True, related_name="+")
    location = TenantKey(Location, null=True, related_name="+")
    begins_at = models.DateTimeField(null=True)
    minutes = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="Of whom, with whom, what for, and when.")
    appointment = TenantKey(Appointment, null=True, related_name="+")

    objects: ClassVar = TenantManager.from_queryset(ImportLines)()

    class Meta(TenantModel.Meta):
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "of", "number"], name="import_line_once"),
            models.UniqueConstraint(fields=["tenant", "fingerprint"], condition=Q(outcome="booked"), name=AGAIN),
        ]

    def __str__(self) -> str:
        return f"{self.of}, line {self.number}"

    @transaction.atomic
    def take(self) -> None:
        """Book it, or write down why not. A line that is settled already stays as it is."""
        line = type(self).objects.select_for_update(of=("self",), no_key=True).get(pk=self.pk)
        if line.outcome:
            return
        if line.verdict == self.Verdict.ERROR:
            line._settle(self.Outcome.REFUSED, line.words)
        elif (before := line.imported_before()) is not None:
            line._settle(self.Outcome.THERE, f"Imported before, as {before.appointment}.")
        else:
            line._book()

    def imported_before(self) -> ImportLine | None:
        booked = type(self).objects.filter(fingerprint=self.fingerprint, outcome=self.Outcome.BOOKED)
        return booked.select_related("appointment").first()

    def _book(self) -> None:
        patient, kind, provider, begins_at = self.patient, self.type, self.provider, self.begins_at
        if patient is None or kind is None or provider is None or begins_at is None:
            raise ValueError("A line of which something could not be read was found good.")
        try:
            with transaction.atomic():
                self.appointment = Appointment.book(
                    patient,
                    kind,
                    provider,
                    begins_at,
                    by=None,
                    minutes=self.minutes,
                    location=self.location,
                    outside=self.of.outside,
                    reason=truth(self, "reason"),
                    note=truth(self, "note"),
                )
                self._settle(self.Outcome.BOOKED, "")
        except Refused as refused:
            self.appointment = None
            self._settle(self.Outcome.REFUSED, str(refused))
        except IntegrityError as error:
            if AGAIN not in str(error):
                raise
            self.appointment = None
            self._settle(self.Outcome.THERE, "Imported before, by another import at the same time.")

    def fail(self) -> None:
        """Something that nobody foresaw; the others go on."""
        self._settle(self.Outcome.REFUSED, "Could not be booked because of an error of the program. Book it by hand.")

    def _settle(self, outcome: str, words: str) -> None:
        self.outcome, self.words = outcome, words[:300]
        self.save(update_fields=["outcome", "words", "appointment"])

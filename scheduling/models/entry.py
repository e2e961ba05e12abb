"""What an appointment is: its columns, what the database refuses, and what is read from them."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from clinical.models import Patient, Visit
from hospital.identifiers import uuid7
from hospital.models.absence import Span as Range
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Moves, Workflow
from scheduling.models.place import ROOM, Location, Room
from scheduling.models.provider import AppointmentType, Provider
from scheduling.models.series import Series
from scheduling.moments import Span, day_in, day_span

BOOK, CHECK_IN = "scheduling.book", "scheduling.check_in"
ACTIVE = ("booked", "arrived", "in_room", "with_provider", "completed")  # these take time


class Appointments(models.QuerySet):
    def active(self) -> Self:
        """Those that take their provider's, room's and patient's time."""
        return self.filter(status__in=ACTIVE)

    def of_day(self, day: date, location: Location) -> Self:
        span = day_span(day, location.zone)
        return self.filter(location=location, begins_at__lt=span.ends, ends_at__gt=span.begins)

    def between(self, span: Span) -> Self:
        return self.filter(begins_at__lt=span.ends, ends_at__gt=span.begins)

    def shown(self) -> Self:
        """With what a row needs, in one query."""
        return self.select_related("patient", "type", "location", "room", "seen_in", "provider__person", "visit")


class Entry(Workflow):
    """A time that a patient has with a provider."""

    class Status(models.TextChoices):
        BOOKED = "booked", "Booked"
        ARRIVED = "arrived", "Arrived"
        IN_ROOM = "in_room", "In the room"
        WITH_PROVIDER = "with_provider", "With the provider"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        NO_SHOW = "no_show", "No-show"
        RESCHEDULED = "rescheduled", "Rescheduled"

    class Kind(models.TextChoices):
        IN_PERSON = "in_person", "In person"
        VIRTUAL = "virtual", "Virtual"
        WALK_IN = "walk_in", "Walk-in"

    MOVES: Moves = {
        Status.BOOKED: {
            Status.ARRIVED: CHECK_IN,
            Status.CANCELLED: BOOK,
            Status.NO_SHOW: CHECK_IN,
            Status.RESCHEDULED: BOOK,
        },
        Status.ARRIVED: {
            Status.IN_ROOM: ROOM,
            Status.BOOKED: CHECK_IN,
            Status.CANCELLED: SYSTEM,
            Status.COMPLETED: SYSTEM,
        },
        Status.IN_ROOM: {
            Status.WITH_PROVIDER: ROOM,
            Status.ARRIVED: ROOM,
            Status.CANCELLED: SYSTEM,
            Status.COMPLETED: SYSTEM,
        },
        Status.WITH_PROVIDER: {Status.COMPLETED: ROOM, Status.IN_ROOM: ROOM, Status.CANCELLED: SYSTEM},
        Status.COMPLETED: {Status.WITH_PROVIDER: ROOM},
        Status.NO_SHOW: {Status.ARRIVED: CHECK_IN, Status.BOOKED: CHECK_IN},
    }
    HERE = (Status.ARRIVED, Status.IN_ROOM, Status.WITH_PROVIDER)
    IN_A_ROOM = (Status.IN_ROOM, Status.WITH_PROVIDER)

    serial = models.PositiveBigIntegerField("number", editable=False)
    patient = TenantKey(Patient, related_name="appointments")
    type = TenantKey(AppointmentType, related_name="appointments")
    provider = TenantKey(Provider, related_name="appointments")
    location = TenantKey(Location, related_name="appointments")
    room = TenantKey(Room, null=True, blank=True, related_name="appointments")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.IN_PERSON)
    status = models.CharField(max_length=13, choices=Status.choices, default=Status.BOOKED, editable=False)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    busy_from = models.DateTimeField(editable=False, help_text="The beginning with the buffer before it.")
    busy_until = models.DateTimeField(editable=False, help_text="The end with the buffer after it.")
    slot = models.UUIDField(default=uuid7, editable=False, help_text="Patients who share a time share it.")
    seat = models.PositiveSmallIntegerField(default=0, editable=False)
    reason = models.CharField("reason for the appointment", max_length=200, blank=True)
    note = models.CharField("note for the desk", max_length=300, blank=True)
    series = TenantKey(Series, null=True, related_name="appointments", editable=False)
    moved_from = TenantKey("self", null=True, related_name="moved_to", editable=False)
    visit = TenantKey(Visit, null=True, related_name="appointments", editable=False)
    booked_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    booked_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    awaited_at = models.DateTimeField(
        null=True, editable=False, help_text="A no-show was taken back: they may still come."
    )
    arrived_at = models.DateTimeField(null=True, editable=False)
    seen_in = TenantKey(Room, null=True, related_name="seen", editable=False)
    in_room_at = models.DateTimeField(null=True, editable=False)
    with_provider_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False, help_text="Cancelled, moved, or marked as a no-show.")
    ended_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    end_reason = models.CharField(max_length=200, blank=True, editable=False)
    was_late = models.BooleanField("cancelled late", default=False, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Appointments)()

    class Meta(Workflow.Meta):
        abstract = True
        ordering = ["begins_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="appointment_number_once"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begins_at"))
                & Q(busy_from__lte=F("begins_at"))
                & Q(busy_until__gte=F("ends_at")),
                name="appointment_takes_time",
            ),
            ExclusionConstraint(
                name="appointment_provider_twice",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    ("provider", RangeOperators.EQUAL),
                    (Range("busy_from", "busy_until", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("slot", RangeOperators.NOT_EQUAL),
                ],
                condition=Q(status__in=ACTIVE),
            ),
            ExclusionConstraint(
                name="appointment_room_twice",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    ("room", RangeOperators.EQUAL),
                    (Range("busy_from", "busy_until", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("slot", RangeOperators.NOT_EQUAL),
                ],
                condition=Q(status__in=ACTIVE, room__isnull=False),
            ),
            ExclusionConstraint(
                name="appointment_patient_twice",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    ("patient", RangeOperators.EQUAL),
                    (Range("begins_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=ACTIVE),
            ),
            models.UniqueConstraint(
                fields=["tenant", "slot", "seat"], condition=Q(status__in=ACTIVE), name="appointment_seat_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "seen_in"],
                condition=Q(status__in=("in_room", "with_provider")),
                name="one_patient_in_a_room",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "location", "begins_at"], name="appointment_by_place"),
            models.Index(fields=["tenant", "provider", "begins_at"], name="appointment_by_provider"),
            models.Index(fields=["tenant", "patient", "begins_at"], name="appointment_of_patient"),
            models.Index(fields=["tenant", "begins_at"], condition=Q(status="booked"), name="appointment_to_come"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("scheduling:appointment", args=[self.pk])

    # --- what it is ----------------------------------------------------------------------

    @property
    def number(self) -> str:
        return f"A-{self.serial:06}"

    @property
    def span(self) -> Span:
        return Span(self.begins_at, self.ends_at)

    @property
    def busy(self) -> Span:
        return Span(self.busy_from, self.busy_until)

    @property
    def minutes(self) -> int:
        return int(self.span.length.total_seconds() // 60)

    @property
    def day(self) -> date:
        """As its location's own clock counts the days."""
        return day_in(self.begins_at, self.location.zone)

    @property
    def when_in_words(self) -> str:
        """By the location's clock: 24 Nov, 09:30."""
        return f"{self.begins_at.astimezone(self.location.zone):%-d %b, %H:%M}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_today(self) -> bool:
        return self.day == self.location.today()

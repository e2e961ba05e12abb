"""Where appointments take place: locations with a clock of their own, their hours and closed days, and their rooms."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from hospital.models.tenant import check_time_zone
from hospital.tenancy import EditableModel, TenantKey
from hospital.workflow import Moves, Refused, Workflow
from scheduling.public_holidays import check_country, check_region, holiday_on

if TYPE_CHECKING:
    from hospital.models import Person

ROOM = "scheduling.move_patient"


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class Location(EditableModel):
    """A house where patients come. Times of its appointments are shown by its own clock."""

    name = models.CharField(max_length=80)
    address = models.CharField(max_length=200, blank=True)
    phone = models.CharField("telephone", max_length=30, blank=True)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[check_time_zone])
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[check_country],
        help_text="Two letters of ISO 3166: its public holidays are closed. Empty: none are.",
    )
    region = models.CharField(
        max_length=10, blank=True, help_text="The state or region whose holidays count too, such as CA or BY."
    )
    is_active = models.BooleanField(default=True)
    late_cancel_hours = models.PositiveSmallIntegerField(
        default=24, help_text="A cancellation nearer to the appointment than this is a late one."
    )
    no_show_minutes = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(5)],
        help_text="Who has not come so long after the beginning is marked as a no-show.",
    )
    offer_minutes = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="How long a freed slot is held for the first person of the waitlist.",
    )
    reminder_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MaxValueValidator(336)],
        help_text="How long before the appointment the reminder is sent; 0: none.",
    )

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="location_name_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            check_region(self.country, self.region)
        except ValidationError as error:
            raise ValidationError({"region": error}) from error

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self) -> date:
        return timezone.now().astimezone(self.zone).date()

    def closed_on(self, day: date) -> str:
        """Why the house is closed, in words; empty when it is open. A row of ours counts before the public holiday."""
        own = {row.day: row for row in self.special_days.all()}.get(day)
        if own is not None:
            return "" if own.is_open else own.name
        return holiday_on(day, self.country, self.region)


class OpeningHours(EditableModel):
    """A location is open from one time of its clock to another; an end at midnight is the end of that day."""

    location = TenantKey(Location, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    begins = models.TimeField("opens")
    ends = models.TimeField("closes")

    class Meta(EditableModel.Meta):
        ordering = ["location", "weekday", "begins"]
        verbose_name_plural = "opening hours"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("begins")) | models.Q(ends="00:00"),
                name="opening_hours_end_later",
                violation_error_message="The end must be after the beginning; midnight is 00:00.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.begins:%H:%M} to {self.ends:%H:%M}"


class SpecialDay(EditableModel):
    """A day on which a location is closed, or open although the calendar says that it is a holiday."""

    location = TenantKey(Location, related_name="special_days")
    day = models.DateField()
    name = models.CharField(max_length=80)
    is_open = models.BooleanField("open on this day", default=False)

    class Meta(EditableModel.Meta):
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["tenant", "location", "day"], name="special_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.name}"


class Room(Workflow):
    """A room of a location, and whether a patient is in it now."""

    class Status(models.TextChoices):
        FREE = "free", "Free"
        OCCUPIED = "occupied", "Occupied"
        CLEANING = "cleaning", "Being cleaned"

    MOVES: Moves = {
        Status.FREE: {Status.OCCUPIED: ROOM, Status.CLEANING: ROOM},
        Status.OCCUPIED: {Status.CLEANING: ROOM, Status.FREE: ROOM},
        Status.CLEANING: {Status.FREE: ROOM, Status.OCCUPIED: ROOM},
    }

    location = TenantKey(Location, related_name="rooms")
    name = models.CharField(max_length=40)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.FREE, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta(Workflow.Meta):
        ordering = ["location", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "location", "name"], name="room_name_once")]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def set_by_hand(self, status: str, *, by: Person | None) -> None:
        """From the board of the rooms. A patient leaves a room by the steps of the appointment."""
        self.lock()
        inside = self.seen.filter(status__in=("in_room", "with_provider")).select_related("patient").first()
        if inside is not None:
            raise Refused(f"{inside.patient.name} is in {self}. Check the patient out, or back to the waiting room.")
        self._become(status, by)

    def occupy(self, *, by: Person | None) -> None:
        self._become(self.Status.OCCUPIED, by)

    def empty(self, *, by: Person | None) -> None:
        """The patient is out, and somebody must clean."""
        self._become(self.Status.CLEANING, by)

    def mark_clean(self, *, by: Person | None) -> None:
        self._become(self.Status.FREE, by)

    def _become(self, status: str, by: Person | None) -> None:
        self.move_to(status, by=by, changed_at=timezone.now())

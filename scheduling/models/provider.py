"""Whom an appointment is with, what for, and when they work."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.crypto import salted_hmac

from hospital.models import Person
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from scheduling.models.place import Location, Weekday

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tone(models.TextChoices):
    """The colours of the calendar. Each comes with its name in words wherever it is shown."""

    BLUE = "blue"
    TEAL = "teal"
    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    PINK = "pink"
    PURPLE = "purple"
    CYAN = "cyan"


class AppointmentType(EditableModel):
    """What an appointment is for: how long it takes and what it needs."""

    name = models.CharField(max_length=60)
    minutes = models.PositiveSmallIntegerField(
        "length in minutes", default=30, validators=[MinValueValidator(5), MaxValueValidator(720)]
    )
    tone = models.CharField("colour", max_length=8, choices=Tone.choices, default=Tone.BLUE)
    needs_room = models.BooleanField("needs a room", default=True)
    is_virtual = models.BooleanField("virtual", default=False, help_text="By telephone or video: nobody comes.")
    capacity = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(50)], help_text="How many patients at one time."
    )
    before_minutes = models.PositiveSmallIntegerField("buffer before", default=0, validators=[MaxValueValidator(120)])
    after_minutes = models.PositiveSmallIntegerField("buffer after", default=0, validators=[MaxValueValidator(120)])
    step_minutes = models.PositiveSmallIntegerField(
        "one begins every",
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(240)],
        help_text="Minutes between the slots that are offered.",
    )
    instructions = models.CharField(
        max_length=300, blank=True, help_text="What the patient is told in the reminder, such as what to bring."
    )
    service = models.CharField(
        "code of the service",
        max_length=20,
        blank=True,
        default="",
        validators=[RegexValidator(r"\A[A-Za-z0-9._-]*\Z", "Use letters, digits, hyphens and points.")],
        help_text="As insurers call it: booking then says whether it must be authorised first.",
    )
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="appointment_type_name_once"),
            models.CheckConstraint(condition=models.Q(minutes__gte=5), name="appointment_type_takes_time"),
            models.CheckConstraint(
                condition=models.Q(step_minutes__gte=5, capacity__gte=1), name="appointment_type_steps"
            ),
            models.CheckConstraint(
                condition=~models.Q(is_virtual=True, needs_room=True),
                name="virtual_needs_no_room",
                violation_error_message="A virtual appointment needs no room.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def before(self) -> timedelta:
        return timedelta(minutes=self.before_minutes)

    @property
    def after(self) -> timedelta:
        return timedelta(minutes=self.after_minutes)

    @property
    def step(self) -> timedelta:
        return timedelta(minutes=self.step_minutes)


class Providers(models.QuerySet):
    def at_work(self) -> Self:
        return self.filter(is_active=True, person__is_active=True)

    def for_type(self, type: AppointmentType) -> Self:
        """Who offers it: those who name it, and those who name nothing."""
        return self.filter(models.Q(offerings__type=type) | models.Q(offerings=None)).distinct()


class Provider(EditableModel):
    """A person with whom appointments are made. Leave is an `Absence` of that person."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    location = TenantKey(Location, related_name="providers", help_text="Where they mostly work.")
    tone = models.CharField("colour", max_length=8, choices=Tone.choices, default=Tone.BLUE)
    video_url = models.URLField("video room", blank=True, help_text="Sent to patients with a virtual appointment.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The order in the calendar.")
    is_active = models.BooleanField(default=True)
    feed_number = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Counted up to make the former address of the calendar feed useless."
    )

    objects: ClassVar = TenantManager.from_queryset(Providers)()

    class Meta(EditableModel.Meta):
        ordering = ["position", "person__name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "person"], name="provider_once")]

    def __str__(self) -> str:
        return str(self.person)

    @property
    def is_at_work(self) -> bool:
        return self.is_active and self.person.is_active

    def offers(self, type: AppointmentType) -> bool:
        named = {offering.type_id for offering in self.offerings.all()}
        return not named or type.pk in named

    def offer_exactly(self, types: Iterable[AppointmentType]) -> None:
        """Make these the types that can be booked with this provider; none named means all."""
        wanted = {type.pk: type for type in types}
        self.offerings.exclude(type__in=wanted).delete()
        held = set(self.offerings.values_list("type_id", flat=True))
        for pk, type in wanted.items():
            if pk not in held:
                Offering(provider=self, type=type).save()

    @property
    def feed_secret(self) -> str:
        """In the address of the calendar feed. Stored nowhere: made from the row's key and the installation's own."""
        return salted_hmac("calendar feed", f"{self.pk}:{self.feed_number}", algorithm="sha256").hexdigest()[:40]

    def renew_feed(self) -> None:
        self.feed_number += 1
        self.save(update_fields=["feed_number"])


class Offering(EditableModel):
    """A provider offers this type. A provider without any offers them all."""

    provider = TenantKey(Provider, on_delete=models.CASCADE, related_name="offerings")
    type = TenantKey(AppointmentType, on_delete=models.CASCADE, related_name="offerings")

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "provider", "type"], name="offering_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.type}"


class WorkingHours(EditableModel):
    """A provider works at a location on this day of the week; an end at midnight is the end of that day."""

    provider = TenantKey(Provider, on_delete=models.CASCADE, related_name="working_hours")
    location = TenantKey(Location, related_name="working_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    begins = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField("valid until", null=True, blank=True, help_text="The last day.")

    class Meta(EditableModel.Meta):
        ordering = ["provider", "weekday", "begins"]
        verbose_name_plural = "working hours"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("begins")) | models.Q(ends="00:00"),
                name="working_hours_end_later",
                violation_error_message="The end must be after the beginning; midnight is 00:00.",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_from=None)
                | models.Q(valid_until=None)
                | models.Q(valid_until__gte=models.F("valid_from")),
                name="working_hours_valid_in_order",
                violation_error_message="The last day must not be before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.get_weekday_display()} {self.begins:%H:%M} to {self.ends:%H:%M}"

    @property
    def words(self) -> str:
        if self.begins == self.ends:
            return "All day"
        return f"{self.begins:%H:%M} to {self.ends:%H:%M}"

    def is_on(self, day: date) -> bool:
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )

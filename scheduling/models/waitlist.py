"""Who would come earlier: a freed slot is offered to one person at a time, in order, for so many minutes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from clinical.models import Patient
from hospital.models import Letter
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import SYSTEM, Moves, Refused, Workflow
from scheduling.models.appointment import Appointment
from scheduling.models.entry import BOOK
from scheduling.models.hold import Hold
from scheduling.models.place import Location
from scheduling.models.provider import AppointmentType, Provider
from scheduling.moments import Span, day_in

if TYPE_CHECKING:
    from hospital.models import Person
    from scheduling.diary import OpenTime

NOON = time(12)
LETTER = "waitlist_offer"


class Wishes(models.QuerySet):
    def shown(self) -> Self:
        """With what a row needs, and the offer that stands."""
        standing = models.Prefetch(
            "offers",
            Offer.objects.filter(outcome="").select_related("provider__person", "location"),
            to_attr="standing_offers",
        )
        return self.select_related("patient", "type", "provider__person").prefetch_related(standing)


class Wish(Workflow):
    """A patient who waits for an earlier time, or for any. The first who came is asked first."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        OFFERED = "offered", "Offered"
        BOOKED = "booked", "Booked"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Part(models.TextChoices):
        ANY = "any", "Any time"
        MORNING = "morning", "Before noon"
        AFTERNOON = "afternoon", "After noon"

    MOVES: Moves = {
        Status.WAITING: {Status.OFFERED: SYSTEM, Status.BOOKED: BOOK, Status.WITHDRAWN: BOOK},
        Status.OFFERED: {Status.BOOKED: BOOK, Status.WAITING: BOOK},
        Status.WITHDRAWN: {Status.WAITING: BOOK},
    }

    patient = TenantKey(Patient, related_name="wishes")
    type = TenantKey(AppointmentType, related_name="wishes")
    provider = TenantKey(Provider, null=True, blank=True, related_name="wishes", help_text="Empty: anyone.")
    first_day = models.DateField("from")
    last_day = models.DateField("until")
    part = models.CharField("time of day", max_length=9, choices=Part.choices, default=Part.ANY)
    note = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING, editable=False)
    instead_of = TenantKey(
        Appointment, null=True, blank=True, related_name="wishes", help_text="Is rescheduled when an offer is taken."
    )
    appointment = TenantKey(Appointment, null=True, related_name="+", editable=False, help_text="What came of it.")
    added_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects: ClassVar = TenantManager.from_queryset(Wishes)()

    class Meta(Workflow.Meta):
        ordering = ["created_at", "id"]
        verbose_name = "waitlist entry"
        verbose_name_plural = "waitlist"
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="wish_days_in_order",
                violation_error_message="The last day must not be before the first.",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at"], condition=Q(status="waiting"), name="wish_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.patient.name}: {self.type}"

    @property
    def offer(self) -> Offer | None:
        """The one that stands."""
        if "standing_offers" not in self.__dict__:
            self.standing_offers = list(self.offers.filter(outcome="")[:1])
        return next(iter(self.standing_offers), None)

    def add(self, *, by: Person | None) -> None:
        self.added_by = by
        self.start(by=by)

    @transaction.atomic
    def withdraw(self, *, by: Person | None) -> None:
        """What is offered at the moment goes to the next."""
        if self.offer is not None:
            self.offer.decline(by=by)
        self.move_to(self.Status.WITHDRAWN, by=by)

    def wait_again(self, *, by: Person | None) -> None:
        self.move_to(self.Status.WAITING, by=by)

    def claim(self) -> bool:
        """Whether it waits still, and nobody else decides about it now. Of those who wait only this one is locked."""
        waiting = Wish.objects.filter(pk=self.pk, status=self.Status.WAITING)
        return waiting.select_for_update(of=("self",), skip_locked=True, no_key=True).first() is not None

    @property
    def replaces(self) -> Appointment | None:
        """What is given up for an offer, wherever it was moved to since."""
        found = self.instead_of
        while found is not None and found.status == Appointment.Status.RESCHEDULED:
            found = found.moved_to.first()
        return found

    def fits(self, provider: Provider, location: Location, span: Span) -> bool:
        """Whether the freed time is one that this patient asked for."""
        begins = span.begins.astimezone(location.zone)
        return (
            self.first_day <= begins.date() <= self.last_day
            and self.provider_id in (None, provider.pk)
            and self.type.length <= span.length
            and self._fits_part(begins)
            and provider.offers(self.type)
        )

    def _fits_part(self, begins: datetime) -> bool:
        if self.part == self.Part.ANY:
            return True
        return (begins.time() < NOON) == (self.part == self.Part.MORNING)


class Offers(models.QuerySet):
    def over_unnoticed(self) -> Self:
        return self.filter(outcome="", expires_at__lte=timezone.now())


class Offer(EditableModel):
    """A freed slot, held for one patient of the waitlist until it lapses."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        LAPSED = "lapsed", "Lapsed"

    wish = TenantKey(Wish, related_name="offers")
    provider = TenantKey(Provider, related_name="+")
    location = TenantKey(Location, related_name="+")
    begins_at = models.DateTimeField()
    freed_until = models.DateTimeField(help_text="The end of the freed time, which the next in order may need all of.")
    hold = TenantKey(Hold, related_name="+")
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar = TenantManager.from_queryset(Offers)()

    class Meta(EditableModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "wish"], condition=Q(outcome=""), name="one_offer_at_a_time"),
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], condition=Q(outcome=""), name="offer_standing")]

    def __str__(self) -> str:
        return f"{self.wish} at {self.begins_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("scheduling:waitlist")

    @property
    def when_in_words(self) -> str:
        return f"{self.begins_at.astimezone(self.location.zone):%-d %b, %H:%M}"

    @property
    def expires_in_words(self) -> str:
        return f"{self.expires_at.astimezone(self.location.zone):%H:%M}"

    @property
    def is_open(self) -> bool:
        return not self.outcome and self.expires_at > timezone.now()

    @classmethod
    @transaction.atomic
    def make(cls, provider: Provider, location: Location, span: Span) -> Offer | None:
        """Offer a freed time to the first who asked for such a one and was not asked about this one before."""
        if span.begins <= timezone.now() or not provider.is_at_work:
            return None
        works = open_time_on(span.begins, provider, location)
        for wish in cls._unasked(provider, span.begins):
            wanted = Span(span.begins, span.begins + wish.type.length)
            fits = wish.fits(provider, location, span) and works.open_at(provider, wanted) == location
            if fits and not is_busy(wish, wanted) and wish.claim():
                offer = cls._to(wish, provider, location, span)
                if offer is not None:
                    return offer
        return None

    @classmethod
    def _unasked(cls, provider: Provider, begins_at: datetime) -> Wishes:
        """Who waits and was not asked about this time; nor is whoever has just given it up."""
        asked = cls.objects.filter(provider=provider, begins_at=begins_at).values("wish_id")
        given_up = Appointment.objects.filter(provider=provider, begins_at=begins_at, ended_at__isnull=False)
        waiting = Wish.objects.filter(status=Wish.Status.WAITING, patient__deceased_at=None)
        waiting = waiting.exclude(pk__in=asked).exclude(patient__in=given_up.values("patient_id"))
        return waiting.select_related("patient", "type")

    @classmethod
    def _to(cls, wish: Wish, provider: Provider, location: Location, span: Span) -> Offer | None:
        expires = min(timezone.now() + timedelta(minutes=location.offer_minutes), span.begins)
        ends = span.begins + wish.type.length
        busy = Span(span.begins - wish.type.before, ends + wish.type.after)
        hold = Hold.place(provider, busy, by=None, until=expires)
        if hold is None:
            return None
        offer = cls(wish=wish, provider=provider, location=location, begins_at=span.begins, freed_until=span.ends)
        offer.hold, offer.expires_at = hold, expires
        offer.save(force_insert=True)
        wish.move_to(Wish.Status.OFFERED, by=None)
        if wish.patient.email:
            Letter.post(LETTER, about=offer.pk, to=wish.patient.email, patient_id=wish.patient_id)
        return offer

    @transaction.atomic
    def accept(self, *, by: Person | None) -> Appointment:
        """Book what was offered; an appointment that it replaces is rescheduled to it."""
        self._answer(self.Outcome.ACCEPTED, by)
        self.hold.end()
        wish = self.wish
        old = wish.replaces
        if old is not None and old.status == Appointment.Status.BOOKED:
            made = old.reschedule(
                self.begins_at, by=by, provider=self.provider, location=self.location, minutes=wish.type.minutes
            )
        else:
            made = Appointment.book(
                wish.patient, wish.type, self.provider, self.begins_at, by=by, location=self.location
            )
        wish.move_to(Wish.Status.BOOKED, by=by, appointment=made)
        return made

    def decline(self, *, by: Person | None) -> None:
        self._pass_on(self.Outcome.DECLINED, by)

    def lapse(self) -> None:
        """Its time is over: found by the sweep."""
        self._pass_on(self.Outcome.LAPSED, None)

    @transaction.atomic
    def _pass_on(self, outcome: str, by: Person | None) -> None:
        self._answer(outcome, by)
        self.hold.end()
        self.wish.move_to(Wish.Status.WAITING, by=by)
        Offer.make(self.provider, self.location, Span(self.begins_at, self.freed_until))

    def _answer(self, outcome: str, by: Person | None) -> None:
        self.lock()
        if self.outcome or (outcome == self.Outcome.ACCEPTED and not self.is_open):
            raise Refused("This offer is over: it was answered already, or its time has run out.")
        self.outcome, self.answered_at, self.answered_by = outcome, timezone.now(), by
        self.save(update_fields=["outcome", "answered_at", "answered_by"])


def open_time_on(moment: datetime, provider: Provider, location: Location) -> OpenTime:
    from scheduling.diary import OpenTime

    day = day_in(moment, location.zone)
    return OpenTime([provider], day, day)


def is_busy(wish: Wish, span: Span) -> bool:
    """The patient has another appointment then, which is not the one to be replaced."""
    theirs = Appointment.objects.active().between(span).filter(patient_id=wish.patient_id)
    return any(row != wish.replaces for row in theirs)

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from clinical.models import Patient, Visit
from hospital.models import Counter
from hospital.seals import truth
from hospital.workflow import Refused, allow
from scheduling.models.booking import check_free, check_time, hold_together, house_of, take_place, written
from scheduling.models.entry import BOOK, Entry
from scheduling.models.hold import Hold
from scheduling.models.place import Location, Room
from scheduling.models.provider import AppointmentType, Provider

if TYPE_CHECKING:
    from hospital.models import Person

UNTOUCHED = (Visit.Payment.UNPAID, Visit.Payment.WAIVED)


class Appointment(Entry):
    """A time that a patient has with a provider. A row never moves: to reschedule ends it and begins another."""

    # --- booking -------------------------------------------------------------------------

    @classmethod
    @transaction.atomic
    def book(
        cls,
        patient: Patient,
        type: AppointmentType,
        provider: Provider,
        begins_at: datetime,
        *,
        by: Person | None,
        minutes: int | None = None,
        location: Location | None = None,
        room: Room | None = None,
        outside: bool = False,
        **fields: Any,
    ) -> Appointment:
        """Take this time. Whoever comes second is refused as `Taken`, by the database in the end.

        `outside` lets it lie outside the provider's hours, as the desk decides; `location` is then where. `fields` are
        the reason, note, kind, series and moved_from.
        """
        allow(BOOK, by)
        if patient.deceased_at:
            raise Refused(f"{patient.name} has died. An appointment cannot be booked.")
        if not provider.is_at_work:
            raise Refused(f"{provider} no longer sees patients. Choose another provider.", status=422)
        if not (type.is_active and provider.offers(type)):
            raise Refused(f"{provider} does not offer “{type}”. Choose another provider or type.", status=422)
        fields.setdefault("kind", cls.Kind.VIRTUAL if type.is_virtual else cls.Kind.IN_PERSON)
        made = cls(patient=patient, type=type, provider=provider, begins_at=begins_at, booked_by=by, **fields)
        made.ends_at = begins_at + timedelta(minutes=minutes or type.minutes)
        made.set_buffers()
        made.location = location or provider.location
        hold_together(provider, patient)
        check_free(made)
        check_time(made, by=by)
        made.location = house_of(made, location, outside=outside)
        take_place(made, room)
        made.serial = Counter.take("appointment")
        written(made, lambda: made.start(by=by))
        if by is not None:
            Hold.let_go_of(by)
        return made

    @classmethod
    @transaction.atomic
    def walk_in(
        cls,
        patient: Patient,
        type: AppointmentType,
        provider: Provider,
        begins_at: datetime,
        *,
        by: Person | None,
        **more: Any,
    ) -> Appointment:
        """Booked and checked in at once: the patient stands at the desk."""
        made = cls.book(patient, type, provider, begins_at, by=by, kind=cls.Kind.WALK_IN, **more)
        made.check_in(by=by)
        return made

    def set_buffers(self) -> None:
        self.busy_from, self.busy_until = self.begins_at - self.type.before, self.ends_at + self.type.after

    # --- changing ------------------------------------------------------------------------

    @transaction.atomic
    def reschedule(
        self, begins_at: datetime, *, by: Person | None, provider: Provider | None = None, reason: str = "", **more: Any
    ) -> Appointment:
        """Another time, provider or room: this one ends and a new one begins, both or neither."""
        hold_together(self.provider, provider or self.provider, self.patient)
        self.give_up(reason, by=by)
        made = self.begin_again(begins_at, by=by, provider=provider, **more)
        self.offer_time()
        return made

    def give_up(self, reason: str, *, by: Person | None) -> None:
        """The first half of a move: this one ends."""
        self.lock()
        self._finish(self.Status.RESCHEDULED, by=by, reason=reason)

    def begin_again(
        self,
        begins_at: datetime,
        *,
        by: Person | None,
        provider: Provider | None = None,
        location: Location | None = None,
        room: Room | None = None,
        minutes: int | None = None,
        outside: bool = False,
        **changed: Any,
    ) -> Appointment:
        """The other half: the same for the same patient at another time. `changed` are a new reason and note."""
        provider = provider or self.provider
        kept = {"reason": truth(self, "reason"), "note": truth(self, "note"), "kind": self.kind, "series": self.series}
        return Appointment.book(
            self.patient,
            self.type,
            provider,
            begins_at,
            by=by,
            minutes=minutes or self.minutes,
            location=location,
            room=room,
            outside=outside,
            moved_from=self,
            **kept | changed,
        )

    @transaction.atomic
    def resize(self, minutes: int, *, by: Person | None, outside: bool = False) -> None:
        """Longer or shorter, from the same beginning. The time that it takes more is asked for as if it were booked."""
        allow(BOOK, by)
        hold_together(self.provider, self.patient)
        self.lock()
        if self.status != self.Status.BOOKED:
            raise Refused(
                f"{self.number} is {self.get_status_display().lower()}. Only a booked one has another length."
            )
        if self.type.capacity > 1:
            raise Refused("Several share this time. It is as long as for the others.")
        longer = minutes > self.minutes
        self.ends_at = self.begins_at + timedelta(minutes=minutes)
        self.set_buffers()
        if longer:
            check_free(self)
            check_time(self, by=by)
            house_of(self, self.location, outside=outside)
        written(self, lambda: self.save(update_fields=["ends_at", "busy_from", "busy_until"]))

    @transaction.atomic
    def describe(self, *, by: Person | None, **fields: Any) -> None:
        """The reason and the note: what says nothing about the time."""
        allow(BOOK, by)
        self.lock()
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @transaction.atomic
    def confirm(self) -> None:
        """The patient said that they will come."""
        self.lock()
        if self.status != self.Status.BOOKED:
            raise Refused(f"This appointment is {self.get_status_display().lower()} and cannot be confirmed.")
        self.confirmed_at = timezone.now()
        self.save(update_fields=["confirmed_at"])

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        """By the desk or by the patient; late, if it comes too near to the appointment."""
        if not reason.strip():
            raise Refused("Say why the appointment is cancelled.", status=422, field="reason")
        hold_together(self.provider, self.patient)
        self.lock()
        self._finish(self.Status.CANCELLED, by=by, reason=reason, was_late=self.is_near)
        self.offer_time()

    @transaction.atomic
    def miss(self, *, by: Person | None) -> None:
        """The patient did not come: said by hand once it has begun, or by the sweep."""
        self.lock()
        if self.begins_at > timezone.now():
            raise Refused("This appointment has not begun yet. It can be cancelled.")
        self._finish(self.Status.NO_SHOW, by=by)

    @transaction.atomic
    def undo_miss(self, *, by: Person | None) -> None:
        """On the same day only, and only while nobody else has got the time."""
        self._only_today("A no-show can be taken back on the same day only. Book a new appointment.")
        fields: dict[str, Any] = {"awaited_at": timezone.now(), "ended_at": None, "ended_by": None}
        written(self, lambda: self.move_to(self.Status.BOOKED, by=by, **fields))

    def _finish(self, status: str, *, by: Person | None, reason: str = "", **fields: Any) -> None:
        ended = {"ended_at": timezone.now(), "ended_by": by, "end_reason": reason.strip()[:200]}
        self.move_to(status, by=by, reason=reason, **ended, **fields)

    @property
    def is_near(self) -> bool:
        """To cancel it now would be late."""
        return timezone.now() > self.begins_at - timedelta(hours=self.location.late_cancel_hours)

    def offer_time(self) -> None:
        """What became free goes to the waitlist, unless it was taken again at once."""
        from scheduling.models.waitlist import Offer

        Offer.make(self.provider, self.location, self.span)

    def _only_today(self, otherwise: str) -> None:
        self.lock()
        if not self.is_today:
            raise Refused(otherwise)

    # --- the day itself ------------------------------------------------------------------

    @transaction.atomic
    def check_in(self, *, by: Person | None, priority: str = "routine") -> Visit:
        """The patient is here: the visit opens. Also after a no-show, on the same day."""
        self._only_today("Only an appointment of today can be checked in. Reschedule it to today first.")
        visit = Visit.register(
            self.patient,
            complaint=truth(self, "reason") or self.type.name,
            by=by,
            priority=priority,
            kind=Visit.Kind.WALK_IN if self.kind == self.Kind.WALK_IN else Visit.Kind.APPOINTMENT,
        )
        fields: dict[str, Any] = {"arrived_at": timezone.now(), "visit": visit, "ended_at": None, "ended_by": None}
        written(self, lambda: self.move_to(self.Status.ARRIVED, by=by, **fields))
        return visit

    def hold(self) -> Visit | None:
        """The visit first, as when a visit ends by itself and takes its appointment along."""
        visit = self.visit
        if visit is not None:
            visit.lock()
        self.lock()
        if self.visit_id != (visit and visit.pk):
            raise Refused("Somebody else changed this appointment meanwhile. Look at it again.")
        return visit

    @transaction.atomic
    def undo_check_in(self, *, by: Person | None) -> None:
        """While nothing was done for the visit: it is cancelled."""
        visit = self.hold()
        if visit is not None and (visit.status != Visit.Status.REGISTERED or visit.payment not in UNTOUCHED):
            raise Refused(f"{visit.number} has gone on since. End the visit instead.")
        self.move_to(self.Status.BOOKED, by=by, arrived_at=None, visit=None)
        if visit is not None:
            visit.cancel("The check-in was taken back", by=None)

    @transaction.atomic
    def enter_room(self, room: Room | None, *, by: Person | None) -> None:
        """From the waiting room into a room that is free. Only a virtual appointment goes on without one."""
        self.lock()
        if room is None and self.kind != self.Kind.VIRTUAL:
            raise Refused("Choose a room that is free.", status=422, field="room")
        if room is not None:
            room.lock()
            if room.status != Room.Status.FREE:
                taken = f"{room} is {room.get_status_display().lower()}. Choose a room that is free."
                raise Refused(taken, field="room")
        self.move_to(self.Status.IN_ROOM, by=by, seen_in=room, in_room_at=timezone.now())
        if room is not None:
            room.occupy(by=by)

    @transaction.atomic
    def leave_room(self, *, by: Person | None) -> None:
        """Back to the waiting room: into the room by mistake."""
        self.lock()
        room = self.seen_in
        self.move_to(self.Status.ARRIVED, by=by, seen_in=None, in_room_at=None)
        if room is not None:
            room.lock()
            if room.status == Room.Status.OCCUPIED:
                room.mark_clean(by=by)

    def begin(self, *, by: Person | None) -> None:
        """The provider is with the patient."""
        self.move_to(self.Status.WITH_PROVIDER, by=by, with_provider_at=timezone.now())

    def undo_begin(self, *, by: Person | None) -> None:
        self.move_to(self.Status.IN_ROOM, by=by, with_provider_at=None)

    @transaction.atomic
    def complete(self, *, by: Person | None) -> None:
        """The patient has been seen; the room must be cleaned."""
        self.hold()
        self.move_to(self.Status.COMPLETED, by=by, completed_at=timezone.now())
        self._empty_room(by)

    @transaction.atomic
    def undo_complete(self, *, by: Person | None) -> None:
        """Back to the provider, into the same room unless somebody else is in it."""
        self.hold()
        room = self.seen_in
        if room is not None:
            room.lock()
            if room.status == Room.Status.OCCUPIED:
                raise Refused(f"Somebody else is in {room} now. The appointment stays completed.")
        self.move_to(self.Status.WITH_PROVIDER, by=by, completed_at=None)
        if room is not None:
            room.occupy(by=by)

    @transaction.atomic
    def visit_ended(self, visit: Visit) -> None:
        """What the visit's end means for the time that was given to it."""
        self.lock()
        if self.status not in self.HERE:
            return
        if visit.status == Visit.Status.DONE:
            self.move_to(self.Status.COMPLETED, by=None, completed_at=timezone.now())
        else:
            self._finish(self.Status.CANCELLED, by=None, reason=truth(visit, "end_reason"))
        self._empty_room(None)

    def _empty_room(self, by: Person | None) -> None:
        room = self.seen_in
        if room is not None:
            room.lock()
            if room.status == Room.Status.OCCUPIED:
                room.empty(by=by)

    @property
    def day_and_time(self) -> str:
        """By the location's clock, whole: Tue 24 Nov 2026, 09:30."""
        return f"{self.begins_at.astimezone(self.location.zone):%a %-d %b %Y, %H:%M}"

    # --- how it came about ----------------------------------------------------------------

    def history(self) -> list[Entry]:
        """Itself and what it was before, the oldest first."""
        found: list[Entry] = [self]
        while found[-1].moved_from is not None:
            found.append(found[-1].moved_from)
        return found[::-1]

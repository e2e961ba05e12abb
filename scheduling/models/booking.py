"""What stands in the way of a booking: the clock, others who hold the time, the hours, the rooms, and the database itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinical.models import Patient
from hospital.workflow import Refused
from scheduling.models.hold import Hold
from scheduling.models.place import Location, Room
from scheduling.models.provider import Provider

if TYPE_CHECKING:
    from hospital.models import Person
    from scheduling.models.appointment import Appointment

TAKEN = {
    "appointment_provider_twice": "{0.provider} is taken at this time. Choose one of the next free slots.",
    "appointment_room_twice": "{0.room} is taken at this time. Choose another time or room.",
    "appointment_patient_twice": "{0.patient.name} has another appointment at this time. Choose another time.",
    "appointment_seat_once": "This place was just taken. Choose one of the next free slots.",
    "one_patient_in_a_room": "Somebody else is in this room now. Choose another one.",
}


class Taken(Refused):
    """The time is no longer free. Pages answer it with the next free slots."""


def hold_together(*rows: Provider | Patient) -> None:
    """Lock what a booking decides about, always in the same order, so that two of them never wait for each other."""
    once: dict[UUID, Any] = {row.pk: row for row in rows}
    for row in sorted(once.values(), key=lambda row: (type(row).__name__, row.pk)):
        type(row)._base_manager.select_for_update(of=("self",), no_key=True).get(pk=row.pk)


def check_free(made: Appointment) -> None:
    """Whoever comes second is sent on at once, so that fifty who want one time do not wait for each other."""
    rows = type(made).objects.active().exclude(pk=made.pk)
    theirs = rows.filter(provider=made.provider, busy_from__lt=made.busy_until, busy_until__gt=made.busy_from)
    if made.type.capacity > 1:
        theirs = theirs.exclude(type=made.type, begins_at=made.begins_at, ends_at=made.ends_at)
    if theirs.exists():
        raise Taken(TAKEN["appointment_provider_twice"].format(made))
    if rows.filter(patient=made.patient, begins_at__lt=made.ends_at, ends_at__gt=made.begins_at).exists():
        raise Taken(TAKEN["appointment_patient_twice"].format(made))


def check_time(made: Appointment, *, by: Person | None) -> None:
    """Not in the past, and not while somebody else holds it."""
    if made.ends_at <= timezone.now():
        raise Refused("This time has passed. Choose a later one.", status=422, field="begins_at")
    held = Hold.objects.of_others(by).filter(
        provider=made.provider, busy_from__lt=made.busy_until, busy_until__gt=made.busy_from
    )
    if (hold := held.select_related("held_by").first()) is not None:
        raise Taken(f"{hold.held_by or 'A patient of the waitlist'} holds this time at the moment. Choose another one.")


def house_of(made: Appointment, wanted: Location | None, *, outside: bool) -> Location:
    """Where the provider works then. `outside` lets it lie outside the hours, and where it is wanted."""
    from scheduling.diary import OpenTime

    at = OpenTime([made.provider], made.day, made.day).open_at(made.provider, made.span)
    if outside:
        return wanted or at or made.provider.location
    if at is None:
        raise Refused(
            f"{made.provider} does not work at this time. Choose another one, or say that it may lie outside the hours.",
            field="outside",
        )
    if wanted is not None and wanted != at:
        raise Refused(
            f"{made.provider} works at {at} then, and not at {wanted}. Choose another time, or say that it may be so.",
            field="outside",
        )
    return at


def take_place(made: Appointment, room: Room | None) -> None:
    """The seat in a shared slot, and a room that is free, if the type needs one."""
    others = list(
        type(made)
        .objects.active()
        .filter(provider=made.provider, type=made.type, begins_at=made.begins_at, ends_at=made.ends_at)
    )
    if made.type.capacity > 1 and others:
        seats = set(range(made.type.capacity)) - {other.seat for other in others}
        if not seats:
            raise Taken(f"All {made.type.capacity} places at this time are taken. Choose another time.")
        made.slot, made.seat, made.room = others[0].slot, min(seats), others[0].room
        return
    if room is not None and not (room.is_active and room.location_id == made.location_id):
        raise Refused(f"{room} is no room of {made.location}. Choose another one.", status=422, field="room")
    made.room = room or (free_room(made) if made.type.needs_room else None)


def free_room(made: Appointment) -> Room:
    """The rooms are held first: what somebody else took meanwhile is seen after that, and the next room is chosen."""
    rooms = Room.objects.filter(location=made.location, is_active=True).order_by("pk")
    held = list(rooms.select_for_update(of=("self",), no_key=True))
    taken = (
        type(made)
        .objects.active()
        .filter(room__isnull=False, busy_from__lt=made.busy_until, busy_until__gt=made.busy_from)
    )
    used = set(taken.values_list("room_id", flat=True))
    for room in held:
        if room.pk not in used:
            return room
    raise Taken(f"No room of {made.location} is free at this time. Choose another time.")


def written(made: Appointment, write: Callable[[], None]) -> None:
    """Write it; what the database refuses is said in words."""
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        for name, words in TAKEN.items():
            if name in str(error):
                raise Taken(words.format(made)) from error
        raise

"""Where an appointment stands on the boards of its day, and what is done with it next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from hospital.context import current
from scheduling.models import Appointment, Location
from scheduling.models.entry import CHECK_IN, Appointments
from scheduling.models.place import ROOM
from scheduling.moments import day_span

if TYPE_CHECKING:
    from hospital.models import Person

S = Appointment.Status


@dataclass(frozen=True)
class Stage:
    key: str
    title: str
    icon: str
    nobody: str


STAGES = (
    Stage("late", "Late", "clock-exclamation", "Nobody is late."),
    Stage("coming", "Arriving next", "calendar-event", "Nobody else is expected today."),
    Stage("missed", "Not come", "user-off", "Nobody has cancelled or stayed away."),
    Stage("waiting", "Waiting", "armchair", "Nobody is waiting."),
    Stage("room", "In rooms", "door-enter", "Nobody waits in a room."),
    Stage("provider", "With the provider", "stethoscope", "Nobody is with a provider."),
    Stage("done", "Done", "circle-check", "Nobody has been checked out yet."),
)
STAGE_OF: dict[str, str] = {
    S.ARRIVED: "waiting",
    S.IN_ROOM: "room",
    S.WITH_PROVIDER: "provider",
    S.COMPLETED: "done",
    S.CANCELLED: "missed",
    S.NO_SHOW: "missed",
}
IN_A_DAY = (S.BOOKED, S.ARRIVED, S.IN_ROOM, S.WITH_PROVIDER, S.COMPLETED, S.NO_SHOW)


def stage_of(appointment: Appointment, now: datetime | None = None) -> str:
    """static/desk.js moves whoever becomes late while the page stands."""
    if appointment.status == S.BOOKED:
        return "late" if appointment.begins_at <= (now or timezone.now()) else "coming"
    return STAGE_OF.get(appointment.status, "")


def lists_of(appointment: Appointment) -> str:
    """The live lists that take this row: of the desk by place and provider, of the front page, and of the provider's days."""
    names, provider = [], appointment.provider_id
    if appointment.is_today and (stage := stage_of(appointment)):
        at = f"{stage}-{appointment.location_id}"
        names += [at, f"{at}-{provider}"]
        names += {S.BOOKED: ["expected"], S.ARRIVED: ["waiting"]}.get(S(appointment.status), [])
    if appointment.status in IN_A_DAY:
        names.append(f"provider-{provider}-{appointment.day}")
    return " ".join(names)


def of_today(location: Location) -> Appointments:
    """Whoever is expected there today, and whoever was."""
    span = day_span(location.today(), location.zone)
    return Appointment.objects.filter(location=location, begins_at__gte=span.begins, begins_at__lt=span.ends).exclude(
        status=S.RESCHEDULED
    )


# --- the next step ----------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """`into` is the dialog in which it is asked; without one it is a page, or with `post` one click."""

    label: str
    url: str
    icon: str
    into: str = ""
    post: bool = False


def next_step(appointment: Appointment) -> Step:
    """What the acting role does next with this appointment; who has nothing to do opens it."""
    return next(steps(appointment))


def steps(appointment: Appointment) -> Iterator[Step]:
    may, status, pk = current().may, appointment.status, appointment.pk
    if status in (S.BOOKED, S.NO_SHOW) and appointment.is_today and may(CHECK_IN):
        yield Step("Check in", reverse("scheduling:check_in", args=[pk]), "door-enter", into="#panel")
    if status == S.ARRIVED and may(ROOM):
        yield Step("Room", reverse("scheduling:to_room", args=[pk]), "armchair", into="#dialog")
    if status == S.IN_ROOM and may(ROOM):
        yield Step("Begin", reverse("scheduling:begin", args=[pk]), "player-play", post=True)
    if status == S.WITH_PROVIDER and may(ROOM):
        url = reverse("scheduling:check_out", args=[pk])
        yield (
            Step("Check out", url, "door-exit", "#panel")
            if may(CHECK_IN)
            else Step("Complete", url, "check", post=True)
        )
    yield Step("Open", appointment.get_absolute_url(), "chevron-right")


@dataclass(frozen=True)
class Undo:
    """The way back from a status, and what it is called."""

    label: str
    back_to: str
    verb: Callable[..., Any]

    def take(self, appointment: Appointment, *, by: Person | None) -> None:
        self.verb(appointment, by=by)


UNDO: dict[str, Undo] = {
    S.ARRIVED: Undo("Undo the check-in", S.BOOKED, Appointment.undo_check_in),
    S.IN_ROOM: Undo("Back to the waiting room", S.ARRIVED, Appointment.leave_room),
    S.WITH_PROVIDER: Undo("Not with the provider yet", S.IN_ROOM, Appointment.undo_begin),
    S.COMPLETED: Undo("Undo the check-out", S.WITH_PROVIDER, Appointment.undo_complete),
    S.NO_SHOW: Undo("Undo the no-show", S.BOOKED, Appointment.undo_miss),
}


def undo_of(appointment: Appointment) -> Undo | None:
    """The way back that the acting role may take, on the day itself."""
    undo = UNDO.get(appointment.status)
    if undo is None or not appointment.is_today or undo.back_to not in appointment.moves():
        return None
    return undo


@dataclass(frozen=True)
class Passed:
    """A step that was taken, when, and how long after the one before."""

    label: str
    at: datetime
    after: int | None


def times_of(appointment: Appointment) -> list[Passed]:
    """The way of the patient through the house, as far as it went."""
    taken = [
        (label, at)
        for label, at in (
            ("Arrived", appointment.arrived_at),
            ("In the room", appointment.in_room_at),
            ("With the provider", appointment.with_provider_at),
            ("Completed", appointment.completed_at),
        )
        if at is not None
    ]
    befores = [None, *(at for _, at in taken)]
    return [
        Passed(label, at, None if before is None else round((at - before).total_seconds() / 60))
        for (label, at), before in zip(taken, befores, strict=False)
    ]

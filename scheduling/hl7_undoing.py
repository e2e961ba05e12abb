"""What a message did to an appointment is taken back, by the same verbs as at the desk: a time that somebody else has stays theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clinical.models import Hl7Message, Hl7Word
from hospital.workflow import Refused
from scheduling.models import Appointment

if TYPE_CHECKING:
    from hospital.models import Person

Trace = dict[str, Any]


def undo(row: Hl7Message, why: str, by: Person | None) -> list[str]:
    traces = reversed(row.traces.get("appointments", []))
    return [words for trace in traces if (words := UNDO[trace["did"]](row, trace, why, by))]


def undo_booking(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    made = Appointment.objects.get(pk=trace["id"])
    if not made.is_active:
        return f"{made.number} is {made.get_status_display().lower()} already"
    made.cancel(why, by=by)
    Hl7Word.objects.filter(sender=row.sender, subject="appointment", target=made.pk).delete()
    return ""


def undo_move(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    """Back to the time, provider and place of before; the moves stay in its history."""
    former, made = Appointment.objects.get(pk=trace["id"]), standing(Appointment.objects.get(pk=trace["made"]))
    if not made.is_active:
        raise Refused(f"{made.number} is {made.get_status_display().lower()}. Change it in the calendar.")
    back = made.reschedule(
        former.begins_at,
        by=by,
        provider=former.provider,
        location=former.location,
        minutes=former.minutes,
        outside=True,
        reason=why,
    )
    return f"It is {back.number} now"


def standing(made: Appointment) -> Appointment:
    """What was cancelled and booked again for the same time is another row."""
    later = made.moved_to.filter(begins_at=made.begins_at).order_by("-booked_at").first()
    return standing(later) if later is not None else made


def undo_description(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    one = Appointment.objects.get(pk=trace["id"])
    if one.reason != trace["after"]:
        return f"The reason of {one.number} was changed here since, and stays"
    one.describe(by=by, reason=trace["before"])
    return ""


def undo_cancellation(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    """The same is booked again, under a number of its own, since what was cancelled stays cancelled."""
    ended = Appointment.objects.get(pk=trace["id"])
    made = ended.begin_again(ended.begins_at, by=by, location=ended.location, room=ended.room, outside=True)
    return f"It is booked again as {made.number}"


def undo_no_show(row: Hl7Message, trace: Trace, why: str, by: Person | None) -> str:
    Appointment.objects.get(pk=trace["id"]).undo_miss(by=by)
    return ""


UNDO: dict[str, Callable[[Hl7Message, Trace, str, Any], str]] = {
    "booked": undo_booking,
    "moved": undo_move,
    "described": undo_description,
    "cancelled": undo_cancellation,
    "missed": undo_no_show,
}

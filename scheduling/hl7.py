"""SIU: appointments that another system books, moves and cancels. They go by the same verbs as at our desk, and are refused like there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from clinical.hl7.ack import Problem
from clinical.hl7.intake import Handler, Intake, Reason, Subject, Waits, ask
from clinical.hl7.people import patient_of
from clinical.hl7.reading import Segment, Value
from clinical.hl7.values import Code, Moment, code_of, moment, name_of
from clinical.models import Hl7Message, Hl7Word
from clinical.names import fold
from scheduling.hl7_undoing import undo
from scheduling.models import Appointment, AppointmentType, Location, Provider

MINUTES = {"S": 1 / 60, "SEC": 1 / 60, "MIN": 1, "M": 1, "H": 60, "HR": 60, "HOUR": 60, "D": 1440}
LONGEST = 720
TREATING = (("AIP", 3), ("PV1", 7), ("AIG", 3), ("SCH", 16))


@dataclass(frozen=True)
class Wanted:
    """What the message asks for, in our own rows."""

    type: AppointmentType
    provider: Provider
    location: Location | None
    begins_at: datetime
    minutes: int | None


def book(intake: Intake) -> None:
    """S12. One that we have already is not booked twice."""
    patient = patient_of(intake)
    if (known := of_message(intake)) is not None and known.is_active:
        raise Waits(Reason.CONFLICT, f"This appointment is {known.number} here already.")
    wanted = wish(intake)
    made = Appointment.book(
        patient,
        wanted.type,
        wanted.provider,
        wanted.begins_at,
        by=intake.by,
        minutes=wanted.minutes,
        location=wanted.location,
        reason=reason_of(intake)[:200],
    )
    remember(intake, made)
    intake.leave_trace("appointments", {"did": "booked", "id": str(made.pk)})
    intake.done.append(f"{made.number} booked with {made.provider}, {made.day_and_time}")


def move(intake: Intake) -> None:
    """S13: another time, and perhaps another provider."""
    row = the_appointment(intake)
    begins = begins_of(intake)
    provider = found(intake, "provider", names_of_provider(intake)) or row.provider
    made = row.reschedule(
        begins.at,
        by=intake.by,
        provider=provider,
        location=found(intake, "location", names_of_location(intake)),
        minutes=minutes_of(intake, begins.at) or row.minutes,
        reason=reason_of(intake),
    )
    remember(intake, made)
    intake.leave_trace("appointments", {"did": "moved", "id": str(row.pk), "made": str(made.pk)})
    intake.done.append(f"{row.number} moved to {made.day_and_time}: {made.number}")


def modify(intake: Intake) -> None:
    """S14: what says nothing about the time. If the time is another one too, it is moved."""
    row = the_appointment(intake)
    begins = moment(begin_text(intake))
    if begins is not None and begins.at != row.begins_at:
        move(intake)
        return
    before, after = row.reason, reason_of(intake)[:200] or row.reason
    row.describe(by=intake.by, reason=after)
    intake.leave_trace("appointments", {"did": "described", "id": str(row.pk), "before": before, "after": after})
    intake.done.append(f"{row.number} described")


def cancel(intake: Intake) -> None:
    """S15 and S17."""
    row = the_appointment(intake)
    row.cancel(reason_of(intake)[:200] or "Cancelled by the other system", by=intake.by)
    intake.leave_trace("appointments", {"did": "cancelled", "id": str(row.pk)})
    intake.done.append(f"{row.number} cancelled")


def miss(intake: Intake) -> None:
    """S26."""
    row = the_appointment(intake)
    row.miss(by=intake.by)
    intake.leave_trace("appointments", {"did": "missed", "id": str(row.pk)})
    intake.done.append(f"{row.number}: the patient did not come")


# --- which appointment --------------------------------------------------------------------------


def the_appointment(intake: Intake) -> Appointment:
    patient = patient_of(intake)
    row = of_message(intake)
    if row is None:
        words = f"No appointment here has this number: {', '.join(numbers_of(intake)) or 'none is named'}."
        raise Waits(Reason.CONFLICT, words, problem=Problem(204, "Unknown appointment", ("SCH", "1", "2"), "W"))
    if row.patient_id != patient.pk:
        raise Waits(Reason.CONFLICT, f"{row.number} is an appointment of another patient.")
    return row


def of_message(intake: Intake) -> Appointment | None:
    """By the numbers of the sender; the latest of those that it was moved to."""
    row = intake.meaning("appointment", *numbers_of(intake))
    while row is not None and (later := row.moved_to.order_by("-booked_at").first()) is not None:
        row = later
    return row


def numbers_of(intake: Intake) -> list[str]:
    """SCH-2 is the scheduling system's, SCH-1 that of whoever asked for it."""
    head = intake.message.first("SCH")
    said = [("filler", head.part(2)), ("placer", head.part(1))] if head else []
    return [f"{kind} {number}" for kind, number in said if number]


def remember(intake: Intake, row: Appointment) -> None:
    for number in numbers_of(intake)[:1]:
        Hl7Word.explain(intake.sender, "appointment", number, row.pk, by=None, text=row.number)


# --- what is asked for ----------------------------------------------------------------------------


def wish(intake: Intake) -> Wanted:
    """All words that nobody has explained yet are asked for at once."""
    begins = begins_of(intake)
    kind = found(intake, "type", names_of_type(intake))
    provider = found(intake, "provider", names_of_provider(intake))
    location = found(intake, "location", names_of_location(intake))
    asks = []
    for subject, row, names in (
        ("provider", provider, names_of_provider(intake)),
        ("type", kind, names_of_type(intake)),
    ):
        if row is None:
            asks.append(asked(subject, names))
    if kind is None or provider is None:
        words = "Nobody has said yet what this means here: " + ", ".join(
            f"{one['subject']} {one['text']}" for one in asks
        )
        place = ("AIP", "1", "3")
        raise Waits(Reason.CODE, f"{words}.", asks=asks, problem=Problem(103, "Unknown resource", place, "W"))
    return Wanted(kind, provider, location, begins.at, minutes_of(intake, begins.at))


def asked(subject: str, names: list[Code]) -> dict[str, str]:
    name = names[0] if names else Code("", "", "", "")
    return ask(subject, name.key, name.name or "that is not named")


def found(intake: Intake, subject: str, names: list[Code]) -> Any:
    """What somebody said that it means; else our row with just this name."""
    said = intake.meaning(subject, *(name.key for name in names)) or (
        None if names else intake.meaning(subject, Code("", "", "", "").key)
    )
    if said is not None:
        return said
    wanted = {fold(name.name) for name in names if name.name}
    rows = [row for row in SUBJECT[subject].options() if fold(str(row)) in wanted]
    return rows[0] if len(rows) == 1 else None


def names_of_provider(intake: Intake) -> list[Code]:
    """Whoever sees the patient: of the personnel, else of the visit. XCN: number, family name, given name."""
    names = []
    for segment, number in TREATING:
        for one in intake.message.all(segment):
            value = one.value(number)
            if value and segment == "AIG":
                names.append(code_of(value))
            elif value:
                named = name_of([without_number(value)])
                names.append(Code(value.part(1), named.full, "XCN", ""))
        if names:
            return names[:5]
    return names


def without_number(value: Value) -> Value:
    """An XCN begins with a number, and goes on as a name."""
    return Value(value.text.partition(value.marks.component)[2], value.marks)


def names_of_type(intake: Intake) -> list[Code]:
    """The service (AIS-3), else the type (SCH-8), else the reason (SCH-7)."""
    head, service = intake.message.first("SCH"), intake.message.first("AIS")
    values = [service.value(3)] if service else []
    values += [head.value(8), head.value(7)] if head else []
    return [code_of(value) for value in values if value]


def names_of_location(intake: Intake) -> list[Code]:
    """PL: its facility, and its whole name. One that is not known leaves the place to the provider's hours."""
    segment = intake.message.first("AIL")
    value = segment.value(3) if segment else None
    return [Code(value.part(4) or value.part(1), value.part(4) or value.part(1), "PL", "")] if value else []


def begins_of(intake: Intake) -> Moment:
    begins = moment(begin_text(intake))
    if begins is None or not begins.has_time:
        problem = Problem(101, "The beginning is missing", ("SCH", "1", "11", "1", "4"))
        raise Waits(Reason.UNREADABLE, "It does not say when the appointment begins.", problem=problem)
    return begins


def begin_text(intake: Intake) -> str:
    """The timing of version 2.8 (TQ1-7), of a resource (AIS-4, AIP-6, AIG-8, AIL-6), and of older versions (SCH-11.4)."""
    said = [part(intake, name, number) for name, number in (("TQ1", 7), ("AIS", 4), ("AIP", 6), ("AIG", 8), ("AIL", 6))]
    return next(filter(None, [*said, part(intake, "SCH", 11, 4)]), "")


def minutes_of(intake: Intake, begins: datetime) -> int | None:
    """From the end, or the length with its unit. Without either, as long as its type."""
    end = moment(part(intake, "TQ1", 8) or part(intake, "SCH", 11, 5))
    if end is not None and timedelta() < end.at - begins <= timedelta(minutes=LONGEST):
        return int((end.at - begins).total_seconds() // 60)
    for name, length, unit in (("AIS", 7, 8), ("AIP", 9, 10), ("SCH", 9, 10)):
        said, word = part(intake, name, length), part(intake, name, unit).upper() or "MIN"
        factor = next((MINUTES[key] for key in (word, word[:3], word[:1]) if key in MINUTES), 0)
        if said.isascii() and said.isdigit() and 5 <= int(said) * factor <= LONGEST:
            return int(int(said) * factor)
    return None


def reason_of(intake: Intake) -> str:
    """The reason (SCH-7), with the first note of the schedule."""
    head = intake.message.first("SCH")
    note = next((one.value(3).whole for one in intake.message.all("NTE")), "")
    named = code_of(head.value(7)).name if head else ""
    return ": ".join(filter(None, (named, note)))


def part(intake: Intake, name: str, number: int, component: int = 1) -> str:
    segment: Segment | None = intake.message.first(name)
    return segment.part(number, component) if segment else ""


def providers() -> Any:
    return Provider.objects.at_work().select_related("person")


def find(model: Any) -> Any:
    def one(pk: UUID) -> Any:
        return model.objects.filter(pk=pk).first()

    return one


SUBJECTS = (
    Subject("provider", "Provider", providers, find(Provider)),
    Subject(
        "type", "Type of appointment", lambda: AppointmentType.objects.filter(is_active=True), find(AppointmentType)
    ),
    Subject("location", "Location", lambda: Location.objects.all(), find(Location)),
    Subject("appointment", "Appointment", Appointment.objects.none, find(Appointment)),
)
SUBJECT = {one.name: one for one in SUBJECTS}
SIU = Hl7Message.Family.APPOINTMENTS
HANDLERS = tuple(
    Handler("SIU", SIU, verb, frozenset(triggers), undo)
    for verb, triggers in (
        (book, ("S12",)),
        (move, ("S13",)),
        (modify, ("S14",)),
        (cancel, ("S15", "S17")),
        (miss, ("S26",)),
    )
)

"""How the lines about appointments come about; see happenings.py."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from realtime.tests.happenings import HAPPENINGS, Day, happens
from scheduling.models import Hold, Room
from scheduling.models.imported import AppointmentImport
from scheduling.moments import Span

__all__ = ["HAPPENINGS", "Day"]


@happens("appointment:created", "the desk books")
def books(day: Day) -> None:
    day.appointment()


@happens("appointment:updated", "the patient confirms")
def confirms(day: Day) -> None:
    row = day.appointment()
    with day.hospital.acting("reception"):
        row.confirm()


@happens("appointment:updated", "reason and note change")
def describes(day: Day) -> None:
    row = day.appointment()
    with day.hospital.acting("reception") as acting:
        row.describe(by=acting.person, note=f"{day.word('booking_note')} again")


@happens("appointment:updated", "it becomes longer")
def takes_longer(day: Day) -> None:
    row = day.appointment()
    with day.hospital.acting("reception") as acting:
        row.resize(45, by=acting.person)


@happens("appointment:updated", "it is moved")
def moves(day: Day) -> None:
    row = day.appointment()
    with day.hospital.acting("reception") as acting:
        row.reschedule(row.begins_at + timedelta(hours=2), by=acting.person, reason="The bus")


@happens("appointment:updated", "nobody came")
def does_not_come(day: Day) -> None:
    row = day.appointment(timezone.now() - timedelta(seconds=5), outside=True, provider=day.desk.checker)
    with day.hospital.acting("reception") as acting:
        row.miss(by=acting.person)


@happens("appointment:cancelled", "the desk cancels")
def cancels(day: Day) -> None:
    row = day.appointment()
    with day.hospital.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)


@happens("appointment:checkedin", "the patient is here")
def comes(day: Day) -> None:
    row = day.due()
    with day.hospital.acting("reception") as acting:
        row.check_in(by=acting.person)


@happens("appointment:updated", "a step of the day")
def goes_in(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        day.due().enter_room(Room.objects.filter(status=Room.Status.FREE)[0], by=acting.person)


@happens("room:changed", "a patient goes in")
def goes_into_another(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        day.due().leave_room(by=acting.person)
    goes_in(day)


@happens("room:changed", "it is clean again")
def cleans(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        Room.objects.filter(status=Room.Status.OCCUPIED)[0].mark_clean(by=acting.person)


@happens("slot:held", "somebody chooses a time")
def holds(day: Day) -> None:
    begins = day.free_time()
    with day.hospital.acting("reception") as acting:
        Hold.place(day.desk.doctor, Span(begins, begins + timedelta(minutes=30)), by=acting.person)


@happens("slot:held", "it is let go")
def lets_go(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        Hold.let_go_of(acting.person)


@happens("import:changed", "a list is read")
def reads_a_list(day: Day) -> None:
    with day.hospital.acting("admin") as acting:
        AppointmentImport(name="list.csv", columns=[], uploaded_by=acting.person).start(by=acting.person)


@happens("waitlist:changed", "somebody waits")
def waits(day: Day) -> None:
    day.wish()


@happens("waitlist:changed", "somebody waits no more")
def waits_no_more(day: Day) -> None:
    wish = day.wish()
    with day.hospital.acting("reception") as acting:
        wish.withdraw(by=acting.person)


@happens("waitlist:offered", "a time becomes free")
def becomes_free(day: Day) -> None:
    day.wish()
    cancels(day)

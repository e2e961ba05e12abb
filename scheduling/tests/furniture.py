"""A house's scheduling as the tests of the whole house find it: a row of everything, and an appointment in each state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from clinical.models import Patient
from hospital.tests.hospital import Hospital
from scheduling.models import Appointment, Hold, Offer, Offering, OpeningHours, Room, Series, SpecialDay, Weekday, Wish
from scheduling.models.imported import AppointmentImport, ImportLine
from scheduling.moments import Span
from scheduling.tests.desks import a_location, a_provider, a_type, morning

STATES = ("booked", "arrived", "in_room", "with_provider", "completed", "cancelled", "no_show", "rescheduled")


class Furniture:
    """`patient` makes one whose texts carry the mark. All of today share one time, so that each state is reached now."""

    def __init__(self, hospital: Hospital, mark: str, patient: Callable[[str], Patient]) -> None:
        self.hospital, self.mark, self.patient = hospital, mark, patient
        with hospital.acting():
            self.place()
        self.now = timezone.now().replace(second=0, microsecond=0)
        self.appointments = {state: self.appointment(state) for state in STATES}
        self.series = self.comes_again()
        self.wish, self.offer = self.waits()
        self.list = self.imports()
        with hospital.acting("reception") as acting:
            busy = Span(morning(6, 15), morning(6, 15, 30))
            self.hold = Hold.place(self.doctor, busy, by=acting.person)

    def place(self) -> None:
        self.location = a_location(f"House {self.mark}", address=f"Lane {self.mark}", rooms=4)
        for weekday in Weekday.values:
            OpeningHours(location=self.location, weekday=weekday, begins="00:00", ends="00:00").save()
        closed = timezone.now().date() + timedelta(days=40)
        SpecialDay(location=self.location, day=closed, name=f"Closed {self.mark}").save()
        self.type = a_type(f"Check-up {self.mark}", instructions=f"Bring {self.mark}")
        self.group = a_type(f"Group {self.mark}", capacity=len(STATES), needs_room=False)
        self.doctor = a_provider(self.hospital.main_doctor, self.location)
        self.checker = a_provider(self.hospital.checker_doctor, self.location)
        for type in (self.type, self.group):
            Offering(provider=self.doctor, type=type).save()

    def appointment(self, state: str) -> Appointment:
        patient = self.patient(state.replace("_", " "))
        words = {"reason": f"Rash {self.mark}", "note": f"Wheelchair {self.mark}"}
        with self.hospital.acting("reception") as acting:
            made = Appointment.book(patient, self.group, self.doctor, self.now, by=acting.person, outside=True, **words)
            self.take(made, state)
        return made

    def take(self, made: Appointment, state: str) -> None:
        """From booked to this state, by the steps that lie between."""
        desk = self.hospital.reception
        if state == "cancelled":
            made.cancel(f"Ill {self.mark}", by=desk)
        elif state == "no_show":
            made.miss(by=desk)
        elif state == "rescheduled":
            made.reschedule(morning(6, 9), by=desk, reason=f"Bus {self.mark}")
        elif state != "booked":
            self.walk_on(made, STATES.index(state))

    def walk_on(self, made: Appointment, steps: int) -> None:
        desk = self.hospital.reception
        made.check_in(by=desk)
        if steps > 1:
            made.enter_room(Room.objects.filter(status=Room.Status.FREE).first(), by=desk)
        if steps > 2:
            made.begin(by=desk)
        if steps > 3:
            made.complete(by=desk)

    def imports(self) -> AppointmentImport:
        """A list of appointments that was read, with one line that found nobody."""
        with self.hospital.acting("admin") as acting:
            made = AppointmentImport(name=f"List {self.mark}.csv", columns=["patient"], total=1)
            made.uploaded_by = acting.person
            made.start(by=acting.person)
            ImportLine(
                of=made, number=2, cells=[f"Nobody {self.mark}"], verdict=ImportLine.Verdict.values[-1], words="Unknown"
            ).save()
        return made

    def comes_again(self) -> Series:
        patient = self.patient("weekly")
        with self.hospital.acting("reception") as acting:
            series = Series.objects.create(times=2)
            for week in range(2):
                begins = morning(7 + 7 * week, 11)
                words = {"reason": f"Dressing {self.mark}", "series": series}
                Appointment.book(patient, self.type, self.doctor, begins, by=acting.person, **words)
        return series

    def waits(self) -> tuple[Wish, Offer]:
        """Somebody cancels, and the freed time is offered to the first of the waitlist."""
        first, waiting = self.patient("cancelling"), self.patient("waiting")
        with self.hospital.acting("reception") as acting:
            days = {"first_day": morning().date(), "last_day": morning(9).date()}
            wish = Wish(patient=waiting, type=self.type, note=f"Mornings {self.mark}", **days)
            wish.add(by=acting.person)
            begins = morning(3, 10)
            made = Appointment.book(first, self.type, self.checker, begins, by=acting.person)
            made.cancel(f"Travels {self.mark}", by=acting.person)
            return wish, Offer.objects.get(wish=wish)

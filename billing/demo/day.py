"""The day is played: each visit is a row of steps with the minutes before each, and the steps of all visits are taken
in the order of time, by the people whose work they are, through the verbs of the models."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from django.core.files.base import ContentFile

from billing.demo.clock import Clock
from billing.demo.stories import Dose, Story
from billing.models import Account, Payment
from clinical.allergies import allergies_against
from clinical.models import (
    Allergy,
    Document,
    LabOrder,
    LabTest,
    Medicine,
    Patient,
    Prescription,
    PrescriptionLine,
    QueuePlace,
    Visit,
)
from clinical.vitals import BY_NAME
from hospital.models import Person, Role, Tenant
from hospital.tenancy import acting_for
from scheduling.models import Appointment, Room

MOST = 0.85  # settle their account before they go
ROOMS = {"checker_doctor": "Room 1", "main_doctor": "Room 4", "lab_technician": "Laboratory", "pharmacy": "Window 2"}


@dataclass
class Case:
    """One visit on its way. `twist` is what goes otherwise than usual."""

    patient: Patient
    story: Story
    twist: str = ""
    visit: Visit = field(init=False)  # from the first step on
    is_expected: bool = False
    appointment: Appointment | None = None


Step = tuple[str, float, Callable[[Case], None]]


class Day:
    def __init__(self, tenant: Tenant, people: dict[str, Person], clock: Clock, chance: Random) -> None:
        self.tenant, self.people, self.clock, self.chance = tenant, people, clock, chance
        with acting_for(tenant):
            self.roles = {role.key: role for role in Role.objects.select_related("group")}
        self.agenda: list[tuple[datetime, int, Case, Callable[[Case], None]]] = []
        self.order = count()

    # --- the agenda ---------------------------------------------------------------------

    def plan(self, case: Case, *, begins: datetime) -> None:
        """A visit of a former day: the whole way."""
        self._enter(case, list(self.steps(case)), begins, 1.0)

    def plan_back(self, case: Case, *, last: str, ended: datetime, pace: float) -> datetime:
        """A visit of today, up to the step called `last` (or to its end), which was taken at `ended`: when it began."""
        steps = list(self._until(case, last))
        begins = ended - timedelta(minutes=sum(wait for _, wait, _ in steps) * pace)
        self._enter(case, steps, begins, pace)
        return begins

    def _enter(self, case: Case, steps: list[Step], at: datetime, pace: float) -> None:
        for _, wait, act in steps:
            at += timedelta(minutes=wait * pace)
            heapq.heappush(self.agenda, (at, next(self.order), case, act))

    def _until(self, case: Case, last: str) -> Iterator[Step]:
        for step in self.steps(case):
            yield step
            if step[0] == last:
                return

    def play(self) -> None:
        while self.agenda:
            self.clock.at, _, case, act = heapq.heappop(self.agenda)
            act(case)

    def steps(self, case: Case) -> Iterator[Step]:
        """The whole way, with the minutes that pass before each step."""
        yield "registered", 0, self.register
        if case.twist in ENDS:
            yield case.twist, 35, ENDS[case.twist].__get__(self)
            return
        yield "paid", 3, WAYS_TO_PAY.get(case.twist, Day.pay).__get__(self)
        yield "called", self.some(6, 18), self.call("checker_doctor")
        if case.is_expected:
            yield "seen", self.some(1, 4), self.see
        yield "examined", self.some(6, 12), self.examine
        if case.story.tests:
            yield from self.laboratory(case)
        yield "called in", self.some(5, 22), self.call("main_doctor")
        yield "diagnosed", self.some(7, 15), self.diagnose
        yield "prescribed", 2, self.prescribe
        if case.story.doses:
            yield "settled", self.some(3, 9), self.pay
            yield "called out", self.some(2, 8), self.call("pharmacy")
            yield "dispensed", self.some(2, 6), self.dispense
            if self.chance.random() < MOST:
                yield "paid off", self.some(1, 4), self.pay

    def laboratory(self, case: Case) -> Iterator[Step]:
        for name, low, high, verb in (
            ("collected", 4, 12, self.collect),
            ("received", 3, 8, self.receive),
            ("begun", 2, 8, self.begin),
            ("resulted", 12, 30, self.enter),
            ("half released", 2, 5, self.release_first),
            ("released", 1, 4, self.release),
        ):
            yield name, self.some(low, high), verb

    def some(self, low: int, high: int) -> float:
        return self.chance.uniform(low, high)

    @contextmanager
    def as_(self, role: str) -> Iterator[Person]:
        with acting_for(self.tenant, self.people[role], self.roles[role]):
            yield self.people[role]

    # --- the steps ----------------------------------------------------------------------

    def register(self, case: Case) -> None:
        with self.as_("reception") as by:
            if case.appointment:
                case.visit = case.appointment.check_in(by=by, priority=case.story.priority)
                return
            case.visit = Visit.register(
                case.patient, complaint=case.story.complaint, priority=case.story.priority, by=by
            )

    def pay(self, case: Case) -> None:
        """All that is due; nothing, if nothing is."""
        with self.as_("reception") as by:
            if due := Account(case.visit).due:
                self.take(case, due, by)

    def pay_a_part(self, case: Case) -> None:
        with self.as_("reception") as by:
            self.take(case, Decimal(20), by)

    def waive(self, case: Case) -> None:
        with self.as_("billing") as by:
            Account(case.visit).waive("Cannot pay. Agreed with the social worker.", by=by)

    def let_pass(self, case: Case) -> None:
        with self.as_("checker_doctor") as by:
            case.visit.override_gate("Chest pain: treated at once.", by=by)

    def take(self, case: Case, amount: Decimal, by: Person) -> None:
        method = self.chance.choice(["cash", "cash", "card", "card", "transfer", "insurance"])
        reference = f"{self.chance.randrange(10**6):06}" if method in ("card", "transfer") else ""
        Payment.take(case.visit, amount, method=method, reference=reference, by=by)

    def call(self, role: str) -> Callable[[Case], None]:
        def call(case: Case) -> None:
            with self.as_(role) as by:
                if place := QueuePlace.objects.filter(visit=case.visit, ended_at=None).first():
                    place.call(to=ROOMS[role], by=by)
            if role == "checker_doctor":
                self.to_room(case)

        return call

    def to_room(self, case: Case) -> None:
        """Whoever has an appointment is led into the room that was kept for it, or into another that is free."""
        if case.appointment is None:
            return
        kept = case.appointment.room
        free = Room.objects.filter(location=case.appointment.location, status=Room.Status.FREE)
        room = free.filter(pk=kept.pk).first() if kept else None
        if room := room or free.first():
            case.appointment.enter_room(room, by=None)

    def see(self, case: Case) -> None:
        with self.as_("checker_doctor") as by:
            if case.appointment and case.appointment.status == Appointment.Status.IN_ROOM:
                case.appointment.begin(by=by)

    def leave_room(self, case: Case) -> None:
        """The doctor who was booked has finished, and the room is cleaned."""
        if case.appointment and case.appointment.status == Appointment.Status.WITH_PROVIDER:
            with self.as_("checker_doctor") as by:
                case.appointment.complete(by=by)
                if case.appointment.seen_in:
                    case.appointment.seen_in.mark_clean(by=by)

    def examine(self, case: Case) -> None:
        self.leave_room(case)
        story = case.story
        values: dict[str, Decimal | None] = {BY_NAME[name].code: Decimal(value) for name, value in story.vitals.items()}
        with self.as_("checker_doctor") as by:
            tests = list(LabTest.objects.filter(code__in=story.tests))
            priority = "routine" if story.priority == "routine" else "urgent"
            case.visit.examine(
                by=by, symptoms=story.symptoms, findings=story.findings, vitals=values, tests=tests, priority=priority
            )

    def orders(self, case: Case, *statuses: str) -> list[LabOrder]:
        found = LabOrder.objects.filter(visit=case.visit, status__in=statuses).select_related(
            "visit", "test", "patient"
        )
        return list(found.order_by("accession"))

    def collect(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "requested"):
                order.collect(by=by)

    def receive(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "collected"):
                order.receive(by=by)
            if case.twist == "bad specimen":
                self.orders(case, "received")[0].reject("haemolysed", by=by)

    def begin(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "received"):
                order.begin(by=by)

    def enter(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "in_progress"):
                order.enter_result(self.value(case, order, by), by=by)

    def value(self, case: Case, order: LabOrder, by: Person) -> str | Document:
        text = case.story.tests[order.test.code]
        if order.test.kind != LabTest.Kind.FILE:
            return text
        report = ContentFile(f"{order.test.name}\n{text}\n".encode(), name=f"{order.test.code.lower()}.txt")
        return Document.upload(
            report,
            patient=order.patient,
            visit=order.visit,
            lab_order=order,
            by=by,
            title=order.test.name,
            category="lab_report",
        )

    def release_first(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "resulted")[:1]:
                order.release(by=by)

    def release(self, case: Case) -> None:
        with self.as_("lab_technician") as by:
            for order in self.orders(case, "resulted"):
                order.release(by=by)

    def diagnose(self, case: Case) -> None:
        with self.as_("main_doctor") as by:
            for order in self.orders(case, "released"):
                order.review(by=by)
            case.visit.diagnose(by=by, diagnoses=[{"code": code} for code in case.story.diagnoses])

    def prescribe(self, case: Case) -> None:
        """Sign what there is to take; the doctor who has nothing to add has finished."""
        with self.as_("main_doctor") as by:
            if case.story.doses:
                known = list(case.patient.allergies.active())
                Prescription.write(case.visit, [line_of(dose, known) for dose in case.story.doses], by=by).sign(by=by)
            case.visit.finish_consultation(by=by)

    def dispense(self, case: Case) -> None:
        with self.as_("pharmacy") as by:
            if case.twist == "bought outside":
                self.send_outside(case, by)
            lines = PrescriptionLine.objects.filter(prescription__visit=case.visit, status="pending")
            for at, line in enumerate(lines.select_related("medicine", "prescription__visit").order_by("medicine_id")):
                self.hand_out(case, line, at, by)

    def send_outside(self, case: Case, by: Person) -> None:
        """The patient takes the paper to where one lives."""
        for prescription in case.visit.prescriptions.at_pharmacy():
            prescription.send("Station Road Pharmacy", "printed", note="The patient comes this evening.", by=by)

    def hand_out(self, case: Case, line: PrescriptionLine, at: int, by: Person) -> None:
        usable = line.medicine.stock.usable
        if case.twist == "declines" and at == 0:
            line.decline("The patient has enough of it at home.", by=by)
        elif case.twist == "takes a part" and at == 0:
            line.dispense(line.quantity // 2, by=by, reason="The rest is on order, due tomorrow.")
        elif case.twist == "takes a part":
            return
        elif usable >= line.quantity:
            line.dispense(line.quantity, by=by)
        elif usable:
            line.dispense(usable, by=by, reason="No more in stock.")
        else:
            line.decline("Out of stock: bought outside.", by=by)

    def cancel(self, case: Case) -> None:
        with self.as_("reception") as by:
            case.visit.cancel("Registered by mistake: came to visit an in-patient.", by=by)

    def leave(self, case: Case) -> None:
        with self.as_("reception") as by:
            case.visit.leave("Could not wait any longer. Will come back tomorrow.", by=by)


WAYS_TO_PAY = {"part": Day.pay_a_part, "waived": Day.waive, "emergency": Day.let_pass}
ENDS = {"cancelled": Day.cancel, "leaves": Day.leave}


def line_of(dose: Dose, known: list[Allergy]) -> dict[str, Any]:
    medicine = Medicine.objects.get(code=dose.medicine)
    reason = "Took it last year without trouble." if allergies_against(medicine, known) else ""
    return {
        "medicine": medicine,
        "quantity": dose.quantity,
        "dose": dose.dose,
        "frequency": dose.frequency,
        "duration_days": dose.days,
        "instructions": dose.instructions,
        "allergy_reason": reason,
    }

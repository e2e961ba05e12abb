"""How each line of the table comes about: by the verbs that the pages say, in the role that says them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from django.core.files.storage import default_storage

from billing.models import CONSULTATION, Charge, Kind, Payment, Price, Refund
from clinical.models import Allergy, Document, LabOrder, Medicine, Patient, Policy, Prescription, Problem, Visit
from clinical.tests.dispensary import COLD, a_medicine, load_codes, received
from clinical.tests.laboratories import culture, potassium, take
from clinical.tests.papers import pdf, upload
from clinical.tests.wards import a_patient, a_visit
from hospital.models import Membership, Person
from hospital.seals import raw
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused
from realtime.alerts.models import Alert
from realtime.tests.alarms import sweep
from scheduling.models import Appointment, Wish
from scheduling.tests.desks import Desk, morning

VALUES = {"amount": "7731.50", "critical_value": "11.7 mmol/L"}
Happening = Callable[["Day"], object]
HAPPENINGS: dict[tuple[str, str], Happening] = {}


def happens(event: str, what: str) -> Callable[[Happening], Happening]:
    def keep(happening: Happening) -> Happening:
        assert (event, what) not in HAPPENINGS
        HAPPENINGS[event, what] = happening
        return happening

    return keep


@dataclass
class Day:
    """A hospital's day. Each field of a patient's papers says a word of its own, `day.word("allergy")`."""

    hospital: Hospital
    said: set[str] = field(default_factory=set)
    booked: int = 0

    def word(self, name: str) -> str:
        self.said.add(name)
        return VALUES.get(name) or f"{name.replace('_', '').title()}{self.hospital.mark}"

    def visit(self, *, paid: bool = True) -> Visit:
        with self.hospital.acting("reception"):
            patient = a_patient(family_name=self.word("family_name"))
            return a_visit(patient, complaint=self.word("complaint"), paid=paid)

    def examined(self) -> Visit:
        visit = self.visit()
        with self.hospital.acting("checker_doctor") as acting:
            words = {"symptoms": self.word("symptoms"), "findings": self.word("findings")}
            visit.examine(by=acting.person, vitals={}, **words)
        return visit

    def order(self) -> LabOrder:
        visit = self.visit()
        with self.hospital.acting("checker_doctor") as acting:
            return visit.order_tests([self.once("test", potassium)], by=acting.person)[0]

    def at_bench(self, order: LabOrder, *steps: str, value: str = "4.1") -> None:
        with self.hospital.acting("lab_technician") as acting:
            for step in steps:
                take(order, step, acting.person, value)

    def prescription(self) -> Prescription:
        visit = self.examined()
        load_codes()
        with self.hospital.acting("main_doctor") as acting:
            visit.diagnose(by=acting.person, diagnoses=[{"code": COLD, "note": self.word("diagnosis")}])
            line = {"medicine": self.once("medicine", self.stocked), "quantity": 10, "dose": self.word("dose")}
            line["frequency"] = "twice a day"
            prescription = Prescription.write(visit, [line], by=acting.person)
            prescription.sign(by=acting.person)
        return prescription

    def stocked(self) -> Medicine:
        medicine = a_medicine(name=self.word("medicine"), low_at=5)
        received(medicine, 100)
        return medicine

    def once(self, name: str, make: Callable):
        """What there is one of in a hospital."""
        made = vars(self).setdefault("made", {})
        if name not in made:
            with self.hospital.acting("admin"):
                made[name] = make()
        return made[name]

    @property
    def desk(self) -> Desk:
        """The doctor and the checker doctor are the providers of the house."""
        return self.once("desk", lambda: Desk(self.hospital))

    def registered(self) -> Patient:
        with self.hospital.acting("reception"):
            return a_patient(family_name=self.word("family_name"))

    def free_time(self) -> datetime:
        """Another one each time, in the days to come."""
        self.booked += 1
        return morning(1 + self.booked)

    def appointment(self, begins_at: datetime | None = None, **fields: object) -> Appointment:
        words = {"reason": self.word("booking_reason"), "note": self.word("booking_note")}
        return self.desk.book(begins_at or self.free_time(), patient=self.registered(), **words, **fields)

    def due(self) -> Appointment:
        """The one of today, as it is now."""
        pk = self.once("due", lambda: self.desk.due(patient=self.registered())).pk
        with self.hospital.acting():
            return Appointment.objects.get(pk=pk)

    def wish(self) -> Wish:
        patient = self.registered()
        with self.hospital.acting("reception") as acting:
            days = {"first_day": morning().date(), "last_day": morning(60).date()}
            wish = Wish(patient=patient, type=self.desk.type, **days)
            wish.add(by=acting.person)
        return wish

    def price(self) -> Price:
        return Price.objects.create(
            kind=Kind.CONSULTATION,
            code=CONSULTATION,
            amount=Decimal(self.word("amount")),
            valid_from=date(2020, 1, 1),
        )


# --- patients, visits, queues -----------------------------------------------------------


@happens("patient:registered", "a new patient")
def registers_a_patient(day: Day) -> None:
    with day.hospital.acting("reception"):
        a_patient(family_name=day.word("family_name"))


@happens("patient:updated", "demographics")
def changes_an_address(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        a_patient().change(by=acting.person, city="Lagos")


@happens("patient:updated", "an allergy")
def records_an_allergy(day: Day) -> None:
    with day.hospital.acting("checker_doctor") as acting:
        patient = a_patient()
        Allergy.record(patient, by=acting.person, substance=day.word("allergy"))
        Problem.record(patient, by=acting.person, text=day.word("problem"))


@happens("patient:duplicate", "two records are alike")
def registers_somebody_twice(day: Day) -> None:
    with day.hospital.acting("reception"):
        for _ in range(2):
            a_patient(family_name=day.word("family_name"))


@happens("patient:insurance_verified", "a policy is verified")
def verifies_a_policy(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        details = {"insurer": "Northern Mutual", "member_number": "NM-1"}
        policy = Policy.record(a_patient(), by=acting.person, **details)
        policy.verify(by=acting.person, until=policy.good_until)


@happens("visit:created", "a visit is registered")
@happens("visit:updated", "a payment")
def registers_a_visit(day: Day) -> None:
    day.visit()


@happens("visit:updated", "a status")
def examines(day: Day) -> None:
    day.examined()


@happens("queue:called", "a patient is called")
def calls(day: Day) -> None:
    visit = day.visit()
    with day.hospital.acting("checker_doctor") as acting:
        visit.place.call(to="Room 2", by=acting.person)


@happens("queue:called", "a call is taken back")
def takes_a_call_back(day: Day) -> None:
    with day.hospital.acting("checker_doctor") as acting:
        Visit.objects.exclude(places__called_at=None).get().place.uncall(by=acting.person)


# --- laboratory -------------------------------------------------------------------------


@happens("lab_order:created", "a test is ordered")
def orders_a_test(day: Day) -> None:
    day.order()


@happens("lab_order:updated", "a step of a test")
def collects(day: Day) -> None:
    day.at_bench(day.order(), "collected")


@happens("lab:result_ready", "a result is released")
def releases(day: Day) -> None:
    visit = day.visit()
    with day.hospital.acting("checker_doctor") as acting:
        [order] = visit.order_tests([day.once("culture", culture)], by=acting.person)
    day.at_bench(order, "collected", "received", "in_progress")
    with day.hospital.acting("lab_technician") as acting:
        order.enter_result(day.word("lab_result"), by=acting.person, note=day.word("lab_note"))
        order.release(by=acting.person)


@happens("lab_order:updated", "a released value is corrected")
def corrects(day: Day) -> None:
    """The checker doctor ordered it, and so has seen what it said."""
    with day.hospital.acting("lab_technician") as acting:
        order = LabOrder.objects.filter(status="released", test__code="UCULT").latest("released_at")
        order.correct(day.word("lab_correction"), day.word("lab_reason"), by=acting.person)


@happens("alert:raised", "a critical value")
@happens("alert:listed", "a critical value")
@happens("lab:result_ready", "a value is critical")
def releases_a_critical_value(day: Day) -> None:
    day.at_bench(
        day.order(),
        "collected",
        "received",
        "in_progress",
        "resulted",
        "released",
        value=day.word("critical_value").split()[0],
    )


@happens("alert:changed", "acknowledged")
def acknowledges(day: Day) -> None:
    with day.hospital.acting("checker_doctor") as acting:
        alert = Alert.objects.open().latest("raised_at")
        answer = {"role": "checker_doctor", "done": Alert.Done.ACTED, "text": "Called the ward"}
        with raw():
            read_back = alert.expected
        alert.acknowledge(by=acting.person, read_back=read_back, **answer)


@happens("alert:changed", "a quarter of an hour without an answer")
def leaves_an_alert_unanswered(day: Day) -> None:
    releases_a_critical_value(day)
    sweep(day.hospital, newest_alert(day), 16)


@happens("alert:changed", "an hour without an answer")
def leaves_it_longer(day: Day) -> None:
    sweep(day.hospital, newest_alert(day), 61)


def newest_alert(day: Day) -> Alert:
    with day.hospital.acting():
        return Alert.objects.open().latest("raised_at")


@happens("document:uploaded", "a file is filed")
def files_a_document(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        Document.upload(upload(pdf()), patient=a_patient(), by=acting.person, title=day.word("document"))


@happens("document:damaged", "its bytes are not those that came")
def opens_a_damaged_document(day: Day) -> None:
    with day.hospital.acting("reception") as acting:
        document = Document.upload(upload(pdf(b"% whole")), patient=a_patient(), by=acting.person)
    Path(default_storage.path(document.file.name)).write_bytes(b"something else")
    with day.hospital.acting("admin"), suppress(Refused):
        document.open()


# --- pharmacy ---------------------------------------------------------------------------


@happens("prescription:ready", "signed")
def signs(day: Day) -> None:
    day.prescription()


@happens("prescription:status_changed", "a part is dispensed")
def dispenses_a_part(day: Day) -> None:
    line = day.prescription().lines.get
    with day.hospital.acting("pharmacy") as acting:
        line().dispense(3, by=acting.person, reason="The rest tomorrow")


@happens("prescription:status_changed", "the rest is declined")
def declines(day: Day) -> None:
    prescription = day.prescription()
    with day.hospital.acting("pharmacy") as acting:
        prescription.lines.get().decline("No more wanted", by=acting.person)


@happens("prescription:status_changed", "it is called back")
def calls_back(day: Day) -> None:
    prescription = day.made["sent"] = day.prescription()
    with day.hospital.acting("main_doctor") as acting:
        prescription.send("Rose Pharmacy", "printed", by=acting.person)
        prescription.call_back("They have none", by=acting.person)


@happens("prescription:sent", "another pharmacy gets it")
def sends_outside(day: Day) -> None:
    with day.hospital.acting("pharmacy") as acting:
        day.made["sent"].send("Rose Pharmacy", "fax", by=acting.person)


@happens("stock:changed", "a delivery")
def receives_a_delivery(day: Day) -> None:
    with day.hospital.acting("pharmacy"):
        received(day.once("medicine", day.stocked), 10, lot="B2")


@happens("stock:low", "a threshold is crossed")
def runs_low(day: Day) -> None:
    with day.hospital.acting("pharmacy") as acting:
        batch = received(a_medicine("IBU400", name=day.word("medicine"), low_at=5), 10)
        batch.write_off(8, "Broken", by=acting.person)


@happens("stock:expiring", "the calendar moves on")
def comes_near_its_expiry(day: Day) -> None:
    with day.hospital.acting("pharmacy"):
        batch = received(day.once("medicine", day.stocked), 10, lot="C3", days=20)
    with day.hospital.acting():
        batch.notice_expiry()


# --- money and people -------------------------------------------------------------------


@happens("patient:balance_changed", "a charge")
def charges(day: Day) -> None:
    with day.hospital.acting("admin"):
        day.once("price", day.price)
    day.visit(paid=False)


@happens("patient:balance_changed", "a charge is waived")
def waives(day: Day) -> None:
    with day.hospital.acting("billing") as acting:
        Charge.objects.filter(waived_at=None).latest("pk").waive("Hardship", by=acting.person)


@happens("patient:balance_changed", "money comes in")
def pays_a_little(day: Day) -> None:
    pay(day, Decimal("10"))


@happens("payment:received", "money posted")
def pays_a_part(day: Day) -> None:
    pay(day, Decimal("31.50"))


@happens("payment:received", "it opens the gate")
def pays_all(day: Day) -> None:
    pay(day, Decimal("7690"))


@happens("refund:changed", "it is asked for")
def asks_back(day: Day) -> None:
    refund_of(day)


@happens("refund:changed", "it is decided")
def decides(day: Day) -> None:
    refund = refund_of(day)
    with day.hospital.acting("billing") as acting:
        refund.approve(by=acting.person)


@happens("payment:received", "a refund is paid out")
def pays_back(day: Day) -> None:
    refund = refund_of(day)
    with day.hospital.acting("billing") as acting:
        refund.pay_out(by=acting.person)


def refund_of(day: Day) -> Refund:
    """One of the day: asked for, decided and paid out in this order."""
    return day.once("refund", lambda: asked_back(day))


def asked_back(day: Day) -> Refund:
    visit = day.visit(paid=False)
    with day.hospital.acting("reception") as acting:
        payment = Payment.take(visit, Decimal("12"), method="cash", by=acting.person)
        return Refund.request(payment, Decimal("12"), "Too much", by=acting.person)


def pay(day: Day, amount: Decimal) -> None:
    visit = day.once("owing visit", lambda: day.visit(paid=False))
    with day.hospital.acting("reception") as acting:
        Payment.take(visit, amount, method="cash", by=acting.person)


@happens("user:signed_in", "somebody enters")
def enters(day: Day) -> None:
    day.hospital.client("pharmacy").get(f"{day.hospital.url}/stock/")


@happens("user:changed", "somebody gets a role")
def gets_a_role(day: Day) -> None:
    person = Person.objects.create(email=f"nora@{day.hospital.mark}.example", name="Nora")
    with day.hospital.acting("admin"):
        Membership.grant(person, "reception")


@happens("user:changed", "a role ends")
def loses_a_role(day: Day) -> None:
    with day.hospital.acting("admin"):
        Membership.objects.get(person__email=f"nora@{day.hospital.mark}.example").end()

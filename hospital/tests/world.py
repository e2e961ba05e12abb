"""A hospital at work, for the tests that go through the whole house: one row at least of everything, in each state.

Each text of a patient carries the hospital's mark, so that any byte of it is recognised elsewhere.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from billing.models import (
    Claim,
    CreditNote,
    Drawer,
    DunningStep,
    Invoice,
    Package,
    Payment,
    Price,
    Purse,
    Refund,
    Reminder,
)
from billing.models.invoice import billable
from billing.tests.authorisations import furnish as furnish_authorisations
from billing.tests.claims import furnish_world as furnish_claim
from billing.tests.remittance_world import furnish_remittances
from clinical import lab_catalogue
from clinical.models import (
    Allergy,
    Batch,
    Confirmation,
    Document,
    Immunization,
    LabTest,
    MedicationStatement,
    Medicine,
    Merge,
    Observation,
    Patient,
    PatientContact,
    PatientRelation,
    Policy,
    Prescription,
    Problem,
    Procedure,
    Tag,
    Visit,
)
from clinical.reconciling import reconcile
from clinical.tests.biopsies import furnish as furnish_biopsies
from clinical.tests.dispensary import load_codes
from clinical.tests.messages import adt, oru, send
from clinical.tests.notes import furnish
from hospital.models import Absence, Invitation, Person, Role
from hospital.tests.hospital import Hospital
from realtime.alerts.models import Ladder, Preference
from realtime.tests.alarms import critical_value
from scheduling.tests.furniture import Furniture

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class World:
    """`World(hospital)` furnishes it: a patient and a visit at each station of the way."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.mark = hospital, f"CNRY{hospital.mark}"
        self.visits: dict[str, Visit] = {}
        load_codes()
        with hospital.acting():
            self.shelves()
            self.tests = list(LabTest.objects.filter(kind="numeric").order_by("code")[:2])
        for station in (
            "registered",
            "paid",
            "checked",
            "lab_pending",
            "resulted",
            "lab_done",
            "diagnosed",
            "prescribed",
            "done",
            "cancelled",
        ):
            self.visits[station] = self.walk(station)
        self.note = furnish(hospital, self.mark, over=self.visits["diagnosed"], going_on=self.visits["prescribed"])
        self.biopsies = furnish_biopsies(hospital, self.mark)
        self.authorisations = furnish_authorisations(hospital, self.mark)
        furnish_remittances(hospital, self.mark)
        self.claim = self.claimed()
        self.alarm()
        self.post()
        self.doubles()
        self.money()
        self.desk = Furniture(hospital, self.mark, self.patient)

    def shelves(self) -> None:
        lab_catalogue.install()
        self.medicine = Medicine(
            code=f"AMOX-{self.mark}", name="Amoxicillin", form="capsule", strength="500 mg", unit="capsule", low_at=5
        )
        self.medicine.save()
        Batch.receive(
            self.medicine,
            lot=f"LOT-{self.mark}",
            expires_on=timezone.localdate() + timedelta(days=300),
            quantity=100,
            by=None,
        )
        Price(kind="consultation", code="consultation", amount=Decimal("40.00"), valid_from=date(2020, 1, 1)).save()
        Invitation.issue(
            email=f"new@{self.hospital.mark}.example", name=f"New {self.mark}", role=Role.objects.first(), by=None
        )

    def alarm(self) -> None:
        """A critical value waits for an answer, and somebody is away."""
        critical_value(self.hospital, "9.0", self.patient("alarm"))
        with self.hospital.acting():
            Absence(person=self.hospital.pharmacy).declare(by=None)
            Ladder.objects.create()
            Preference.of(self.hospital.checker_doctor, "checker_doctor")

    def claimed(self) -> Claim:
        """Of the signed note."""
        with self.hospital.acting():
            note = self.visits["diagnosed"].encounters.get(signed_at__isnull=False)
        return furnish_claim(self.hospital, self.mark, note)

    def money(self) -> None:
        """An invoice in each state, a credit note, a letter, a deposit, a drawer that was closed and an open one, a package."""
        with self.hospital.acting("admin") as acting:
            DunningStep.objects.create(level=1, name="Reminder", days=1, text="{patient} owes {open}.")
            Package.objects.create(name=f"Package {self.mark}", amount=Decimal(30))
            self.invoices = {at: self.invoice(at, acting.person) for at in ("draft", "issued", "cancelled", "credited")}
            Drawer.open_for(acting.person, Decimal(100)).close({"50": 2}, by=acting.person)
            Drawer.open_for(acting.person, Decimal(100))
            Purse.deposit(self.visits["registered"].patient, Decimal(15), method="card", by=acting.person)

    def invoice(self, at: str, by: Person) -> Invoice:
        patient = self.patient(f"asked {at}")
        Visit.register(patient, complaint=f"Cough {self.mark}", by=by)
        invoice = Invoice.draft(patient, billable(patient), note=f"Note {self.mark}", by=by)
        if at == "cancelled":
            invoice.cancel(f"Wrong {self.mark}", by=by)
        elif at != "draft":
            invoice.issue(by=by)
        if at == "credited":
            line = invoice.lines.get()
            CreditNote.write(invoice, {line.pk: Decimal(5)}, f"Less {self.mark}", by=by)
            Reminder.objects.create(
                serial=1,
                invoice=invoice,
                level=1,
                name="Reminder",
                text=f"Owes {self.mark}",
                owed=Decimal(35),
                written_by=by,
            )
        return invoice

    def doubles(self) -> None:
        """Two records that are alike, a third that was merged; a contact, a relation, a tag."""
        one, other, third = (self.patient(station) for station in ("double", "doubles", "gone"))
        with self.hospital.acting("reception") as acting:
            contact = {"name": f"Neighbour {self.mark}", "relationship": f"neighbour {self.mark}"}
            PatientContact.record(one, by=acting.person, **contact)
            PatientRelation.record(one, other, "sibling", by=acting.person, note=f"Half {self.mark}")
            Merge.make(third, other, by=acting.person)
            Patient.register_unknown(by=acting.person, sex="male")
        with self.hospital.acting("admin") as acting:
            Tag.add(by=acting.person, name=f"Tag {self.mark}"[:30], tone="warn")

    def post(self) -> None:
        """Messages of another system: one that waits for a patient, and one with a code that nobody knows."""
        name = f"Ng {self.mark}^Ada"
        send(self.hospital, adt("A28", f"1^^^CITY^MR||{name}||19400304|F"))
        send(self.hospital, oru("OBR|1||F1|X^X^L", "OBX|1|NM|X^X^L||1||||||F", person=f"1^^^CITY^MR||{name}"))
        send(self.hospital, adt("A08", f"2^^^CITY^MR||{name}||19400304|F"))

    def patient(self, station: str) -> Patient:
        with self.hospital.acting("reception") as acting:
            patient = Patient.register(
                by=acting.person,
                given_name="Ida",
                family_name=f"{station.title()} {self.mark}",
                sex="female",
                birth_date=date(1980, 5, 17),
            )
            card = {"insurer": f"Mutual {self.mark}", "member_number": f"NM {self.mark}", "copay": Decimal("15.00")}
            policy = Policy.record(patient, by=acting.person, **card)
            policy.verify(by=acting.person, until=policy.good_until)
            Confirmation.record(patient, Confirmation.What.DETAILS, by=acting.person)
        with self.hospital.acting():
            Allergy(patient=patient, substance=f"Latex {self.mark}").save()
            Problem(patient=patient, text=f"Asthma {self.mark}").save()
            statement = MedicationStatement.record(patient, by=None, text=f"Cough drops {self.mark}", status="active")
            reconcile(patient, statement, "continue", f"Cough {self.mark}", by=None)
            Immunization.record(patient, by=None, text=f"Fever vaccine {self.mark}")
            Procedure.record(patient, by=None, text=f"Dressing {self.mark}")
            Observation.take_vitals(patient, {"8867-4": Decimal(72)}, by=None, at=timezone.now(), note=self.mark)
            Document.upload(
                SimpleUploadedFile(f"letter {self.mark}.pdf", PDF),
                patient=patient,
                by=None,
                title=f"Letter {self.mark}",
            )
        return patient

    def walk(self, station: str) -> Visit:
        """Take a new visit to this station, each step by its role."""
        patient = self.patient(station)
        with self.hospital.acting("reception") as acting:
            visit = Visit.register(patient, complaint=f"Cough {self.mark}", by=acting.person)
            if station == "cancelled":
                visit.cancel(f"Went home {self.mark}", by=acting.person)
            elif station != "registered":
                payment = Payment.take(visit, Decimal("40.00"), method="cash", by=acting.person)
                if station == "paid":
                    Refund.request(payment, Decimal("5.00"), f"Charged twice {self.mark}", by=acting.person)
        if station in ("registered", "cancelled", "paid"):
            return visit
        to_laboratory = station in ("lab_pending", "resulted", "lab_done")
        with self.hospital.acting("checker_doctor") as acting:
            visit.examine(
                by=acting.person,
                symptoms=f"Fever {self.mark}",
                findings="",
                vitals={},
                tests=self.tests if to_laboratory else [],
            )
        if to_laboratory:
            self.work_in_laboratory(visit, station)
        elif station != "checked":
            self.consult(visit, station)
        return visit

    def work_in_laboratory(self, visit: Visit, station: str) -> None:
        if station == "lab_pending":
            return
        with self.hospital.acting("lab_technician") as acting:
            for order in visit.lab_orders.all():
                for step in (order.collect, order.receive, order.begin):
                    step(by=acting.person)
                order.enter_result(middle_of(order.test), by=acting.person, note=f"Note {self.mark}")
                if station == "lab_done":
                    order.release(by=acting.person)

    def consult(self, visit: Visit, station: str) -> None:
        with self.hospital.acting("main_doctor") as acting:
            visit.diagnose(by=acting.person, diagnoses=[{"code": "J18.9", "title": f"Pneumonia {self.mark}"}])
            if station == "diagnosed":
                return
            prescription = Prescription.write(
                visit,
                [{"medicine": self.medicine, "quantity": 10, "dose": f"1 {self.mark}", "frequency": "twice a day"}],
                by=acting.person,
            )
            prescription.sign(by=acting.person)
        if station == "done":
            with self.hospital.acting("pharmacy") as acting:
                prescription.dispense_all(by=acting.person)


def middle_of(test: LabTest) -> str:
    """A plausible value for a numeric test."""
    limits = test.ranges.exclude(low=None).exclude(high=None).first()
    return f"{(limits.low + limits.high) / 2:.{test.decimals}f}" if limits else "1"

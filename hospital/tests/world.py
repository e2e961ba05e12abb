"""A hospital at work, for the tests that go through the whole house: one row at least of everything, in each state.

Each text of a patient carries the hospital's mark, so that any byte of it is recognised elsewhere.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from billing.models import Payment, Price
from clinical import lab_catalogue
from clinical.models import (
    Allergy,
    Batch,
    Confirmation,
    Document,
    LabTest,
    Medicine,
    Patient,
    Policy,
    Prescription,
    Problem,
    Visit,
)
from clinical.tests.dispensary import load_codes
from hospital.models import Absence, Invitation, Role
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
        self.alarm()
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
                Payment.take(visit, Decimal("40.00"), method="cash", by=acting.person)
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

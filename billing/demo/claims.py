"""The claims desk of a hospital in the United States: claims at each step, a file that was sent, and what came back."""

from __future__ import annotations

from datetime import timedelta

from billing.claims import drafting, scrubber, sending
from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.demo.notes import GENERAL
from billing.models import CONSULTATION, BillingIdentity, Claim, Kind, Price, ProcedureCode, ProviderNumber, Void
from clinical.models import Encounter, NoteTemplate, Patient, Policy, Visit
from clinical.models.payer import Payer
from hospital.models import Person

PROCEDURES = {
    "GLU": "82947",
    "HBA1C": "83036",
    "CREA": "82565",
    "HB": "85018",
    "WBC": "85048",
    "PLT": "85049",
    "CRP": "86140",
    "TSH": "84443",
    "K": "84132",
    "NA": "84295",
    "FERR": "82728",
    "UCULT": "87086",
    "UPRO": "81003",
    "UGLU": "81003",
}
PAYERS = (("Evergreen Health Plan", "EVG01", 90), ("Harbor Mutual", "61101", 14))
STREETS = ("12 Maple Street", "408 Worthington Street", "77 Sumner Avenue", "1350 Main Street", "9 Belmont Avenue")
# How far each claim has come; the last ones have been sent.
STEPS = ("draft", "no address", "scrubbed", "ready", "ready", "sent", "sent", "accepted", "in_process", "rejected")


class Claims:
    """After the notes. Elsewhere claims have other forms."""

    def __init__(self, day: Day, clock: Clock) -> None:
        self.day, self.clock, self.now = day, clock, clock.at

    def write(self) -> None:
        if self.day.tenant.phone_region != "US":
            return
        with self.day.as_("billing") as by:
            self.set_up(by)
        payers = [self.payer(*one) for one in PAYERS]
        visits = self.visits()
        for at, (visit, step) in enumerate(zip(visits, STEPS, strict=False)):
            self.play(visit, payers[at % 2], step, at)
        self.send()
        self.clock.at = self.now

    def set_up(self, by: Person) -> None:
        BillingIdentity.objects.create(
            name="Riverside Hospital",
            npi="1912301953",
            tax_number="042103580",
            taxonomy="282N00000X",
            line="759 Chestnut Street",
            city="Springfield",
            state="MA",
            zip="011991000",
            contact=by.name,
            telephone="4135550100",
            sender_number="RIVERSIDE",
        )
        for role, npi in (("main_doctor", "1234567893"), ("checker_doctor", "1881692010")):
            ProviderNumber.objects.create(person=self.day.people[role], npi=npi, taxonomy="207R00000X")
        priced = Price.objects.order_by("kind", "code").values_list("kind", "code").distinct()
        for kind, code in priced:
            known = "99213" if code == CONSULTATION else PROCEDURES.get(code, "")
            if known or kind == Kind.MEDICINE:
                ProcedureCode.objects.create(kind=kind, code=code, procedure=known, is_claimed=bool(known))

    def payer(self, name: str, identifier: str, days: int) -> Payer:
        fields = {"identifier": identifier, "filing_days": days}
        with self.day.as_("billing"):
            return Payer.objects.get_or_create(name=name, defaults=fields)[0]

    def visits(self) -> list[Visit]:
        """Over, diagnosed, without a note yet, and each of another patient."""
        with self.day.as_("main_doctor") as doctor:
            rows = Visit.objects.filter(doctor=doctor, status=Visit.Status.DONE, encounters=None)
            diagnosed = rows.filter(diagnoses__withdrawn_at=None, patient__policies=None).distinct()
            found = {visit.patient_id: visit for visit in diagnosed.order_by("-registered_at")}
        return list(found.values())[: len(STEPS)]

    def play(self, visit: Visit, payer: Payer, step: str, at: int) -> None:
        self.clock.at = self.now - timedelta(hours=len(STEPS) - at)
        self.insure(visit.patient, payer, at, homeless=step == "no address")
        self.ask_the_insurer(visit)
        note = self.sign(visit)
        with self.day.as_("billing") as by:
            claim = drafting.begin(note, by=by)
            if step in ("draft",):
                return
            scrubber.scrub(claim, by=by)
            if step not in ("no address", "scrubbed") and claim.status == Claim.Status.SCRUBBED:
                scrubber.make_ready(claim, by=by)

    def insure(self, patient: Patient, payer: Payer, at: int, *, homeless: bool) -> None:
        home = {"line": "" if homeless else STREETS[at % len(STREETS)], "city": "Springfield", "state": "MA"}
        with self.day.as_("reception") as by:
            patient.lock()
            patient.change(by=by, **home, postal_code="01103")
            fields = {"member_number": f"{payer.identifier}{7040 + 13 * at}", "insurer": payer.name}
            policy = Policy.record(patient, by=by, **fields)
            if at % 4:
                policy.verify(by=by, until=policy.good_until)

    def ask_the_insurer(self, visit: Visit) -> None:
        """Reception had taken the patient for somebody who pays; otherwise nothing would be due from a payer."""
        with self.day.as_("billing") as by:
            for payment in visit.payments.filter(voids=None):
                Void.cancel(payment, "The patient is insured, and the insurer is asked first.", by=by)

    def sign(self, visit: Visit) -> Encounter:
        with self.day.as_("main_doctor") as doctor:
            note = Encounter.begin(visit, NoteTemplate.objects.get(key="general"), by=doctor)
            note.write({"assessment": GENERAL["assessment"], "advice": GENERAL["advice"]}, by=doctor)
            note.sign(by=doctor)
            return note

    def send(self) -> None:
        """The first ready ones wait for the next file."""
        with self.day.as_("billing") as by:
            ready = list(Claim.objects.filter(status=Claim.Status.READY).order_by("serial")[2:])
            batches = sending.submit(ready, by=by) if ready else []
        for batch in batches:
            sending.write(self.day.tenant, batch.pk)
        self.answer()

    def answer(self) -> None:
        words = {
            Claim.Status.ACCEPTED: "accepted for adjudication (A2 20)",
            Claim.Status.IN_PROCESS: "pending: in process (P1 3)",
            Claim.Status.REJECTED: "rejected: something is not valid (A7 164): member number",
        }
        with self.day.as_("billing"):
            sent = Claim.objects.filter(status=Claim.Status.SUBMITTED).order_by("-serial")
            for claim, (status, said) in zip(sent, words.items(), strict=False):
                claim.go(status, by=None, words=said, answer=said, payer_number=f"26{claim.serial:08}")

"""Prior authorisations in every state: drafted, asked back, granted and half used, near its end, denied and appealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from billing import eligibility
from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.models import Authorisation, BillingIdentity
from clinical import days
from clinical.models import AppealLevel, AuthorisationRule, Patient, Payer, Policy
from realtime.alerts.models import Alert

PAYER = "Evergreen Health Plan"
LEVELS = (("Reconsideration", 60), ("Second review", 45), ("External review", 120))
RULES = (("9692*", "Photos, and what was tried before"), ("J*", "Weight, and the last laboratory values"))


@dataclass(frozen=True)
class Tale:
    """`steps` are played one after the other, a day apart."""

    code: str
    service: str
    units: int
    why: str
    steps: tuple[str, ...] = ()
    left: int = 60
    used: int = 0


LASER = ("96920", "Laser treatment of plaques, less than 250 cm²")
TALES = (
    Tale(*LASER, 6, "Plaques on both elbows; two creams for eight weeks each brought no relief."),
    Tale("J0135", "Adalimumab, 20 mg", 24, "Severe psoriasis; methotrexate was not tolerated.", ("submit", "more")),
    Tale("96910", "Phototherapy with tar", 20, "Widespread eczema; ointments did not suffice.", ("submit", "wait")),
    Tale(*LASER, 8, "Plaques on both knees, painful.", ("submit", "wait", "approve"), 75, 5),
    Tale("J1745", "Infliximab, 10 mg", 40, "Active disease in spite of two remedies.", ("submit", "approve"), 6, 30),
    Tale("96922", "Laser treatment, over 500 cm²", 4, "Plaques on the back.", ("submit", "deny", "appeal")),
    Tale("11102", "Biopsy of the skin", 2, "A mole that has changed.", ("submit", "approve"), 20, 2),
)


class Authorisations:
    """After the claims, which bring the insurers."""

    def __init__(self, day: Day, clock: Clock) -> None:
        self.day, self.clock, self.now = day, clock, clock.at

    def write(self) -> None:
        if self.day.tenant.phone_region != "US":
            return
        payer = self.payer()
        for patient, tale in zip(self.patients(), TALES, strict=False):
            self.play(self.insure(patient, payer), tale)
        self.clock.at = self.now
        self.ask()

    def payer(self) -> Payer:
        with self.day.as_("billing"):
            payer = Payer.objects.named(PAYER) or Payer.objects.create(name=PAYER, identifier="EVG01")
            payer.phone, payer.address, payer.city = "+1 413 555 0180", "PO Box 4400", "Springfield"
            payer.save()
            for level, (name, within) in enumerate(LEVELS, start=1):
                AppealLevel.objects.create(payer=payer, level=level, name=name, days=within)
            for code, note in RULES:
                AuthorisationRule.objects.create(payer=payer, code=code, note=note)
        return payer

    def patients(self) -> list[Patient]:
        with self.day.as_("billing"):
            free = Patient.objects.filter(policies=None, is_restricted=False, merged_into=None, deceased_at=None)
            return list(free.exclude(visits=None).order_by("mrn").distinct()[: len(TALES)])

    def insure(self, patient: Patient, payer: Payer) -> Policy:
        with self.day.as_("reception") as by:
            number = f"EVG{patient.mrn:06}"
            return Policy.record(patient, by=by, insurer=payer.name, member_number=number)

    def play(self, policy: Policy, tale: Tale) -> None:
        self.clock.at = self.now - timedelta(days=len(tale.steps) + 1)
        with self.day.as_("main_doctor") as doctor:
            about = {"code": tale.code, "service": tale.service, "units": Decimal(tale.units), "doctor": doctor}
            row = Authorisation.request(policy.patient, policy, by=doctor, justification=tale.why, **about)
        for step in tale.steps:
            self.clock.at += timedelta(days=1)
            getattr(self, step)(row, tale)
        if tale.used:
            self.use(row, tale)

    def submit(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            row.submit("By the portal, with two photos.", by=by, answer_by=days.today() + timedelta(days=10))
            said = "They have it; an answer within ten days."
            row.write_down(by=by, way="phone", whom="Ms Alvarez", reference="C-20418", words=said)

    def wait(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            row.wait("With their doctor.", by=by, answer_by=days.today() + timedelta(days=7))

    def more(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            row.want_more("The last laboratory values and the weight.", by=by)

    def approve(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            today = days.day_of(self.now)
            first, last = today - timedelta(days=90), today + timedelta(days=tale.left)
            row.approve(Decimal(tale.units), first, last, f"EA-{77000 + row.serial}", by=by)

    def deny(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            row.deny("Conservative treatment is not documented.", by=by)
        with self.day.as_("main_doctor") as doctor:
            for alert in Alert.objects.open().filter(object_id=row.pk):
                words = "Photos and the former notes go to the insurer today."
                alert.acknowledge(by=doctor, role="main_doctor", done=Alert.Done.ACTED, text=words)

    def appeal(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            row.appeal("Eight weeks of two creams are in the notes of spring.", by=by)

    def use(self, row: Authorisation, tale: Tale) -> None:
        with self.day.as_("billing") as by:
            first = days.today() - timedelta(days=80)
            parts = min(tale.used, 5)
            for number in range(parts):
                units = tale.used // parts
                row.use(Decimal(units), first + timedelta(days=14 * number), by=by, note="As in the note")

    def ask(self) -> None:
        """Two questions to the insurer wait for its answer."""
        with self.day.as_("reception") as by:
            if BillingIdentity.ours() is None:
                return
            rows = Policy.objects.in_use().filter(insurer=PAYER, verified_at=None).select_related("patient", "payer")
            for policy in rows.order_by("created_at")[:2]:
                eligibility.ask(policy, by=by)

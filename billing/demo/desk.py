"""At the desk: invoices in each state, one that is long overdue, a deposit, drawers, a package, rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.models import (
    CONSULTATION,
    Account,
    CreditNote,
    DeskRules,
    Drawer,
    DunningStep,
    Invoice,
    Kind,
    Package,
    PackageItem,
    Payment,
    Purse,
    Refund,
    Reminder,
)
from billing.models.account import open_accounts
from billing.models.invoice import billable, creditable
from billing.models.reminder import to_remind
from clinical.models import Patient, Visit
from hospital.models import Person
from hospital.tenancy import acting_for

STEPS = (
    (1, "Reminder", 7, "Dear {patient},\n\nour invoice {invoice} of {issued} was to be paid until {due}. {open} is still open.\n\nIf you have paid meanwhile, nothing more is to be done."),
    (2, "Second reminder", 14, "Dear {patient},\n\n{open} of our invoice {invoice} is still open. Write or call us if you would rather pay in parts."),
)  # fmt: skip
LONG_AGO = timedelta(days=100)


class Desk:
    def __init__(self, day: Day, clock: Clock, now: datetime, own: list[Patient]) -> None:
        self.day, self.clock, self.now = day, clock, now
        with acting_for(day.tenant):
            rows = Patient.objects.filter(pk__in=[one.pk for one in own], deceased_at=None, merged_into=None)
            self.own = list(rows.filter(is_restricted=False, is_unidentified=False).order_by("pk"))

    def work(self) -> None:
        self.rules()
        self.overdue()
        self.clock.at = self.now
        self.drawers()
        self.invoices()
        self.deposit()

    def rules(self) -> None:
        with self.day.as_("billing"):
            DeskRules.objects.create(discount_limit=Decimal(20))
            for level, name, days, text in STEPS:
                DunningStep.objects.create(level=level, name=name, days=days, text=text)
            check_up = Package.objects.create(name="Check-up with glucose", amount=Decimal(65))
            PackageItem.objects.create(package=check_up, kind=Kind.CONSULTATION, code=CONSULTATION)
            PackageItem.objects.create(package=check_up, kind=Kind.TEST, code="GLU")

    def overdue(self) -> None:
        """Somebody who came once, a hundred days ago, and has had one letter."""
        self.clock.at = self.now - LONG_AGO
        with self.day.as_("reception") as by:
            visit = Visit.register(self.own[-1], complaint="Certificate for work", by=by)
            visit.override_gate("Pays by invoice.", by=by)
        with self.day.as_("checker_doctor") as by:
            visit.examine(by=by, symptoms="None", findings="Healthy", vitals={}, tests=[])
        with self.day.as_("main_doctor") as by:
            visit.diagnose(by=by, diagnoses=[{"code": "Z71.3"}])
            visit.finish_consultation(by=by)
        with self.day.as_("billing") as by:
            charge = visit.charges.get()
            if charge.needs_price:
                charge.set_price(Decimal(45), by=by)
            Invoice.draft(visit.patient, visit.charges.all(), by=by).issue(by=by)
        self.clock.at = self.now - timedelta(days=30)
        with self.day.as_("billing") as by:
            for row, _ in to_remind():
                Reminder.write(row, by=by)

    def issue(self, patient: Patient, by: Person) -> Invoice:
        invoice = Invoice.draft(patient, billable(patient), by=by)
        invoice.issue(by=by)
        return invoice

    def drawers(self) -> None:
        with self.day.as_("reception") as by:
            drawer = Drawer.open_for(by, Decimal(150))
            drawer.move(Decimal(-50), "To the safe", by=by)
            drawer.close({"50": 1, "20": 2, "5": 1, "2": 2}, "One dollar less: a coin was given twice.", by=by)
            Drawer.open_for(by, Decimal(100))

    def invoices(self) -> None:
        """Of those who owe: a draft, an issued one, one with a credit note, one that is paid, one that was cancelled."""
        owing = [visit.patient for visit in open_accounts().filter(due__gt=0).select_related("patient")[:8]]
        patients = [one for one in dict.fromkeys(owing) if one != self.own[-1] and billable(one).exists()]
        with self.day.as_("billing") as by:
            for patient, act in zip(
                patients, (self.draft, self.issue, self.credit, self.settle, self.cancel), strict=False
            ):
                act(patient, by)

    def draft(self, patient: Patient, by: Person) -> None:
        Invoice.draft(patient, billable(patient), note="To be sent to the employer.", by=by)

    def credit(self, patient: Patient, by: Person) -> None:
        invoice = self.issue(patient, by)
        line = invoice.lines.order_by("position")[0]
        amount = min(Decimal(5), creditable([line])[line])
        CreditNote.write(invoice, {line.pk: amount}, "Waited for more than an hour.", by=by)

    def settle(self, patient: Patient, by: Person) -> None:
        for line in self.issue(patient, by).lines.select_related("charge__visit"):
            if due := Account(line.charge.visit).due:
                Payment.take(line.charge.visit, due, method="cash", by=by)

    def cancel(self, patient: Patient, by: Person) -> None:
        self.issue(patient, by).cancel("Addressed to the wrong person.", by=by)

    def deposit(self) -> None:
        with self.day.as_("reception") as by:
            payment = Purse.deposit(self.own[0], Decimal(200), method="card", reference="481516", by=by)
            Refund.request(payment, Decimal(50), "The second treatment is not wanted.", by=by)

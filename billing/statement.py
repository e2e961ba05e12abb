"""What a patient was asked for and paid, line after line, with the balance: sums of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from billing.models import Book, Charge, JournalEntry, Payment, Refund
from billing.money import ZERO, spoken
from clinical.models import Patient
from clinical.reports.period import Period

# What somebody owes, less what is theirs: together the balance.
OF_PATIENTS = (Book.RECEIVABLE, Book.CREDIT, Book.DEPOSITS, Book.REFUNDS)
Kind = JournalEntry.Kind
NET = F("lines__debit") - F("lines__credit")
# What an entry is called that takes from what the patient owes, where its kind says the opposite.
TURNED = {Kind.TO_PATIENT: "Credited after the decision of the payer"}


@dataclass(frozen=True)
class Line:
    at: datetime
    words: str
    visit: str
    amount: Decimal  # more than nothing is asked, less is paid or let off
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    patient: Patient
    period: Period
    before: Decimal
    lines: list[Line]

    @property
    def after(self) -> Decimal:
        return self.lines[-1].balance if self.lines else self.before

    @property
    def asks(self) -> str:
        """What it comes to, for whoever gets it."""
        if self.after > 0:
            return f"To be paid: {spoken(self.after)}."
        return "Nothing is to be paid." + (f" {spoken(-self.after)} is to your credit." if self.after else "")

    @property
    def asked(self) -> Decimal:
        return sum((line.amount for line in self.lines if line.amount > 0), ZERO)

    @property
    def paid(self) -> Decimal:
        return -sum((line.amount for line in self.lines if line.amount < 0), ZERO)


def entries_of(patient: Patient) -> QuerySet:
    """Each with `net`: by how much it changes what the patient owes."""
    own = JournalEntry.objects.filter(Q(visit__patient=patient) | Q(patient=patient))
    return own.annotate(net=Sum(NET, filter=Q(lines__account__book__in=OF_PATIENTS))).exclude(net=0)


def statement_of(patient: Patient, period: Period) -> Statement:
    """Five queries, however long it is."""
    rows = entries_of(patient)
    before = sum(rows.filter(at__lt=period.start).order_by().values_list("net", flat=True), ZERO)
    inside = list(rows.filter(period.has("at")).select_related("visit").order_by("at", "pk"))
    return Statement(patient, period, before, list(running(inside, before)))


def running(entries: list[Any], balance: Decimal) -> Iterator[Line]:
    named = names_of(entries)
    for entry in entries:
        balance += entry.net
        yield Line(entry.at, words_of(entry, named), entry.visit.number if entry.visit else "", entry.net, balance)


def kind_of(entry: Any) -> str:
    turned = TURNED.get(entry.kind) if entry.net < 0 else None
    return turned or entry.get_kind_display()


def words_of(entry: Any, named: dict) -> str:
    what, name = kind_of(entry), named.get(entry.source_id, "")
    if entry.kind == Kind.CHARGE:
        return name or what
    return f"{what}: {name}" if name else what


def names_of(entries: list[JournalEntry]) -> dict:
    """What each entry is about: the text of a charge, the number of a receipt."""
    keys = [entry.source_id for entry in entries]
    named = {row.pk: row.text for row in Charge.objects.filter(pk__in=keys)}
    named |= {row.pk: row.number for row in Payment.objects.filter(pk__in=keys)}
    refunds = Refund.objects.filter(pk__in=keys).select_related("payment")
    return named | {row.pk: row.payment.number for row in refunds}

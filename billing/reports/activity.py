"""What happened last, read from the audit log: it knows how each step was when it was taken, and who took it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Model, Q
from django.urls import reverse
from django.utils import timezone

from billing.models import Payment
from billing.money import spoken
from clinical.models import LabOrder, Patient, Prescription, Visit
from hospital.models import AuditEntry, Person

LOOK_BACK = timedelta(days=2)
Words = Callable[[dict], str]


@dataclass(frozen=True)
class Entry:
    at: datetime
    icon: str
    title: str
    url: str
    by: str


@dataclass(frozen=True)
class Told:
    """A table whose lines are told: those that carry the field, in these words."""

    field: str
    icon: str
    words: Words


def status_in(model: type[Model], prefix: str = "") -> Words:
    labels = dict(getattr(model._meta.get_field("status"), "flatchoices", ()))
    return lambda after: f"{prefix}{labels.get(after['status'], after['status']).lower()}"


def words_of_prescription(after: dict) -> str:
    """Whoever ends a visit has not dispensed what was given before."""
    if after["status"] == Prescription.Status.PARTLY and after.get("end_reason"):
        return "rest of a prescription cancelled"
    return status_in(Prescription, "prescription ")(after)


TOLD = {
    Patient._meta.db_table: Told("mrn", "user-plus", lambda after: "registered as a patient"),
    Visit._meta.db_table: Told("status", "clipboard-list", status_in(Visit, "visit ")),
    LabOrder._meta.db_table: Told("status", "flask", status_in(LabOrder, "test ")),
    Prescription._meta.db_table: Told("status", "pill", words_of_prescription),
    Payment._meta.db_table: Told("amount", "cash", lambda after: f"{spoken(Decimal(str(after['amount'])))} received"),
}
UNSIGNED = Q(table=Prescription._meta.db_table, after__status=Prescription.Status.DRAFT)


def latest(count: int = 12) -> list[Entry]:
    """The last steps of patients through the house, newest first. Three queries."""
    told = Q()
    for table, one in TOLD.items():
        told |= Q(table=table, after__has_key=one.field)
    lines = list(
        AuditEntry.objects.filter(told, id__gte=first_key(timezone.now() - LOOK_BACK)).exclude(UNSIGNED)[:count]
    )
    patients = Patient.objects.in_bulk({line.patient_id for line in lines if line.patient_id})
    people = Person.objects.in_bulk({line.person_id for line in lines if line.person_id})
    return [
        entry_of(line, patients[line.patient_id], people.get(line.person_id))
        for line in lines
        if line.patient_id in patients
    ]


def entry_of(line: AuditEntry, patient: Patient, person: Person | None) -> Entry:
    told = TOLD[line.table]
    title = f"{patient.name}: {told.words(line.after or {})}"
    return Entry(
        line.at, told.icon, title, reverse("clinical:patient", args=[patient.pk]), person.name if person else ""
    )


def first_key(moment: datetime) -> uuid.UUID:
    """The smallest key (UUIDv7) that can be given at this moment, so that the log is not read to its beginning."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)

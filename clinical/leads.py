"""What a scanner reads from a label, a wristband or a slip leads straight to what it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.urls import reverse

from clinical import accession
from clinical.models import Biopsy, BiopsyPart, LabOrder, Patient, Specimen, Visit
from hospital.context import Acting
from hospital.workflow import Refused

PATIENT = re.compile(r"\AP-?0*(\d{1,12})\Z", re.IGNORECASE)
ORDER = re.compile(r"\AL-?0*(\d{1,12})\Z", re.IGNORECASE)
BIOPSY = re.compile(r"\ABX-?0*(\d{1,12})\Z", re.IGNORECASE)
VISIT = re.compile(r"\AV-?0*(\d{1,12})\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Leads:
    """Where a code leads, in words."""

    url: str
    icon: str
    label: str


def address(code: str, acting: Acting) -> Leads | None:
    """Only the whole code, as it is printed: whatever is typed in parts is searched for."""
    return of_patient(code) or of_visit(code, acting) or of_biopsy(code, acting) or of_laboratory(code, acting)


def of_patient(code: str) -> Leads | None:
    match = PATIENT.match(code)
    patient = Patient.objects.filter(mrn=int(match[1])).first() if match else None
    if patient is None:
        return None
    now_is = patient.current
    return Leads(now_is.get_absolute_url(), "user", f"{now_is.name}, {now_is.number}")


def of_visit(code: str, acting: Acting) -> Leads | None:
    match = VISIT.match(code)
    if match is None or not acting.may("clinical.view_visit"):
        return None
    visit = Visit.objects.filter(serial=int(match[1])).select_related("patient").first()
    return Leads(visit.get_absolute_url(), "clipboard-text", f"{visit.number}, {visit.patient.name}") if visit else None


def of_biopsy(code: str, acting: Acting) -> Leads | None:
    """By its own number, or by the label of a container, a block or a slide."""
    if not acting.may("clinical.view_biopsy"):
        return None
    match = BIOPSY.match(code)
    biopsy = Biopsy.objects.filter(serial=int(match[1])).first() if match else biopsy_of_label(code)
    return Leads(biopsy.get_absolute_url(), "microscope", f"Biopsy {biopsy.number}") if biopsy else None


def biopsy_of_label(code: str) -> Biopsy | None:
    try:
        part = BiopsyPart.by_label(code)
    except Refused:
        return None
    return part.biopsy if part else None


def of_laboratory(code: str, acting: Acting) -> Leads | None:
    if not (acting.may("clinical.process_lab") or acting.may("clinical.view_results")):
        return None
    return of_order(code) or of_specimen(code)


def of_order(code: str) -> Leads | None:
    match = ORDER.match(code)
    order = LabOrder.objects.filter(accession=int(match[1])).select_related("test").first() if match else None
    return Leads(its_laboratory(order), "flask", f"{order.number}, {order.test.name}") if order else None


def of_specimen(code: str) -> Leads | None:
    try:
        serial = accession.parse(code)
    except accession.BadAccession:
        return None
    specimen = Specimen.objects.filter(serial=serial).first()
    return Leads(its_laboratory(specimen), "flask", f"Specimen {accession.in_words(serial)}") if specimen else None


def its_laboratory(row: LabOrder | Specimen) -> str:
    return reverse("clinical:lab_visit", args=[row.visit_id])

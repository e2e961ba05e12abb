"""Letters in two versions, a photo, one paper for doctors only, and the restricted chart of a colleague."""

from __future__ import annotations

import io
from functools import partial

from django.core.files.base import ContentFile
from fpdf import FPDF
from PIL import Image, ImageDraw

from billing.demo.day import Day
from clinical.models import ChartGrant, Document, Patient, Visit

LETTER = "Dear colleague,\n\nthank you for referring your patient, whom we saw today.\n\n{}\n\nWith kind regards"


class Papers:
    def __init__(self, day: Day) -> None:
        self.day = day

    def file(self) -> None:
        patients = Patient.objects.filter(merged_into=None, deceased_at=None, visits__isnull=False).distinct()
        first, last = patients.order_by("mrn").first(), patients.order_by("mrn").last()
        if first is None or last is None:
            return
        self.letters(first)
        if last != first and not last.visits.filter(ended_at=None).exists():
            self.restrict(last)

    def letters(self, patient: Patient) -> None:
        with self.day.as_("main_doctor") as doctor:
            file = partial(Document.upload, patient=patient, by=doctor)
            of_heart = partial(file, title="Letter of the cardiologist", category=Document.Category.REFERRAL)
            former = of_heart(letter("The echocardiogram is still to come."))
            of_heart(letter("The echocardiogram is normal."), former=former, tags=["cardiology", "echo"])
            words = letter("The lesion needs an excision.")
            file(words, title="Suspicion, not yet told", for_whom=Document.ForWhom.DOCTORS)
        with self.day.as_("reception") as desk:
            visit = Visit.objects.filter(patient=patient).first()
            file = partial(Document.upload, patient=patient, by=desk)
            file(card(), visit=visit, title="Insurance card", category=Document.Category.IDENTITY)

    def restrict(self, patient: Patient) -> None:
        with self.day.as_("admin") as admin:
            patient.restrict("Works in this house", by=admin)
        with self.day.as_("main_doctor") as doctor, self.day.as_("admin") as admin:
            ChartGrant.give(patient, doctor, "Treats this patient", by=admin)


def letter(words: str) -> ContentFile:
    paper = FPDF()
    paper.add_page()
    paper.set_font("Helvetica", size=12)
    paper.multi_cell(0, 7, LETTER.format(words))
    return ContentFile(bytes(paper.output()), name="letter.pdf")


def card() -> ContentFile:
    picture = Image.new("RGB", (640, 400), "#dbeafe")
    ImageDraw.Draw(picture).text((40, 40), "NORTHERN MUTUAL\n\nMember 4711 0815", fill="#1e3a8a", font_size=36)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return ContentFile(content.getvalue(), name="card.png")

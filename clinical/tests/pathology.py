"""Biopsies on their way to a result, for tests."""

from __future__ import annotations

from typing import Any

from clinical.models import Biopsy, BiopsyReview, PathologyCode, PathologyLab, PathologyReport, Patient
from clinical.models.biopsy_taking import TIME_OUT
from clinical.tests.wards import a_patient, a_visit
from hospital.seals import raw
from hospital.tests.hospital import Hospital

STEPS = ("ordered", "collected", "sent", "received_by_lab", "processing")
MEANINGS = {
    "NEVUS": ("Melanocytic naevus", "benign", "none", "D22.9"),
    "MM": ("Melanoma, invasive", "malignant", "oncology", "C43.9"),
    "AK": ("Actinic keratosis", "pre_malignant", "treat", "L57.0"),
}
PLAN = {
    "plan": "Excision with 2 cm margin",
    "referral": "Oncology of the region",
    "staging": "pT2b, sentinel node to follow",
}


def codes(hospital: Hospital) -> dict[str, PathologyCode]:
    with hospital.acting("admin") as acting:
        for code, (name, malignancy, follow_up, icd10) in MEANINGS.items():
            fields = {"name": name, "malignancy": malignancy, "follow_up": follow_up, "icd10": icd10}
            PathologyCode.add(by=acting.person, code=code, **fields)
        return {row.code: row for row in PathologyCode.objects.all()}


def a_laboratory(hospital: Hospital, **fields: Any) -> PathologyLab:
    with hospital.acting():
        return PathologyLab.objects.get_or_create(name="North Pathology", defaults={"hl7_id": "NORTHPATH", **fields})[0]


def a_biopsy(hospital: Hospital, upto: str = "processing", *, patient: Patient | None = None) -> Biopsy:
    """Ordered by the doctor, and taken step by step to this status."""
    laboratory = a_laboratory(hospital)
    with hospital.acting("reception"):
        visit = a_visit(patient or a_patient())
    with hospital.acting("main_doctor") as acting:
        by = acting.person
        where = {"site": "upper_back", "laterality": "left", "x": "80", "y": "110"}
        biopsy = Biopsy.order(
            visit, by=by, specimens=["Mole"], laboratory=laboratory, kind="punch", question="Melanoma?", **where
        )
        with raw():  # what the patient says, also whose chart is closed
            number, born = visit.patient.number, visit.patient.birth_date
        biopsy.identify(number, born, by=by)
        biopsy.take_time_out(TIME_OUT, together_with="Nurse Ray", by=by)
        for part in biopsy.specimens:
            part.print_label(by=by)
        for step in STEPS[1 : STEPS.index(upto) + 1]:
            verbs = {"collected": "collect", "sent": "send", "received_by_lab": "receive", "processing": "process"}
            biopsy.refresh_from_db()
            getattr(biopsy, verbs[step])("Room 3", by=by)
    return biopsy


def reported(
    hospital: Hospital, code: PathologyCode | None, biopsy: Biopsy | None = None, **fields: Any
) -> PathologyReport:
    biopsy = biopsy or a_biopsy(hospital)
    with hospital.acting("lab_technician") as acting:
        return PathologyReport.enter(
            biopsy, by=acting.person, source="hand", code=code, **{"text": "Sections show…", **fields}
        )


def reviewed(hospital: Hospital, code: PathologyCode, report: PathologyReport | None = None, **fields: str) -> Biopsy:
    report = report or reported(hospital, code)
    with hospital.acting("main_doctor") as acting:
        biopsy = Biopsy.objects.get(pk=report.biopsy_id)
        BiopsyReview.sign(biopsy, code, code.follow_up, by=acting.person, **fields)
    return biopsy

"""A biopsy at each station of its loop, for the tests that go through the whole house."""

from __future__ import annotations

from django.http import QueryDict

from clinical import pathology_catalogue
from clinical.models import (
    Biopsy,
    BiopsyTelling,
    CourierManifest,
    Document,
    PathologyCode,
    PathologyReport,
    SavedFilter,
)
from clinical.tests.papers import png, upload
from clinical.tests.pathology import STEPS, a_biopsy, reported, reviewed
from clinical.tests.wards import a_patient
from hospital.tests.hospital import Hospital


def furnish(hospital: Hospital, mark: str) -> dict[str, Biopsy]:
    """Each in a visit and of a patient of its own; one was lost, one lies on a courier's list, one report is corrected."""
    with hospital.acting("admin"):
        pathology_catalogue.install()
        harmless = PathologyCode.objects.get(code="NEVUS")
    found = {status: taken(hospital, f"{status.replace('_', ' ').title()} {mark}", status) for status in STEPS}
    found["resulted"] = reported(hospital, harmless, taken(hospital, f"Resulted {mark}"), text=f"Rash {mark}").biopsy
    found["reviewed"] = reviewed(
        hospital, harmless, reported(hospital, harmless, taken(hospital, f"Reviewed {mark}")), note=f"Rash {mark}"
    )
    found["lost"] = taken(hospital, f"Lost {mark}", "sent")
    found["listed"] = taken(hospital, f"Listed {mark}", "collected")
    with hospital.acting("lab_technician") as acting:
        by = acting.person
        found["lost"].fail("lost", f"Bus {mark}", by=by)
        manifest = CourierManifest.begin(found["listed"].laboratory, by=by)
        manifest.add(found["listed"].specimens.select_related("biopsy").get(), by=by)
        found["processing"].specimens.select_related("biopsy").get().make(by=by, what=f"Half {mark}")
        PathologyReport.correct(
            found["resulted"], f"Ill {mark}", by=by, source="hand", code=harmless, text=f"Fever {mark}"
        )
    tell(hospital, mark, found)
    return {status: Biopsy(pk=row.pk, patient_id=row.patient_id) for status, row in found.items()}


def taken(hospital: Hospital, name: str, upto: str = "processing") -> Biopsy:
    with hospital.acting("reception"):
        patient = a_patient(given_name="Ida", family_name=f"Biopsy {name}")
    biopsy = a_biopsy(hospital, upto, patient=patient)
    with hospital.acting():
        return Biopsy.objects.get(pk=biopsy.pk)


def tell(hospital: Hospital, mark: str, found: dict[str, Biopsy]) -> None:
    """A call that nobody answered, a letter, a photo, a filter of the doctor's own."""
    with hospital.acting("main_doctor") as acting:
        by = acting.person
        BiopsyTelling.attempt(found["reviewed"], "phone", f"Nobody {mark}", by=by)
        BiopsyTelling.write(found["reviewed"], f"Letter {mark}", f"Letter {mark}", by=by)
        photo = Document.upload(
            upload(png(), f"rash {mark}.png"), patient=found["ordered"].patient, by=by, title=f"Rash {mark}"
        )
        found["ordered"].add_photo(photo, by=by)
        SavedFilter.keep("biopsies", f"List {mark}"[:40], QueryDict("late=1"), by=by)

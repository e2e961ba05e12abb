"""Whom a document is for, its versions, its tags, and the wrong patient."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import PermissionDenied
from PIL import Image

from clinical.models import Document, Patient
from clinical.tests.papers import pdf, png, upload
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry
from hospital.workflow import Refused


@pytest.fixture
def patient(alpha) -> Patient:
    with alpha.acting("reception"):
        return a_patient()


def filed(hospital, patient, content: bytes = b"", role: str = "lab_technician", **fields) -> Document:
    with hospital.acting(role) as acting:
        return Document.upload(upload(content or pdf()), patient=patient, by=acting.person, **fields)


def a_picture(hospital, patient, content: bytes = b"", name: str = "wound.png") -> Document:
    with hospital.acting("lab_technician") as acting:
        return Document.upload(upload(content or png(), name), patient=patient, by=acting.person)


def tiff() -> bytes:
    out = io.BytesIO()
    Image.new("CMYK", (30, 20)).save(out, "TIFF")
    return out.getvalue()


def page(hospital, role: str, patient, **query) -> str:
    return hospital.client(role).get(f"{hospital.url}/patients/{patient.pk}/documents/", query).content.decode()


class TestForWhom:
    def test_a_document_for_doctors_is_nothing_to_the_laboratory_and_to_the_administrator_all(self, alpha, patient):
        document = filed(alpha, patient, role="main_doctor", title="Suspicion", for_whom="doctors")
        for role, sees in {"checker_doctor": True, "lab_technician": False}.items():
            assert ("Suspicion" in page(alpha, role, patient)) is sees
            got = alpha.client(role).get(f"{alpha.url}/documents/{document.pk}/file/")
            assert got.status_code == (200 if sees else 404)

    def test_one_for_a_person_is_seen_by_that_person_and_by_whoever_filed_it(self, alpha, patient):
        document = filed(
            alpha, patient, title="Second opinion", for_whom="person", for_person=alpha.person("main_doctor")
        )
        for role, status in {"main_doctor": 200, "lab_technician": 200, "checker_doctor": 404, "admin": 404}.items():
            assert alpha.client(role).get(f"{alpha.url}/documents/{document.pk}/").status_code == status

    def test_the_form_asks_for_the_person(self, alpha, patient):
        document = filed(alpha, patient)
        answer = alpha.client("main_doctor").post(
            f"{alpha.url}/documents/{document.pk}/edit/",
            {"title": "x", "category": "other", "for_whom": "person", "for_person": "", "tags": ""},
        )
        assert answer.status_code == 422
        assert "Choose the person" in answer.content.decode()


class TestVersions:
    def test_a_new_version_takes_the_place_and_the_old_one_stays_behind_it(self, alpha, patient):
        first = filed(alpha, patient, title="Plan")
        address = f"{alpha.url}/documents/{first.pk}/version/"
        alpha.client("main_doctor").post(
            address, {"files": [upload(pdf(b"% 2"))], "category": "other", "title": "Plan"}
        )
        with alpha.acting():
            newest = Document.objects.get(number=2)
            assert list(newest.versions.values_list("number", flat=True)) == [2, 1]
            assert list(Document.objects.newest()) == [newest]
        old = alpha.client("main_doctor").get(f"{alpha.url}/documents/{first.pk}/").content.decode()
        assert "There is a newer version" in old
        assert f"/documents/{newest.pk}/" in old

    def test_of_two_new_versions_of_the_same_one_the_second_is_refused(self, alpha, patient):
        first = filed(alpha, patient)
        filed(alpha, patient, pdf(b"% 2"), former=first)
        with pytest.raises(Refused, match="newer version"):
            filed(alpha, patient, pdf(b"% 3"), former=first)


class TestFindingAndChanging:
    def test_words_of_the_title_and_of_the_tags_find_it(self, alpha, patient):
        filed(alpha, patient, title="Letter of Dr Brandt", tags=["cardiology"])
        filed(alpha, patient, pdf(b"% 2"), title="Consent")
        for query, found in {"brandt": True, "CARDIO letter": True, "cardio consent": False, "%": False}.items():
            assert ("Letter of Dr Brandt" in page(alpha, "main_doctor", patient, q=query)) is found, query

    def test_title_category_and_tags_are_changed_and_the_audit_says_so(self, alpha, patient):
        document = filed(alpha, patient, title="Scan")
        given = {"title": "MRI of the knee", "category": "imaging", "tags": "knee, left", "for_whom": "everybody"}
        given["version"] = str(document.version)
        alpha.client("main_doctor").post(f"{alpha.url}/documents/{document.pk}/edit/", given)
        with alpha.acting():
            document.refresh_from_db()
            assert (document.title, document.category, document.tags) == (
                "MRI of the knee",
                "imaging",
                ["knee", "left"],
            )
            assert AuditEntry.objects.filter(row_id=document.pk, after__title="MRI of the knee").exists()

    def test_pictures_and_pdfs_are_shown_sealed_in_the_page(self, alpha, patient):
        picture, paper = a_picture(alpha, patient), filed(alpha, patient, pdf(b"% shown"))
        client = alpha.client("main_doctor")
        assert "<img src=" in client.get(f"{alpha.url}/documents/{picture.pk}/").content.decode()
        assert "<iframe src=" in client.get(f"{alpha.url}/documents/{paper.pk}/").content.decode()
        shown = client.get(f"{alpha.url}/documents/{picture.pk}/preview/")
        assert shown["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert shown["Content-Disposition"].startswith("inline")
        scan = a_picture(alpha, patient, tiff(), "scan.tiff")
        png = client.get(f"{alpha.url}/documents/{scan.pk}/preview/")
        assert png.content.startswith(b"\x89PNG") and png["Content-Security-Policy"] == "sandbox; default-src 'none'"
        sealed = client.get(f"{alpha.url}/documents/{paper.pk}/preview/")
        assert "default-src 'none'" in sealed["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in sealed["Content-Security-Policy"]


class TestTheWrongPatient:
    def test_it_goes_to_the_right_one_with_all_versions_and_the_audit_says_why(self, alpha, patient):
        first = filed(alpha, patient)
        newest = filed(alpha, patient, pdf(b"% 2"), former=first)
        with alpha.acting("reception"):
            right = a_patient(given_name="Right")
        answer = alpha.client("admin").post(
            f"{alpha.url}/documents/{newest.pk}/reassign/", {"number": right.number, "reason": "Names mixed up"}
        )
        assert answer.status_code == 302
        with alpha.acting():
            assert {row.patient_id for row in Document.objects.all()} == {right.pk}
            [line, _] = AuditEntry.objects.filter(action="reassigned")
            assert line.patient_id == patient.pk
            assert line.after["reason"] == "Names mixed up"

    def test_who_may_only_read_and_file_may_not_move_it(self, alpha, patient):
        document = filed(alpha, patient)
        with alpha.acting("reception"):
            other = a_patient()
        for role in ("main_doctor", "lab_technician", "reception"):
            answer = alpha.client(role).post(
                f"{alpha.url}/documents/{document.pk}/reassign/", {"number": other.number, "reason": "x"}
            )
            assert answer.status_code == 403
        with alpha.acting("main_doctor") as acting, pytest.raises(PermissionDenied):
            document.reassign(other, "x", by=acting.person)

    def test_a_patient_of_another_hospital_has_no_such_number(self, alpha, beta, patient):
        document = filed(alpha, patient)
        answer = alpha.client("admin").post(
            f"{alpha.url}/documents/{document.pk}/reassign/", {"number": "P-999999", "reason": "x"}
        )
        assert answer.status_code == 422

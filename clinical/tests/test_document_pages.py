"""Uploading and opening documents, as a browser does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from clinical.models import Document, Patient
from clinical.tests.papers import pdf, png, upload
from clinical.tests.wards import a_patient, a_visit
from hospital.models import AuditEntry

HX = {"HX-Request": "true"}


@pytest.fixture
def patient(alpha) -> Patient:
    with alpha.acting("reception"):
        return a_patient()


def form(hospital, patient) -> str:
    return f"{hospital.url}/patients/{patient.pk}/documents/upload/"


def send(hospital, patient, *files, role: str = "lab_technician", **more):
    body = {"files": list(files), "category": "other", "title": ""}
    return hospital.client(role).post(form(hospital, patient), {**body, **more.pop("fields", {})}, **more)


def filed(hospital, patient, **fields) -> Document:
    with hospital.acting("lab_technician") as acting:
        return Document.upload(upload(pdf(), **fields), patient=patient, by=acting.person)


def open_file(hospital, document, role: str = "main_doctor"):
    return hospital.client(role).get(f"{hospital.url}/documents/{document.pk}/file/")


class TestUploading:
    def test_several_files_are_filed_at_once(self, alpha, patient):
        answer = send(
            alpha, patient, upload(pdf(), "letter.pdf"), upload(png(), "photo.png"), fields={"category": "referral"}
        )
        assert answer["Location"] == f"{alpha.url}/patients/{patient.pk}/#documents"
        with alpha.acting():
            rows = Document.objects.order_by("title")
            assert [(row.title, row.category, row.status) for row in rows] == [
                ("letter", "referral", "filed"),
                ("photo", "referral", "filed"),
            ]

    def test_several_under_one_title_are_numbered(self, alpha, patient):
        send(alpha, patient, upload(pdf()), upload(pdf(b"% the second")), fields={"title": "Biopsy"})
        with alpha.acting():
            assert {row.title for row in Document.objects.all()} == {"Biopsy (1)", "Biopsy (2)"}

    def test_at_a_visit_they_are_filed_under_it(self, alpha, patient):
        with alpha.acting("reception"):
            visit = a_visit(patient)
        path = f"{alpha.url}/visits/{visit.pk}/documents/upload/"
        alpha.client("main_doctor").post(path, {"files": [upload(pdf())], "category": "other"})
        with alpha.acting():
            assert Document.objects.get().visit == visit

    def test_one_bad_file_among_good_ones_and_none_is_kept(self, alpha, patient):
        before = list(Path(default_storage.location).rglob("*"))
        bad = upload(b"<!DOCTYPE html><script>1</script>", "report.pdf")
        answer = send(alpha, patient, upload(pdf(), "letter.pdf"), bad, upload(b"", "empty.txt"))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "“report.pdf” is a web page" in page
        assert "“empty.txt” is empty" in page
        with alpha.acting():
            assert not Document.objects.exists()
        assert list(Path(default_storage.location).rglob("*")) == before

    def test_nothing_chosen_is_said(self, alpha, patient):
        answer = send(alpha, patient)
        assert answer.status_code == 422
        assert "Choose at least one file." in answer.content.decode()

    def test_more_than_twenty_at_once_are_refused(self, alpha, patient):
        answer = send(alpha, patient, *(upload(pdf(), f"{n}.pdf") for n in range(21)))
        assert "Send at most 20 files at once." in answer.content.decode()

    def test_a_request_that_is_too_large_is_refused_before_it_is_read(self, alpha, patient, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_LIMIT", 1000)
        answer = send(alpha, patient, upload(pdf() + b" " * 2 * 1024 * 1024, "big.pdf"))
        assert answer.status_code == 413
        with alpha.acting():
            assert not Document.objects.exists()

    def test_a_file_over_the_limit_is_refused_by_name(self, alpha, patient, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_LIMIT", 50)
        answer = send(alpha, patient, upload(pdf(), "big.pdf"))
        assert answer.status_code == 422
        assert "“big.pdf” is larger than" in answer.content.decode()

    def test_sent_twice_it_is_filed_once(self, alpha, patient):
        key = {"form_key": "01890000-0000-7000-8000-000000000002"}
        for _ in range(2):
            assert send(alpha, patient, upload(pdf()), fields=key).status_code == 302
        with alpha.acting():
            assert Document.objects.count() == 1

    def test_htmx_gets_the_form_alone_and_is_led_on_afterwards(self, alpha, patient):
        client = alpha.client("lab_technician")
        assert "<body" not in client.get(form(alpha, patient), headers=HX).content.decode()
        answer = send(alpha, patient, upload(pdf()), headers=HX)
        assert answer["HX-Redirect"].endswith(f"/patients/{patient.pk}/#documents")

    def test_over_the_page_itself_the_page_is_loaded_again(self, alpha, patient):
        here = {**HX, "HX-Current-URL": f"http://testserver{alpha.url}/patients/{patient.pk}/?x=1"}
        assert send(alpha, patient, upload(pdf()), headers=here)["HX-Refresh"] == "true"

    @pytest.mark.parametrize("role", ["pharmacy", "billing", "board"])
    def test_who_may_not_file_gets_403(self, alpha, patient, role):
        assert send(alpha, patient, upload(pdf()), role=role).status_code == 403

    def test_a_patient_of_the_other_hospital_is_not_found(self, beta, patient):
        assert send(beta, patient, upload(pdf())).status_code == 404


class TestOpening:
    def test_it_comes_as_a_sealed_attachment_and_is_audited(self, alpha, patient):
        document = filed(alpha, patient, name="Größe 1.pdf")
        answer = open_file(alpha, document)
        assert b"".join(answer.streaming_content) == pdf()
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%201.pdf"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "no-store"
        with alpha.acting():
            assert AuditEntry.objects.get(action="download").person_id == alpha.main_doctor.pk

    def test_a_name_cannot_add_a_header(self, alpha, patient):
        document = filed(alpha, patient, name='a"; x=\\y\r\nSet-Cookie: z=1.pdf')
        answer = open_file(alpha, document)
        assert "z" not in answer.cookies
        assert "\r" not in answer["Content-Disposition"]
        assert "\n" not in answer["Content-Disposition"]

    @pytest.mark.parametrize("role", ["reception", "pharmacy", "billing", "board"])
    def test_who_may_not_open_documents_gets_403_and_no_byte(self, alpha, patient, role):
        answer = open_file(alpha, filed(alpha, patient), role)
        assert answer.status_code == 403
        assert b"%PDF" not in answer.content

    def test_a_damaged_one_is_refused_and_the_alarm_is_written(self, alpha, patient):
        document = filed(alpha, patient)
        Path(default_storage.path(document.file.name)).write_bytes(b"something else")
        answer = open_file(alpha, document)
        assert answer.status_code == 409
        assert "was damaged in storage" in answer.content.decode()
        with alpha.acting():
            assert AuditEntry.objects.filter(action="damaged", row_id=document.pk).exists()

    def test_one_that_is_gone_from_the_storage_is_damaged_too(self, alpha, patient):
        document = filed(alpha, patient)
        Path(default_storage.path(document.file.name)).unlink()
        assert open_file(alpha, document).status_code == 409

    def test_the_other_hospital_does_not_find_it(self, alpha, beta, patient):
        document = filed(alpha, patient)
        assert beta.client("admin").get(f"{beta.url}/documents/{document.pk}/").status_code == 404


class TestTheList:
    def page(self, hospital, patient, role: str) -> str:
        with hospital.acting("reception"):
            visit = patient.visits.first() or a_visit(patient)
        return hospital.client(role).get(f"{hospital.url}/visits/{visit.pk}/").content.decode()

    def test_doctors_see_and_open_all(self, alpha, patient):
        document = filed(alpha, patient, name="Referral of Dr Brandt.pdf")
        page = self.page(alpha, patient, "main_doctor")
        assert "Referral of Dr Brandt" in page
        assert f"/documents/{document.pk}/" in page

    def test_reception_sees_only_that_its_own_arrived(self, alpha, patient):
        document = filed(alpha, patient, name="Referral of Dr Brandt.pdf")
        send(alpha, patient, upload(pdf(), "Insurance card.pdf"), role="reception")
        page = self.page(alpha, patient, "reception")
        assert "Insurance card" in page
        assert "Brandt" not in page
        assert f"/documents/{document.pk}/" not in page

    def test_the_pharmacy_sees_no_list_at_all(self, alpha, patient):
        filed(alpha, patient, name="Referral of Dr Brandt.pdf")
        page = self.page(alpha, patient, "pharmacy")
        assert "Brandt" not in page
        assert 'id="document-section"' not in page


def test_files_that_are_sent_one_by_one_are_told_once(alpha, patient):
    client = alpha.client("lab_technician")
    for before, more, paper in (("0", "yes", upload(pdf())), ("1", "", upload(png(), name="wound.png"))):
        said = {"files": [paper], "category": "other", "before": before, "more": more}
        client.post(form(alpha, patient), said, headers=HX)
    page = client.get(f"{alpha.url}/patients/{patient.pk}/").content.decode()
    assert page.count("received.") == 1 and "2 files received." in page

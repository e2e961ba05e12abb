"""Documents: how a file comes in, what is kept of it, and who scans it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from clinical import scanner
from clinical.filing import clean_name
from clinical.models import Document, LabResult
from clinical.tasks import scan_document, scan_waiting_documents
from clinical.tests.laboratories import histology, ordered, worked
from clinical.tests.papers import VIRUS, clamd, pdf, upload
from clinical.tests.wards import a_patient
from hospital.context import NoTenant
from hospital.models import AuditEntry, Tenant
from hospital.workflow import Refused


@pytest.fixture
def scanned(tmp_path, monkeypatch) -> None:
    """A scanner is configured, and answers."""
    with clamd(tmp_path) as address:
        monkeypatch.setattr(settings, "CLAMD_SOCKET", address)
        yield


@pytest.fixture
def scanner_away(tmp_path, monkeypatch) -> None:
    """A scanner is configured, and nobody is there."""
    monkeypatch.setattr(settings, "CLAMD_SOCKET", str(tmp_path / "nobody.sock"))


def file_of(hospital, content: bytes = b"", **fields) -> Document:
    with hospital.acting("lab_technician") as acting:
        return Document.upload(upload(content or pdf()), patient=a_patient(), by=acting.person, **fields)


def objects() -> set[Path]:
    return {path for path in Path(default_storage.location).rglob("*") if path.is_file()}


class Lost(Exception):
    """Something goes wrong after the upload."""


def lost(patient) -> None:
    Document.upload(upload(pdf()), patient=patient, by=None)
    raise Lost


def kept_and_lost(patient) -> Document:
    """One upload that stays, and one in a savepoint that is rolled back."""
    kept = Document.upload(upload(pdf()), patient=patient, by=None)
    with pytest.raises(Lost), transaction.atomic():
        lost(patient)
    return kept


class TestUpload:
    def test_a_file_is_typed_hashed_and_kept_under_a_random_key(self, alpha):
        document = file_of(alpha, title=" Biopsy ")
        assert (document.title, document.name, document.content_type) == ("Biopsy", "report.pdf", "application/pdf")
        assert (document.size, document.sha256) == (len(pdf()), hashlib.sha256(pdf()).hexdigest())
        assert "report" not in document.file.name
        assert document.file.name.startswith(f"{alpha.tenant.pk}/")
        assert default_storage.open(document.file.name).read() == pdf()

    def test_without_a_scanner_it_is_filed_at_once(self, alpha):
        document = file_of(alpha)
        assert (document.status, document.scan_result, document.scanned_at) == ("filed", "not scanned", None)

    def test_without_a_title_it_is_called_by_its_name(self, alpha):
        assert file_of(alpha).title == "report"

    def test_a_file_over_the_limit_is_refused(self, alpha, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_LIMIT", 20)
        with pytest.raises(Refused, match="is larger than"):
            file_of(alpha)

    def test_what_is_refused_leaves_nothing(self, alpha):
        before = objects()
        with pytest.raises(Refused):
            file_of(alpha, b"<html>")
        with alpha.acting():
            assert not Document.objects.exists()
        assert objects() == before

    def test_a_rollback_takes_the_object_with_the_row(self, alpha):
        before = objects()
        with alpha.acting("lab_technician"):
            kept = kept_and_lost(a_patient())
        new = {path.relative_to(default_storage.location).as_posix() for path in objects() - before}
        assert new == {kept.file.name}
        with alpha.acting():
            assert Document.objects.get() == kept

    def test_a_request_that_is_refused_later_keeps_neither(self, alpha):
        before = objects()
        with alpha.acting("lab_technician"):
            patient = a_patient()
        with pytest.raises(Lost), alpha.acting("lab_technician"):
            lost(patient)
        assert objects() == before

    def test_the_other_hospital_has_no_such_document(self, alpha, beta):
        file_of(alpha)
        with beta.acting("lab_technician"):
            assert not Document.objects.exists()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\scan.pdf", "scan.pdf"),
            ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
            ("invoice\u202efdp.exe", "invoicefdp.exe"),
            (".htaccess", "htaccess"),
            ("nul\0.pdf", "nul.pdf"),
            ("CON", "CON"),
            ("Größe 木.pdf", "Größe 木.pdf"),
            ("", "file"),
            ("\u200b", "file"),
        ],
    )
    def test_a_name_is_its_last_part_without_what_cannot_be_seen(self, name, kept):
        assert clean_name(name) == kept

    def test_a_long_name_keeps_its_ending(self):
        assert clean_name("x" * 300 + ".pdf") == "x" * 196 + ".pdf"


class TestReading:
    def test_the_bytes_come_back_and_the_reading_is_audited(self, alpha):
        document = file_of(alpha)
        with alpha.acting("main_doctor"):
            assert document.read() == pdf()
            entry = AuditEntry.objects.filter(action="download").get()
            assert (entry.row_id, entry.patient_id, entry.person_id) == (
                document.pk,
                document.patient_id,
                alpha.main_doctor.pk,
            )

    def test_one_flipped_byte_in_the_storage_and_it_is_not_given_out(self, alpha):
        document = file_of(alpha)
        path = Path(default_storage.path(document.file.name))
        path.write_bytes(pdf().replace(b"Catalog", b"Katalog"))
        with alpha.acting("main_doctor"):
            with pytest.raises(Refused, match="was damaged in storage"):
                document.read()
            assert AuditEntry.objects.filter(action="damaged", row_id=document.pk).exists()

    def test_what_is_still_being_checked_is_not_given_out(self, alpha, scanner_away):
        document = file_of(alpha)
        with alpha.acting("main_doctor"), pytest.raises(Refused, match="still being checked"):
            document.read()


@pytest.mark.usefixtures("scanned")
class TestScanning:
    def test_a_clean_file_waits_for_the_scanner_and_is_then_filed(self, alpha):
        document = file_of(alpha)
        assert document.status == "uploaded"
        scan_document(str(alpha.tenant.pk), str(document.pk))
        with alpha.acting():
            document.refresh_from_db()
            assert (document.status, document.scan_result) == ("filed", "clean")
            assert timezone.now() - document.scanned_at < timedelta(minutes=1)

    def test_a_bad_file_is_rejected_and_its_bytes_are_thrown_away(self, alpha):
        document = file_of(alpha, pdf(b"% " + VIRUS))
        key = document.file.name
        scan_document(str(alpha.tenant.pk), str(document.pk))
        with alpha.acting():
            document.refresh_from_db()
            assert (document.status, document.scan_result, document.file.name) == ("rejected", "contains Test.Bad", "")
            with pytest.raises(Refused, match=r"was rejected: contains Test\.Bad"):
                document.read()
        assert not default_storage.exists(key)

    def test_scanned_twice_it_is_filed_once(self, alpha):
        document = file_of(alpha)
        for _ in range(2):
            scan_document(str(alpha.tenant.pk), str(document.pk))
        with alpha.acting():
            assert AuditEntry.objects.filter(row_id=document.pk, after__status="filed").count() == 1

    def test_the_sweep_goes_through_all_hospitals_each_in_its_own(self, alpha, beta):
        documents = [(alpha, file_of(alpha)), (beta, file_of(beta))]
        scan_waiting_documents()
        for hospital, document in documents:
            with hospital.acting():
                document.refresh_from_db()
                assert document.status == "filed"

    def test_the_sweep_is_a_command_too(self, alpha, capsys):
        document = file_of(alpha)
        call_command("scan_documents")
        assert "still waiting" in capsys.readouterr().out
        with alpha.acting():
            document.refresh_from_db()
            assert document.status == "filed"

    def test_a_task_of_a_suspended_hospital_is_refused(self, alpha):
        document = file_of(alpha)
        with alpha.acting():
            Tenant.objects.filter(pk=alpha.tenant.pk).update(is_active=False)
        with pytest.raises(NoTenant):
            scan_document(str(alpha.tenant.pk), str(document.pk))


class TestScannerInTrouble:
    def test_without_an_answer_the_document_waits(self, alpha, scanner_away):
        document = file_of(alpha)
        with pytest.raises(scanner.ScannerAway):
            scan_document(str(alpha.tenant.pk), str(document.pk))
        with alpha.acting():
            document.refresh_from_db()
            assert document.status == "uploaded"

    def test_one_that_cannot_be_scanned_does_not_hold_up_the_others(self, alpha, tmp_path, monkeypatch):
        monkeypatch.setattr(settings, "CLAMD_SOCKET", str(tmp_path / "clamd.sock"))
        lost, good = file_of(alpha), file_of(alpha)
        default_storage.delete(lost.file.name)
        with clamd(tmp_path):
            scan_waiting_documents()
        with alpha.acting():
            assert {row.pk: row.status for row in Document.objects.all()} == {lost.pk: "uploaded", good.pk: "filed"}

    def test_an_answer_in_unknown_words_is_no_verdict(self, alpha, tmp_path, monkeypatch):
        with clamd(tmp_path, answer=b"INSTREAM size limit exceeded. ERROR\0") as address:
            monkeypatch.setattr(settings, "CLAMD_SOCKET", address)
            document = file_of(alpha)
            with pytest.raises(scanner.ScannerAway, match="size limit exceeded"):
                scan_document(str(alpha.tenant.pk), str(document.pk))

    def test_once_the_scanner_is_gone_for_good_what_waited_is_filed(self, alpha, scanner_away, monkeypatch):
        document = file_of(alpha)
        monkeypatch.setattr(settings, "CLAMD_SOCKET", "")
        scan_waiting_documents()
        with alpha.acting():
            document.refresh_from_db()
            assert document.status == "filed"


class TestAsAResult:
    @pytest.fixture
    def order(self, alpha):
        with alpha.acting("admin"):
            test = histology()
        order = ordered(alpha, test)[1][0]
        return worked(alpha, order, "received")

    def test_a_filed_document_is_the_result_of_a_test(self, alpha, order):
        with alpha.acting("lab_technician") as acting:
            document = Document.upload(upload(pdf()), patient=order.patient, lab_order=order, by=acting.person)
            order.enter_result(document, by=acting.person)
            order.release(by=acting.person)
            assert LabResult.objects.get(order=order).document == document

    def test_a_file_of_another_patient_is_refused(self, alpha, order):
        other = file_of(alpha)
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="another patient"):
            order.enter_result(other, by=acting.person)

    def test_it_is_not_released_before_the_scanner_has_seen_it(self, alpha, order, scanner_away):
        with alpha.acting("lab_technician") as acting:
            document = Document.upload(upload(pdf()), patient=order.patient, lab_order=order, by=acting.person)
            order.enter_result(document, by=acting.person)
            with pytest.raises(Refused, match="not filed yet"):
                order.release(by=acting.person)

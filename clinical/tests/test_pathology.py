"""What came out of a biopsy: coded, reviewed, told, corrected. No step is taken before what it needs is there."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import simple_icd_10_cm
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinical import pathology_catalogue
from clinical.models import (
    Biopsy,
    BiopsyLetter,
    BiopsyReview,
    BiopsyTelling,
    CustodyStep,
    PathologyCode,
    PathologyCodeVersion,
    PathologyNotice,
    PathologyReport,
)
from clinical.models.biopsy import Malignancy
from clinical.models.pathology import FollowUp, code_shape, morphology_shape
from clinical.models.pathology_report import t_of_melanoma
from clinical.tests.pathology import PLAN, a_biopsy, codes, reported, reviewed
from clinical.tests.wards import fresh
from hospital.models import AuditEntry
from hospital.workflow import IllegalMove, Refused
from realtime.alerts.models import Alert
from realtime.models import Event


@pytest.fixture
def known(alpha):
    return codes(alpha)


# --- the table of diagnoses -----------------------------------------------------------------


def test_the_house_begins_with_a_table_and_keeps_what_it_changed(alpha, beta):
    with alpha.acting():
        count = pathology_catalogue.install()
        assert count == len(list(pathology_catalogue.entries())) > 60
        PathologyCode.objects.get(code="NEVUS").revise(by=None, reason="Our word", name="Mole")
        assert pathology_catalogue.install() == 0
        assert PathologyCode.objects.get(code="NEVUS").name == "Mole"
        assert BiopsyLetter.objects.count() == len(pathology_catalogue.LETTERS)
        for row in (*PathologyCode.objects.all(), *BiopsyLetter.objects.all()):
            row.full_clean()
    with beta.acting():
        assert not PathologyCode.objects.exists()


def test_each_diagnosis_that_a_house_begins_with_is_whole():
    for entry in pathology_catalogue.entries():
        code_shape(entry["code"])
        assert entry["malignancy"] in Malignancy.values, entry
        assert entry["follow_up"] in FollowUp.values, entry
        if entry["icd10"]:
            assert simple_icd_10_cm.is_leaf(entry["icd10"]), entry
        if entry["morphology"]:
            morphology_shape(entry["morphology"])
            assert not (entry["morphology"].endswith("/3") and entry["malignancy"] != "malignant"), entry


def test_a_changed_diagnosis_is_a_new_version_and_reports_keep_theirs(alpha, known):
    report = reported(alpha, known["AK"])
    with alpha.acting("admin") as acting:
        known["AK"].revise(by=acting.person, reason="New guideline", malignancy="benign")
        versions = known["AK"].versions.all()
        assert [(row.number, row.malignancy, row.reason) for row in versions] == [
            (2, "benign", "New guideline"),
            (1, "pre_malignant", "Added"),
        ]
        assert fresh(known["AK"]).current == versions[0]
        assert fresh(report).coded.malignancy == fresh(report).malignancy == "pre_malignant"


def test_only_the_administrator_changes_the_table_and_says_why(alpha, known):
    with alpha.acting("main_doctor") as acting, pytest.raises(PermissionDenied):
        known["AK"].revise(by=acting.person, reason="So", name="Other")
    with alpha.acting("admin") as acting:
        for reason, fields in (("", {"name": "Other"}), ("So", {"name": known["AK"].name})):
            with pytest.raises(Refused):
                known["AK"].revise(by=acting.person, reason=reason, **fields)


# --- results --------------------------------------------------------------------------------


def test_a_report_takes_the_biopsy_to_its_result_step_by_step(alpha, known):
    biopsy = a_biopsy(alpha, "sent")
    report = reported(alpha, known["NEVUS"], biopsy, margins="clear", breslow_mm=None)
    with alpha.acting():
        biopsy = fresh(biopsy)
        assert (biopsy.status, biopsy.report, biopsy.malignancy) == ("resulted", report, "benign")
        steps = CustodyStep.objects.filter(biopsy=biopsy).values_list("what", flat=True)
        assert list(steps)[-3:] == ["Received by the laboratory", "Processing", "Resulted"]
        assert biopsy.resulted_by == alpha.lab_technician


@pytest.mark.parametrize("status", ["ordered", "collected"])
def test_what_the_laboratory_does_not_have_has_no_result(alpha, known, status):
    biopsy = a_biopsy(alpha, status)
    with alpha.acting("lab_technician") as acting, pytest.raises(IllegalMove):
        PathologyReport.enter(biopsy, by=acting.person, source="hand", code=known["NEVUS"], text="A mole")
    with alpha.acting():
        assert not PathologyReport.objects.exists()


def test_a_report_says_something_and_the_machine_takes_no_result_without_one(alpha, known):
    biopsy = a_biopsy(alpha)
    with alpha.acting("lab_technician") as acting:
        with pytest.raises(Refused):
            PathologyReport.enter(biopsy, by=acting.person, source="hand", code=known["NEVUS"], text="  ")
        with pytest.raises(Refused):
            biopsy.go(Biopsy.Status.RESULTED, by=acting.person)
    with alpha.acting("checker_doctor") as acting, pytest.raises(PermissionDenied):
        PathologyReport.enter(biopsy, by=acting.person, source="hand", text="A mole")


def test_a_malignant_result_is_an_alert_to_who_ordered_it_and_says_no_diagnosis(alpha, known):
    report = reported(alpha, known["MM"], text="Invasive melanoma")
    with alpha.acting():
        alert = Alert.objects.get(kind="biopsy:result_received")
        assert alert.answers == alpha.main_doctor
        words = " ".join(map(str, vars(alert).values()))
        assert "elanoma" not in words
        assert report.biopsy.number in words
    quiet = reported(alpha, known["NEVUS"])
    with alpha.acting():
        assert Alert.objects.count() == 1
        assert quiet.biopsy.malignancy == "benign"


@pytest.mark.parametrize(
    ("breslow", "ulceration", "stage"),
    [
        ("0.5", "absent", "pT1a"),
        ("0.79", "absent", "pT1b"),
        ("0.74", "absent", "pT1a"),
        ("0.5", "present", "pT1b"),
        ("1.04", "absent", "pT1b"),
        ("1.05", "absent", "pT2a"),
        ("2", "present", "pT2b"),
        ("4", "absent", "pT3a"),
        ("4.1", "present", "pT4b"),
        ("1", "", "pT1b"),
        ("0.5", "", "pT1"),
        ("1.4", "", "pT2"),
    ],
)
def test_the_stage_of_a_melanoma_follows_from_thickness_and_ulceration(breslow, ulceration, stage):
    assert t_of_melanoma(Decimal(breslow), ulceration) == stage


@pytest.mark.parametrize(
    ("stage", "differs"),
    [
        ("pT2b", False),
        ("T2", False),
        ("Stage IIA, ypT2b N0", False),
        ("pT2a", True),
        ("pTis", True),
        ("IIA", False),
        ("", False),
    ],
)
def test_a_reported_stage_that_its_own_measures_contradict_is_known(stage, differs):
    report = PathologyReport(breslow_mm=Decimal("1.4"), ulceration="present", stage=stage)
    assert report.stage_differs is differs
    assert not PathologyReport(stage=stage).stage_differs


@pytest.mark.parametrize(("stage", "differs"), [("pT2a", False), ("pT2b", False), ("pT2", False), ("pT1a", True)])
def test_without_a_word_on_ulceration_the_thickness_alone_contradicts(stage, differs):
    assert PathologyReport(breslow_mm=Decimal("1.4"), stage=stage).stage_differs is differs


# --- review ---------------------------------------------------------------------------------


def test_a_review_needs_a_diagnosis_and_what_follows(alpha, known):
    report = reported(alpha, None)
    with alpha.acting("main_doctor") as acting:
        biopsy = fresh(report.biopsy)
        for code, follow_up in ((None, "none"), (known["NEVUS"], ""), (known["NEVUS"], "other")):
            with pytest.raises(Refused):
                BiopsyReview.sign(biopsy, code, follow_up, by=acting.person)
        with pytest.raises(Refused):
            biopsy.go(Biopsy.Status.REVIEWED, by=acting.person)
        review = BiopsyReview.sign(biopsy, known["NEVUS"], "none", by=acting.person)
        assert (fresh(biopsy).status, review.diagnosis) == ("reviewed", "Melanocytic naevus")
        assert fresh(biopsy).malignancy == "benign"


@pytest.mark.parametrize("missing", list(PLAN))
def test_a_malignancy_is_reviewed_with_plan_referral_and_stage_only(alpha, known, missing):
    report = reported(alpha, known["MM"])
    with alpha.acting("main_doctor") as acting:
        biopsy = fresh(report.biopsy)
        with pytest.raises(Refused) as refused:
            BiopsyReview.sign(biopsy, known["MM"], "oncology", by=acting.person, **{**PLAN, missing: " "})
        assert refused.value.field == missing
        BiopsyReview.sign(biopsy, known["MM"], "oncology", by=acting.person, **PLAN)
        assert fresh(biopsy).status == "reviewed"


def test_what_the_laboratory_calls_malignant_is_not_reviewed_as_harmless(alpha, known):
    report = reported(alpha, known["MM"])
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused):
        BiopsyReview.sign(fresh(report.biopsy), known["NEVUS"], "none", by=acting.person)


def test_a_preliminary_report_waits_for_the_final_one(alpha, known):
    report = reported(alpha, known["NEVUS"], is_preliminary=True)
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused):
        BiopsyReview.sign(fresh(report.biopsy), known["NEVUS"], "none", by=acting.person)


def test_only_doctors_review(alpha, known):
    report = reported(alpha, known["NEVUS"])
    for role in ("lab_technician", "checker_doctor"):
        with alpha.acting(role) as acting, pytest.raises(PermissionDenied):
            BiopsyReview.sign(fresh(report.biopsy), known["NEVUS"], "none", by=acting.person)


# --- telling and closing --------------------------------------------------------------------


def close(alpha, biopsy):
    with alpha.acting("main_doctor") as acting:
        fresh(biopsy).close(by=acting.person)


def test_it_is_closed_when_the_patient_was_told(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with pytest.raises(Refused):
        close(alpha, biopsy)
    with alpha.acting("main_doctor") as acting:
        for way, whom, words in (("phone", "", "A mole"), ("phone", "The patient", "")):
            with pytest.raises(Refused):
                BiopsyTelling.tell(fresh(biopsy), way, whom, words, by=acting.person)
        BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "A harmless mole", by=acting.person)
    close(alpha, biopsy)
    with alpha.acting():
        assert fresh(biopsy).status == "closed"


def test_three_attempts_and_a_letter_close_it_too_and_less_does_not(alpha, known):
    report = reported(alpha, known["NEVUS"], entered_at=timezone.now() - timedelta(days=3))
    biopsy = reviewed(alpha, known["NEVUS"], report)
    with alpha.acting("main_doctor") as acting:
        row = fresh(biopsy)
        for hours in (50, 40, 30):
            BiopsyTelling.attempt(
                row, "phone", "No answer", by=acting.person, at=timezone.now() - timedelta(hours=hours)
            )
        with pytest.raises(Refused):
            BiopsyTelling.attempt(
                row, "phone", "", by=acting.person, at=timezone.now() - timedelta(hours=30, minutes=5)
            )
    with pytest.raises(Refused, match="a letter"):
        close(alpha, biopsy)
    with alpha.acting("main_doctor") as acting:
        BiopsyTelling.write(fresh(biopsy), "We could not reach you", "Call us", by=acting.person)
    close(alpha, biopsy)


def test_nobody_tells_what_was_not_known_or_is_still_to_come(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with alpha.acting("main_doctor") as acting:
        for at in (timezone.now() + timedelta(hours=1), timezone.now() - timedelta(days=30)):
            with pytest.raises(Refused):
                BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "Harmless", by=acting.person, at=at)


def test_the_database_closes_no_loop_that_is_open(alpha, known):
    """Whoever writes past the verbs comes no further."""
    biopsy = reviewed(alpha, known["NEVUS"])
    other = a_biopsy(alpha)
    with alpha.acting():
        for row, status in ((biopsy, "closed"), (other, "resulted"), (other, "reviewed")):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE clinical_biopsy SET status = %s WHERE id = %s", [status, row.pk])
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE clinical_biopsy SET report_id = NULL WHERE id = %s", [biopsy.pk])


def test_what_was_reported_reviewed_or_told_is_never_changed(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with alpha.acting("main_doctor") as acting:
        BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "Harmless", by=acting.person)
    with alpha.acting():
        for model in (PathologyReport, BiopsyReview, BiopsyTelling, PathologyCodeVersion):
            table = model._meta.db_table
            for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}"):
                with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(statement)


# --- corrections ----------------------------------------------------------------------------


def corrected(alpha, biopsy, code, text="It is a melanoma", reason="Second reading"):
    with alpha.acting("lab_technician", "other technician") as acting:
        return PathologyReport.correct(fresh(biopsy), reason, by=acting.person, source="hand", code=code, text=text)


def test_a_correction_opens_the_loop_again_and_what_was_told_does_not_count(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with alpha.acting("main_doctor") as acting:
        BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "Harmless", by=acting.person)
    close(alpha, biopsy)
    corrected(alpha, biopsy, known["MM"])
    with alpha.acting("main_doctor") as acting:
        row = fresh(biopsy)
        assert (row.status, row.malignancy, row.report.number) == ("resulted", "malignant", 2)
        assert (row.reviewed_at, row.closed_at) == (None, None)
        BiopsyReview.sign(row, known["MM"], "oncology", by=acting.person, **PLAN)
    with pytest.raises(Refused):
        close(alpha, biopsy)


def test_a_correction_to_malignant_is_an_alert_also_before_the_review(alpha, known):
    report = reported(alpha, known["NEVUS"])
    corrected(alpha, report.biopsy, known["MM"])
    with alpha.acting():
        assert Alert.objects.filter(kind="biopsy:result_received").count() == 1


def test_a_correction_says_why_and_changes_something(alpha, known):
    report = reported(alpha, known["NEVUS"], text="A mole")
    for text, reason, code in (("A mole", "Typing", "NEVUS"), ("B mole", " ", "NEVUS")):
        with pytest.raises(Refused):
            corrected(alpha, report.biopsy, known[code], text=text, reason=reason)


def test_whoever_read_the_former_report_is_told(alpha, known):
    report = reported(alpha, known["NEVUS"])
    with alpha.acting("checker_doctor"):
        AuditEntry.note(
            "view",
            table="clinical_patient",
            row_id=report.biopsy.patient_id,
            patient_id=report.biopsy.patient_id,
            detail={"page": "biopsy"},
        )
    corrected(alpha, report.biopsy, known["MM"])
    with alpha.acting():
        notices = PathologyNotice.objects.open()
        assert {notice.person for notice in notices} == {alpha.main_doctor, alpha.checker_doctor}
        event = Event.objects.filter(name="biopsy:updated").latest("created_at")
        assert event.loudness[str(alpha.checker_doctor.pk)] == "notice"
    with alpha.acting("checker_doctor") as acting:
        mine = PathologyNotice.objects.get(person=acting.person)
        theirs = PathologyNotice.objects.get(person=alpha.main_doctor)
        mine.acknowledge(by=acting.person)
        with pytest.raises(Refused):
            theirs.acknowledge(by=acting.person)
        assert PathologyNotice.objects.open().get() == theirs

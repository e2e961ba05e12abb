"""A restricted chart: what is stored stays true, whatever is read, saved, merged or worked on while it is closed."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DataError, connection, transaction

from clinical.chart import open_chart
from clinical.models import ChartGrant, Document, LabOrder, Patient, Visit
from clinical.tests.laboratories import ordered, potassium
from clinical.tests.papers import pdf, upload
from clinical.tests.wards import a_patient, a_visit
from hospital.models import AuditEntry
from hospital.seals import WORD, raw
from hospital.workflow import Refused


@pytest.fixture
def vip(alpha):
    """Restricted, with one visit."""
    with alpha.acting("reception"):
        patient = a_patient(given_name="Ada", family_name="Lovelace", birth_date=date(1980, 5, 17), phone="")
        a_visit(patient, complaint="Rash")
    with alpha.acting("admin") as acting:
        patient.restrict("Works here", by=acting.person)
    return patient


def stored(patient) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT given_name, family_name, birth_date, sex, search, phone FROM clinical_patient WHERE id = %s",
            [patient.pk],
        )
        return cursor.fetchone()


def grant(hospital, patient, role: str) -> ChartGrant:
    with hospital.acting("admin") as acting:
        return ChartGrant.give(patient, hospital.person(role), "Treats this patient", by=acting.person)


def test_nobody_reads_it_before_it_is_opened_and_whoever_holds_a_grant_opens_it(alpha, vip):
    grant(alpha, vip, "main_doctor")
    with alpha.acting("main_doctor"):
        visit = Visit.objects.get(patient=vip)
        shown = visit.patient
        assert (shown.name, shown.birth_date, shown.sex) == ("Restricted chart", None, "unknown")
        assert visit.complaint == WORD
        open_chart(shown)
        assert (shown.name, shown.birth_date, visit.complaint) == ("Ada Lovelace", date(1980, 5, 17), "Rash")
    with alpha.acting("main_doctor"):
        assert Patient.objects.get(pk=vip.pk).name == "Restricted chart"  # opened for one request only


@pytest.mark.parametrize("role", ["admin", "main_doctor", "reception"])
def test_without_a_grant_it_is_not_opened_and_the_attempt_is_written_down(alpha, vip, role):
    grant(alpha, vip, "checker_doctor")
    with alpha.acting(role):
        with pytest.raises(PermissionDenied, match="Checker Doctor may open it"):
            open_chart(vip.pk)
        assert AuditEntry.objects.filter(action="refused", patient_id=vip.pk).exists()


def test_a_grant_that_ended_opens_nothing(alpha, vip):
    given = grant(alpha, vip, "main_doctor")
    with alpha.acting("admin") as acting:
        given.end("Goes on elsewhere", by=acting.person)
    with alpha.acting("main_doctor"), pytest.raises(PermissionDenied):
        open_chart(vip.pk)


def test_saving_refreshing_and_locking_a_closed_row_keep_the_truth(alpha, vip):
    with alpha.acting("reception"):
        patient, visit = Patient.objects.get(pk=vip.pk), Visit.objects.get(patient=vip)
        before = stored(vip)
        patient.save()
        patient.touch()
        patient.refresh_from_db()
        visit.touch()
        visit.save()
        assert stored(vip) == before
        with raw():
            assert (patient.name, visit.complaint) == ("Ada Lovelace", "Rash")
            assert Visit.objects.get(patient=vip).complaint == "Rash"


def test_what_was_read_masked_and_comes_back_from_a_form_changes_nothing(alpha, vip):
    with alpha.acting("reception"):
        visit = Visit.objects.get(patient=vip)
        visit.complaint = str(visit.complaint)
        visit.save()
        with raw():
            assert Visit.objects.get(patient=vip).complaint == "Rash"
        visit.complaint = "Cough"
        visit.save()
        with raw():
            assert Visit.objects.get(patient=vip).complaint == "Cough"


def test_bulk_writes_keep_the_truth_or_are_refused(alpha, vip):
    with alpha.acting():
        patient, before = Patient.objects.get(pk=vip.pk), stored(vip)
        Patient.objects.bulk_update([patient], ["family_name", "birth_date", "sex"])
        assert stored(vip) == before
        with pytest.raises(ValueError, match="sealed value"), transaction.atomic():
            Patient.objects.filter(pk=vip.pk).update(family_name=patient.family_name)


@pytest.mark.parametrize(
    "facts", [{"pregnant": 20}, {"said": "Lupus"}, {"in": {"deep": ["Lupus", 3]}}], ids=["number", "text", "deep"]
)
def test_a_mask_inside_json_is_never_written(alpha, vip, facts):
    with alpha.acting("admin"):
        test = potassium()
    order = ordered(alpha, test, patient=vip)[1][0]
    with alpha.acting():
        LabOrder.objects.filter(pk=order.pk).update(facts=facts)
        row, rows = LabOrder.objects.get(pk=order.pk), LabOrder.objects.filter(pk=order.pk)
        with pytest.raises(ValueError, match="sealed value"), transaction.atomic():
            rows.update(facts=row.facts)
        with pytest.raises(ValueError, match="sealed value"), transaction.atomic():
            rows.update(facts={"copied": row.facts})
        row.save()
        LabOrder.objects.bulk_update([row], ["facts"])
        with raw():
            assert rows.get().facts == facts


def test_a_mask_inside_an_array_is_never_written(alpha, vip):
    with alpha.acting("admin") as acting:
        document = Document.upload(upload(pdf()), patient=vip, by=acting.person, tags=["lupus", "old"])
    with alpha.acting():
        row = Document.objects.get(pk=document.pk)
        assert list(row.tags) == [WORD, WORD]
        for written in (row.tags, ["new", row.tags[0]]):
            with pytest.raises((ValueError, DataError), match=r"sealed value|mixed types"), transaction.atomic():
                Document.objects.filter(pk=document.pk).update(tags=written)


def test_the_audit_log_keeps_the_truth_and_shows_it_masked(alpha, vip):
    with alpha.acting():
        line = AuditEntry.objects.filter(table="clinical_patient", action="insert", row_id=vip.pk).get()
        assert "Lovelace" not in str(line.after)
        with raw():
            assert "Lovelace" in str(line.after)


def test_it_is_found_by_its_exact_number_only_except_by_those_who_may_open_it(alpha, vip):
    grant(alpha, vip, "main_doctor")
    for role, by_name in {"reception": 0, "admin": 0, "main_doctor": 1}.items():
        with alpha.acting(role):
            assert Patient.objects.search(vip.number).count() == 1
            for text in ("Lovelace", "lovelase", "1980-05-17"):
                assert Patient.objects.search(text).count() == by_name


def test_it_is_no_duplicate_that_is_shown_to_whoever_registers_the_same_name(alpha, vip):
    with alpha.acting("reception"):
        assert Patient.duplicates_of("Ada", "Lovelace", date(1980, 5, 17)) == []


def test_only_the_permission_restricts_and_a_reason_is_needed(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        with pytest.raises(PermissionDenied):
            patient.restrict("Works here", by=acting.person)
    with alpha.acting("admin") as acting:
        with pytest.raises(Refused):
            patient.restrict(" ", by=acting.person)
        patient.restrict("Works here", by=acting.person)
        with pytest.raises(Refused):
            patient.restrict("Again", by=acting.person)


def test_unrestricting_ends_all_grants_and_shows_it_again(alpha, vip):
    given = grant(alpha, vip, "main_doctor")
    with alpha.acting("admin") as acting:
        vip.unrestrict("Left the house", by=acting.person)
        given.refresh_from_db()
        assert given.ended_at
        assert Patient.objects.get(pk=vip.pk).name == "Ada Lovelace"

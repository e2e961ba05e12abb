"""The doctor's part: diagnoses, the draft, and the end of the consultation."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import Error, transaction

from clinical.models import ConsultationDraft, Diagnosis, Icd10Code, Visit
from clinical.tests.dispensary import (
    COLD,
    FEVER,
    GROUP,
    a_checked_visit,
    a_diagnosed_visit,
    a_medicine,
    a_prescription,
    load_codes,
    received,
)
from clinical.tests.wards import a_visit
from hospital.workflow import IllegalMove, Refused


@pytest.fixture(autouse=True)
def _codes():
    load_codes()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def standing(visit):
    return [(row.code, row.certainty, row.is_primary) for row in visit.diagnoses.standing()]


def test_the_doctor_diagnoses_with_one_primary(alpha):
    with alpha.acting():
        visit = a_checked_visit()
    with alpha.acting("main_doctor") as acting:
        entries = [
            {"code": FEVER, "certainty": "suspected"},
            {"code": COLD, "is_primary": True, "note": "Third this year"},
        ]
        visit.diagnose(by=acting.person, diagnoses=entries)
        assert fresh(visit).status == Visit.Status.DIAGNOSED
        assert standing(visit) == [(COLD, "confirmed", True), (FEVER, "suspected", False)]
        cold = visit.diagnoses.get(code=COLD)
        assert cold.title == "Acute upper respiratory infection, unspecified"
        assert (cold.recorded_by, cold.note, cold.patient) == (acting.person, "Third this year", visit.patient)


def test_the_first_is_the_primary_one_if_nobody_says_so_and_what_is_ruled_out_is_not(alpha):
    with alpha.acting():
        visit = a_checked_visit()
        entries = [{"code": FEVER, "certainty": "ruled_out", "is_primary": True}, {"code": COLD}]
        visit.diagnose(by=None, diagnoses=entries)
        assert standing(visit) == [(COLD, "confirmed", True), (FEVER, "ruled_out", False)]


def test_what_cannot_be_a_diagnosis_is_refused_in_words(alpha):
    with alpha.acting():
        visit = a_checked_visit()
        for entries, words in (
            ([], "at least one diagnosis"),
            ([{"code": "ZZZ"}], "not a code of ICD-10-CM"),
            ([{"code": GROUP}], "group of diagnoses"),
            ([{"code": COLD}, {"code": COLD}], "there twice"),
        ):
            with pytest.raises(Refused, match=words):
                visit.diagnose(by=None, diagnoses=entries)
        assert (fresh(visit).status, standing(visit)) == (Visit.Status.CHECKED, [])


def test_a_diagnosis_that_is_taken_back_stays_readable(alpha):
    with alpha.acting("main_doctor") as acting:
        visit = a_diagnosed_visit()
        visit.diagnose(by=acting.person, diagnoses=[{"code": FEVER}])
        assert standing(visit) == [(FEVER, "confirmed", True)]
        gone = visit.diagnoses.get(code=COLD)
        assert (gone.withdrawn_by, gone.withdrawn_at is not None) == (acting.person, True)
        visit.diagnose(by=acting.person, diagnoses=[{"code": FEVER}, {"code": COLD, "is_primary": True}])
        assert standing(visit) == [(COLD, "confirmed", True), (FEVER, "confirmed", False)]


def test_recording_the_same_again_changes_nothing(alpha):
    with alpha.acting():
        visit = a_diagnosed_visit()
        before = list(visit.diagnoses.values_list("pk", "version", "recorded_at"))
        visit.diagnose(by=None, diagnoses=[{"code": COLD}])
        assert list(visit.diagnoses.values_list("pk", "version", "recorded_at")) == before


def test_the_database_knows_only_one_primary_diagnosis(alpha):
    with alpha.acting():
        visit = a_diagnosed_visit()
        second = Diagnosis(visit=visit, patient=visit.patient, code=FEVER, title="Fever", is_primary=True)
        with pytest.raises(Error), transaction.atomic():
            second.save()


@pytest.mark.parametrize("status", ["registered", "lab_pending", "done", "cancelled"])
def test_only_a_visit_that_is_ready_is_diagnosed(alpha, status):
    with alpha.acting():
        visit = a_visit(by=None)
        visit.status = status
        visit.save()
        with pytest.raises((IllegalMove, Refused)):
            visit.diagnose(by=None, diagnoses=[{"code": COLD}])
        assert not visit.diagnoses.exists()


@pytest.mark.parametrize("role", ["reception", "checker_doctor", "lab_technician", "pharmacy", "billing"])
def test_only_a_doctor_diagnoses_and_finishes(alpha, role):
    with alpha.acting():
        visit, diagnosed = a_checked_visit(), a_diagnosed_visit()
    with alpha.acting(role) as acting:
        with pytest.raises(PermissionDenied), transaction.atomic():
            visit.diagnose(by=acting.person, diagnoses=[{"code": COLD}])
        with pytest.raises(PermissionDenied), transaction.atomic():
            diagnosed.diagnose(by=acting.person, diagnoses=[{"code": FEVER}])
        with pytest.raises(PermissionDenied), transaction.atomic():
            diagnosed.finish_consultation(by=acting.person)
        assert not visit.diagnoses.exists()
        assert standing(diagnosed) == [(COLD, "confirmed", True)]


def test_finished_without_a_prescription_the_visit_is_done(alpha):
    with alpha.acting("main_doctor") as acting:
        visit = a_diagnosed_visit()
        visit.finish_consultation(by=acting.person)
        visit = fresh(visit)
        assert (visit.status, visit.place) == (Visit.Status.DONE, None)
        assert visit.ended_at is not None


def test_finished_with_a_prescription_the_visit_waits_for_the_pharmacy(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 10)
        visit = a_diagnosed_visit()
        prescription = a_prescription((medicine, 1), visit=visit)
        visit.finish_consultation(by=None)
        assert (fresh(visit).status, fresh(visit).place.queue) == (Visit.Status.DIAGNOSED, "pharmacy")
        prescription.cancel("Not needed after all", by=None)
        assert fresh(visit).status == Visit.Status.DONE


def test_nothing_is_finished_without_a_diagnosis(alpha):
    with alpha.acting():
        visit = a_checked_visit()
        with pytest.raises(Refused, match="Record a diagnosis first"):
            visit.finish_consultation(by=None)


def test_a_draft_belongs_to_the_one_who_typed_it(alpha):
    with alpha.acting("main_doctor") as acting:
        visit = a_checked_visit()
        ConsultationDraft.keep(visit, {"note": ["Cough, no"]}, by=acting.person)
        ConsultationDraft.keep(visit, {"note": ["Cough, no fever"]}, by=acting.person)
        assert ConsultationDraft.of(visit).fields == {"note": ["Cough, no fever"]}
    with alpha.acting("main_doctor", "colleague"):
        assert ConsultationDraft.of(visit) is None


# --- the classification -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("J06.9", "J06.9"),
        ("j069", "J06.9"),
        ("i10", "I10"),
        ("upper resp", "J06.9"),
        ("hypertension", "I10"),
        ("high blood", "I10"),
        ("headach", "R51.9"),
        ("left knee pain", "M25.562"),
        ("sore throats", "J02.0"),
    ],
)
def test_a_code_is_found_by_its_beginning_or_by_words(typed, first):
    assert Icd10Code.objects.look_up(typed)[0].code == first


@pytest.mark.parametrize("typed", ["", " ", "a", "%", "'; DROP TABLE x; --", "qqqq", ":*", "& | !", "\\"])
def test_what_means_nothing_finds_nothing(typed):
    assert Icd10Code.objects.look_up(typed) == []


def test_groups_are_found_only_by_their_code():
    assert GROUP in [code.code for code in Icd10Code.objects.look_up(GROUP)]
    assert all(code.billable for code in Icd10Code.objects.look_up("infections"))


def test_the_application_can_only_read_the_classification():
    with pytest.raises(Error), transaction.atomic():
        Icd10Code.objects.filter(code=COLD).update(title="Anything")
    with pytest.raises(Error), transaction.atomic():
        Icd10Code.objects.filter(code=COLD).delete()

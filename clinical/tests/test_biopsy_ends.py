"""How a biopsy ends: nothing that has a diagnosis ends untold, and what was given up is still heard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from clinical.models import Biopsy, BiopsyReview, BiopsyTelling, PathologyCode, PathologyReport, RebiopsyTask
from clinical.tests.messages import oru, registered, send
from clinical.tests.pathology import PLAN, a_biopsy, codes, reported, reviewed
from clinical.tests.test_hl7_pathology import TEXT, about
from clinical.tests.wards import fresh
from hospital.workflow import Refused
from realtime.alerts.models import Alert

S = Biopsy.Status


@pytest.fixture
def known(alpha):
    return codes(alpha) | {"INSUFF": no_diagnosis(alpha)}


def no_diagnosis(alpha) -> PathologyCode:
    with alpha.acting("admin") as acting:
        fields = {"name": "No diagnosis can be made", "malignancy": "uncertain", "follow_up": "again"}
        return PathologyCode.add(by=acting.person, code="INSUFF", **fields)


def given_up(alpha, biopsy, status=S.LOST) -> RebiopsyTask:
    with alpha.acting("lab_technician") as acting:
        fresh(biopsy).fail(status, "Not in the bag", by=acting.person)
        return RebiopsyTask.objects.shown().get(biopsy=biopsy)


def declined(alpha, biopsy) -> None:
    task = given_up(alpha, biopsy)
    with alpha.acting("main_doctor") as acting:
        task.decline("The patient knows.", by=acting.person)
        fresh(biopsy).close(by=acting.person)


def written(alpha, biopsy, **statement) -> None:
    """Past the verbs."""
    with alpha.acting(), transaction.atomic():
        Biopsy.objects.filter(pk=biopsy.pk).update(**statement)


@pytest.mark.parametrize("code", ["MM", "NEVUS"])
def test_what_has_a_diagnosis_does_not_become_unsatisfactory(alpha, known, code):
    biopsy = reported(alpha, known[code]).biopsy
    with pytest.raises(Refused, match="has a diagnosis"):
        given_up(alpha, biopsy, S.UNSATISFACTORY)
    with alpha.acting():
        assert fresh(biopsy).status == S.RESULTED and not RebiopsyTask.objects.exists()


@pytest.mark.parametrize("code", ["INSUFF", None])
def test_what_gave_no_diagnosis_may_be_taken_again_and_is_corrected_all_the_same(alpha, known, code):
    biopsy = reported(alpha, known.get(code)).biopsy
    task = given_up(alpha, biopsy, S.UNSATISFACTORY)
    with alpha.acting("lab_technician") as acting:
        said = {"source": "hand", "code": known["MM"], "text": "Deeper levels: melanoma"}
        PathologyReport.correct(fresh(biopsy), "Deeper levels", by=acting.person, **said)
        assert (fresh(biopsy).status, fresh(task).answer) == (S.RESULTED, "reported")
        assert Alert.objects.open().filter(kind="biopsy:result_received").count() == 1


def test_a_correction_of_a_malignancy_names_its_diagnosis_and_the_alert_stays(alpha, known):
    biopsy = reported(alpha, known["MM"]).biopsy
    with alpha.acting("lab_technician") as acting:
        with pytest.raises(Refused, match="Choose the diagnosis") as refused:
            PathologyReport.correct(fresh(biopsy), "Typing", by=acting.person, source="hand", text="Melanoma, 2 mm")
        assert refused.value.field == "code"
        assert Alert.objects.open().filter(kind="biopsy:result_received").count() == 1


def test_a_review_is_not_milder_than_a_former_report_where_the_last_one_has_no_diagnosis(alpha, known):
    biopsy = reported(alpha, known["AK"]).biopsy
    with alpha.acting("lab_technician") as acting:
        PathologyReport.correct(fresh(biopsy), "Typing", by=acting.person, source="hand", text="Sections")
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="pre-malignant"):
        BiopsyReview.sign(fresh(biopsy), known["NEVUS"], "none", by=acting.person)


def downgraded(alpha, known, code, biopsy=None) -> Biopsy:
    """The doctor corrects the melanoma of the laboratory by hand."""
    biopsy = biopsy or reported(alpha, known["MM"]).biopsy
    with alpha.acting("main_doctor") as acting:
        said = {"source": "hand", "code": known[code], "text": "Read again"}
        PathologyReport.correct(fresh(biopsy), "Second look", by=acting.person, **said)
    return biopsy


def test_one_person_does_not_make_a_malignancy_harmless_and_sign_it(alpha, known):
    biopsy = downgraded(alpha, known, "NEVUS")
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="A colleague reviews it"):
        BiopsyReview.sign(fresh(biopsy), known["NEVUS"], "none", by=acting.person)
    with alpha.acting("main_doctor", "Colleague") as acting:
        BiopsyReview.sign(fresh(biopsy), known["NEVUS"], "none", by=acting.person)
        assert fresh(biopsy).status == S.REVIEWED


def test_nor_gives_it_up_as_no_good(alpha, known):
    biopsy = downgraded(alpha, known, "INSUFF")
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="has a diagnosis"):
        fresh(biopsy).fail(S.UNSATISFACTORY, "No good", by=acting.person)


def malignant_alerts(alpha):
    return Alert.objects.filter(kind="biopsy:result_received")


def test_a_malignancy_that_a_colleagues_review_finds_is_an_alert_to_who_ordered(alpha, known):
    biopsy = reported(alpha, None).biopsy
    with alpha.acting("main_doctor", "Colleague") as acting:
        BiopsyReview.sign(fresh(biopsy), known["MM"], "oncology", by=acting.person, **PLAN)
        assert malignant_alerts(alpha).open().get().answers == alpha.main_doctor


def test_who_ordered_and_finds_it_alone_needs_no_alert(alpha, known):
    biopsy = reported(alpha, None).biopsy
    with alpha.acting("main_doctor") as acting:
        BiopsyReview.sign(fresh(biopsy), known["MM"], "oncology", by=acting.person, **PLAN)
        assert not malignant_alerts(alpha).exists()


def test_the_review_of_who_ordered_answers_the_alert(alpha, known):
    reviewed(alpha, known["MM"], **PLAN)
    with alpha.acting():
        alert = malignant_alerts(alpha).get()
        assert (alert.status, alert.acknowledged_by, alert.done) == ("acknowledged", alpha.main_doctor, "acted")
        assert alert.done_text == "Reviewed: Refer to oncology"


def test_the_end_of_the_loop_answers_the_alert_that_a_colleagues_review_left_open(alpha, known):
    biopsy = reported(alpha, known["MM"]).biopsy
    with alpha.acting("main_doctor", "Colleague") as acting:
        row = fresh(biopsy)
        BiopsyReview.sign(row, known["MM"], "oncology", by=acting.person, **PLAN)
        assert malignant_alerts(alpha).open().exists()
        BiopsyTelling.tell(row, "phone", "The patient", "Melanoma", by=acting.person)
        row.close(by=acting.person)
        assert malignant_alerts(alpha).get().acknowledged_by == acting.person


def test_a_lost_one_is_closed_by_what_its_page_offers_once_that_is_decided(alpha):
    biopsy = a_biopsy(alpha, "sent")
    task = given_up(alpha, biopsy)
    client, page = alpha.client("main_doctor"), f"{alpha.url}/biopsies/{biopsy.pk}/"
    assert f"{page}close/" not in client.get(page).content.decode()
    client.post(f"{alpha.url}/biopsies/again/{task.pk}/decline/", {"reason": "The patient knows."})
    assert f'action="{page}close/"' in client.get(page).content.decode()
    assert f"{page}close/" not in alpha.client("lab_technician").get(page).content.decode()
    assert client.post(f"{page}close/").status_code == 302
    with alpha.acting():
        assert fresh(biopsy).status == S.CLOSED


@pytest.mark.parametrize(("upto", "status"), [("ordered", "closed"), ("sent", "closed"), ("sent", "cancelled")])
def test_the_database_ends_nothing_that_is_under_way(alpha, upto, status):
    with pytest.raises(DatabaseError):
        written(alpha, a_biopsy(alpha, upto), status=status)


def test_the_database_closes_nothing_of_which_a_rebiopsy_is_not_decided_and_changes_no_level(alpha, known):
    lost = a_biopsy(alpha, "sent")
    given_up(alpha, lost)
    result = reported(alpha, known["MM"]).biopsy
    for biopsy, statement in (
        (lost, {"status": "closed"}),
        (result, {"status": "closed"}),
        (result, {"malignancy": ""}),
    ):
        with pytest.raises(DatabaseError):
            written(alpha, biopsy, **statement)


@pytest.mark.parametrize("status", [S.LOST, S.UNSATISFACTORY])
def test_the_report_of_what_was_given_up_is_taken_and_answers_whether_it_is_taken_again(alpha, known, status):
    biopsy = a_biopsy(alpha, "processing")
    task = given_up(alpha, biopsy, status)
    page = f"{alpha.url}/biopsies/{biopsy.pk}/result/"
    moment = timezone.localtime(timezone.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    typed = {"text": "Melanoma", "code": "MM", "sender": "North", "reported_at": moment}
    assert alpha.client("lab_technician").post(page, typed).status_code == 302
    with alpha.acting():
        row = fresh(biopsy)
        assert (row.status, row.ended_because, fresh(task).answer) == (S.RESULTED, "", "reported")
        assert Alert.objects.filter(kind="biopsy:result_received").count() == 1


def test_a_message_about_a_lost_one_becomes_its_report(alpha, known):
    biopsy = a_biopsy(alpha, "sent", patient=registered(alpha))
    given_up(alpha, biopsy)
    melanoma = "OBX|2|CWE|22637-3^Final diagnosis^LN||C43.9^Melanoma^I10||||||F"
    send(alpha, oru(about(biopsy.number), TEXT, melanoma))
    with alpha.acting():
        assert fresh(biopsy).status == S.RESULTED
        assert Alert.objects.filter(kind="biopsy:result_received").count() == 1


def test_the_report_of_a_lost_one_opens_its_closed_loop_again(alpha, known):
    biopsy = a_biopsy(alpha, "sent")
    declined(alpha, biopsy)
    page = alpha.client("lab_technician").get(f"{alpha.url}/biopsies/{biopsy.pk}/result/")
    assert page.status_code == 200
    reported(alpha, known["MM"], fresh_of(alpha, biopsy))
    with alpha.acting():
        row = fresh(biopsy)
        assert (row.status, row.closed_at, row.ended_because) == (S.RESULTED, None, "")
        assert Alert.objects.filter(kind="biopsy:result_received").count() == 1


def fresh_of(alpha, biopsy) -> Biopsy:
    with alpha.acting():
        return fresh(biopsy)


def test_a_review_that_asks_for_another_biopsy_is_closed_once_that_is_decided(alpha, known):
    biopsy = reviewed(alpha, known["INSUFF"])
    with alpha.acting("main_doctor") as acting:
        by = acting.person
        BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "No diagnosis", by=by)
        with pytest.raises(Refused, match="Decide about the re-biopsy"):
            fresh(biopsy).close(by=by)
    doctor, page = alpha.client("main_doctor"), f"{alpha.url}/biopsies/{biopsy.pk}/"
    shown = doctor.get(page).content.decode()
    assert ("is it taken again" in shown, f"Close {biopsy.number}" in shown) == (True, False)
    with alpha.acting("main_doctor") as acting:
        RebiopsyTask.objects.shown().get(biopsy=biopsy).order_again(fresh(biopsy.visit), by=acting.person)
    assert f"Close {biopsy.number}" in doctor.get(page).content.decode()
    with alpha.acting("main_doctor") as acting:
        fresh(biopsy).close(by=acting.person)
        assert fresh(biopsy).status == S.CLOSED

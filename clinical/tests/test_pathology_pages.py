"""The pages of a result: who may, what they ask for, and what they answer to a mistake."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clinical.models import (
    BiopsyLetter,
    BiopsyReview,
    BiopsyTelling,
    Document,
    PathologyCode,
    PathologyLab,
    PathologyNotice,
    PathologyReport,
)
from clinical.tests.papers import pdf, upload
from clinical.tests.pathology import PLAN, a_biopsy, codes, reported, reviewed
from clinical.tests.wards import fresh
from hospital.seals import raw
from realtime.alerts.models import Alert

NOW = "%Y-%m-%dT%H:%M"


@pytest.fixture
def known(alpha):
    return codes(alpha)


def address(alpha, biopsy, step: str = "") -> str:
    return f"{alpha.url}/biopsies/{biopsy.pk}/{step}"


def typed(**fields):
    moment = timezone.localtime(timezone.now() - timedelta(minutes=1)).strftime(NOW)
    return {"text": "A naevus", "code": "NEVUS", "sender": "North", "reported_at": moment, **fields}


def entered(alpha, biopsy, who="lab_technician", **fields):
    return alpha.client(who).post(address(alpha, biopsy, "result/"), typed(**fields))


def test_the_laboratory_enters_a_result_with_its_findings(alpha, known):
    biopsy = a_biopsy(alpha)
    page = alpha.client("lab_technician").get(address(alpha, biopsy, "result/")).content.decode()
    assert "Melanoma, invasive (MM)" in page
    answer = entered(alpha, biopsy, code="MM", breslow_mm="1.4", clark="4", mitoses="3", ulceration="present")
    assert answer.status_code == 302
    with alpha.acting():
        report = PathologyReport.objects.get()
        assert (report.malignancy, report.clark, report.stage_by_thickness) == ("malignant", "4", "pT2b")
    shown = alpha.client("main_doctor").get(address(alpha, biopsy)).content.decode()
    assert "Melanoma, invasive" in shown
    assert "pT2b" in shown


@pytest.mark.parametrize(
    "fields",
    [{"text": " "}, {"breslow_mm": "-1"}, {"mitoses": "many"}, {"code": "XYZ"}, {"reported_at": "2999-01-01T00:00"}],
)
def test_what_cannot_be_is_refused_at_its_field(alpha, known, fields):
    biopsy = a_biopsy(alpha)
    answer = entered(alpha, biopsy, **fields)
    assert answer.status_code == 422
    assert "data-error-summary" in answer.content.decode()
    with alpha.acting():
        assert fresh(biopsy).status == "processing"


def test_a_file_alone_is_a_report(alpha, known):
    biopsy = a_biopsy(alpha)
    assert entered(alpha, biopsy, text="", files=upload(pdf(b"Report"))).status_code == 302
    with alpha.acting():
        report = PathologyReport.objects.get()
        assert (report.source, report.document) == ("file", Document.objects.get())


def test_two_who_enter_it_are_told_and_nothing_is_lost(alpha, known):
    biopsy = a_biopsy(alpha)
    assert entered(alpha, biopsy).status_code == 302
    again = entered(alpha, biopsy, reason="Typing", seen="0", text="Other")
    assert again.status_code == 409
    with alpha.acting():
        assert PathologyReport.objects.count() == 1
    right = entered(alpha, biopsy, reason="Typing", seen="1", text="Other")
    assert right.status_code == 302
    with alpha.acting():
        assert fresh(biopsy).report.text == "Other"


def test_what_the_laboratory_does_not_have_answers_409_with_words(alpha, known):
    answer = entered(alpha, a_biopsy(alpha, "collected"))
    assert answer.status_code == 409


def test_a_doctor_reviews_with_what_a_malignancy_needs(alpha, known):
    biopsy = reported(alpha, known["MM"]).biopsy
    doctor, url = alpha.client("main_doctor"), address(alpha, biopsy, "review/")
    said = {"code": "MM", "follow_up": "oncology", "seen": "1"}
    for body in (said, said | PLAN | {"plan": ""}, said | PLAN | {"code": ""}, said | PLAN | {"follow_up": ""}):
        assert doctor.post(url, body).status_code == 422
    assert doctor.post(url, said | PLAN | {"seen": "2"}).status_code == 409
    assert doctor.post(url, said | PLAN).status_code == 302
    with alpha.acting():
        assert fresh(biopsy).status == "reviewed"
    assert doctor.get(url).status_code == 409


def test_the_patient_is_told_and_the_loop_closes(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    doctor = alpha.client("main_doctor")
    assert doctor.post(address(alpha, biopsy, "close/")).status_code == 409
    now = timezone.localtime().strftime(NOW)
    body = {"way": "phone", "whom": "The patient", "words": "Harmless", "at": now}
    for missing in body:
        assert doctor.post(address(alpha, biopsy, "tell/"), body | {missing: ""}).status_code == 422
    assert doctor.post(address(alpha, biopsy, "tell/"), body | {"at": "2020-01-01T00:00"}).status_code == 422
    assert doctor.post(address(alpha, biopsy, "tell/"), body).status_code == 302
    assert "Harmless" in doctor.get(address(alpha, biopsy)).content.decode()
    assert doctor.post(address(alpha, biopsy, "close/")).status_code == 302
    with alpha.acting():
        assert fresh(biopsy).status == "closed"


def test_a_letter_begins_with_a_text_of_the_house_and_is_kept_as_it_went_out(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with alpha.acting("admin"):
        words = {"subject": "About {biopsy}", "body": "Dear {patient}, it is {diagnosis}. {doctor}"}
        letter = BiopsyLetter.objects.create(name="Result", **words)
    doctor, url = alpha.client("main_doctor"), address(alpha, biopsy, "letter/")
    page = doctor.get(f"{url}?letter={letter.pk}").content.decode()
    assert "Dear Amara Okafor, it is Melanocytic naevus. Main Doctor" in page
    assert doctor.post(url, {"subject": "", "body": "x"}).status_code == 422
    answer = doctor.post(url, {"subject": "About it", "body": "Dear Amara Okafor, call us."})
    with alpha.acting():
        kept = BiopsyTelling.objects.get()
        assert answer.url.endswith(f"/biopsies/tellings/{kept.pk}/print/")
    paper = doctor.get(answer.url).content.decode()
    assert "Dear Amara Okafor, call us." in paper


def test_whoever_read_a_report_that_was_corrected_finds_it_and_says_so(alpha, known):
    biopsy = reported(alpha, known["NEVUS"]).biopsy
    doctor = alpha.client("main_doctor")
    doctor.get(address(alpha, biopsy))
    assert entered(alpha, biopsy, code="MM", reason="Second reading", seen="1").status_code == 302
    listed = doctor.get(f"{alpha.url}/biopsies/corrected/").content.decode()
    assert "Second reading" in listed
    assert "was corrected after you" in doctor.get(address(alpha, biopsy)).content.decode()
    with alpha.acting():
        notice = PathologyNotice.objects.get(person=alpha.main_doctor)
    done = f"{alpha.url}/biopsies/corrected/{notice.pk}/seen/"
    assert alpha.client("lab_technician").post(done).status_code == 403
    assert doctor.post(done).status_code == 302
    assert "Second reading" not in doctor.get(f"{alpha.url}/biopsies/corrected/").content.decode()


def test_who_may_what(alpha, beta, known):
    biopsy = reported(alpha, known["NEVUS"]).biopsy
    refused = {"result/": ("checker_doctor", "reception"), "review/": ("lab_technician", "checker_doctor")}
    for step, roles in refused.items():
        for role in roles:
            assert alpha.client(role).get(address(alpha, biopsy, step)).status_code == 403
    for step in ("result/", "review/", "tell/", "letter/"):
        assert beta.client("main_doctor").get(f"{beta.url}/biopsies/{biopsy.pk}/{step}").status_code == 404


# --- what is kept ---------------------------------------------------------------------------


def test_the_administrator_changes_a_diagnosis_and_says_why(alpha, known):
    client, url = alpha.client("admin"), f"{alpha.url}/biopsies/codes/{known['AK'].pk}/"
    assert "pre-malignant" in client.get(url).content.decode().lower()
    body = {"code": "AK", "name": "Keratosis", "malignancy": "uncertain", "follow_up": "treat", "is_active": "on"}
    with alpha.acting():
        version = {"version": str(fresh(known["AK"]).version)}
    assert client.post(url, body | version).status_code == 422
    assert client.post(url, body | version | {"reason": "Guideline"}).status_code == 302
    with alpha.acting():
        row = fresh(known["AK"])
        assert (row.name, row.current.number, row.current.reason) == ("Keratosis", 2, "Guideline")
        assert row.current.made_by == alpha.admin
    assert "Guideline" in client.get(url).content.decode()


def test_two_who_change_a_diagnosis_are_asked(alpha, known):
    client, url = alpha.client("admin"), f"{alpha.url}/biopsies/codes/{known['AK'].pk}/"
    with alpha.acting():
        opened = {f"opened-{name}": getattr(fresh(known["AK"]), name) for name in ("name", "malignancy")}
        opened["version"] = fresh(known["AK"]).version
        known["AK"].revise(by=None, reason="Meanwhile", name="Theirs")
    body = {
        "code": "AK",
        "name": "Mine",
        "malignancy": "pre_malignant",
        "follow_up": "treat",
        "icd10": "",
        "is_active": "on",
    }
    answer = client.post(url, body | opened | {"reason": "Mine"})
    assert answer.status_code == 409
    assert "Theirs" in answer.content.decode()


def test_codes_laboratories_and_letters_are_added_found_and_refused(alpha, beta):
    client, url = alpha.client("admin"), f"{alpha.url}/biopsies"
    assert "Begin with the usual" in client.get(f"{url}/codes/").content.decode()
    assert client.post(f"{url}/codes/install/").status_code == 302
    assert "Nodular melanoma" in client.get(f"{url}/codes/?q=nodular&show=malignant").content.decode()
    bad = {"code": "a b", "name": "X", "malignancy": "benign", "follow_up": "none"}
    for fields in (
        bad,
        bad | {"code": "NEVUS"},
        bad | {"code": "X", "icd10": "ZZZ"},
        bad | {"code": "X", "malignancy": ""},
    ):
        assert client.post(f"{url}/codes/new/", fields | {"version": "0"}).status_code == 422
    days = {"first_days": "7", "second_days": "10", "third_days": "14"}
    lab = {"name": "North", "version": "0", "is_active": "on", **days}
    assert client.post(f"{url}/laboratories/new/", lab | {"second_days": "5"}).status_code == 422
    assert client.post(f"{url}/laboratories/new/", lab).status_code == 302
    assert "North" in client.get(f"{url}/laboratories/").content.decode()
    letter = {"name": "Mine", "purpose": "result", "subject": "S", "body": "Dear {patiant}", "version": "0"}
    answer = client.post(f"{url}/letters/new/", letter)
    assert answer.status_code == 422
    assert "{patiant} is not known" in answer.content.decode()
    assert client.post(f"{url}/letters/new/", letter | {"body": "Dear {patient}"}).status_code == 302
    with beta.acting():
        assert not PathologyCode.objects.exists() and not PathologyLab.objects.exists()
    for role in ("main_doctor", "lab_technician"):
        assert alpha.client(role).get(f"{url}/codes/").status_code == 403


def test_the_result_of_a_restricted_chart_is_entered_and_its_alarm_is_raised_all_the_same(alpha, known):
    biopsy = a_biopsy(alpha)
    with alpha.acting("admin") as acting:
        biopsy.patient.restrict("A colleague", by=acting.person)
    assert entered(alpha, biopsy, code="MM", text="Sentinel words").status_code == 302
    with alpha.acting():
        assert Alert.objects.get(kind="biopsy:result_received").answers == alpha.main_doctor
        with raw():
            row = fresh(biopsy)
            assert (row.malignancy, row.report.text, row.report.diagnosis) == (
                "malignant",
                "Sentinel words",
                "Melanoma, invasive",
            )
    assert alpha.client("lab_technician").get(address(alpha, biopsy, "result/")).status_code == 403


def test_a_restricted_chart_shows_nothing_of_what_was_found(alpha, known):
    biopsy = reported(alpha, known["MM"], text="Sentinel words", breslow_mm="7.77", stage="pT4b").biopsy
    with alpha.acting("admin") as acting:
        biopsy.patient.restrict("A colleague", by=acting.person)
    page = alpha.client("lab_technician").get(address(alpha, biopsy)).content.decode().partition("<main")[2]
    for word in ("Sentinel", "7.77", "pT4b", "elanoma, invasive", "Malignant"):
        assert word not in page, word


def test_who_may_see_a_biopsy_and_not_its_result_reads_it_on_no_page(alpha, known):
    biopsy = reviewed(alpha, known["NEVUS"])
    with alpha.acting("main_doctor") as acting:
        BiopsyTelling.tell(fresh(biopsy), "phone", "The patient", "Sentinel words", by=acting.person)
    for shown in (True, False):
        client = alpha.client("main_doctor") if shown else without_results(alpha)
        page = client.get(address(alpha, biopsy)).content.decode()
        for word in ("Sentinel words", "Melanocytic", "/history/"):
            assert (word in page) is shown, word
        assert ("/biopsies/corrected/" in client.get(f"{alpha.url}/biopsies/").content.decode()) is shown
        for url in (address(alpha, biopsy, "history/"), f"{alpha.url}/biopsies/corrected/"):
            assert client.get(url).status_code == (200 if shown else 403)


def without_results(alpha):
    with alpha.acting("main_doctor") as acting:
        acting.role.allow_exactly(acting.role.permissions - {"clinical.view_results"})
    return alpha.client("main_doctor")


@pytest.mark.parametrize(
    ("code", "follow_up", "offered"), [("NEVUS", "none", True), ("NEVUS", "observe", False), ("MM", "oncology", False)]
)
def test_a_letter_that_calls_it_harmless_is_offered_for_what_is(alpha, known, code, follow_up, offered):
    report = reported(alpha, known[code])
    with alpha.acting("main_doctor") as acting:
        BiopsyReview.sign(report.biopsy, known[code], follow_up, by=acting.person, **(PLAN if code == "MM" else {}))
    with alpha.acting("admin"):
        letter = BiopsyLetter.objects.create(name="Good news", subject="Result", body="Dear {patient}. {harmless}")
    url = address(alpha, report.biopsy, f"letter/?letter={letter.pk}")
    page = alpha.client("main_doctor").get(url).content.decode()
    assert ("Good news" in page, "This is harmless" in page) == (offered, offered)

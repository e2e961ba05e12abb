"""What is reckoned of biopsies, and their papers: the report, the history of one, and the specimens of a day."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from django.utils import timezone

from clinical.models import Biopsy, BiopsyReview, BiopsyTelling
from clinical.tests.answers import text
from clinical.tests.pathology import PLAN, a_biopsy, codes, reported, reviewed
from clinical.tests.test_biopsy_log import again
from clinical.tests.test_pathology import corrected


def test_the_report_says_how_long_laboratories_take_and_how_often_the_two_agree(alpha):
    found = codes(alpha)
    now = timezone.now()
    for clinical, code in (("D22.5", "NEVUS"), ("C43.5", "NEVUS"), ("D03.5", "MM")):
        biopsy = reported(alpha, found[code], entered_at=now - timedelta(days=1)).biopsy
        with alpha.acting():
            Biopsy.objects.filter(pk=biopsy.pk).update(clinical_code=clinical, sent_at=now - timedelta(days=4))
    corrected(alpha, reviewed_by_doctor(alpha, biopsy, found["MM"]), found["MM"])
    page = text(alpha.client("main_doctor").get(f"{alpha.url}/biopsies/report/"))
    assert "33" in page and "3.0" in page
    table = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/report/correlation/csv/")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert {row[0]: row[1:] for row in rows[1:]} == {"Benign": ["1", "0", "0", "0"], "Malignant": ["1", "0", "0", "1"]}
    differ = text(alpha.client("main_doctor").get(f"{alpha.url}/biopsies/report/differing/csv/"))
    assert differ.count("Melanocytic naevus") == 1
    assert alpha.client("main_doctor").get(f"{alpha.url}/biopsies/report/nothing/csv/").status_code == 404


def test_the_history_says_who_had_it_what_was_said_and_who_was_told(alpha):
    found = codes(alpha)
    biopsy = reviewed(alpha, found["MM"], **PLAN)
    with alpha.acting("main_doctor") as acting:
        BiopsyTelling.tell(biopsy, "phone", "The patient", "Melanoma, excision on Monday", by=acting.person)
        biopsy.close(by=acting.person)
    page = text(alpha.client("main_doctor").get(f"{alpha.url}/biopsies/{biopsy.pk}/history/"))
    custody, _, rest = page.partition("What was said")
    said, _, told = rest.partition("Who was told")
    for step in ("Ordered", "Patient identified", "Time-out", "Collected", "Sent", "Received", "Room 3", "Main Doctor"):
        assert step in custody.partition("Who had it")[2], step
    for word in ("Melanoma, invasive", "Sections show", "Excision with 2 cm margin", "North Pathology"):
        assert word in said, word
    for word in ("The patient", "Melanoma, excision on Monday", "Telephone", "Alert", "Lab Technician"):
        assert word in told or (word == "Lab Technician" and word in said), word
    assert "Main Doctor" in told.partition("Who has opened")[2]


def reviewed_by_doctor(alpha, biopsy, code):
    with alpha.acting("main_doctor") as acting:
        BiopsyReview.sign(again(alpha, biopsy), code, code.follow_up, by=acting.person, **PLAN)
    return biopsy


def test_what_the_doctor_coded_at_the_review_counts_as_found(alpha):
    found = codes(alpha)
    biopsy = reported(alpha, None).biopsy
    with alpha.acting():
        Biopsy.objects.filter(pk=biopsy.pk).update(clinical_code="D22.5")
    reviewed_by_doctor(alpha, biopsy, found["MM"])
    differ = text(alpha.client("main_doctor").get(f"{alpha.url}/biopsies/report/differing/csv/"))
    assert (biopsy.number in differ, "Melanoma, invasive" in differ) == (True, True)


def test_the_history_has_each_version_with_its_measures(alpha):
    found = codes(alpha)
    said = {"breslow_mm": "1.40", "ulceration": "present", "clark": "4", "mitoses": "3", "stage": "pT1a"}
    biopsy = reported(alpha, found["MM"], text="First reading", margins="involved", **said).biopsy
    corrected(alpha, biopsy, found["MM"], text="Second reading")
    client = alpha.client("main_doctor")
    said = text(client.get(f"{alpha.url}/biopsies/{biopsy.pk}/history/")).partition("What was said")[2]
    for words in (
        "First reading",
        "Second reading",
        "Margins: Involved",
        "Breslow: 1.4 mm",
        "pT2b, AJCC 8",
        "Clark: IV",
    ):
        assert words in said, words
    for words in ("Mitoses: 3 per", "Ulceration: Present", "Stage: pT1a, which its measures contradict"):
        assert words in said, words
    assert "By its own measures pT2b" in text(client.get(f"{alpha.url}/biopsies/{biopsy.pk}/"))


def test_the_day_on_paper_has_what_was_taken_that_day(alpha):
    taken, ordered = a_biopsy(alpha, "collected"), a_biopsy(alpha, "ordered")
    client = alpha.client("lab_technician")
    page = text(client.get(f"{alpha.url}/biopsies/day/"))
    assert (taken.number in page, ordered.number in page) == (True, False)
    assert taken.number not in text(client.get(f"{alpha.url}/biopsies/day/?day=2020-02-02"))
    assert client.get(f"{alpha.url}/biopsies/day/?day=nonsense").status_code == 200

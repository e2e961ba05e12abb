"""Pathology by messages: onto the biopsy that they name, in versions; else a person says which biopsy or diagnosis is meant."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest

from clinical.hl7 import reading
from clinical.hl7.observations import groups_of
from clinical.hl7.pathology import Told
from clinical.hl7.settling import choose, explain
from clinical.hl7.undoing import undo_patient
from clinical.models import Biopsy, Document, Observation, PathologyReport
from clinical.tests.messages import oru, registered, row_of, send
from clinical.tests.papers import pdf
from clinical.tests.pathology import a_biopsy, codes
from hospital.workflow import Refused
from realtime.alerts.models import Alert

STUDY = "11529-5^Surgical pathology study^LN"
TEXT = "OBX|1|TX|22634-0^Gross observation^LN||Punch, 4 mm||||||F"
MELANOMA = "OBX|2|CWE|22637-3^Final diagnosis^LN||M8720^Invasive melanoma^L||||||F"
NAEVUS = "OBX|2|CWE|22637-3^Final diagnosis^LN||D22.9^Naevus^I10||||||F"
FINDINGS = (
    "OBX|3|NM|X1^Breslow thickness^L||0.14|cm|||||F",
    "OBX|4|ST|X2^Clark level^L||IV||||||F",
    "OBX|5|NM|X3^Mitotic rate^L||3|/mm2|||||F",
    "OBX|6|ST|X4^Ulceration^L||Not identified||||||F",
    "OBX|7|ST|X5^Deep margin^L||Uninvolved by melanoma||||||F",
    "OBX|8|ST|X6^Pathologic stage^L||pT2a||||||F",
)


@pytest.fixture
def known(alpha):
    return codes(alpha)


def about(number: str, filler: str = "P77", status: str = "F") -> str:
    return f"OBR|1|{number}|{filler}|{STUDY}|||||||||||||||||||||{status}"


def away(alpha, upto="sent"):
    return a_biopsy(alpha, upto, patient=registered(alpha))


def now(alpha, biopsy) -> Biopsy:
    with alpha.acting():
        return Biopsy.objects.select_related("report").get(pk=biopsy.pk)


def test_it_becomes_the_report_by_our_number_with_each_finding_and_tells_the_doctor(alpha, known):
    biopsy = away(alpha)
    receipt = send(alpha, oru(about(biopsy.number), TEXT, MELANOMA, *FINDINGS))
    assert receipt.word == "inbox"
    row = row_of(alpha, receipt)
    with alpha.acting("lab_technician") as acting:
        assert explain(row, "pathology", row.asks[0]["code"], str(known["MM"].pk), by=acting.person)
    report = now(alpha, biopsy).report
    with alpha.acting():
        assert (report.code, report.malignancy, report.source) == ("MM", "malignant", "hl7")
        assert (report.breslow_mm, report.clark, report.mitoses) == (Decimal("1.40"), "4", Decimal("3.0"))
        assert (report.ulceration, report.margins, report.stage) == ("absent", "clear", "pT2a")
        assert "Gross observation: Punch, 4 mm" in report.text
        assert "Breslow thickness: 0.14 cm" in report.text
        assert Alert.objects.get(kind="biopsy:result_received").answers == alpha.main_doctor
        assert not Observation.objects.exists()


def test_it_is_found_by_the_label_too_and_a_classification_names_the_diagnosis(alpha, known):
    biopsy = away(alpha)
    with alpha.acting():
        label = biopsy.specimens.get().number
    assert send(alpha, oru(about(label), TEXT, NAEVUS)).word == "applied"
    row = now(alpha, biopsy)
    assert (row.status, row.report.code, row.malignancy) == ("resulted", "NEVUS", "benign")


def test_the_same_again_is_nothing_new_and_a_correction_is_the_next_version(alpha, known):
    biopsy = away(alpha)
    send(alpha, oru(about(biopsy.number), TEXT, NAEVUS))
    assert send(alpha, oru(about(biopsy.number), TEXT, NAEVUS)).word == "applied"
    assert now(alpha, biopsy).report.number == 1
    send(alpha, oru(about(biopsy.number, status="C"), TEXT.replace("4 mm", "6 mm").replace("||F", "||C")))
    report = now(alpha, biopsy).report
    with alpha.acting():
        assert (report.number, report.code) == (2, ""), "harmless is not kept where nobody said it again"
        assert report.reason.startswith("Corrected by LAB")


def test_a_preliminary_report_is_followed_by_the_final_one(alpha, known):
    biopsy = away(alpha)
    send(alpha, oru(about(biopsy.number), TEXT.replace("||F", "||P")))
    assert now(alpha, biopsy).report.is_preliminary
    send(alpha, oru(about(biopsy.number), TEXT, NAEVUS))
    report = now(alpha, biopsy).report
    assert (report.is_preliminary, report.reason) == (False, "The final report of LAB at NORTH")


def test_a_file_in_it_is_a_document_once(alpha, known):
    biopsy = away(alpha)
    content = base64.b64encode(pdf(b"Report")).decode()
    file = f"OBX|3|ED|PDF^Report^L||LAB^AP^PDF^Base64^{content}||||||F"
    for _ in range(2):
        assert send(alpha, oru(about(biopsy.number), NAEVUS, file)).word == "applied"
    with alpha.acting():
        assert Document.objects.get() == now(alpha, biopsy).report.document


def test_a_file_that_was_rejected_is_no_file_of_the_report(alpha, known):
    biopsy = away(alpha)
    content = base64.b64encode(pdf(b"Report")).decode()
    file = f"OBX|3|ED|PDF^Report^L||LAB^AP^PDF^Base64^{content}||||||F"
    send(alpha, oru(about(biopsy.number), NAEVUS, file))
    with alpha.acting():
        Document.objects.get().move_to("rejected", by=None)
    send(alpha, oru(about(biopsy.number), TEXT, NAEVUS, file))
    with alpha.acting():
        assert Document.objects.count() == 2
        assert now(alpha, biopsy).report.document.status != "rejected"


def test_several_biopsies_of_one_message_are_taken_in_the_order_of_their_numbers(alpha, known):
    """As everybody locks them: two messages, or a message and a list, never wait for each other."""
    first = away(alpha)
    with alpha.acting():
        patient = first.patient
    second = a_biopsy(alpha, "sent", patient=patient)
    send(
        alpha,
        oru(about(second.number), TEXT, NAEVUS, about(first.number, "P2").replace("OBR|1", "OBR|2"), TEXT, NAEVUS),
    )
    with alpha.acting():
        order = PathologyReport.objects.order_by("entered_at").values_list("biopsy", flat=True)
        assert list(order) == [first.pk, second.pk]


def test_without_a_number_of_ours_a_person_says_which_biopsy_it_is(alpha, known):
    biopsy = away(alpha)
    receipt = send(alpha, oru(about("", "P9"), TEXT, NAEVUS))
    row = row_of(alpha, receipt)
    assert row.is_waiting
    assert biopsy.number in row.words
    with alpha.acting("lab_technician") as acting:
        assert explain(row, "biopsy", row.asks[0]["code"], str(biopsy.pk), by=acting.person)
    assert now(alpha, biopsy).report.code == "NEVUS"


def test_the_report_of_another_patient_waits(alpha, known):
    registered(alpha)
    theirs = a_biopsy(alpha, "sent")
    row = row_of(alpha, send(alpha, oru(about(theirs.number), TEXT, NAEVUS)))
    assert (row.is_waiting, row.waits_for) == (True, "conflict")
    with alpha.acting():
        assert not PathologyReport.objects.exists()


@pytest.mark.parametrize("upto", ["ordered", "collected"])
def test_what_was_never_sent_takes_no_report(alpha, known, upto):
    biopsy = away(alpha, upto)
    row = row_of(alpha, send(alpha, oru(about(biopsy.number), TEXT, NAEVUS)))
    assert (row.is_waiting, row.waits_for) == (True, "refused")


def test_a_report_that_is_taken_back_waits_for_a_person(alpha, known):
    biopsy = away(alpha)
    send(alpha, oru(about(biopsy.number), TEXT, NAEVUS))
    row = row_of(alpha, send(alpha, oru(about(biopsy.number), TEXT.replace("||F", "||W"))))
    assert (row.is_waiting, row.waits_for) == (True, "conflict")


def test_pathology_of_a_patient_without_a_biopsy_here_stays_in_the_chart(alpha, known):
    registered(alpha)
    assert send(alpha, oru(about("", "OLD1"), TEXT)).word == "applied"
    with alpha.acting():
        assert Observation.objects.get().value_text == "Punch, 4 mm"


def test_a_report_is_corrected_and_never_taken_out_as_another_patients(alpha, known):
    biopsy = a_biopsy(alpha, "sent")
    row = row_of(alpha, send(alpha, oru(about(biopsy.number), TEXT, NAEVUS)))
    with alpha.acting("lab_technician") as acting:
        assert choose(row, biopsy.patient, by=acting.person)
        with pytest.raises(Refused, match=biopsy.number):
            undo_patient(row, "One line off", by=acting.person)
    assert now(alpha, biopsy).report.code == "NEVUS"


def test_the_number_of_another_hospital_means_nothing_here(alpha, beta, known):
    theirs = a_biopsy(beta, "sent")
    registered(alpha)
    assert row_of(alpha, send(alpha, oru(about(theirs.number), TEXT, NAEVUS))).is_waiting
    assert now(beta, theirs).report is None


def test_a_correction_that_names_no_diagnosis_keeps_a_grave_one(alpha, known):
    biopsy = away(alpha)
    send(alpha, oru(about(biopsy.number), TEXT, NAEVUS.replace("D22.9^Naevus", "L57.0^Keratosis")))
    send(alpha, oru(about(biopsy.number, status="C"), TEXT.replace("4 mm", "6 mm").replace("||F", "||C")))
    report = now(alpha, biopsy).report
    assert (report.number, report.code) == (2, "AK")


def test_what_was_late_on_its_way_does_not_take_the_place_of_what_came_after_it(alpha, known):
    biopsy = away(alpha)
    signed = TEXT.replace("||F", "||F|||20260301")
    send(alpha, oru(about(biopsy.number), signed, NAEVUS.replace("||F", "||F|||20260301")))
    for late in (TEXT.replace("||F", "||P"), signed.replace("4 mm", "6 mm").replace("20260301", "20260228")):
        row = row_of(alpha, send(alpha, oru(about(biopsy.number), late)))
        assert (row.is_waiting, row.waits_for) == (True, "conflict"), late
    assert now(alpha, biopsy).report.number == 1


@pytest.mark.parametrize(
    ("name", "said", "read"),
    [
        ("Margins", ["Peripheral margin clear, deep margin involved"], {"margins": "involved"}),
        ("Margins", ["Not clear"], {"margins": "involved"}),
        ("Margins", ["Not free of tumour"], {"margins": "involved"}),
        ("Margins", ["Clearance not achieved"], {"margins": ""}),
        ("Margins", ["No melanoma present at margin"], {"margins": ""}),
        ("Margins", ["Cannot be assessed"], {"margins": ""}),
        ("Margins", ["Not involved"], {"margins": "clear"}),
        ("Margins", ["Involved", "Clear"], {"margins": "involved"}),
        ("Margins", ["Clear", "Cannot be assessed"], {"margins": ""}),
        ("Margins", ["3", "1"], {"margin_mm": Decimal("1.0")}),
        ("Ulceration", ["Not assessed"], {"ulceration": ""}),
        ("Ulceration", ["Not applicable"], {"ulceration": ""}),
        ("Ulceration", ["None stated"], {"ulceration": ""}),
        ("Ulceration", ["Present, not extensive"], {"ulceration": "present"}),
        ("Ulceration", ["Focal ulceration present"], {"ulceration": "present"}),
        ("Ulceration", ["Ulceration: not identified"], {"ulceration": "absent"}),
        ("Ulceration", ["No"], {"ulceration": "absent"}),
        ("Ulceration", ["Present", "Absent"], {"ulceration": "present"}),
        ("Breslow", ["2.1", "0.4"], {"breslow_mm": Decimal("2.10")}),
        ("Stage", ["pT2a", "pN0"], {"stage": "pT2a, pN0"}),
    ],
)
def test_a_finding_is_never_read_milder_than_it_was_said(name, said, read):
    lines = [f"OBX|{at}|ST|X^{name}^L||{words}||||||F" for at, words in enumerate(said, 1)]
    groups = groups_of(reading.read(oru(about("BX-1"), *lines)))
    assert Told(Biopsy(), groups)._findings()[0] == read

"""Results by messages: onto our orders, or into the chart; versions, alarms, files, and codes that somebody must explain."""

from __future__ import annotations

import base64

import pytest

from clinical.hl7.settling import explain
from clinical.hl7.store import settle
from clinical.models import Document, LabOrder, LabTest, Observation, Report
from clinical.tests.laboratories import potassium
from clinical.tests.messages import adt, oru, registered, row_of, send
from clinical.tests.papers import pdf
from clinical.tests.wards import a_visit
from realtime.alerts.models import Alert

K = "2823-3^Potassium^LN"
GLU = "OBX|1|NM|GLU^Glucose^L||5.4|mmol/L|3.9-5.5|N|||F|||20261101090000"


def ordered(hospital, patient) -> LabOrder:
    with hospital.acting("checker_doctor") as acting:
        test = LabTest.objects.filter(loinc="2823-3").first() or potassium()
        if test.loinc != "2823-3":
            test.loinc = "2823-3"
            test.save()
        return a_visit(patient, paid=True).order_tests([test], by=acting.person)[0]


def request(number: str = "", filler: str = "F1", name: str = K, taken: str = "") -> str:
    return f"OBR|1|{number}|{filler}|{name}|||{taken}"


def value(value: str, flag: str = "N", status: str = "F") -> str:
    return f"OBX|1|NM|{K}||{value}|mmol/L|3.5-5.1|{flag}|||{status}"


def test_a_result_goes_onto_the_order_by_our_number_and_a_correction_is_its_next_version(alpha):
    patient = registered(alpha)
    order = ordered(alpha, patient)
    assert send(alpha, oru(request(order.number), value("4.4"))).word == "applied"
    with alpha.acting():
        order = LabOrder.objects.get(pk=order.pk)
        assert (order.status, str(order.result.value_number)) == ("resulted", "4.4000")
        assert str(order.result.low) == "3.5000"
    send(alpha, oru(request(order.number), value("4.9", status="C")))
    with alpha.acting():
        order = LabOrder.objects.get(pk=order.pk)
        assert [str(one.value_number) for one in order.results.order_by("sequence")] == ["4.4000", "4.9000"]
        assert not Observation.objects.exists()


def test_without_a_number_the_one_open_order_of_the_test_takes_it(alpha):
    patient = registered(alpha)
    order = ordered(alpha, patient)
    assert send(alpha, oru(request(), value("4.2"))).word == "applied"
    with alpha.acting():
        assert LabOrder.objects.get(pk=order.pk).status == "resulted"


def test_what_was_taken_long_before_the_order_is_no_answer_to_it(alpha):
    patient = registered(alpha)
    order = ordered(alpha, patient)
    assert send(alpha, oru(request(taken="20250101"), value("4.2"))).word == "applied"
    with alpha.acting():
        assert LabOrder.objects.get(pk=order.pk).status == "requested"
        assert Observation.objects.get(patient=patient).value == "4.2"


def test_our_number_on_a_message_about_somebody_else_changes_nothing_of_the_order(alpha):
    order = ordered(alpha, registered(alpha))
    other = "99^^^CITY&1.2.3.4&ISO^MR||Roth^Max||19500101|M"
    registered(alpha, other)
    send(alpha, oru(request(order.number), value("4.4"), person=other))
    with alpha.acting():
        assert LabOrder.objects.get(pk=order.pk).status == "requested"


def test_unordered_results_stand_in_the_chart_with_unit_range_flag_and_notes(alpha):
    patient = registered(alpha)
    raw = oru(
        request(name="24323-8^Metabolic panel^LN"),
        value("6.1", "H"),
        "NTE|1||Slightly haemolysed",
        "OBX|2|SN|1742-6^ALT^LN||<^5|U/L|up to 40",
        "OBX|3|CWE|600-7^Culture^LN||260385009^Negative^SCT||NEG",
        "OBX|4|TX|8251-1^Comment^LN||First line~Second line",
        "OBX|5|DT|29769-7^Day^LN||20260301",
        "OBX|6|NM|1975-2^Bilirubin^LN||||||||I",
        "OBX|7|RP|1063-7^Picture^LN||https://elsewhere.example/1^^image^PNG",
    )
    assert send(alpha, raw).word == "applied"
    with alpha.acting():
        rows = {row.text: row for row in Observation.objects.filter(patient=patient)}
        assert set(rows) == {"Potassium", "ALT", "Culture", "Comment", "Day", "Picture"}
        potassium = rows["Potassium"]
        assert (potassium.value, potassium.unit, potassium.flag) == ("6.1", "mmol/L", "high")
        assert (str(potassium.low), str(potassium.high), potassium.note) == ("3.5000", "5.1000", "Slightly haemolysed")
        assert (rows["ALT"].value, rows["ALT"].value_number) == ("<5", None)
        assert (rows["Culture"].value, rows["Culture"].note) == ("Negative", "Range of the sender: NEG")
        assert rows["Comment"].value == "First line\nSecond line"
        assert rows["Day"].value == "2026-03-01"
        assert "elsewhere.example" in rows["Picture"].value
        assert len(Report.objects.get(patient=patient).results) == 6
    page = alpha.client("main_doctor").get(f"{alpha.url}/patients/{patient.pk}/chart/results/").content.decode()
    assert "Potassium" in page
    assert "6.1" in page


def test_an_unordered_result_is_corrected_and_taken_back_under_its_own_number(alpha):
    patient = registered(alpha)
    for raw in (oru(request(), value("6.1", "H", "P")), oru(request(), value("4.1", "N", "C"))):
        assert send(alpha, raw).word == "applied"
    with alpha.acting():
        row = Observation.objects.get(patient=patient)
        assert (row.value, row.flag, row.status) == ("4.1", "", "corrected")
    assert send(alpha, oru(request(), value("4.1", "N", "W"))).word == "applied"
    with alpha.acting():
        assert Observation.objects.get(patient=patient).is_mistake


def test_a_critical_value_that_nobody_ordered_alarms_the_doctors(alpha):
    patient = registered(alpha)
    assert send(alpha, oru(request(), value("7.9", "HH"))).word == "applied"
    with alpha.acting():
        alert = Alert.objects.get(patient_id=patient.pk)
        assert alert.expected == "7.9 mmol/L"


def test_a_code_of_their_own_waits_until_somebody_says_what_it_means_and_then_all_are_applied(alpha):
    patient = registered(alpha)
    rows = [row_of(alpha, send(alpha, oru(request(filler=f"G{at}", name="GLU^Glucose^L"), GLU))) for at in (1, 2)]
    assert {row.waits_for for row in rows} == {"code"}
    assert rows[0].asks[0]["text"] == "Glucose"
    with alpha.acting("lab_technician") as acting:
        words = {"code": "GLUC", "name": "Glucose here", "group": "Chemistry", "loinc": "2345-7"}
        test = LabTest.objects.create(**words, unit="mmol/L", decimals=1)
        assert explain(rows[0], "test", "GLU|L", str(test.pk), by=acting.person)
        assert {row.text for row in Observation.objects.filter(patient=patient)} == {"Glucose here"}
        assert Observation.objects.filter(patient=patient, code="2345-7").count() == 2
    assert send(alpha, oru(request(filler="G3", name="GLU^Glucose^L"), GLU)).word == "applied"


def test_a_code_may_be_kept_as_it_was_sent(alpha):
    patient = registered(alpha)
    row = row_of(alpha, send(alpha, oru(request(name="GLU^Glucose^L"), GLU)))
    with alpha.acting("lab_technician") as acting:
        assert settle(row, by=acting.person, decided=["keep"])
        assert Observation.objects.get(patient=patient).code == "GLU"


def test_a_file_in_a_message_becomes_a_document_once(alpha):
    patient = registered(alpha)
    content = base64.b64encode(pdf()).decode()
    for control in ("D1", "D2"):
        file = f"OBX|1|ED|PDF^Report^L||LAB^application^pdf^Base64^{content}||||||F"
        assert send(alpha, oru(request(), file, control=control)).word == "applied"
    with alpha.acting():
        document = Document.objects.get(patient=patient)
        assert (document.content_type, document.title) == ("application/pdf", "Report")
    broken = "OBX|1|ED|PDF^Report^L||LAB^application^pdf^Base64^???||||||F"
    assert row_of(alpha, send(alpha, oru(request(), broken))).waits_for == "unreadable"


@pytest.mark.parametrize("odd", ["OBX|1|NM|2823-3^K^LN||4,2 mmol|", "OBX|1|NM|2823-3^K^LN||1~2|", "OBX"])
def test_odd_values_are_kept_in_words_or_wait(alpha, odd):
    patient = registered(alpha)
    row = row_of(alpha, send(alpha, oru(request(), odd)))
    with alpha.acting():
        assert row.status == "applied" or row.words
        assert not Observation.objects.filter(patient=patient).exclude(value_number=None).exists()


def test_what_stands_before_the_first_request_is_of_the_patient_and_no_answer_to_it(alpha):
    patient = registered(alpha)
    order = ordered(alpha, patient)
    pulse = "OBX|1|NM|8867-4^Heart rate^LN||72|/min|||||F"
    assert send(alpha, oru(pulse, request(order.number), value("4.4"))).word == "applied"
    with alpha.acting():
        assert Observation.objects.get(patient=patient).text == "Heart rate"
        assert str(LabOrder.objects.get(pk=order.pk).result.value_number) == "4.4000"


def test_results_of_an_unknown_patient_wait_and_are_not_lost(alpha):
    row = row_of(alpha, send(alpha, oru(request(), value("4.4"))))
    assert (row.waits_for, row.family) == ("patient", "results")
    send(alpha, adt("A28"))
    with alpha.acting("lab_technician") as acting:
        assert settle(row, by=acting.person)
        assert Observation.objects.get().value == "4.4"

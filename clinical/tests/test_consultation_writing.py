"""What the doctor writes: looking codes and medicines up, the draft, and the signature, with and without JavaScript."""

from __future__ import annotations

import re
import uuid

import pytest

from clinical.models import Allergy, ConsultationDraft, Visit
from clinical.tests.answers import HX, text
from clinical.tests.consultations import consult, diagnosis, examined_in, line, now, seen, send
from clinical.tests.dispensary import COLD, FEVER, GROUP, a_medicine, load_codes
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.wards import a_visit


@pytest.fixture(autouse=True)
def _codes():
    load_codes()


@pytest.fixture
def visit(alpha) -> Visit:
    return examined_in(alpha)


class TestSigning:
    def test_signed_it_waits_at_the_pharmacy(self, alpha, visit):
        said = {
            **diagnosis(note="Third this year"),
            **line(dose="1 tablet", frequency="twice a day", duration_days="10"),
            "note": "Explain",
        }
        answer = send(alpha, visit, "sign", said)
        assert answer.headers["Location"] == f"{alpha.url}/consultation/"
        visit = now(alpha, visit)
        assert (visit.status, visit.place.queue, visit.doctor) == ("diagnosed", "pharmacy", alpha.main_doctor)
        with alpha.acting():
            [prescription] = visit.prescriptions.all()
            assert (prescription.status, prescription.note, prescription.prescribed_by) == (
                "active",
                "Explain",
                alpha.main_doctor,
            )
            assert prescription.lines.get().directions == "1 tablet twice a day, for 10 days"
            [found] = visit.diagnoses.all()
            assert (found.code, found.is_primary, found.note) == (COLD, True, "Third this year")

    def test_finished_without_a_prescription_the_visit_is_done(self, alpha, visit):
        send(alpha, visit, "finish", diagnosis())
        assert now(alpha, visit).status == "done"

    def test_several_diagnoses_with_the_chosen_one_as_primary(self, alpha, visit):
        said = {"diagnosis": ["a", "b"], "a-code": FEVER, "a-certainty": "suspected", "b-code": COLD, "primary": "b"}
        send(alpha, visit, "finish", said)
        with alpha.acting():
            rows = visit.diagnoses.values_list("code", "certainty", "is_primary")
            assert list(rows) == [(COLD, "confirmed", True), (FEVER, "suspected", False)]

    def test_released_results_are_reviewed_with_the_signature(self, alpha):
        with alpha.acting("admin"):
            test = potassium()
        visit, [order] = ordered(alpha, test)
        worked(alpha, order, "released")
        send(alpha, visit, "finish", diagnosis())
        with alpha.acting():
            reviewed = visit.lab_orders.get()
            assert (reviewed.status, reviewed.reviewed_by) == ("reviewed", alpha.main_doctor)

    @pytest.mark.parametrize(
        ("action", "said", "words"),
        [
            ("sign", line(), "at least one diagnosis"),
            ("sign", diagnosis(), "nothing to send to the pharmacy"),
            ("finish", {}, "at least one diagnosis"),
            ("finish", {**diagnosis(), **line()}, "There are medicines on the page"),
            ("finish", diagnosis("ZZZ"), "not a code of ICD-10-CM"),
            ("finish", diagnosis(GROUP), "group of diagnoses"),
            ("finish", diagnosis(certainty="perhaps"), "one of those that are offered"),
            ("sign", {**diagnosis(), **line("NOTHING")}, "not in the list"),
            ("sign", {**diagnosis(), **line(quantity="")}, "how many"),
            ("sign", {**diagnosis(), **line(quantity="-2")}, "Write 1 or more"),
            ("sign", {**diagnosis(), **line(quantity="lots")}, "whole number"),
            ("sign", {**diagnosis(), **line(dose="")}, "Write how much is taken at once"),
            ("sign", {**diagnosis(), **line(frequency="")}, "Write how often it is taken, or how."),
            ("sign", {**diagnosis(), **line(quantity="721")}, "At most 720 tablets go on one line"),
            ("sign", {**diagnosis(), **line(duration_days="9999")}, "Write 365 or less"),
            ("finish", {"diagnosis": ["a", "b"], "a-code": COLD, "b-code": COLD}, "there twice"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_half_done(self, alpha, visit, action, said, words):
        answer = send(alpha, visit, action, {**said, "note": "My own words"})
        assert answer.status_code == 422
        assert words in text(answer)
        assert "My own words" in text(answer)
        assert now(alpha, visit).status == "checked"
        with alpha.acting():
            assert not visit.diagnoses.exists()
            assert not visit.prescriptions.exists()

    def test_an_allergy_has_to_be_answered(self, alpha, visit):
        with alpha.acting():
            Allergy.record(visit.patient, by=None, substance="Paracetamol")
        said = {**diagnosis(), **line()}
        answer = send(alpha, visit, "sign", said)
        assert answer.status_code == 422
        assert "Allergic to Paracetamol. Say why, or remove it." in text(answer)
        send(alpha, visit, "sign", {**said, "p-allergy_reason": "Tolerated last year"})
        with alpha.acting():
            assert visit.prescriptions.get().lines.get().allergy_reason == "Tolerated last year"

    def test_far_more_than_the_directions_need_is_doubted_until_it_is_meant(self, alpha, visit):
        said = {**diagnosis(), **line(quantity="100", duration_days="5")}
        answer = send(alpha, visit, "sign", said)
        assert answer.status_code == 422
        assert "10 are enough for these directions" in text(answer)
        assert 'name="p-meant"' in text(answer)
        assert send(alpha, visit, "sign", {**said, "p-meant": "on"}).status_code == 302
        with alpha.acting():
            assert visit.prescriptions.get().lines.get().quantity == 100

    def test_a_quantity_that_outlasts_the_prescription_is_doubted_where_no_days_are_written(self, alpha, visit):
        said = {**diagnosis(), **line(quantity="600", duration_days="", frequency="twice a day")}
        answer = send(alpha, visit, "sign", said)
        assert answer.status_code == 422
        assert "600 last 300 days with these directions; a prescription is valid for 90." in text(answer)
        assert 'name="p-meant"' in text(answer)
        assert send(alpha, visit, "sign", {**said, "p-meant": "on"}).status_code == 302

    def test_the_summary_names_the_medicine_as_people_call_it(self, alpha, visit):
        answer = text(send(alpha, visit, "sign", {**diagnosis(), **line(dose="")}))
        assert "Paracetamol 500 mg: Write how much is taken at once" in re.sub(r" tablets?:", ":", answer)

    def test_what_is_wrong_with_a_medicine_stands_at_its_field(self, alpha, visit):
        answer = send(alpha, visit, "sign", {**diagnosis(), **line(dose="", frequency="")})
        for name in ("dose", "frequency"):
            [where] = re.findall(rf'<input[^>]*name="p-{name}"[^>]*>', text(answer))
            assert 'aria-invalid="true"' in where

    def test_typed_codes_are_enough_without_javascript(self, alpha, visit):
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        assert page.count('name="diagnosis"') == page.count('name="line"') == 3
        said = {
            "diagnosis": ["typed0", "typed1", "typed2"],
            "typed0-code": COLD.lower(),
            "typed1-code": "",
            "typed2-code": FEVER,
            "typed2-remove": "on",
            "line": ["typedline0", "typedline1"],
            "typedline0-medicine": "para500",
            "typedline0-quantity": "4",
            "typedline0-dose": "1 tablet",
            "typedline0-instructions": "With food",
        }
        assert send(alpha, visit, "sign", said).status_code == 302
        with alpha.acting():
            assert [row.code for row in visit.diagnoses.all()] == [COLD]
            assert visit.prescriptions.get().lines.get().quantity == 4

    def test_the_same_form_sent_twice_prescribes_once(self, alpha, visit):
        client = alpha.client("main_doctor")
        said = {
            **diagnosis(),
            **line(),
            "seen": seen(client, alpha, visit),
            "action": "sign",
            "form_key": str(uuid.uuid4()),
        }
        answers = [client.post(consult(alpha, visit), said) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [302, 302]
        with alpha.acting():
            assert visit.prescriptions.count() == 1

    def test_what_a_colleague_recorded_meanwhile_is_shown_before_anything_is_signed(self, alpha, visit):
        mine, theirs = alpha.client("main_doctor"), alpha.client("main_doctor", "Colleague")
        opened = seen(mine, alpha, visit)
        said = {"seen": seen(theirs, alpha, visit), "action": "sign", **diagnosis(FEVER), **line()}
        assert theirs.post(consult(alpha, visit), said).status_code == 302
        said = {"seen": opened, "action": "finish", **diagnosis(COLD), "note": "My own words"}
        answer = mine.post(consult(alpha, visit), said)
        page = text(answer)
        assert answer.status_code == 409
        assert "Somebody recorded something" in page
        assert FEVER in page
        assert COLD in page
        assert "My own words" in page
        with alpha.acting():
            assert [row.code for row in visit.diagnoses.standing()] == [FEVER]

    def test_further_medicines_make_a_second_prescription(self, alpha, visit):
        send(alpha, visit, "sign", {**diagnosis(), **line()})
        with alpha.acting():
            a_medicine("IBU", name="Ibuprofen")
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        assert "R-000001" in page
        send(alpha, visit, "sign", {**diagnosis(), **line("IBU", quantity="5")})
        with alpha.acting():
            assert [found.status for found in visit.prescriptions.all()] == ["active", "active"]

    def test_nothing_is_signed_while_tests_are_pending(self, alpha):
        with alpha.acting("admin"):
            test = potassium()
        visit, _ = ordered(alpha, test)
        assert send(alpha, visit, "finish", diagnosis()).status_code == 409
        assert now(alpha, visit).status == "lab_pending"

    def test_a_visit_before_the_examination_cannot_be_diagnosed(self, alpha):
        with alpha.acting():
            visit = a_visit(by=None)
        assert "The examination comes first" in text(alpha.client("main_doctor").get(consult(alpha, visit)))
        assert send(alpha, visit, "finish", diagnosis()).status_code == 409


class TestDraft:
    def test_what_is_typed_is_kept_and_comes_back(self, alpha, visit):
        client = alpha.client("main_doctor")
        answer = client.post(
            consult(alpha, visit, "draft/"),
            {**diagnosis(note="So far"), **line(quantity=""), "note": "Half a sentence"},
            headers=HX,
        )
        assert "Draft kept" in text(answer)
        page = text(client.get(consult(alpha, visit)))
        for words in ("So far", "Half a sentence", "Paracetamol 500 mg tablet", "Draft from"):
            assert words in page, words
        assert "is-wrong" not in page

    def test_a_draft_is_nobody_elses(self, alpha, visit):
        alpha.client("main_doctor").post(consult(alpha, visit, "draft/"), {"note": "Half a sentence"})
        assert "Half a sentence" not in text(alpha.client("main_doctor", "Colleague").get(consult(alpha, visit)))

    def test_without_javascript_a_button_keeps_it(self, alpha, visit):
        answer = send(alpha, visit, "keep", {**diagnosis(), "note": "Half a sentence"}, follow=True)
        assert "Half a sentence" in text(answer)
        assert now(alpha, visit).status == "checked"

    def test_signing_ends_the_draft_and_discarding_forgets_it(self, alpha, visit):
        client = alpha.client("main_doctor")
        client.post(consult(alpha, visit, "draft/"), {"note": "Half a sentence"})
        client.post(consult(alpha, visit, "discard/"))
        assert "Half a sentence" not in text(client.get(consult(alpha, visit)))
        client.post(consult(alpha, visit, "draft/"), diagnosis())
        send(alpha, visit, "finish", diagnosis())
        with alpha.acting():
            assert not ConsultationDraft.objects.exists()

    def test_odd_fields_do_no_harm(self, alpha, visit):
        client = alpha.client("main_doctor")
        odd = {
            "diagnosis": ["../x", "a" * 99, "A", "<b>"],
            "line": ["'"],
            "note": "<script>alert(1)</script>\0",
            "primary": "nobody",
        }
        assert client.post(consult(alpha, visit, "draft/"), odd).status_code == 200
        page = text(client.get(consult(alpha, visit)))
        assert "<script>alert" not in page


class TestLookUp:
    def test_codes_are_offered_while_typing(self, alpha, visit):
        client = alpha.client("main_doctor")
        found = text(client.get(f"{alpha.url}/icd10/?visit={visit.pk}&q=upper resp", headers=HX))
        assert COLD in found
        assert "<html" not in found
        assert "<html" in text(client.get(f"{alpha.url}/icd10/?q=upper resp"))
        assert "A group" in text(client.get(f"{alpha.url}/icd10/?visit={visit.pk}&q={GROUP}", headers=HX))

    def test_medicines_are_offered_with_their_stock_and_what_speaks_against_them(self, alpha, visit):
        with alpha.acting():
            Allergy.record(visit.patient, by=None, substance="Paracetamol")
            a_medicine("NONE", name="Paracetamol", strength="1 g")
        found = text(alpha.client("main_doctor").get(consult(alpha, visit, "medicines/?q=parac"), headers=HX))
        assert "100 tablets" in found
        assert "Out of stock" in found
        assert found.count("Allergic to Paracetamol") == 2

    def test_a_chosen_one_becomes_a_row(self, alpha, visit):
        client = alpha.client("main_doctor")
        row = text(client.get(consult(alpha, visit, f"diagnosis/?code={COLD}"), headers=HX))
        assert 'name="diagnosis" value="j069"' in row
        assert "Acute upper respiratory infection" in row
        row = text(client.get(consult(alpha, visit, "line/?code=PARA500"), headers=HX))
        assert 'name="line" value="linepara500"' in row
        assert "100 in stock" in row

    @pytest.mark.parametrize("code", ["", "ZZZ", "<b>"])
    def test_a_code_that_nobody_has_becomes_a_row_to_mend(self, alpha, visit, code):
        client = alpha.client("main_doctor")
        for kind in ("diagnosis", "line"):
            assert client.get(consult(alpha, visit, f"{kind}/?code={code}"), headers=HX).status_code == 200

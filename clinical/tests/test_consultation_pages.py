"""The doctor's pages: what is known, what is written, and what becomes of it, with and without JavaScript."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinical.models import Allergy, ConsultationDraft, MedicationStatement, Observation, Prescription, Problem, Visit
from clinical.tests.dispensary import (
    COLD,
    FEVER,
    GROUP,
    a_checked_visit,
    a_diagnosed_visit,
    a_medicine,
    load_codes,
    received,
)
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.wards import a_patient, a_visit
from hospital.models import AuditEntry

HX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _codes():
    load_codes()


@pytest.fixture
def visit(alpha) -> Visit:
    with alpha.acting():
        received(a_medicine(), 100)
        return a_checked_visit()


def consult(hospital, visit: Visit, more: str = "") -> str:
    return f"{hospital.url}/visits/{visit.pk}/consult/{more}"


def text(answer) -> str:
    return answer.content.decode()


def seen(client, hospital, visit: Visit) -> str:
    return re.search(r'name="seen" value="(\w+)"', text(client.get(consult(hospital, visit))))[1]


def diagnosis(code: str = COLD, key: str = "a", **more: str) -> dict[str, str]:
    return {"diagnosis": key, f"{key}-code": code, **{f"{key}-{name}": value for name, value in more.items()}}


def line(code: str = "PARA500", key: str = "p", quantity: str = "20", **more: str) -> dict[str, str]:
    more = {"dose": "1 tablet", "frequency": "twice a day", **more}
    return {
        "line": key,
        f"{key}-medicine": code,
        f"{key}-quantity": quantity,
        **{f"{key}-{name}": value for name, value in more.items()},
    }


def send(hospital, visit: Visit, action: str, said: dict, *, client=None, follow: bool = False):
    client = client or hospital.client("main_doctor")
    return client.post(
        consult(hospital, visit), {"seen": seen(client, hospital, visit), "action": action, **said}, follow=follow
    )


def now(hospital, visit: Visit) -> Visit:
    with hospital.acting():
        return Visit.objects.shown().get(pk=visit.pk)


class TestQueue:
    def test_who_waits_is_listed_with_the_next_step(self, alpha, visit):
        page = text(alpha.client("main_doctor").get(f"{alpha.url}/consultation/"))
        row = page[page.index(f'id="visit-{visit.pk}"') :].partition("</tr>")[0]
        assert "Amara Okafor" in row
        assert consult(alpha, visit) in row

    def test_who_is_at_the_laboratory_is_listed_apart(self, alpha):
        with alpha.acting("admin"):
            test = potassium()
        pending, _ = ordered(alpha, test)
        page = text(alpha.client("main_doctor").get(f"{alpha.url}/consultation/"))
        assert page.index("At the laboratory") < page.index(f'id="visit-{pending.pk}"')

    def test_the_queries_do_not_grow_with_the_queue(self, alpha):
        client, counts = alpha.client("main_doctor"), []
        for more in (1, 10):
            with alpha.acting():
                for _ in range(more):
                    a_checked_visit(patient=a_patient())
            client.get(f"{alpha.url}/consultation/")
            with CaptureQueriesContext(connection) as captured:
                assert client.get(f"{alpha.url}/consultation/").status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1]


class TestWhatIsKnown:
    def test_the_page_shows_history_and_examination(self, alpha, visit):
        with alpha.acting():
            patient = visit.patient
            Allergy.record(patient, by=None, substance="Latex", criticality="high", reaction="Hives")
            Problem.record(patient, by=None, text="Essential hypertension")
            MedicationStatement.objects.create(patient=patient, text="Metformin 850 mg", status="active")
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        for words in (
            "Latex",
            "High risk",
            "Hives",
            "Essential hypertension",
            "Metformin 850 mg",
            "Clear lungs",
            "Cough",
        ):
            assert words in page, words

    def test_results_stand_beside_their_earlier_values(self, alpha):
        with alpha.acting("admin"):
            test = potassium(loinc="2823-3")
        visit, [order] = ordered(alpha, test)
        with alpha.acting():
            Observation.objects.create(
                patient=visit.patient,
                category="laboratory",
                code="2823-3",
                text="Potassium",
                unit=test.unit,
                value_number=Decimal("4.2"),
                effective_at=timezone.now() - timedelta(days=90),
            )
        worked(alpha, order, "released", "6.6")
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        row = page[page.index(f'id="finding-{order.pk}"') :].partition("</tr>")[0]
        assert "6.6" in row
        assert "Critical high" in row
        assert row.index("6.6") < row.index("4.2")

    def test_a_result_that_is_not_released_is_not_shown(self, alpha):
        with alpha.acting("admin"):
            test = potassium()
        visit, [order] = ordered(alpha, test)
        worked(alpha, order, "resulted", "6.6")
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        assert "6.6" not in page
        assert "Resulted" in page
        assert "Tests are pending" in page

    def test_earlier_visits_show_their_diagnoses(self, alpha):
        with alpha.acting():
            patient = a_patient()
            former = a_diagnosed_visit(patient=patient)
            former.finish_consultation(by=None)
            visit = a_checked_visit(patient=patient)
        page = text(alpha.client("main_doctor").get(consult(alpha, visit)))
        assert f"/visits/{former.pk}/" in page
        assert COLD in page

    def test_opening_it_is_written_down(self, alpha, visit):
        alpha.client("main_doctor").get(consult(alpha, visit))
        with alpha.acting():
            assert AuditEntry.objects.filter(
                action="view", patient_id=visit.patient_id, person_id=alpha.main_doctor.pk
            ).exists()

    def test_a_visit_that_is_over_leads_to_its_page(self, alpha, visit):
        with alpha.acting():
            Visit.objects.get(pk=visit.pk).cancel("Went home", by=None)
        answer = alpha.client("main_doctor").get(consult(alpha, visit))
        assert answer.headers["Location"] == f"{alpha.url}/visits/{visit.pk}/"

    def test_the_queries_do_not_grow_with_the_history(self, alpha):
        client, counts = alpha.client("main_doctor"), []
        with alpha.acting():
            patient = a_patient()
        for more in (1, 4):
            with alpha.acting():
                for _ in range(more):
                    former = a_diagnosed_visit(patient=patient)
                    medicine = a_medicine(uuid.uuid4().hex[:8])
                    Prescription.write(
                        former, [{"medicine": medicine, "quantity": 1, "dose": "1", "frequency": "at night"}], by=None
                    ).sign(by=None)
                    former.prescriptions.get().lines.get().decline("Enough at home", by=None)
                    Problem.record(patient, by=None, text="Problem")
                visit = a_checked_visit(patient=patient)
                visit.cancel("Measured", by=None) if more == 4 else None
                visit = a_checked_visit(patient=patient) if more == 4 else visit
            client.get(consult(alpha, visit))
            with CaptureQueriesContext(connection) as captured:
                assert client.get(consult(alpha, visit)).status_code == 200
            counts.append(len(captured))
            with alpha.acting():
                Visit.objects.get(pk=visit.pk).cancel("Measured", by=None)
        assert counts[0] == counts[1]


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


class TestOthers:
    @pytest.mark.parametrize("role", ["reception", "checker_doctor", "lab_technician", "pharmacy", "billing", "board"])
    def test_roles_without_the_right_are_refused(self, alpha, visit, role):
        client = alpha.client(role)
        for address in (
            consult(alpha, visit),
            f"{alpha.url}/consultation/",
            f"{alpha.url}/icd10/?q=cold",
            consult(alpha, visit, "medicines/?q=p"),
        ):
            assert client.get(address).status_code == 403
        assert client.post(consult(alpha, visit), {"action": "finish", **diagnosis()}).status_code == 403
        assert now(alpha, visit).status == "checked"

    def test_whoever_works_in_another_hospital_finds_nothing(self, alpha, beta, visit):
        client = beta.client("main_doctor")
        for more in ("", "medicines/?q=p", "diagnosis/?code=J06.9", "line/?code=PARA500"):
            assert client.get(consult(beta, visit, more)).status_code == 404
            assert client.get(consult(alpha, visit, more)).status_code == 404
        for more in ("", "draft/", "discard/"):
            assert client.post(consult(beta, visit, more), diagnosis()).status_code == 404

    def test_medicines_of_another_hospital_are_not_prescribed(self, alpha, beta, visit):
        with beta.acting():
            a_medicine("THEIRS")
        answer = send(alpha, visit, "sign", {**diagnosis(), **line("THEIRS")})
        assert answer.status_code == 422
        assert "not in the list" in text(answer)

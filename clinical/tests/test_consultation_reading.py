"""What the doctor's pages show: the queue, the history and the results; and who may not even look."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from clinical.models import Allergy, MedicationStatement, Observation, Prescription, Problem, Visit
from clinical.tests.answers import text
from clinical.tests.consultations import consult, diagnosis, examined_in, line, now, send
from clinical.tests.dispensary import COLD, a_checked_visit, a_diagnosed_visit, a_medicine, load_codes
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry
from hospital.tests.asking import queries
from hospital.tests.figures import has_figure


@pytest.fixture(autouse=True)
def _codes():
    load_codes()


@pytest.fixture
def visit(alpha) -> Visit:
    return examined_in(alpha)


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
            counts.append(len(queries(client, f"{alpha.url}/consultation/")))
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
        assert not has_figure("6.6", page)
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
            counts.append(len(queries(client, consult(alpha, visit))))
            with alpha.acting():
                Visit.objects.get(pk=visit.pk).cancel("Measured", by=None)
        assert counts[0] == counts[1]


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

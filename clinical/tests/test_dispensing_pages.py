"""The counter's pages: what waits, what is issued or declined, to whom it is shown, and what a double click does."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from clinical.models import Allergy, Batch, Medicine, Prescription, PrescriptionLine, Visit
from clinical.tests.answers import HX, PANEL, text
from clinical.tests.dispensary import (
    COLD,
    a_diagnosed_visit,
    a_medicine,
    a_prescription,
    books_agree,
    in_days,
    prescribed_in,
    received,
)
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry, Tenant
from hospital.tests.asking import queries


@pytest.fixture
def prescription(alpha) -> Prescription:
    return prescribed_in(alpha)


def page_of(hospital, prescription, more: str = "") -> str:
    return f"{hospital.url}/prescriptions/{prescription.pk}/{more}"


def line_of(hospital, prescription, more: str = "") -> str:
    with hospital.acting():
        return f"{hospital.url}/prescriptions/lines/{prescription.lines.get().pk}/{more}"


def state(hospital, prescription) -> tuple[str, str, int]:
    with hospital.acting():
        line = PrescriptionLine.objects.get(prescription=prescription)
        return Prescription.objects.get(pk=prescription.pk).status, line.status, line.dispensed


class TestDispensing:
    def test_what_waits_is_listed_with_its_one_button(self, alpha, prescription):
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/dispensing/"))
        row = page[page.index(f'id="prescription-{prescription.pk}"') :].partition("</tr>")[0]
        assert "Amara Okafor" in row
        assert "Paracetamol 500 mg tablet" in row
        assert 'data-lists="dispensing"' in row
        assert row.count("btn-primary") == 1

    def test_the_urgent_comes_first(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
            late = a_prescription((medicine, 1))
            soon = a_prescription((medicine, 1), visit=a_diagnosed_visit(patient=a_patient(), priority="emergency"))
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/dispensing/"))
        assert page.index(str(soon.pk)) < page.index(str(late.pk))
        with alpha.acting():
            assert soon.sort < late.sort

    def test_what_was_settled_today_is_listed_below(self, alpha, prescription):
        alpha.client("pharmacy").post(page_of(alpha, prescription, "dispense/"))
        page = text(alpha.client("pharmacy").get(f"{alpha.url}/dispensing/"))
        assert 'data-lists="dispensing-settled"' in page
        assert "Nothing to dispense" in page

    def test_the_queries_do_not_grow_with_the_list(self, alpha):
        client = alpha.client("pharmacy")
        counts = []
        for more in (1, 9):
            with alpha.acting():
                for _ in range(more):
                    a_prescription((a_medicine(uuid.uuid4().hex[:8]), 1), (a_medicine(uuid.uuid4().hex[:8]), 1))
            counts.append(len(queries(client, f"{alpha.url}/dispensing/")))
        assert counts[0] == counts[1]


class TestCounter:
    def test_it_proposes_the_batches_that_expire_first(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
            for lot, days in (("LATE", 300), ("SOON", 20)):
                received(medicine, 6, lot=lot, days=days)
            expired = received(medicine, 50, lot="LONG-OVER", days=1)
            expired.expires_on = in_days(-1)
            expired.save(update_fields=["expires_on"])
            received(medicine, 50, lot="TAKEN-BACK", days=5).set_state("recalled", "Letter", by=None)
            prescription = a_prescription((medicine, 8))
        page = text(alpha.client("pharmacy").get(page_of(alpha, prescription)))
        assert page.index("SOON") < page.index("LATE")
        assert "LONG-OVER" not in page
        assert "TAKEN-BACK" not in page
        assert re.findall(r"<strong>(\d+)</strong>", page) == ["6", "2"]
        assert "Dispense all" in page

    def test_too_little_in_stock_says_so_and_offers_no_more_than_a_part(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
            received(medicine, 3)
            prescription = a_prescription((medicine, 8))
        page = text(alpha.client("pharmacy").get(page_of(alpha, prescription)))
        assert "3 of 8 are in stock" in page
        assert "Issue a part" in page
        assert "Dispense all" not in page
        assert "Issue 8" not in page

    def test_the_allergy_and_the_doctors_reason_stand_at_the_line(self, alpha):
        with alpha.acting():
            visit = a_diagnosed_visit()
            Allergy.record(visit.patient, by=None, substance="Paracetamol")
            prescription = a_prescription((a_medicine(), 1), visit=visit, allergy_reason="Tolerated last year")
        page = text(alpha.client("pharmacy").get(page_of(alpha, prescription)))
        assert "Allergic to Paracetamol" in page
        assert "Tolerated last year" in page

    def test_the_pharmacy_never_sees_the_diagnosis(self, alpha, prescription):
        client = alpha.client("pharmacy")
        visit = f"{alpha.url}/visits/{prescription.visit_id}/"
        for address in (
            page_of(alpha, prescription),
            page_of(alpha, prescription, "print/"),
            f"{alpha.url}/dispensing/",
            visit,
        ):
            page = text(client.get(address))
            assert COLD not in page
            assert "respiratory infection" not in page
        assert client.get(f"{visit}consult/").status_code == 403

    def test_opening_it_is_written_down(self, alpha, prescription):
        alpha.client("pharmacy").get(page_of(alpha, prescription))
        with alpha.acting():
            note = AuditEntry.objects.filter(action="view", patient_id=prescription.patient_id).first()
            assert note.person_id == alpha.pharmacy.pk

    def test_dispense_all_ends_the_visit(self, alpha, prescription):
        answer = alpha.client("pharmacy").post(page_of(alpha, prescription, "dispense/"), follow=True)
        assert answer.redirect_chain[-1][0] == page_of(alpha, prescription)
        assert "is dispensed" in text(answer)
        assert state(alpha, prescription) == ("dispensed", "dispensed", 10)
        with alpha.acting():
            assert Visit.objects.get(pk=prescription.visit_id).status == "done"

    def test_with_htmx_the_answer_is_the_part_that_changed(self, alpha, prescription):
        answer = alpha.client("pharmacy").post(page_of(alpha, prescription, "dispense/"), headers=HX)
        assert answer.headers["HX-Trigger"] == "close-dialog"
        assert f'id="counter-{prescription.pk}"' in text(answer)
        assert 'hx-swap-oob="true"' in text(answer)
        assert "<html" not in text(answer)

    def test_a_part_without_a_reason_is_asked_for_one(self, alpha, prescription):
        client, address = alpha.client("pharmacy"), line_of(alpha, prescription, "dispense/")
        for headers in ({}, PANEL):
            answer = client.post(address, {"quantity": 4, "rest": "later"}, headers=headers)
            assert answer.status_code == 422
            assert "Say why only 4 are issued" in text(answer)
        assert state(alpha, prescription) == ("active", "pending", 0)
        client.post(address, {"quantity": 4, "rest": "later", "reason": "Wants to try first"})
        assert state(alpha, prescription) == ("dispensing", "partial", 4)
        page = text(client.get(page_of(alpha, prescription)))
        assert "Less was issued: Wants to try first" in page
        assert "4 of 10 tablets issued" in page

    def test_a_part_can_end_the_line_at_once(self, alpha, prescription):
        said = {"quantity": 4, "rest": "never", "reason": "Not in stock"}
        alpha.client("pharmacy").post(line_of(alpha, prescription, "dispense/"), said)
        assert state(alpha, prescription) == ("partly", "declined", 4)

    @pytest.mark.parametrize("quantity", ["0", "-1", "11", "many", "", "1e3", "99999999999"])
    def test_an_impossible_quantity_is_refused(self, alpha, prescription, quantity):
        said = {"quantity": quantity, "rest": "later", "reason": "because"}
        answer = alpha.client("pharmacy").post(line_of(alpha, prescription, "dispense/"), said)
        assert answer.status_code == 422
        assert state(alpha, prescription) == ("active", "pending", 0)

    def test_a_batch_of_another_hospital_cannot_be_chosen(self, alpha, beta, prescription):
        with beta.acting():
            foreign = received(a_medicine(), 10)
        said = {"quantity": 10, "rest": "later", "batch": foreign.pk, "reason": "because"}
        assert alpha.client("pharmacy").post(line_of(alpha, prescription, "dispense/"), said).status_code == 422
        with beta.acting():
            assert Batch.objects.get(pk=foreign.pk).on_hand == 10

    def test_declining_needs_a_reason(self, alpha, prescription):
        client, address = alpha.client("pharmacy"), line_of(alpha, prescription, "decline/")
        assert client.get(address, headers=PANEL).status_code == 200
        assert client.post(address, {"reason": " "}).status_code == 422
        client.post(address, {"reason": "Patient has some at home"})
        assert state(alpha, prescription) == ("declined", "declined", 0)

    def test_what_was_issued_can_be_taken_back(self, alpha, prescription):
        client = alpha.client("pharmacy")
        client.post(page_of(alpha, prescription, "dispense/"))
        with alpha.acting():
            batch = Batch.objects.get()
        said = {"quantity": 3, "batch": batch.pk, "reason": "Rash"}
        client.post(line_of(alpha, prescription, "take-back/"), said)
        assert "3 taken back" in text(client.get(page_of(alpha, prescription)))
        assert client.post(line_of(alpha, prescription, "take-back/"), {**said, "quantity": 8}).status_code == 422

    def test_a_second_counter_is_told_that_it_is_done_already(self, alpha, prescription):
        client, address = alpha.client("pharmacy"), line_of(alpha, prescription, "dispense/")
        said = {"quantity": 10, "rest": "later"}
        assert client.post(address, said).status_code == 302
        answer = client.post(address, said, headers=HX)
        assert answer.status_code == 422
        assert "is dispensed" in text(answer)

    def test_the_payment_gate_is_explained(self, alpha, prescription):
        with alpha.acting():
            alpha.tenant.require_payment_before = Tenant.Gate.PHARMACY
            alpha.tenant.save()
            Visit.objects.get(pk=prescription.visit_id).set_payment("unpaid")
        client = alpha.client("pharmacy")
        page = text(client.get(page_of(alpha, prescription)))
        assert "Not paid yet" in page
        assert "Dispense all" not in page
        answer = client.post(page_of(alpha, prescription, "dispense/"))
        assert answer.status_code == 409
        assert "is not paid yet" in text(answer)
        assert state(alpha, prescription) == ("active", "pending", 0)

    def test_the_doctor_reads_it_and_cancels_it_but_does_not_dispense(self, alpha, prescription):
        client = alpha.client("main_doctor")
        page = text(client.get(page_of(alpha, prescription)))
        assert "Dispense all" not in page
        assert client.post(page_of(alpha, prescription, "dispense/")).status_code == 403
        assert client.post(page_of(alpha, prescription, "cancel/"), {"reason": ""}).status_code == 422
        client.post(page_of(alpha, prescription, "cancel/"), {"reason": "Wrong patient"})
        assert state(alpha, prescription)[:2] == ("cancelled", "cancelled")

    def test_a_draft_is_signed_on_its_page(self, alpha):
        with alpha.acting():
            prescription = a_prescription((a_medicine(), 1), signed=False)
        client = alpha.client("main_doctor")
        assert "Sign" in text(client.get(page_of(alpha, prescription)))
        client.post(page_of(alpha, prescription, "sign/"))
        assert state(alpha, prescription)[0] == "active"

    def test_the_paper_says_what_to_take_and_is_noted(self, alpha):
        with alpha.acting():
            prescription = a_prescription(
                (a_medicine(), 21), dose="1 tablet", frequency="three times a day", duration_days=7
            )
        page = text(alpha.client("pharmacy").get(page_of(alpha, prescription, "print/")))
        assert "1 tablet three times a day, for 7 days" in page
        assert "21 tablets" in page
        with alpha.acting():
            assert AuditEntry.objects.filter(action="print", row_id=prescription.pk).exists()


class TestTwice:
    def test_a_double_click_dispenses_once(self, alpha, prescription):
        """CO-5: the same form, sent twice at once."""
        clients = [alpha.client("pharmacy") for _ in range(2)]
        said = {"quantity": 4, "rest": "later", "reason": "A part", "form_key": str(uuid.uuid4())}
        address = line_of(alpha, prescription, "dispense/")

        def send(client):
            try:
                return client.post(address, said).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as hands:
            assert list(hands.map(send, clients)) == [302, 302]
        assert state(alpha, prescription) == ("dispensing", "partial", 4)
        with alpha.acting():
            assert books_agree(Medicine.objects.get()) == 96


class TestOthers:
    def test_whoever_works_in_another_hospital_finds_nothing(self, alpha, beta, prescription):
        with alpha.acting():
            medicine, batch, line = Medicine.objects.get(), Batch.objects.get(), PrescriptionLine.objects.get()
        client = beta.client("pharmacy")
        for address in (
            f"prescriptions/{prescription.pk}/",
            f"prescriptions/{prescription.pk}/print/",
            f"prescriptions/lines/{line.pk}/dispense/",
            f"prescriptions/lines/{line.pk}/decline/",
            f"stock/{medicine.pk}/",
            f"stock/batches/{batch.pk}/write-off/",
        ):
            assert client.get(f"{beta.url}/{address}").status_code == 404, address
            assert client.get(f"{alpha.url}/{address}").status_code == 404, address
        answer = client.post(f"{beta.url}/prescriptions/lines/{line.pk}/dispense/", {"quantity": 10, "rest": "later"})
        assert answer.status_code == 404
        assert state(alpha, prescription) == ("active", "pending", 0)

    @pytest.mark.parametrize("role", ["reception", "lab_technician", "billing", "board"])
    def test_roles_without_the_right_are_refused(self, alpha, prescription, role):
        client = alpha.client(role)
        assert client.get(page_of(alpha, prescription)).status_code == 403
        assert client.get(f"{alpha.url}/dispensing/").status_code == 403
        assert client.get(f"{alpha.url}/stock/").status_code == 403
        assert client.post(page_of(alpha, prescription, "dispense/")).status_code == 403

    def test_reception_sees_where_it_stands_and_not_what_it_is(self, alpha, prescription):
        page = text(alpha.client("reception").get(f"{alpha.url}/visits/{prescription.visit_id}/"))
        assert prescription.number in page
        assert "At the pharmacy" in page
        assert "Paracetamol" not in page
        assert COLD not in page

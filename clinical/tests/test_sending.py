"""A prescription goes to an outside pharmacy: what ends here, what is refused, and how it comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.models import Charge, Kind
from clinical.models import Patient, Prescription, PrescriptionLine, Visit
from clinical.models.queue import QueuePlace
from clinical.parts import PARTS, items_of
from clinical.tests.answers import HX, PANEL, text
from clinical.tests.dispensary import a_diagnosed_visit, a_medicine, a_prescription, books_agree, only_line, received
from clinical.tests.dispensary import prescribed_in as prescribed
from clinical.tests.test_care_events import CHANGED, as_role, heard
from clinical.tests.test_dispensing_pages import page_of, state
from clinical.tests.wards import a_patient, fresh
from hospital.context import current
from hospital.models import Role
from hospital.workflow import IllegalMove, Refused
from realtime.catalogue import catalogue

P, L, W = Prescription.Status, PrescriptionLine.Status, Prescription.Way
ROSE = {"pharmacy": "Rose Pharmacy", "way": "fax", "contact": "020 7946 0188", "note": "Comes this evening"}
ROW = "clinical/prescription/_row.html"


@pytest.fixture
def prescription(alpha) -> Prescription:
    return prescribed(alpha)


def sent(prescription: Prescription, by=None, **more) -> Prescription:
    prescription = fresh(prescription)
    prescription.send(**{**ROSE, **more}, by=by)
    return prescription


def sent_in(hospital) -> Prescription:
    with hospital.acting():
        return sent(a_prescription((a_medicine(), 10)))


class TestSending:
    @pytest.mark.parametrize("role", ["main_doctor", "pharmacy"])
    def test_it_ends_here_and_says_where_it_is(self, alpha, prescription, role):
        with alpha.acting(role) as acting:
            found = fresh(sent(prescription, by=acting.person))
            line = only_line(found)
            assert (found.status, line.status, line.dispensed) == (P.SENT, L.SENT, 0)
            assert (found.sent_by, found.sent_at is not None, found.ended_at) == (acting.person, True, found.sent_at)
            assert (line.settled_by, found.is_at_pharmacy) == (acting.person, False)
            assert found.outside_words == "Sent to Rose Pharmacy, by fax: 020 7946 0188"

    def test_the_visit_goes_on_and_its_place_in_the_queue_ends(self, alpha, prescription):
        with alpha.acting():
            assert Visit.objects.get().place.queue == QueuePlace.Queue.PHARMACY
            sent(prescription)
            visit = Visit.objects.get()
            assert (visit.status, visit.place) == (Visit.Status.DONE, None)

    def test_the_visit_waits_for_another_prescription(self, alpha):
        with alpha.acting():
            visit = a_diagnosed_visit()
            first, second = (a_prescription((a_medicine(code), 1), visit=visit) for code in ("A", "B"))
            sent(first)
            assert Visit.objects.get().status == Visit.Status.DIAGNOSED
            sent(second)
            assert Visit.objects.get().status == Visit.Status.DONE

    def test_nothing_leaves_the_stock_and_nothing_is_charged(self, alpha, prescription):
        with alpha.acting():
            medicine = only_line(prescription).medicine
            sent(prescription)
            assert books_agree(medicine) == 100
            assert not Charge.objects.filter(kind=Kind.MEDICINE).exists()

    def test_it_is_not_dispensed_here_any_more(self, alpha, prescription):
        with alpha.acting():
            sent(prescription)
            line = only_line(prescription)
            for step in (
                lambda: line.dispense(10, by=None),
                lambda: line.decline("No", by=None),
            ):
                with pytest.raises(Refused, match=r"is sent to Rose Pharmacy\. Call it back to dispense it here"):
                    step()

    @pytest.mark.parametrize("name", ["", "   "])
    def test_the_pharmacy_has_a_name(self, alpha, prescription, name):
        with alpha.acting(), pytest.raises(Refused, match="Write the name of the pharmacy"):
            sent(prescription, pharmacy=name)

    def test_what_was_begun_here_stays_here(self, alpha):
        with alpha.acting():
            one, other = a_medicine("A"), a_medicine("B")
            received(one, 10)
            issued = a_prescription((one, 2), (other, 2))
            issued.lines.get(medicine=one).dispense(1, by=None, reason="A part")
            declined = a_prescription((one, 2), (other, 2))
            declined.lines.get(medicine=one).decline("No more wanted", by=None)
            for found in (issued, declined):
                with pytest.raises(Refused, match=r"The pharmacy has begun with R-\d+"):
                    sent(found)

    def test_only_what_waits_at_the_pharmacy_is_sent(self, alpha):
        with alpha.acting():
            medicine = a_medicine()
            received(medicine, 100)
            draft = a_prescription((medicine, 1), signed=False)
            cancelled, declined, dispensed, outside = (a_prescription((medicine, 1)) for _ in range(4))
            cancelled.cancel("Wrong patient", by=None)
            only_line(declined).decline("No more wanted", by=None)
            only_line(dispensed).dispense(1, by=None)
            sent(outside)
            for found in (draft, cancelled, declined, dispensed, outside):
                before = fresh(found).status
                with pytest.raises(IllegalMove):
                    sent(found)
                assert fresh(found).status == before

    def test_what_is_sent_is_neither_signed_nor_cancelled(self, alpha, prescription):
        with alpha.acting():
            found = sent(prescription)
            with pytest.raises(IllegalMove, match="From here it can become: at the pharmacy"):
                fresh(found).cancel("Changed my mind", by=None)
            with pytest.raises(Refused):
                fresh(found).sign(by=None)

    def test_what_is_too_old_is_not_sent(self, alpha, prescription):
        with alpha.acting():
            age(prescription, 91)
            with pytest.raises(Refused, match="older than 90 days"):
                sent(prescription)

    @pytest.mark.parametrize("role", ["reception", "checker_doctor", "billing"])
    def test_others_may_not(self, alpha, prescription, role):
        with alpha.acting(role) as acting, pytest.raises(PermissionDenied):
            sent(prescription, by=acting.person)
        with alpha.acting():
            sent(prescription)
        with alpha.acting(role) as acting, pytest.raises(PermissionDenied):
            fresh(prescription).call_back("They have none", by=acting.person)

    def test_of_two_who_send_and_dispense_at_once_one_is_refused(self, alpha, prescription):
        def work(role: str) -> str:
            try:
                with alpha.acting(role) as acting:
                    found = fresh(prescription)
                    if role == "main_doctor":
                        found.send(**ROSE, by=acting.person)
                    else:
                        found.lines.get().dispense(10, by=acting.person)
                    return "done"
            except (Refused, IllegalMove):
                return "refused"
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as hands:
            assert sorted(hands.map(work, ["main_doctor", "pharmacy"])) == ["done", "refused"]
        assert state(alpha, prescription) in [("sent", "sent", 0), ("dispensed", "dispensed", 10)]

    @pytest.mark.parametrize("fields", [{"outside_pharmacy": ""}, {"sent_at": None}, {"status": "active"}])
    def test_the_database_keeps_where_it_is(self, alpha, fields):
        found = sent_in(alpha)
        with alpha.acting(), pytest.raises(IntegrityError), transaction.atomic():
            Prescription.objects.filter(pk=found.pk).update(**fields)

    def test_the_database_lets_nothing_be_given_of_what_is_outside(self, alpha):
        found = sent_in(alpha)
        with alpha.acting(), pytest.raises(IntegrityError), transaction.atomic():
            found.lines.update(dispensed=1)


class TestCallingBack:
    @pytest.mark.parametrize("role", ["main_doctor", "pharmacy"])
    def test_it_waits_at_our_pharmacy_again_and_the_visit_with_it(self, alpha, prescription, role):
        with alpha.acting():
            sent(prescription)
        with alpha.acting(role) as acting:
            fresh(prescription).call_back("They have none", by=acting.person)
            found, line = fresh(prescription), only_line(prescription)
            assert (found.status, line.status) == (P.ACTIVE, L.PENDING)
            assert (found.sent_at, found.sent_by, found.ended_at, line.settled_at) == (None, None, None, None)
            assert (found.call_back_reason, found.outside_words) == ("They have none", "")
            visit = Visit.objects.get()
            assert (visit.status, visit.ended_at, visit.place.queue) == ("diagnosed", None, "pharmacy")

    def test_then_it_is_dispensed_and_the_visit_is_done(self, alpha, prescription):
        with alpha.acting():
            sent(prescription).call_back("They have none", by=None)
            only_line(prescription).dispense(10, by=None)
            assert fresh(prescription).status == P.DISPENSED
            assert Visit.objects.get().status == Visit.Status.DONE

    def test_or_it_is_sent_to_another_pharmacy(self, alpha, prescription):
        with alpha.acting():
            sent(prescription).call_back("They have none", by=None)
            found = sent(prescription, pharmacy="Lily Pharmacy", way=W.PRINTED, contact="")
            assert fresh(found).call_back_reason == ""
            assert found.outside_words == "Sent to Lily Pharmacy, printed and handed over"

    def test_it_needs_a_reason(self, alpha, prescription):
        with alpha.acting(), pytest.raises(Refused, match="Say why it is called back"):
            sent(prescription).call_back("  ", by=None)

    def test_only_within_its_ninety_days(self, alpha, prescription):
        with alpha.acting():
            age(sent(prescription), 91)
            assert not Prescription.objects.outside().exists()
            with pytest.raises(Refused, match="older than 90 days"):
                fresh(prescription).call_back("They have none", by=None)
            age(prescription, 89)
            fresh(prescription).call_back("They have none", by=None)

    def test_only_what_is_outside(self, alpha, prescription):
        with alpha.acting():
            with pytest.raises(IllegalMove):
                fresh(prescription).call_back("They have none", by=None)
            draft = a_prescription((a_medicine("B"), 1), signed=False)
            with pytest.raises(IllegalMove):
                draft.call_back("They have none", by=None)
            assert fresh(draft).status == P.DRAFT

    def test_not_into_a_visit_that_was_left(self, alpha):
        with alpha.acting():
            visit = a_diagnosed_visit()
            first, _ = (a_prescription((a_medicine(code), 1), visit=visit) for code in ("A", "B"))
            sent(first)
            fresh(visit).leave("Went home", by=None)
            with pytest.raises(Refused, match=r"is left\. What is needed now is prescribed anew"):
                fresh(first).call_back("They have none", by=None)
            assert fresh(first).status == P.SENT

    def test_a_patient_who_waits_elsewhere_keeps_that_place(self, alpha, prescription):
        with alpha.acting():
            sent(prescription)
            Visit.objects.get().reopen("More to say", by=None)
            fresh(prescription).call_back("They have none", by=None)
            assert Visit.objects.get().place.queue == QueuePlace.Queue.CONSULTATION


class TestSuggestions:
    def test_those_of_this_patient_come_first_and_each_once(self, alpha):
        with alpha.acting():
            mine = a_prescription((a_medicine(), 1))
            sent(mine, pharmacy="Lily Pharmacy")
            for name in ("Rose Pharmacy", "lily pharmacy", "Oak Pharmacy"):
                visit = a_diagnosed_visit(patient=a_patient(given_name=name))
                sent(a_prescription((a_medicine(name[:8]), 1), visit=visit), pharmacy=name)
            offered = Prescription.objects.pharmacies_for(mine.patient)
            assert offered == ["Lily Pharmacy", "Oak Pharmacy", "Rose Pharmacy"]

    def test_not_those_of_another_hospital(self, alpha, beta):
        sent_in(beta)
        with alpha.acting():
            assert Prescription.objects.pharmacies_for(a_patient()) == []


class TestPages:
    @pytest.mark.parametrize("role", ["main_doctor", "pharmacy"])
    def test_it_is_sent_from_its_page(self, alpha, prescription, role):
        client = alpha.client(role)
        assert page_of(alpha, prescription, "send/") in text(client.get(page_of(alpha, prescription)))
        answer = client.post(page_of(alpha, prescription, "send/"), ROSE, headers=HX)
        assert "is sent to Rose Pharmacy" in text(answer)
        assert state(alpha, prescription) == ("sent", "sent", 0)
        page = text(client.get(page_of(alpha, prescription)))
        for words in ("Sent outside", "Sent to Rose Pharmacy, by fax: 020 7946 0188", "Comes this evening"):
            assert words in page
        assert page_of(alpha, prescription, "send/") not in page
        assert "Dispense all" not in page
        assert page_of(alpha, prescription, "call-back/") in page

    @pytest.mark.parametrize("role", ["main_doctor", "pharmacy"])
    def test_it_is_called_back_on_its_page(self, alpha, role):
        found = sent_in(alpha)
        client, address = alpha.client(role), page_of(alpha, found, "call-back/")
        assert client.post(address, {"reason": " "}).status_code == 422
        client.post(address, {"reason": "They have none"})
        assert state(alpha, found) == ("active", "pending", 0)
        assert "Called back from Rose Pharmacy: They have none" in text(client.get(page_of(alpha, found)))

    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, alpha, prescription):
        client, address = alpha.client("pharmacy"), page_of(alpha, prescription, "send/")
        for headers in ({}, PANEL):
            answer = client.post(address, {**ROSE, "pharmacy": ""}, headers=headers)
            assert answer.status_code == 422
            assert "020 7946 0188" in text(answer)
        for said in ({"way": "pigeon"}, {"way": ""}, {"pharmacy": "x" * 121}, {"note": "x" * 251}):
            assert client.post(address, {**ROSE, **said}).status_code == 422
        assert state(alpha, prescription) == ("active", "pending", 0)

    def test_who_sends_what_the_pharmacy_has_begun_is_told(self, alpha, prescription):
        with alpha.acting():
            only_line(prescription).dispense(1, by=None, reason="A part")
        answer = alpha.client("main_doctor").post(page_of(alpha, prescription, "send/"), ROSE)
        assert answer.status_code == 422
        assert "The pharmacy has begun with" in text(answer)
        assert "020 7946 0188" in text(answer)

    def test_sent_twice_is_refused_with_the_legal_way(self, alpha):
        answer = alpha.client("pharmacy").post(page_of(alpha, sent_in(alpha), "send/"), ROSE)
        assert answer.status_code == 409

    def test_the_form_offers_the_pharmacies_that_were_written_before(self, alpha, prescription):
        with alpha.acting():
            sent(prescription).call_back("They have none", by=None)
        page = text(alpha.client("pharmacy").get(page_of(alpha, prescription, "send/"), headers=PANEL))
        assert '<option value="Rose Pharmacy">' in page
        assert 'list="pharmacy-offers"' in page
        assert 'value="Rose Pharmacy"' in page.partition("<datalist")[0]

    @pytest.mark.parametrize("role", ["reception", "lab_technician", "billing", "checker_doctor"])
    def test_roles_without_the_right_are_refused(self, alpha, prescription, role):
        client = alpha.client(role)
        for more in ("send/", "call-back/"):
            assert client.get(page_of(alpha, prescription, more)).status_code == 403
            assert client.post(page_of(alpha, prescription, more), ROSE).status_code == 403
        assert state(alpha, prescription)[0] == "active"

    def test_a_role_that_lost_the_right_sees_no_button(self, alpha, prescription):
        with alpha.acting():
            role = Role.objects.get(key="main_doctor")
            role.allow_exactly(role.permissions - {"clinical.send_prescription"})
        page = text(alpha.client("main_doctor").get(page_of(alpha, prescription)))
        assert "Send outside" not in page
        assert "Cancel" in page

    def test_another_hospital_finds_nothing(self, alpha, beta, prescription):
        for more in ("send/", "call-back/"):
            assert beta.client("pharmacy").get(page_of(beta, prescription, more)).status_code == 404

    def test_the_list_of_the_pharmacy_loses_it_and_finds_it_under_its_filter(self, alpha):
        found = sent_in(alpha)
        client, row = alpha.client("pharmacy"), f'id="prescription-{found.pk}"'
        here, outside = (text(client.get(f"{alpha.url}/dispensing/{more}")) for more in ("", "?show=outside"))
        assert "Nothing to dispense" in here
        assert row in here.partition('data-live-list="dispensing-settled"')[2]
        assert row in outside
        assert "Rose Pharmacy" in outside
        assert 'data-live-list="dispensing-outside"' in outside
        assert "1</span> sent to other pharmacies" in outside

    def test_reception_sees_where_it_is_and_not_what_it_is(self, alpha):
        found = sent_in(alpha)
        page = text(alpha.client("reception").get(f"{alpha.url}/visits/{found.visit_id}/"))
        assert "Sent to Rose Pharmacy" in page
        assert "Paracetamol" not in page

    def test_the_doctor_sends_from_the_consultation(self, alpha, prescription):
        page = text(alpha.client("main_doctor").get(f"{alpha.url}/visits/{prescription.visit_id}/consult/"))
        assert page_of(alpha, prescription, "send/") in page

    def test_chart_and_timeline_say_it(self, alpha):
        found = sent_in(alpha)
        client, patient = alpha.client("main_doctor"), f"{alpha.url}/patients/{found.patient_id}/"
        assert "Sent to Rose Pharmacy" in text(client.get(f"{patient}chart/timeline/"))
        with alpha.acting():
            [item] = items_of(Patient.objects.get(), PARTS, current())["medication"]
        assert "Sent to Rose Pharmacy" in item.words
        assert item.marks == [("line", "sent", "Sent outside")]

    def test_the_paper_is_for_that_pharmacy_and_a_copy_from_the_second_on(self, alpha, prescription):
        client, paper = alpha.client("pharmacy"), page_of(alpha, prescription, "print/")
        before = text(client.get(paper)) + text(client.get(paper))
        assert "COPY" not in before
        assert "For:" not in before
        with alpha.acting():
            sent(prescription)
        first, second = text(client.get(paper)), text(client.get(paper))
        assert "COPY" not in first
        assert "COPY 1" in second
        for words in ("<strong>Rose Pharmacy</strong>", "020 7946 0188", "Comes this evening", "Valid until"):
            assert words in first
        with alpha.acting():
            fresh(prescription).call_back("They have none", by=None)
            sent(prescription, pharmacy="Lily Pharmacy")
        again = text(client.get(paper))
        assert "<strong>Lily Pharmacy</strong>" in again
        assert "COPY" not in again


class TestEvents:
    def test_it_is_heard_by_those_who_deal_with_it(self, alpha, beta):
        found = sent_in(alpha)
        [event] = heard(alpha, "prescription:sent")
        assert event.loudness == CHANGED
        assert (event.object_id, event.patient_id) == (found.pk, found.patient_id)
        assert heard(alpha, "prescription:status_changed") == heard(beta, "prescription:sent") == []
        with alpha.acting():
            told = catalogue.by_name["prescription:sent"].title_for(found, "reception")
        assert told == f"Amara Okafor: {found.number} is sent to Rose Pharmacy"

    def test_that_it_is_back_is_heard_by_the_same_and_a_notice_for_the_pharmacy(self, alpha):
        found = sent_in(alpha)
        with alpha.acting():
            fresh(found).call_back("They have none", by=None)
        [event] = heard(alpha, "prescription:status_changed")
        assert event.loudness == CHANGED
        assert len(heard(alpha, "prescription:ready")) == 2

    def test_the_row_stands_in_the_lists_where_it_belongs(self, alpha):
        found = sent_in(alpha)
        assert 'data-lists="dispensing-settled dispensing-outside"' in as_role(alpha, "pharmacy", ROW, found)
        with alpha.acting():
            fresh(found).call_back("They have none", by=None)
        assert 'data-lists="dispensing"' in as_role(alpha, "pharmacy", ROW, found)


def age(prescription: Prescription, days: int) -> None:
    """Signed so many days ago."""
    Prescription.objects.filter(pk=prescription.pk).update(prescribed_at=timezone.now() - timedelta(days=days))

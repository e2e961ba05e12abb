"""A released value that was wrong: the new version, who is told, and what it sets going."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, InternalError, connection

from clinical.chart import open_chart
from clinical.models import Correction, CorrectionNotice, LabOrder
from clinical.tests.laboratories import potassium_ordered, worked
from hospital.models import Tenant
from hospital.workflow import IllegalMove, Refused
from realtime.alerts.models import Alert
from realtime.models import Event


@pytest.fixture
def released(alpha) -> LabOrder:
    return worked(alpha, potassium_ordered(alpha), "released")


def corrected(hospital, order, value="5.9", reason="Read from the wrong tube") -> Correction:
    with hospital.acting("lab_technician") as acting:
        return order.correct(value, reason, by=acting.person)


def two_persons(hospital, rule: str) -> None:
    with hospital.acting("admin") as acting:
        tenant = Tenant.objects.get(pk=acting.tenant.pk)
        tenant.second_person = rule
        tenant.save(update_fields=["second_person"])
    hospital.tenant.refresh_from_db()


class TestCorrection:
    def test_the_new_version_counts_and_the_old_one_stays(self, alpha, released):
        corrected(alpha, released)
        with alpha.acting("main_doctor"):
            order = LabOrder.objects.get(pk=released.pk)
            assert (order.status, str(order.result), order.result.flag) == ("released", "5.9 mmol/L", "high")
            assert [str(one) for one in order.results.all()] == ["5.9 mmol/L", "4.1 mmol/L"]
            assert order.result.reason == "Read from the wrong tube"

    def test_it_needs_a_reason_and_another_value(self, alpha, released):
        with pytest.raises(Refused, match="Say why"):
            corrected(alpha, released, reason=" ")
        with pytest.raises(Refused, match="This is what was released"):
            corrected(alpha, released, "4.1")
        with alpha.acting("main_doctor"):
            assert released.results.count() == 1

    def test_before_the_release_there_is_nothing_to_correct(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "resulted")
        with pytest.raises(Refused, match="Only a released result"):
            corrected(alpha, order)

    def test_what_was_reviewed_is_to_be_reviewed_again(self, alpha, released):
        with alpha.acting("main_doctor") as acting:
            released.review(by=acting.person, note="Diet")
        corrected(alpha, released)
        with alpha.acting("main_doctor"):
            order = LabOrder.objects.get(pk=released.pk)
            assert (order.status, order.reviewed_by, order.review_note) == ("released", None, "")

    def test_a_correction_that_is_critical_raises_the_alert_with_the_new_value(self, alpha, released):
        corrected(alpha, released, "7.1")
        with alpha.acting("main_doctor"):
            alert = Alert.objects.get(object_id=released.pk)
            assert (alert.status, alert.expected) == ("raised", "7.1 mmol/L")
            assert alert.titles["main_doctor"].startswith("Corrected, now Critical high")

    def test_a_correction_out_of_the_critical_settles_the_alert(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released", "7.1")
        corrected(alpha, order, "4.7")
        with alpha.acting("main_doctor"):
            assert list(Alert.objects.values_list("status", flat=True)) == ["superseded"]


class TestWhoIsTold:
    def told(self, hospital) -> dict:
        with hospital.acting("admin"):
            return dict(CorrectionNotice.objects.values_list("person__name", "why"))

    def test_whoever_ordered_reviewed_or_opened_it(self, alpha, released):
        with alpha.acting("main_doctor"):
            open_chart(released.patient, page="results")
        corrected(alpha, released)
        told = self.told(alpha)
        assert told[alpha.checker_doctor.name] == "ordered it"
        assert told[alpha.main_doctor.name].startswith("opened it on")
        assert set(told) == {alpha.checker_doctor.name, alpha.main_doctor.name}

    def test_the_doctor_of_the_visit_who_saw_it_in_a_list(self, alpha, released):
        with alpha.acting():
            released.visit.assign_doctor(alpha.main_doctor, by=None)
        corrected(alpha, released)
        assert self.told(alpha)[alpha.main_doctor.name] == "are the doctor of the visit"

    def test_not_whoever_looked_before_the_release_nor_at_a_page_without_values(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "resulted")
        with alpha.acting("main_doctor"):
            open_chart(order.patient, page="results")
        worked_release(alpha, order)
        with alpha.acting("main_doctor"):
            open_chart(order.patient, page="insurance")
        with alpha.acting("reception"):
            open_chart(order.patient, page="visit")
        corrected(alpha, order)
        assert set(self.told(alpha)) == {alpha.checker_doctor.name}

    def test_each_hears_it_as_a_notice_of_their_own(self, alpha, released):
        corrected(alpha, released)
        with alpha.acting("admin"):
            event = Event.objects.filter(name="lab_order:updated", object_id=released.pk).latest("id")
            assert event.loudness[str(alpha.checker_doctor.pk)] == "notice"
            assert str(alpha.main_doctor.pk) not in event.loudness

    def test_a_colleague_cannot_take_note_for_me(self, alpha, released):
        corrected(alpha, released)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="for a colleague"):
            CorrectionNotice.objects.get().acknowledge(by=acting.person)
        with alpha.acting("checker_doctor") as acting:
            CorrectionNotice.objects.get().acknowledge(by=acting.person)
            assert not CorrectionNotice.objects.open().exists()


def worked_release(hospital, order) -> None:
    with hospital.acting("lab_technician") as acting:
        order.release(by=acting.person)


class TestTwoPersons:
    def test_who_entered_does_not_release_and_a_colleague_does(self, alpha):
        two_persons(alpha, "all")
        order = worked(alpha, potassium_ordered(alpha), "resulted")
        with pytest.raises(Refused, match="A colleague of the laboratory"):
            worked_release(alpha, order)
        with alpha.acting("admin") as acting:
            order.release(by=acting.person)
        assert order.status == "released"

    def test_only_critical_ones_where_the_house_says_so(self, alpha):
        two_persons(alpha, "critical")
        worked_release(alpha, worked(alpha, potassium_ordered(alpha), "resulted"))

    def test_the_database_refuses_too(self, alpha):
        two_persons(alpha, "all")
        order = worked(alpha, potassium_ordered(alpha), "resulted")
        with (
            alpha.acting("lab_technician") as acting,
            pytest.raises((IntegrityError, InternalError), match="a second person"),
            connection.cursor() as cursor,
        ):
            sql = "UPDATE clinical_laborder SET status = 'released', released_by_id = %s WHERE id = %s"
            cursor.execute(sql, [acting.person.pk, order.pk])

    def test_the_database_lets_no_other_result_into_a_released_order(self, alpha, released):
        with (
            alpha.acting("lab_technician"),
            pytest.raises((IntegrityError, InternalError), match="released correction"),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE clinical_laborder SET result_id = NULL WHERE id = %s", [released.pk])

    def test_a_correction_waits_for_the_second_person_and_the_old_value_stands(self, alpha, released):
        two_persons(alpha, "all")
        waiting = corrected(alpha, released)
        with alpha.acting("main_doctor"):
            assert str(LabOrder.objects.get(pk=released.pk).result) == "4.1 mmol/L"
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="colleague"):
            waiting.release(by=acting.person)
        with pytest.raises(Refused, match="waits for its release"):
            corrected(alpha, released, "6.1")
        with alpha.acting("admin") as acting:
            waiting.release(by=acting.person)
            assert str(LabOrder.objects.get(pk=released.pk).result) == "5.9 mmol/L"

    def test_one_that_was_withdrawn_is_never_released(self, alpha, released):
        two_persons(alpha, "all")
        waiting = corrected(alpha, released)
        with alpha.acting("admin") as acting:
            waiting.withdraw(by=acting.person)
            with pytest.raises(IllegalMove):
                waiting.release(by=acting.person)

"""A tube's way: one for all tests that are done from it, from its label to the bin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from clinical import lab_catalogue
from clinical.lab_words import title_of_step
from clinical.models import LabOrder, LabTest, Panel, Specimen, SpecimenType, Visit
from clinical.tests.laboratories import ordered, worked
from clinical.tests.wards import fresh
from hospital.workflow import IllegalMove, Refused
from realtime.models import Event

S = Specimen.Status


@pytest.fixture
def tests(alpha) -> dict[str, LabTest]:
    with alpha.acting("admin"):
        lab_catalogue.install()
        return {test.code: test for test in LabTest.objects.all()}


@pytest.fixture
def visit(alpha, tests) -> Visit:
    """Sodium and potassium from one serum tube, haemoglobin from EDTA blood."""
    return ordered(alpha, tests["NA"], tests["K"], tests["HB"])[0]


def tube(visit: Visit, code: str = "K") -> Specimen:
    """The last one that this test of the visit is done from."""
    return LabOrder.objects.filter(visit=visit, test__code=code).order_by("-accession").first().specimen


def statuses(specimen: Specimen) -> set[str]:
    return set(specimen.orders.values_list("status", flat=True))


def at(alpha, specimen: Specimen, *verbs: str) -> Specimen:
    with alpha.acting("lab_technician") as acting:
        for verb in verbs:
            getattr(specimen, verb)(by=acting.person)
    return specimen


class TestOneTubeForSeveralTests:
    def test_tests_of_one_tube_share_it_and_others_have_their_own(self, alpha, visit):
        with alpha.acting():
            assert tube(visit, "NA") == tube(visit, "K") != tube(visit, "HB")
            assert (tube(visit).type.code, tube(visit, "HB").type.code) == ("SST", "EDTA")
            assert tube(visit).number.startswith("S-000001-")

    def test_what_needs_no_specimen_has_none(self, alpha, tests):
        visit = ordered(alpha, tests["ECG"])[0]
        with alpha.acting():
            assert tube(visit, "ECG") is None

    def test_a_test_that_is_ordered_after_the_collection_gets_a_tube_of_its_own(self, alpha, visit, tests):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect")
        with alpha.acting("checker_doctor") as acting:
            later = visit.order_tests([tests["CREA"]], by=acting.person)[0]
            assert later.specimen != specimen


class TestPanels:
    def test_a_panel_orders_its_tests_and_a_member_that_is_chosen_too_only_once(self, alpha, tests):
        visit = ordered(alpha, tests["TSH"])[0]
        with alpha.acting("checker_doctor") as acting:
            panel = Panel.objects.get(code="LIPID")
            orders = visit.order_tests([tests["LDL"], tests["HB"]], panels=[panel], by=acting.person)
            assert sorted(order.test.code for order in orders) == ["CHOL", "HB", "HDL", "LDL", "TRIG"]
            assert {order.panel for order in orders if order.test.code != "HB"} == {panel}
            assert next(order for order in orders if order.test.code == "HB").panel is None
        page = alpha.client("main_doctor").get(f"{alpha.url}/visits/{visit.pk}/").content.decode()
        alone, heading = page.index(">Haemoglobin<"), page.index(f'scope="rowgroup">{panel}<')
        assert page.count('scope="rowgroup"') == 1 and alone < heading < page.index(">LDL")

    def test_what_is_ordered_already_is_left_out_and_a_whole_panel_is_refused(self, alpha, tests):
        visit = ordered(alpha, tests["LDL"])[0]
        with alpha.acting("checker_doctor") as acting:
            panel = Panel.objects.get(code="LIPID")
            assert len(visit.order_tests([], panels=[panel], by=acting.person)) == 3
            with pytest.raises(Refused, match="already ordered"):
                visit.order_tests([], panels=[panel], by=acting.person)


class TestTheWay:
    def test_its_tests_go_with_it(self, alpha, visit):
        with alpha.acting():
            specimen, other = tube(visit), tube(visit, "HB")
        for verb, status in (("collect", "collected"), ("receive", "received")):
            at(alpha, specimen, verb)
            with alpha.acting():
                assert (specimen.status, statuses(specimen), statuses(other)) == (status, {status}, {"requested"})
                assert getattr(specimen, f"{status}_by") == alpha.lab_technician

    def test_it_follows_when_one_of_its_tests_is_taken_alone(self, alpha, visit):
        with alpha.acting("lab_technician") as acting:
            first, second = tube(visit).orders.order_by("accession")
            first.collect(by=acting.person)
            assert fresh(tube(visit)).status == S.COLLECTED
            second.collect(by=acting.person)
            first.receive(by=acting.person)
            assert fresh(tube(visit)).status == S.RECEIVED

    def test_a_result_from_outside_takes_it_along(self, alpha, visit):
        with alpha.acting():
            tube(visit, "HB").orders.get().accept_outside("14", source="Central laboratory")
            assert fresh(tube(visit, "HB")).status == S.RECEIVED

    def test_it_is_cancelled_when_all_its_tests_are(self, alpha, visit):
        with alpha.acting("checker_doctor") as acting:
            first, second = tube(visit).orders.order_by("accession")
            first.cancel("Wrong patient", by=acting.person)
            assert fresh(tube(visit)).status == S.EXPECTED
            second.cancel("Wrong patient", by=acting.person)
            assert fresh(tube(visit)).status == S.CANCELLED

    def test_it_is_collected_only_after_the_payment_where_the_hospital_wants_that(self, alpha, visit):
        with alpha.acting("lab_technician") as acting:
            alpha.tenant.require_payment_before = "laboratory"
            alpha.tenant.save()
            visit.set_payment("unpaid")
            with pytest.raises(Refused, match="not paid"):
                tube(visit).collect(by=acting.person)
            assert fresh(tube(visit)).status == S.EXPECTED

    @pytest.mark.parametrize("role", ["reception", "checker_doctor", "billing"])
    def test_nobody_but_the_laboratory_takes_a_step(self, alpha, visit, role):
        with alpha.acting(role) as acting:
            for verb in ("collect", "print_label"):
                with pytest.raises(PermissionDenied):
                    getattr(tube(visit), verb)(by=acting.person)

    def test_what_was_not_collected_cannot_be_received(self, alpha, visit):
        with alpha.acting("lab_technician") as acting, pytest.raises(IllegalMove, match="From here it can become"):
            tube(visit).receive(by=acting.person)

    def test_of_two_technicians_who_receive_the_same_tube_one_wins_and_the_other_is_told(self, alpha, visit):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect")
        together = Barrier(2)

        def take(_: int) -> str:
            try:
                with alpha.acting("lab_technician") as acting:
                    mine = Specimen.objects.get(pk=specimen.pk)
                    together.wait(timeout=60)
                    mine.receive(by=acting.person)
                return "received"
            except Refused as refused:
                return str(refused)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(take, range(2)), key=len)
        assert answers[0] == "received"
        assert "already received by" in answers[1]
        with alpha.acting():
            assert statuses(specimen) == {"received"}


class TestTakingBack:
    def test_who_received_it_by_mistake_takes_it_back(self, alpha, visit):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect", "receive", "take_back")
        with alpha.acting():
            assert (fresh(specimen).status, statuses(specimen)) == (S.COLLECTED, {"collected"})
            assert fresh(specimen).received_by is None

    def test_not_after_work_has_begun_nor_by_another_nor_later(self, alpha, visit):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect", "receive")
        with alpha.acting("admin") as acting, pytest.raises(Refused, match="Only who received it"):
            specimen.take_back(by=acting.person)
        with alpha.acting("lab_technician") as acting:
            Specimen.objects.filter(pk=specimen.pk).update(received_at=timezone.now() - timedelta(minutes=11))
            with pytest.raises(Refused, match="within ten minutes"):
                specimen.take_back(by=acting.person)
            Specimen.objects.filter(pk=specimen.pk).update(received_at=timezone.now())
            specimen.orders.first().begin(by=acting.person)
            with pytest.raises(Refused, match="has begun"):
                specimen.take_back(by=acting.person)


class TestRejecting:
    @pytest.mark.parametrize("reason", ["haemolysed", "too_old"])
    def test_all_its_tests_are_ordered_again_on_one_new_tube_that_names_the_first(self, alpha, visit, reason):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect")
        with alpha.acting("lab_technician") as acting:
            again = specimen.reject(reason, by=acting.person)
            assert (statuses(specimen), statuses(again)) == ({"rejected"}, {"requested"})
            assert [order.test.code for order in again.orders.order_by("accession")] == ["NA", "K"]
            assert again.recollect_of == specimen and again.chain() == [specimen, again]
            assert {order.recollect_of.specimen for order in again.orders.all()} == {specimen}
            assert fresh(specimen).rejection_reason == reason

    def test_the_person_who_ordered_is_told_once_for_the_whole_tube(self, alpha, visit):
        with alpha.acting():
            specimen = tube(visit)
        at(alpha, specimen, "collect")
        with alpha.acting("lab_technician") as acting:
            specimen.reject("clotted", by=acting.person)
        with alpha.acting():
            key = str(alpha.checker_doctor.pk)
            rows = Event.objects.filter(name="lab_order:updated", object_id__in=specimen.orders.values("pk"))
            assert [event.loudness[key] for event in rows if key in event.loudness] == ["notice"]
            first = specimen.orders.order_by("accession").first()
            assert "rejected (clotted), to be collected again: Sodium and 1 more" in title_of_step(first, "")

    def test_a_result_is_not_rejected_any_more(self, alpha, visit):
        with alpha.acting():
            order = tube(visit, "HB").orders.get()
        worked(alpha, order, "resulted", "14")
        with alpha.acting("lab_technician") as acting:
            tube(visit, "HB").reject("clotted", by=acting.person)
            assert fresh(order).status == "resulted"

    def test_a_reason_must_be_one_of_the_list(self, alpha, visit):
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="Choose what is wrong"):
            tube(visit).reject("ugly", by=acting.person)


class TestKeeping:
    def test_it_is_stored_and_put_elsewhere_and_discarded_only_after_its_tests(self, alpha, visit):
        with alpha.acting():
            order = tube(visit, "HB").orders.get()
            specimen = order.specimen
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting:
            specimen.store("R1", "A5", by=acting.person)
            specimen.store("R2", "B1", by=acting.person)
            assert (fresh(specimen).rack, fresh(specimen).position, fresh(specimen).status) == ("R2", "B1", S.STORED)
            with pytest.raises(Refused, match="1 test of S-"):
                specimen.discard(by=acting.person)
            order.refresh_from_db()
            order.begin(by=acting.person)
            order.enter_result("14", by=acting.person)
            order.release(by=acting.person)
            specimen.discard(by=acting.person)
            assert fresh(specimen).discarded_by == alpha.lab_technician

    def test_the_list_of_what_to_discard_waits_as_many_days_as_the_type_says(self, alpha, visit):
        with alpha.acting():
            order = tube(visit, "HB").orders.get()
            specimen = order.specimen
        worked(alpha, order, "released", "14")
        with alpha.acting():
            Specimen.objects.filter(pk=specimen.pk).update(collected_at=timezone.now() - timedelta(days=60))
            days = SpecimenType.objects.get(code="EDTA").keep_days
            for later, there in ((days - 1, False), (days + 1, True)):
                found = Specimen.objects.to_discard(timezone.now() + timedelta(days=later))
                assert found.filter(pk=specimen.pk).exists() is there

    def test_it_is_too_old_when_it_was_received_after_its_hours(self, alpha, visit):
        with alpha.acting():
            specimen = tube(visit, "HB")
        at(alpha, specimen, "collect")
        with alpha.acting():
            assert not specimen.is_too_old
            Specimen.objects.filter(pk=specimen.pk).update(collected_at=timezone.now() - timedelta(hours=25))
            assert fresh(specimen).is_too_old

    def test_a_second_label_is_a_reprint(self, alpha, visit):
        with alpha.acting("lab_technician") as acting:
            assert [tube(visit).print_label(by=acting.person) for _ in range(3)] == [False, True, True]
            assert tube(visit).labels == 3

"""A test's way through the laboratory: ordering, each step, cancelling and rejecting, and what the visit makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.models import Charge
from clinical.models import LabOrder, LabTest, Visit
from clinical.tests.laboratories import culture, ordered, potassium, potassium_ordered, worked
from clinical.tests.wards import a_visit, fresh
from hospital.models import AuditEntry
from hospital.workflow import IllegalMove, Refused

STEPS = [
    ("requested", "collect", "collected"),
    ("collected", "receive", "received"),
    ("received", "begin", "in_progress"),
    ("resulted", "release", "released"),
]


@pytest.fixture
def order(alpha) -> LabOrder:
    return potassium_ordered(alpha)


def at(alpha, order: LabOrder, status: str) -> LabOrder:
    return order if status == "requested" else worked(alpha, order, status)


class TestOrdering:
    def test_a_test_gets_the_next_accession_and_sends_the_visit_to_the_laboratory(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture()]
        visit, orders = ordered(alpha, *tests)
        assert [order.number for order in orders] == ["L-000001", "L-000002"]
        assert {order.status for order in orders} == {"requested"}
        assert visit.status == Visit.Status.LAB_PENDING
        assert orders[0].ordered_by == alpha.checker_doctor

    def test_the_same_test_is_not_open_twice_in_a_visit(self, alpha, order):
        with alpha.acting("checker_doctor") as acting, pytest.raises(Refused, match="already ordered"):
            order.visit.order_tests([order.test], by=acting.person)

    def test_the_database_too_refuses_a_second_open_order(self, alpha, order):
        with alpha.acting(), pytest.raises(IntegrityError), transaction.atomic():
            LabOrder.objects.create(
                visit=order.visit, patient=order.patient, test=order.test, accession=order.accession + 1
            )

    def test_a_test_that_is_no_longer_offered_is_refused(self, alpha, order):
        with alpha.acting("checker_doctor") as acting:
            test = culture()
            test.is_active = False
            with pytest.raises(Refused, match="no longer offered"):
                LabOrder.request(order.visit, test, by=acting.person)

    def test_reception_cannot_order(self, alpha, order):
        with alpha.acting("reception") as acting:
            visit = a_visit()
            with pytest.raises(PermissionDenied):
                visit.order_tests([order.test], by=acting.person)


class TestSteps:
    @pytest.mark.parametrize(("before", "verb", "after"), STEPS)
    def test_the_technician_takes_each_step(self, alpha, order, before, verb, after):
        at(alpha, order, before)
        with alpha.acting("lab_technician") as acting:
            getattr(order, verb)(by=acting.person)
            order.refresh_from_db()
            assert order.status == after
            stamp = "begun" if after == "in_progress" else after
            assert getattr(order, f"{stamp}_by") == alpha.lab_technician
            assert timezone.now() - getattr(order, f"{stamp}_at") < timedelta(minutes=1)

    @pytest.mark.parametrize(("before", "verb"), [(before, verb) for before, verb, _ in STEPS])
    @pytest.mark.parametrize("role", ["reception", "checker_doctor", "pharmacy", "billing"])
    def test_nobody_else_takes_it(self, alpha, order, role, before, verb):
        at(alpha, order, before)
        with alpha.acting(role) as acting, pytest.raises(PermissionDenied):
            getattr(order, verb)(by=acting.person)

    @pytest.mark.parametrize(
        ("status", "forbidden"),
        [
            ("requested", ["receive", "begin", "release", "review"]),
            ("collected", ["collect", "begin", "release", "review"]),
            ("in_progress", ["collect", "receive", "release", "review"]),
            ("resulted", ["collect", "receive", "begin", "review"]),
            ("released", ["collect", "receive", "begin", "release"]),
        ],
    )
    def test_a_step_that_is_not_in_the_table_names_the_legal_ones(self, alpha, order, status, forbidden):
        at(alpha, order, status)
        with alpha.acting("admin") as acting:
            for verb in forbidden:
                with pytest.raises(IllegalMove, match="From here it can become"):
                    getattr(order, verb)(by=acting.person)

    def test_a_test_is_collected_only_after_the_payment_where_the_hospital_wants_that(self, alpha, order):
        with alpha.acting("lab_technician") as acting:
            alpha.tenant.require_payment_before = "laboratory"
            alpha.tenant.save()
            order.visit.set_payment("unpaid")
            with pytest.raises(Refused, match="not paid"):
                order.collect(by=acting.person)
            order.visit.override_gate("Bleeding", by=None)
            order.collect(by=acting.person)
            assert order.status == "collected"

    def test_the_doctor_reviews_what_was_released(self, alpha, order):
        worked(alpha, order, "released")
        with alpha.acting("main_doctor") as acting:
            order.review(by=acting.person)
            assert (order.status, order.reviewed_by) == ("reviewed", alpha.main_doctor)

    def test_what_was_reviewed_is_not_released_again(self, alpha, order):
        worked(alpha, order, "released")
        with alpha.acting("main_doctor") as acting:
            order.review(by=acting.person)
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="Only a correction"):
            order.release(by=acting.person)
        with alpha.acting("lab_technician"):
            assert LabOrder.objects.get(pk=order.pk).status == "reviewed"

    def test_every_step_is_in_the_audit_log(self, alpha, order):
        worked(alpha, order, "collected")
        with alpha.acting():
            entry = AuditEntry.objects.filter(row_id=order.pk, action="update").first()
            assert entry.after["status"] == "collected"
            assert entry.person_id == alpha.lab_technician.pk


class TestTheVisit:
    def test_the_last_release_makes_the_visit_done_by_itself(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture()]
        visit, (first, second) = ordered(alpha, *tests)
        worked(alpha, first, "released")
        with alpha.acting():
            visit.refresh_from_db()
            assert visit.status == Visit.Status.LAB_PENDING
        worked(alpha, second, "released", "No growth")
        with alpha.acting():
            visit.refresh_from_db()
            assert visit.status == Visit.Status.LAB_DONE

    def test_a_cancelled_rest_lets_the_released_ones_count(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture()]
        visit, (first, second) = ordered(alpha, *tests)
        worked(alpha, first, "released")
        with alpha.acting("checker_doctor") as acting:
            second.cancel("Not needed", by=acting.person)
            visit.refresh_from_db()
            assert visit.status == Visit.Status.LAB_DONE

    def test_when_all_are_cancelled_the_visit_is_only_checked(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture()]
        visit, orders = ordered(alpha, *tests)
        with alpha.acting("checker_doctor") as acting:
            for order in orders:
                order.cancel("The patient refuses", by=acting.person)
            visit.refresh_from_db()
            assert visit.status == Visit.Status.CHECKED

    def test_a_cancelled_visit_stays_cancelled_and_calls_its_tests_off(self, alpha, order):
        with alpha.acting("reception") as acting:
            order.visit.cancel("Registered twice", by=acting.person)
            order.refresh_from_db()
            assert (order.status, order.visit.status) == ("cancelled", "cancelled")

    def test_more_tests_may_follow_and_the_visit_waits_again(self, alpha, order):
        worked(alpha, order, "released")
        with alpha.acting("main_doctor") as acting:
            order.visit.refresh_from_db()
            order.visit.order_tests([culture()], by=acting.person)
            assert order.visit.status == Visit.Status.LAB_PENDING


class TestCancellingAndRejecting:
    @pytest.mark.parametrize("status", ["requested", "collected", "received", "in_progress"])
    def test_the_doctor_cancels_before_the_result_with_a_reason(self, alpha, order, status):
        at(alpha, order, status)
        with alpha.acting("checker_doctor") as acting:
            order.cancel("Not needed", by=acting.person)
            assert (order.status, order.cancel_reason) == ("cancelled", "Not needed")

    def test_with_a_result_it_is_too_late(self, alpha, order):
        worked(alpha, order, "resulted")
        with alpha.acting("checker_doctor") as acting, pytest.raises(IllegalMove):
            order.cancel("Not needed", by=acting.person)

    def test_a_reason_is_needed(self, alpha, order):
        with alpha.acting("checker_doctor") as acting, pytest.raises(Refused, match="Say why"):
            order.cancel("  ", by=acting.person)

    def test_the_technician_does_not_cancel(self, alpha, order):
        with alpha.acting("lab_technician") as acting, pytest.raises(PermissionDenied):
            order.cancel("Not needed", by=acting.person)

    @pytest.mark.parametrize("status", ["collected", "received", "in_progress"])
    def test_a_rejected_specimen_is_ordered_again_and_linked(self, alpha, order, status):
        worked(alpha, order, status)
        with alpha.acting("lab_technician") as acting:
            again = order.reject("haemolysed", by=acting.person)
            assert (order.status, again.status, again.recollect_of) == ("rejected", "requested", order)
            assert (again.test, again.priority, again.ordered_by) == (order.test, order.priority, alpha.checker_doctor)
            order.visit.refresh_from_db()
            assert order.visit.status == Visit.Status.LAB_PENDING

    def test_the_recollected_one_settles_the_visit(self, alpha, order):
        worked(alpha, order, "collected")
        with alpha.acting("lab_technician") as acting:
            again = order.reject("clotted", by=acting.person)
        worked(alpha, again, "released")
        with alpha.acting():
            again.visit.refresh_from_db()
            assert again.visit.status == Visit.Status.LAB_DONE

    @pytest.mark.parametrize("status", ["requested", "resulted", "released"])
    def test_without_a_specimen_at_hand_nothing_is_rejected(self, alpha, order, status):
        at(alpha, order, status)
        with alpha.acting("lab_technician") as acting, pytest.raises(IllegalMove):
            order.reject("haemolysed", by=acting.person)

    def test_the_reason_is_one_of_the_list(self, alpha, order):
        worked(alpha, order, "collected")
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="what is wrong"):
            order.reject("ugly", by=acting.person)

    def test_after_the_end_of_the_visit_nothing_is_ordered_or_charged_anew(self, alpha, order):
        worked(alpha, order, "received")
        with alpha.acting():
            fresh(order.visit).leave("Went home", by=None)
        with alpha.acting("lab_technician") as acting:
            assert fresh(order).reject("clotted", by=acting.person) is None
            assert [one.status for one in LabOrder.objects.all()] == ["rejected"]
            assert not Charge.objects.live().filter(kind="test").exists()

    def test_a_specimen_of_a_test_that_is_no_longer_offered_can_be_rejected_and_the_visit_goes_on(self, alpha, order):
        worked(alpha, order, "received")
        with alpha.acting():
            order.test.is_active = False
            order.test.save()
        answer = alpha.client("lab_technician").post(
            f"{alpha.url}/laboratory/tests/{order.pk}/reject/", {"reason": "clotted"}, follow=True
        )
        assert "is no longer offered: it is not ordered again" in answer.content.decode()
        with alpha.acting():
            assert [one.status for one in LabOrder.objects.all()] == ["rejected"]
            assert fresh(order.visit).status == "checked"


def test_the_other_hospital_sees_no_test_and_no_order(alpha, beta, order):
    with beta.acting("lab_technician"):
        assert not LabTest.objects.exists()
        assert not LabOrder.objects.exists()


def test_lists_are_in_the_order_of_urgency_and_the_row_sorts_alike(alpha):
    with alpha.acting("admin") as acting:
        visit = a_visit()
        orders = [
            LabOrder.request(visit, LabTest.objects.create(code=p, name=p, group="x"), by=acting.person, priority=p)
            for p in ("routine", "stat", "urgent")
        ]
        listed = [order.priority for order in LabOrder.objects.in_order()]
        assert listed == ["stat", "urgent", "routine"]
        assert [order.priority for order in sorted(orders, key=lambda order: order.sort)] == listed

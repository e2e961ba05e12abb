"""The laboratory's verbs: what each changes, refuses and leads to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.models import Charge
from clinical.models import LabOrder, LabResult, LabTest, Visit
from clinical.tests.laboratories import culture, histology, malaria, ordered, potassium, worked
from clinical.tests.wards import a_patient, a_visit
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
    with alpha.acting("admin"):
        test = potassium()
    return ordered(alpha, test)[1][0]


def fresh(row):
    return type(row).objects.get(pk=row.pk)


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

    def test_every_step_is_in_the_audit_log(self, alpha, order):
        worked(alpha, order, "collected")
        with alpha.acting():
            entry = AuditEntry.objects.filter(row_id=order.pk, action="update").first()
            assert entry.after["status"] == "collected"
            assert entry.person_id == alpha.lab_technician.pk


class TestEnteringResults:
    def test_a_number_keeps_its_unit_its_range_and_its_flag(self, alpha, order):
        worked(alpha, order, "resulted", "5,6")
        with alpha.acting():
            result = LabResult.objects.get(order=order)
            assert (result.value_number, result.value_text, result.unit) == (Decimal("5.6"), "5.6", "mmol/L")
            assert (result.flag, result.limits.words, result.sequence) == ("high", "3.5\u20135", 1)
            assert result.entered_by == alpha.lab_technician

    def test_history_does_not_flag_anew_when_the_range_changes(self, alpha, order):
        worked(alpha, order, "resulted", "5.6")
        with alpha.acting("admin"):
            order.test.ranges.update(high="6.0")
            result = LabResult.objects.get(order=order)
            assert (result.flag, result.limits.words) == ("high", "3.5\u20135")

    @pytest.mark.parametrize(
        ("typed", "says"),
        [
            ("41", "cannot be 41 mmol/L: possible is 1\u201312"),
            ("0.4", "Check the decimal point"),
            ("4.12", "with one decimal"),
            ("high", "is not a number"),
            ("", "is not a number"),
        ],
    )
    def test_what_cannot_be_true_is_refused_in_words_and_changes_nothing(self, alpha, order, typed, says):
        worked(alpha, order, "in_progress")
        with alpha.acting("lab_technician") as acting:
            with pytest.raises(Refused, match=says):
                order.enter_result(typed, by=acting.person)
            order.refresh_from_db()
            assert (order.status, order.results.count()) == ("in_progress", 0)

    def test_a_received_specimen_is_begun_by_its_result(self, alpha, order):
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting:
            order.enter_result("4.1", by=acting.person)
            assert order.status == "resulted"
            assert order.begun_at is not None

    def test_before_the_specimen_is_there_no_result_is_taken(self, alpha, order):
        worked(alpha, order, "collected")
        with alpha.acting("lab_technician") as acting, pytest.raises(IllegalMove):
            order.enter_result("4.1", by=acting.person)
        with alpha.acting():
            assert not order.results.exists()

    def test_entered_again_before_the_release_it_is_the_next_version(self, alpha, order):
        worked(alpha, order, "resulted", "5.6")
        with alpha.acting("lab_technician") as acting:
            order.enter_result("5.1", by=acting.person, note="Typing error")
            order.refresh_from_db()
            assert [result.sequence for result in order.results.all()] == [2, 1]
            assert (order.result.value_text, order.result.note) == ("5.1", "Typing error")

    def test_a_released_result_is_not_entered_over(self, alpha, order):
        worked(alpha, order, "released")
        with alpha.acting("lab_technician") as acting, pytest.raises(IllegalMove):
            order.enter_result("5.1", by=acting.person)

    def test_a_result_is_never_changed_or_deleted(self, alpha, order):
        worked(alpha, order, "resulted")
        with alpha.acting("admin"):
            rows = LabResult.objects.filter(order=order)
            LabOrder.objects.filter(pk=order.pk).update(result=None)
            for change in (lambda: rows.update(value_text="9"), rows.delete):
                with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                    change()

    @pytest.mark.parametrize(("code", "flag"), [("negative", ""), ("positive", "abnormal"), ("falciparum", "critical")])
    def test_a_coded_answer_carries_its_own_flag(self, alpha, code, flag):
        with alpha.acting("admin"):
            test = malaria()
        order = ordered(alpha, test)[1][0]
        worked(alpha, order, "resulted", code)
        with alpha.acting():
            result = LabResult.objects.get(order=order)
            assert (result.value_code, result.value_text, result.flag) == (code, test.option(code)["label"], flag)

    @pytest.mark.parametrize(
        ("value", "verdict"),
        [("4.1", "normal"), ("6.9", "critical_high"), ("<7.1", ""), (">10", "critical_high")],
    )
    def test_normal_is_said_only_of_what_lies_within_its_range(self, alpha, order, value, verdict):
        """A value known only to be less than seven may be anything."""
        worked(alpha, order, "resulted", value)
        with alpha.acting():
            assert LabResult.objects.get(order=order).verdict == verdict

    def test_nobody_but_a_reader_says_that_a_text_is_normal(self, alpha):
        with alpha.acting("admin"):
            tests = culture(), malaria()
        texts, films = ordered(alpha, *tests)[1]
        worked(alpha, texts, "resulted", "Escherichia coli")
        worked(alpha, films, "resulted", "negative")
        with alpha.acting():
            assert LabResult.objects.get(order=texts).verdict == ""
            assert LabResult.objects.get(order=films).verdict == "normal"

    def test_an_answer_that_the_test_does_not_have_is_refused(self, alpha):
        with alpha.acting("admin"):
            test = malaria()
        order = ordered(alpha, test)[1][0]
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="Choose one of the answers"):
            order.enter_result("maybe", by=acting.person)

    def test_a_text_result_needs_a_text(self, alpha):
        with alpha.acting("admin"):
            test = culture()
        order = ordered(alpha, test)[1][0]
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting:
            with pytest.raises(Refused, match="Write the result"):
                order.enter_result("  ", by=acting.person)
            assert order.enter_result(" No growth ", by=acting.person).value_text == "No growth"

    def test_a_file_result_needs_a_file(self, alpha):
        with alpha.acting("admin"):
            test = histology()
        order = ordered(alpha, test)[1][0]
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="Choose the file"):
            order.enter_result(None, by=acting.person)


class TestRanges:
    """Which limits apply: by age in hours, and by sex; what is unknown never narrows."""

    @pytest.fixture
    def haemoglobin(self, alpha) -> LabTest:
        with alpha.acting("admin"):
            test = LabTest.objects.create(code="HB", name="Haemoglobin", group="Blood", decimals=1, unit="g/dL")
            test.ranges.create(age_to_hours=24, low="14", high="24", critical_low="7")
            test.ranges.create(age_from_hours=24, age_to_hours=131490, low="11", high="15", critical_low="7")
            test.ranges.create(age_from_hours=131490, sex="female", low="12", high="16", critical_low="7")
            test.ranges.create(age_from_hours=131490, sex="male", low="13", high="18", critical_low="7")
            return test

    @pytest.mark.parametrize(
        ("sex", "hours", "words"),
        [
            ("female", 0, "14\u201324"),
            ("female", 23, "14\u201324"),
            ("female", 24, "11\u201315"),
            ("male", 131489, "11\u201315"),
            ("male", 131490, "13\u201318"),
            ("female", 131490, "12\u201316"),
            ("other", 200000, "12\u201318"),
            ("unknown", 200000, "12\u201318"),
        ],
    )
    def test_the_range_is_that_of_the_age_in_hours_and_the_sex(self, alpha, haemoglobin, sex, hours, words):
        with alpha.acting():
            patient = a_patient(sex=sex, birth_date=date(2000, 1, 1))
            now = timezone.datetime(2000, 1, 1, tzinfo=alpha.tenant.zone) + timedelta(hours=hours)
            assert haemoglobin.limits_for(patient, now).words == words

    def test_without_a_birth_date_only_what_is_outside_all_ranges_is_flagged(self, alpha, haemoglobin):
        with alpha.acting():
            patient = a_patient(sex="unknown", birth_date=None)
            limits = haemoglobin.limits_for(patient, timezone.now())
            assert (limits.words, limits.critical_low) == ("11\u201324", Decimal("7.0000"))

    def test_the_age_is_that_when_the_specimen_was_taken(self, alpha, haemoglobin):
        yesterday = timezone.now().astimezone(alpha.tenant.zone) - timedelta(days=1)
        with alpha.acting("reception"):
            newborn = a_patient(birth_date=yesterday.date())
        order = ordered(alpha, haemoglobin, patient=newborn)[1][0]
        worked(alpha, order, "received")
        with alpha.acting("lab_technician") as acting:
            midnight = yesterday.replace(hour=0, minute=0, second=0, microsecond=0)
            order.collected_at = midnight + timedelta(hours=3)
            order.save(update_fields=["collected_at"])
            assert order.enter_result("12.0", by=acting.person).flag == "low"


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

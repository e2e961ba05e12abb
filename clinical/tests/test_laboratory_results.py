"""Results: what may be entered, how it is flagged, and which range applies to whom."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinical.models import LabOrder, LabResult, LabTest, RangeEdition
from clinical.tests.laboratories import culture, histology, malaria, ordered, potassium_ordered, worked
from clinical.tests.wards import a_patient
from hospital.workflow import IllegalMove, Refused


@pytest.fixture
def order(alpha) -> LabOrder:
    return potassium_ordered(alpha)


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
            wider = [{"low": Decimal("3.5"), "high": Decimal("6.0")}]
            now, possible = timezone.now(), order.test.possible
            RangeEdition.make(order.test, wider, by=None, valid_from=now, reason="Wider", possible=possible)
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

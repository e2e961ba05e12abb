"""What is normal for whom, and since when: versions that are never edited, conditions, and the page of a test's ranges."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from clinical import lab_catalogue
from clinical.measure import Limits
from clinical.models import LabCondition, LabOrder, LabResult, LabTest, PatientCondition, RangeEdition, ReferenceRange
from clinical.range_grid import Grid, age_words, hours
from clinical.tests.laboratories import ordered, potassium, potassium_ordered, worked
from clinical.tests.wards import a_patient
from hospital.workflow import Refused

DASH = "\u2013"


@pytest.fixture
def haemoglobin(alpha) -> LabTest:
    with alpha.acting("admin"):
        lab_catalogue.install()
        return LabTest.objects.get(code="HB")


def edition(test: LabTest, low: str, high: str, *, by, days: int = 0, **fields) -> RangeEdition:
    values = {"low": Decimal(low), "high": Decimal(high), **fields}
    at = timezone.now() + timedelta(days=days)
    return RangeEdition.make(
        test, [values], by=by, valid_from=at, reason="New analyser", possible=Limits(Decimal(1), Decimal(20))
    )


class TestVersions:
    def test_a_new_version_counts_from_its_moment_and_the_old_one_before(self, alpha):
        with alpha.acting("admin") as acting:
            test, patient, now = potassium(), a_patient(), timezone.now()
            edition(test, "3.0", "6.0", by=acting.person, days=2)
            assert test.limits_for(patient, now + timedelta(days=1)).words == f"3.5{DASH}5"
            assert test.limits_for(patient, now + timedelta(days=3)).words == f"3{DASH}6"

    def test_a_result_keeps_the_range_that_it_was_judged_by(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "resulted", "5.6")
        with alpha.acting("admin") as acting:
            edition(order.test, "3.0", "6.0", by=acting.person)
            result = LabResult.objects.get(order=order)
            assert (result.flag, result.limits.words) == ("high", f"3.5{DASH}5")

    def test_what_is_possible_is_of_the_version_too(self, alpha):
        with alpha.acting("admin") as acting:
            test = potassium()
            assert test.read("11.5").number == Decimal("11.5")
            RangeEdition.make(
                test,
                [],
                by=acting.person,
                valid_from=timezone.now(),
                reason="x",
                possible=Limits(Decimal(1), Decimal(9)),
            )
            with pytest.raises(Refused, match=f"possible is 1{DASH}9"):
                LabTest.objects.get(pk=test.pk).read("11.5")

    def test_the_database_lets_nobody_change_or_delete_a_version(self, alpha):
        with alpha.acting("admin") as acting:
            made = edition(potassium(), "3.0", "6.0", by=acting.person)
        for change in (
            lambda: ReferenceRange.objects.filter(edition=made).update(high=9),
            lambda: RangeEdition.objects.filter(pk=made.pk).delete(),
            lambda: RangeEdition.objects.filter(pk=made.pk).update(valid_from=timezone.now()),
        ):
            with alpha.acting("admin"), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                change()

    def test_it_begins_after_the_one_before_and_overwrites_nobody(self, alpha):
        with alpha.acting("admin") as acting:
            test = potassium()
            edition(test, "3.0", "6.0", by=acting.person, days=2)
            with pytest.raises(Refused, match="A new one begins later"):
                edition(test, "3.1", "6.0", by=acting.person, days=1)
            with pytest.raises(Refused, match="Somebody saved another version"):
                RangeEdition.make(
                    test,
                    [],
                    by=acting.person,
                    valid_from=timezone.now() + timedelta(days=9),
                    reason="x",
                    possible=Limits(),
                    opened=0,
                )


class TestConditions:
    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({}, f"12{DASH}16"),
            ({"pregnant": 8}, f"11{DASH}16"),
            ({"pregnant": 20}, f"10.5{DASH}16"),
            ({"pregnant": 27}, f"10.5{DASH}16"),
            ({"pregnant": 28}, f"11{DASH}16"),
            ({"pregnant": None}, f"10.5{DASH}16"),
            ({"smoker": None}, f"12{DASH}16"),
        ],
    )
    def test_a_pregnant_woman_has_the_range_of_her_week(self, alpha, haemoglobin, facts, words):
        with alpha.acting():
            patient = a_patient(sex="female", birth_date=date(1995, 5, 5))
            assert haemoglobin.limits_for(patient, timezone.now(), facts).words == words

    def test_a_neonate_has_the_range_of_its_gestation_at_birth(self, alpha):
        with alpha.acting("admin") as acting:
            test = potassium()
            born = LabCondition.objects.create(code="born", name="Gestation at birth", weeks="fixed", rank=20)
            patient = a_patient(birth_date=timezone.localdate())
            edition(test, "4.5", "7.5", by=acting.person, condition=born, weeks_from=24, weeks_to=37, age_to_hours=672)
            PatientCondition(patient=patient, condition=born, weeks=30, begins_on=timezone.localdate()).save()
            later = timezone.now() + timedelta(days=14)
            facts = PatientCondition.facts(patient, later)
            assert facts == {"born": 30}
            assert test.limits_for(patient, later, facts).words == f"4.5{DASH}7.5"
            assert test.limits_for(patient, later, {"born": 38}).words == ""

    def test_the_weeks_of_a_pregnancy_go_on_until_it_ends(self, alpha, haemoglobin):
        with alpha.acting():
            patient, today = a_patient(), timezone.localdate()
            pregnant = LabCondition.objects.get(code="pregnant")
            row = PatientCondition(patient=patient, condition=pregnant, weeks=10, begins_on=today - timedelta(days=29))
            row.save()
            assert PatientCondition.facts(patient, timezone.now()) == {"pregnant": 14}
            row.ends_on = today - timedelta(days=1)
            row.save()
            assert PatientCondition.facts(patient, timezone.now()) == {}

    def test_an_order_keeps_what_was_known_and_said_and_is_judged_by_it(self, alpha, haemoglobin):
        patient_in = {"sex": "female", "birth_date": date(1995, 5, 5)}
        with alpha.acting("reception"):
            patient = a_patient(**patient_in)
            pregnant = LabCondition.objects.get(code="pregnant")
            PatientCondition(patient=patient, condition=pregnant, weeks=20, begins_on=timezone.localdate()).save()
        visit, orders = ordered(alpha, haemoglobin, patient=patient)
        worked(alpha, orders[0], "resulted", "10.7")
        with alpha.acting():
            order = LabOrder.objects.get(visit=visit)
            assert order.facts == {"pregnant": 20}
            assert (order.result.flag, order.result.limits.words) == ("", f"10.5{DASH}16")


def row(**typed: str) -> dict[str, str]:
    names = (
        "sex",
        "age_from",
        "age_to",
        "condition",
        "weeks_from",
        "weeks_to",
        "low",
        "high",
        "critical_low",
        "critical_high",
        "source",
    )
    return dict.fromkeys(names, "") | {"sex": "any"} | typed


class TestTheGrid:
    @pytest.mark.parametrize(
        ("typed", "number"),
        [("", None), ("0", 0), ("12", 12), ("12 h", 12), ("3d", 72), ("2 w", 336), ("6 mo", 4380), ("18 Y", 157788)],
    )
    def test_ages_are_written_in_any_unit(self, typed, number):
        assert hours(typed) == number
        assert number is None or hours(age_words(number)) == number

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([row(low="1", high="x")], "is not a number"),
            ([row(low="1", age_from="old")], "is no age"),
            ([row(low="5", high="3")], "out of order"),
            ([row(low="3", critical_low="4")], "out of order"),
            ([row(low="0.5", high="3")], "out of order"),
            ([row(age_from="3 d")], "at least one limit"),
            ([row(low="2", age_from="3 d", age_to="1 d")], "begins after it ends"),
            ([row(low="2", weeks_from="3")], "Weeks need a condition"),
            ([row(low="2"), row(low="3", age_from="1 d")], "Overlaps"),
            ([row(low="2", sex="male", age_to="2 d"), row(low="3", sex="male", age_from="1 d")], "Overlaps"),
            ([], "at least one range"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_line(self, alpha, rows, says):
        with alpha.acting("admin"):
            grid = Grid(rows, ("1", "20"), 1)
            told = [*grid.errors, *(sentence for one in grid.rows for sentence in one.errors)]
            assert not grid.is_valid
            assert any(says in sentence for sentence in told), told

    def test_neighbours_the_own_sex_and_a_condition_do_not_overlap(self, alpha, haemoglobin):
        with alpha.acting("admin"):
            pregnant = {"condition": "pregnant", "sex": "female"}
            rows = [
                row(low="2", age_to="1 d"),
                row(low="3", age_from="1 d"),
                row(low="4", sex="male", age_from="2 d"),
                row(low="4", weeks_to="14", **pregnant),
                row(low="5", weeks_from="14", **pregnant),
            ]
            assert Grid(rows, ("1", "20"), 1).is_valid

    def test_ages_without_a_range_are_named(self, alpha):
        with alpha.acting("admin"):
            grid = Grid(
                [row(low="2", age_from="1 d", age_to="18 y"), row(low="2", sex="male", age_from="18 y")], ("", ""), 1
            )
            assert grid.gaps == [
                "Female: none from 0 to 1 d",
                "Female: none from 18 y",
                "Male: none from 0 to 1 d",
            ]


class TestThePage:
    def post(self, alpha, test: LabTest, *rows: dict[str, str], **fields: str):
        body = {f"row-{name}": [one[name] for one in rows] for name in row()}
        body |= {"possible_low": "1", "possible_high": "30", "opened": "0", **fields}
        return alpha.client("admin").post(f"{alpha.url}/lab-catalogue/tests/{test.pk}/ranges/", body)

    @pytest.mark.parametrize(
        ("who", "words"),
        [
            ({"sex": "female", "age": "3 d"}, f"14{DASH}24"),
            ({"sex": "female", "age": "30 y", "condition": "pregnant", "weeks": "20"}, f"10.5{DASH}16"),
            ({"sex": "male", "age": "30 y"}, f"13{DASH}18"),
        ],
    )
    def test_it_looks_up_which_range_somebody_has(self, alpha, haemoglobin, who, words):
        from clinical.range_grid import typed_of

        with alpha.acting("admin"):
            rows = [typed_of(one) for one in haemoglobin.ranges.all()]
        page = self.post(alpha, haemoglobin, *rows, check="yes", **who)
        assert page.status_code == 200
        assert words in page.content.decode()

    def test_it_saves_a_new_version_with_who_when_and_why_and_shows_all(self, alpha, haemoglobin):
        at = timezone.localtime(timezone.now() + timedelta(days=1), alpha.tenant.zone)
        when = f"{at:%Y-%m-%dT%H:%M}"
        done = self.post(
            alpha, haemoglobin, row(low="12", high="15"), save="yes", valid_from=when, reason="New analyser"
        )
        assert done.status_code == 302
        with alpha.acting():
            made = haemoglobin.editions.get()
            assert (made.number, made.made_by, made.absolute_high) == (1, alpha.admin, Decimal(30))
            assert haemoglobin.ranges.filter(edition=None).count() == 12
        page = alpha.client("admin").get(f"{alpha.url}/lab-catalogue/tests/{haemoglobin.pk}/ranges/").content.decode()
        assert "New analyser" in page and "Version 1" in page and "The beginning" in page

    def test_what_is_wrong_keeps_what_was_typed_and_saves_nothing(self, alpha, haemoglobin):
        answer = self.post(
            alpha,
            haemoglobin,
            row(low="15", high="12", source="Mine"),
            save="yes",
            valid_from="2099-01-01T10:00",
            reason="x",
        )
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "out of order" in page and 'value="Mine"' in page
        past = self.post(alpha, haemoglobin, row(low="12"), save="yes", valid_from="2020-01-01T10:00", reason="x")
        assert past.status_code == 422 and "cannot begin in the past" in past.content.decode()
        with alpha.acting():
            assert not haemoglobin.editions.exists()

    def test_who_opened_it_before_somebody_else_saved_is_told(self, alpha, haemoglobin):
        with alpha.acting("admin") as acting:
            edition(haemoglobin, "12", "16", by=acting.person)
        answer = self.post(alpha, haemoglobin, row(low="12"), save="yes", valid_from="2099-01-01T10:00", reason="x")
        assert answer.status_code == 409

    def test_only_who_manages_the_laboratory_may(self, alpha, haemoglobin):
        address = f"{alpha.url}/lab-catalogue/tests/{haemoglobin.pk}/ranges/"
        assert alpha.client("lab_technician").get(address).status_code == 403
        assert alpha.client("lab_technician").post(address, {}).status_code == 403

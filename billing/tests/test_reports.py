"""Every figure is compared with one that is counted row by row, in zones where days have 23 and 25 hours."""

from __future__ import annotations

import random
from collections import Counter as Tally
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import quantiles

import pytest
import time_machine
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from billing.models import Payment
from billing.reports import overview, patients, performance, revenue, today, visits
from billing.reports.revenue import by_kind
from billing.tests.till import charge
from clinical.models import LabOrder, LabTest, Patient, QueuePlace, Visit
from clinical.reports.parts import Column, Table, change, minutes, percent
from clinical.reports.period import Period, chosen
from hospital.models import Counter
from hospital.spreadsheets import harmless
from hospital.tests.hospital import Hospital

# Midnight does not exist, exists twice, is half past something, and the clock moves in the middle of the night.
CASES = [
    ("Europe/London", date(2024, 3, 28), date(2024, 4, 3)),
    ("Europe/London", date(2024, 10, 25), date(2024, 10, 29)),
    ("America/New_York", date(2024, 3, 8), date(2024, 3, 12)),
    ("Africa/Cairo", date(2024, 4, 24), date(2024, 4, 28)),
    ("America/Havana", date(2024, 11, 1), date(2024, 11, 5)),
    ("Asia/Kolkata", date(2024, 12, 29), date(2025, 1, 2)),
    ("Pacific/Apia", date(2011, 12, 28), date(2012, 1, 2)),
    ("UTC", date(2024, 2, 27), date(2024, 3, 1)),
]
REPORTS = [overview, revenue, patients, visits, performance]


def a_visit(patient: Patient, at: datetime, **fields: object) -> Visit:
    """A visit as it would be in the table, without the work that leads there."""
    row = Visit(patient=patient, serial=Counter.take("visit"), registered_at=at, **fields)
    row.save(force_insert=True)
    return row


def a_payment(visit: Visit, at: datetime, amount: Decimal, method: str = "cash", by=None) -> Payment:
    return Payment.book(
        visit=visit,
        patient=visit.patient,
        serial=Counter.take("receipt"),
        amount=amount,
        method=method,
        received_at=at,
        received_by=by,
    )


def moments(chance: random.Random, first: date, last: date, count: int) -> list[datetime]:
    """Spread over the days and a day around them, and thick around each midnight."""
    start = datetime.combine(first, datetime.min.time(), tzinfo=UTC) - timedelta(days=1)
    seconds = int(timedelta(days=(last - first).days + 3).total_seconds())
    return [start + timedelta(seconds=chance.randrange(seconds) // 900 * 900) for _ in range(count)]


@pytest.mark.parametrize(("zone", "first", "last"), CASES, ids=[f"{zone} {first}" for zone, first, _ in CASES])
def test_money_and_visits_by_day_are_those_of_the_hospitals_own_days(zone, first, last):
    house, chance = Hospital("Figures", time_zone=zone), random.Random(f"{zone}{first}")
    with house.acting():
        period = Period(first, last, house.tenant.zone)
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        times = moments(chance, period.before.first, last, 150)
        rows = [(at, Decimal(chance.randrange(1, 9999)) / 100) for at in times]
        for at, amount in rows:
            a_payment(a_visit(patient, at), at, amount)
        money = {row[0]: row[1] for row in revenue.report(period).table("received-by-day").rows}
        counts = {row[0]: row[1] for row in visits.report(period).table("visits-by-day").rows}
        hours = {int(row[0]): row[1] for row in visits.report(period).table("by-hour").rows}
    local = [(at.astimezone(house.tenant.zone), amount) for at, amount in rows]
    for day in period.days:
        assert money[str(day)] == sum(amount for at, amount in local if at.date() == day)
        assert counts[str(day)] == sum(1 for at, _ in local if at.date() == day)
    inside = [at for at, _ in local if first <= at.date() <= last]
    assert hours == {hour: sum(1 for at in inside if at.hour == hour) for hour in range(24)}
    assert sum(money.values()) == sum(amount for at, amount in rows if period.start <= at < period.end)


@pytest.mark.parametrize(("zone", "first", "last"), CASES, ids=[f"{zone} {first}" for zone, first, _ in CASES])
def test_the_days_of_a_period_meet_without_gap_or_overlap(zone, first, last):
    house = Hospital("Days", time_zone=zone)
    pieces = [Period(day, day, house.tenant.zone) for day in Period(first, last, house.tenant.zone).days]
    assert all(one.end == two.start for one, two in pairwise(pieces))
    assert all(one.before.last + timedelta(days=1) == one.first for one in pieces)


def test_waiting_is_the_median_of_those_who_were_called(alpha):
    chance = random.Random("queues")
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 7), alpha.tenant.zone)
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        waits = []
        for number, at in enumerate(moments(chance, period.first, period.last, 60)):
            wait, work = timedelta(minutes=chance.randrange(90)), timedelta(minutes=chance.randrange(40))
            undone, called = number % 10 == 0, number % 7 != 0
            place = QueuePlace(
                visit=a_visit(patient, at),
                patient=patient,
                queue="examination",
                day=at.date(),
                token=number + 1,
                entered_at=at,
                ended_at=at + wait + work,
            )
            place.called_at = at + wait if called else None
            place.undone_at = at + wait + work if undone else None
            place.save(force_insert=True)
            if called and not undone and period.start <= at < period.end:
                waits.append(wait)
        step = performance.report(period).table("steps").rows[0]
    cuts = quantiles([wait.total_seconds() for wait in waits], n=10, method="inclusive")
    assert step[2] == minutes(timedelta(seconds=cuts[4]))
    assert step[3] == minutes(timedelta(seconds=cuts[8]))


def test_a_test_is_timed_from_its_order_to_its_release(alpha):
    at = datetime(2024, 5, 2, 9, tzinfo=UTC)
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 7), alpha.tenant.zone)
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        test = LabTest.objects.create(code="GLU", name="Glucose", group="Chemistry")
        for place, whole in enumerate((10, 20, 60)):
            LabOrder(
                visit=a_visit(patient, at),
                patient=patient,
                test=test,
                accession=place + 1,
                ordered_at=at,
                released_at=at + timedelta(minutes=whole),
                released_by=alpha.lab_technician,
            ).save(force_insert=True)
        LabOrder(visit=a_visit(patient, at), patient=patient, test=test, accession=9, ordered_at=at).save(
            force_insert=True
        )
        report = performance.report(period)
    assert report.table("tests").rows == [("Glucose", 3, 20, 52)]
    person = report.table("people").rows[0]
    assert (person[0], person[3]) == (alpha.lab_technician.name, 3)


def test_patients_are_counted_once_and_by_their_age_on_the_last_day(alpha):
    at = datetime(2024, 5, 2, 9, tzinfo=UTC)
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 7), alpha.tenant.zone)
        child = Patient.register(
            given_name="Ada", family_name="Okafor", sex="female", birth_date=date(2019, 5, 8), by=None
        )
        man = Patient.register(given_name="Ben", family_name="Adler", sex="male", birth_date=date(1959, 5, 7), by=None)
        a_visit(man, at - timedelta(days=400))
        for patient in (child, man, man):
            a_visit(patient, at)
        a_visit(Patient.register(given_name="Cy", family_name="X", by=None), at, status="cancelled")
        report = patients.report(period)
    ages = {row[0]: row[1:] for row in report.table("ages").rows}
    assert (ages["1 to 4"], ages["65 to 79"]) == ((1, 0, 1), (0, 1, 1))
    assert [figure.value for figure in report.figures][1:] == [2, 1, 50]


def test_how_visits_end_is_compared_with_the_period_before(alpha):
    at = datetime(2024, 5, 2, 9, tzinfo=UTC)
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 7), alpha.tenant.zone)
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        for stay in (30, 50, 100):
            a_visit(patient, at, status="done", ended_at=at + timedelta(minutes=stay))
        a_visit(patient, at, status="left", ended_at=at)
        a_visit(patient, at - timedelta(days=7), status="done", ended_at=at - timedelta(days=7) + timedelta(minutes=40))
        report = visits.report(period)
    assert [(figure.value, figure.former) for figure in report.figures] == [(4, 1), (3, 1), (25, 0), (50, 40), (90, 40)]
    assert report.figures[0].delta == 300


def test_charges_are_told_by_kind_with_what_was_waived_and_cancelled(alpha):
    at = datetime(2024, 5, 2, 9, tzinfo=UTC)
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 7), alpha.tenant.zone)
        visit = a_visit(Patient.register(given_name="Amara", family_name="Okafor", by=None), at)
        charges = [
            charge(visit, "4.50", quantity=2, sequence=number, charged_at=when)
            for number, when in enumerate((at, at, at, at - timedelta(days=7)), start=1)
        ]
        charges[1].waive("Hardship", by=None)
        charges[2].cancel("Not done", by=None)
        found = by_kind(period)
    nine = Decimal(9)
    assert found == [
        {"kind": "test", "count": 4, "charged": nine * 2, "waived": nine, "cancelled": nine, "former": nine}
    ]


@pytest.mark.parametrize("report", REPORTS, ids=[report.__name__.rpartition(".")[2] for report in REPORTS])
def test_a_report_takes_as_many_queries_for_many_rows_as_for_few(alpha, report):
    at = datetime(2024, 5, 2, 9, tzinfo=UTC)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            report.report(period)
        return len(seen)

    with alpha.acting():
        period = Period(date(2024, 4, 1), date(2024, 5, 30), alpha.tenant.zone)
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        a_payment(a_visit(patient, at), at, Decimal(5), by=alpha.billing)
        few = queries()
        for number in range(40):
            other = Patient.register(given_name=f"P{number}", family_name="X", by=None)
            a_payment(
                a_visit(other, at + timedelta(days=number % 20)),
                at,
                Decimal(5),
                method=["cash", "card"][number % 2],
                by=alpha.person("billing", f"Clerk {number % 5}"),
            )
        many = queries()
    assert few == many <= 12


def test_an_empty_period_has_tables_and_no_division_by_nought(alpha):
    with alpha.acting():
        period = Period(date(2024, 5, 1), date(2024, 5, 1), alpha.tenant.zone)
        for report in REPORTS:
            found = report.report(period)
            assert all(figure.delta is None for figure in found.figures)
            assert len({table.key for table in found.tables}) == len(found.tables)


def test_todays_money_is_compared_with_the_same_hours_a_week_ago(alpha):
    now = datetime(2024, 5, 9, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False), alpha.acting():
        patient = Patient.register(given_name="Amara", family_name="Okafor", by=None)
        for at, amount in (
            (now, 30),
            (now - timedelta(days=7, hours=1), 20),
            (now - timedelta(days=7) + timedelta(hours=1), 500),
            (now - timedelta(days=1), 7),
        ):
            a_payment(a_visit(patient, at, ended_at=at), at, Decimal(amount))
        money = today.money()
    assert (money["today"], money["then"], money["count"]) == (Decimal(30), Decimal(20), 1)


def test_the_dashboard_counts_what_is_here_now(alpha):
    with alpha.acting("reception"):
        first = Visit.register(
            Patient.register(given_name="Amara", family_name="Okafor", by=None), complaint="", by=alpha.reception
        )
        second = Visit.register(
            Patient.register(given_name="Ben", family_name="Adler", by=None),
            complaint="",
            by=alpha.reception,
            priority="emergency",
        )
        second.place.call(to="Room 1", by=alpha.reception)
        found, examination = today.visits(), today.steps()[0]
        assert (found["registered"], found["patients"], found["here"], found["emergencies"]) == (2, 2, 2, 1)
        assert Tally({status: count for status, _, count in found["statuses"] if count}) == Tally(registered=2)
        assert (examination.waiting, examination.called) == (1, 1)
        assert examination.since == first.place.entered_at


def test_who_is_signed_in_is_named_once_for_each_role(alpha):
    for _ in range(2):
        alpha.client("pharmacy").get(f"{alpha.url}/role/")
    with alpha.acting():
        present = [(one.name, one.role) for one in today.signed_in()]
    assert present == [(alpha.pharmacy.name, "Pharmacy")]


@pytest.mark.parametrize(
    ("query", "first", "last", "preset"),
    [
        ("", date(2024, 4, 10), date(2024, 5, 9), "30"),
        ("days=1", date(2024, 5, 9), date(2024, 5, 9), "1"),
        ("days=7", date(2024, 5, 3), date(2024, 5, 9), "7"),
        ("days=rubbish", date(2024, 4, 10), date(2024, 5, 9), "30"),
        ("first=2024-01-01&last=2024-02-29", date(2024, 1, 1), date(2024, 2, 29), ""),
    ],
)
def test_a_period_is_chosen_by_days_or_dates(alpha, query, first, last, preset):
    with time_machine.travel(datetime(2024, 5, 9, 12, tzinfo=UTC)), alpha.acting():
        period, named, form = chosen(QueryDict(query))
    assert (period.first, period.last, named) == (first, last, preset)
    assert not form.errors


@pytest.mark.parametrize(
    "query",
    [
        "first=2024-02-02&last=2024-01-01",
        "first=2020-01-01&last=2024-01-01",
        "first=x&last=y",
        "first=2024-01-01",
        "first=0001-01-01&last=0001-01-02",
        "first=9999-12-30&last=9999-12-31",
    ],
)
def test_dates_that_make_no_period_are_refused_in_words(alpha, query):
    with alpha.acting():
        assert chosen(QueryDict(query))[2].errors


def test_today_is_the_hospitals_today(alpha):
    alpha.tenant.time_zone = "Pacific/Auckland"
    with time_machine.travel(datetime(2024, 5, 9, 13, tzinfo=UTC)), alpha.acting():
        assert Period.ending_today(1).first == date(2024, 5, 10)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_execute_is_neutralised(cell):
    assert harmless(cell) == f"'{cell}"


def test_numbers_and_plain_words_stay_as_they_are():
    assert [harmless(cell) for cell in (-5, Decimal("-1.50"), "Amara", None)] == [-5, Decimal("-1.50"), "Amara", ""]


def test_csv_quotes_what_it_must():
    table = Table("x", "X", [Column("Name"), Column("Wait", "minutes")], [('Ann "A", B', 5), ("=HYPERLINK(1)", None)])
    assert table.csv() == '\ufeffName,"Wait, min"\r\n"Ann ""A"", B",5\r\n\'=HYPERLINK(1),\r\n'


def test_a_change_is_rounded_as_people_do_and_needs_something_to_compare_with():
    assert [
        change(15, 10),
        change(5, 10),
        change(1, 0),
        change(100, 10),
        change(101, 10),
        change(None, 5),
        percent(1, 200),
        minutes(timedelta(seconds=90)),
    ] == [50, -50, None, 900, None, None, 1, 2]

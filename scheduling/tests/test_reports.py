"""Every figure on appointments is compared with one that is counted row by row."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from statistics import median, quantiles

import pytest
import time_machine

from clinical.reports.parts import percent
from clinical.reports.period import Period
from hospital.models import AuditEntry, Counter
from hospital.tests.asking import queries
from hospital.tests.hospital import Hospital
from scheduling.models import Appointment, Location, Provider, SpecialDay
from scheduling.reports import Asked, report
from scheduling.tests.desks import Desk, a_location, a_type

FIRST, LAST = date(2026, 3, 23), date(2026, 4, 5)  # the clock of New York stands still, London's is put forward
NOW = datetime(2026, 4, 4, 12, tzinfo=UTC)
MINUTE, HALF_HOUR = timedelta(minutes=1), timedelta(minutes=30)
ENDINGS = ("completed", "completed", "no_show", "cancelled", "booked", "rescheduled")


class Past:
    """Three weeks of appointments as they would be in the tables, without the work that leads there."""

    def __init__(self, zone: str) -> None:
        self.hospital, self.chance = Hospital("Past", time_zone=zone), random.Random(zone)
        self.desk = Desk(self.hospital, time_zone=zone)
        self.patient = self.desk.patient()
        with self.hospital.acting():
            self.types = [self.desk.type, a_type("Surgery", minutes=30)]
            self.second = a_location("Second house", time_zone=zone)
            SpecialDay.objects.create(location=self.desk.location, day=date(2026, 3, 25), name="Closed")
            self.desk.checker.working_hours.update(begins=time(8), ends=time(16))
            self.rows = [row for provider in (self.desk.doctor, self.desk.checker) for row in self.of(provider)]
            self.share_a_time()

    def of(self, provider: Provider) -> list[Appointment]:
        start = datetime(2026, 3, 8, tzinfo=UTC)
        numbers = sorted(self.chance.sample(range(28 * 48), 180))
        return [self.row(provider, start + HALF_HOUR * number) for number in numbers]

    def row(self, provider: Provider, at: datetime, **fields: object) -> Appointment:
        ending = self.chance.choice(ENDINGS)
        ends = at + timedelta(minutes=self.chance.choice([10, 20, 30]))
        made = Appointment(
            patient=self.desk.patient(),
            type=self.chance.choice(self.types),
            provider=provider,
            location=self.chance.choice([self.desk.location, self.second]),
            begins_at=at,
            ends_at=ends,
            busy_from=at,
            busy_until=ends,
            status=ending,
            kind=self.chance.choice(["in_person", "in_person", "walk_in"]),
            booked_at=at - timedelta(minutes=self.chance.randrange(0, 40_000)),
            was_late=ending == "cancelled" and self.chance.random() < 0.4,
            serial=Counter.take("appointment"),
        )
        if ending == "completed":
            made.arrived_at = at
            made.in_room_at = at + MINUTE * self.chance.randrange(40)
            made.with_provider_at = made.in_room_at + MINUTE * self.chance.randrange(40)
            made.completed_at = made.with_provider_at + MINUTE * self.chance.randrange(40)
        for name, value in fields.items():
            setattr(made, name, value)
        made.save(force_insert=True)
        return made

    def share_a_time(self) -> None:
        """Three patients at one time of the provider."""
        at = datetime(2026, 4, 20, 9, tzinfo=UTC)
        same = {"ends_at": at + HALF_HOUR, "busy_until": at + HALF_HOUR, "status": "booked"}
        first = self.row(self.desk.doctor, at, **same)
        for seat in (1, 2):
            self.row(self.desk.doctor, at, slot=first.slot, seat=seat, **same)


@pytest.fixture(scope="module", params=["America/New_York", "Europe/London"])
def past(request, django_db_setup, django_db_blocker) -> Past:
    with django_db_blocker.unblock():
        return Past(request.param)


def asked_of(past: Past, **narrow: Location | Provider) -> Asked:
    return Asked(Period(FIRST, LAST, past.hospital.tenant.zone), **narrow)


def within(past: Past, asked: Asked) -> list[Appointment]:
    return [
        row
        for row in past.rows
        if FIRST <= row.begins_at.astimezone(past.hospital.tenant.zone).date() <= LAST
        and (asked.location is None or row.location == asked.location)
        and (asked.provider is None or row.provider == asked.provider)
    ]


def table(past: Past, key: str, asked: Asked | None = None) -> dict[str, tuple]:
    with past.hospital.acting(), time_machine.travel(NOW):
        found = report(asked or asked_of(past)).table(key)
    assert found is not None
    return {row[0]: row[1:] for row in found.rows}


def narrowings(past: Past) -> list[Asked]:
    return [asked_of(past), asked_of(past, location=past.second), asked_of(past, provider=past.desk.checker)]


def counted(rows: list[Appointment]) -> tuple:
    due = [row for row in rows if row.kind != "walk_in" and row.status != "rescheduled" and row.begins_at <= NOW]
    kept = [row for row in due if row.status != "cancelled"]
    missed, late = [row for row in kept if row.status == "no_show"], [row for row in due if row.was_late]
    return len(due), len(missed), percent(len(missed), len(kept)), len(late), percent(len(late), len(due))


def test_used_time_is_booked_time_of_the_open_time(past):
    found = table(past, "utilisation")
    zone = past.hospital.tenant.zone
    days = [FIRST + timedelta(days=number) for number in range(14)]
    whole = sum(
        (
            datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
            - datetime.combine(day, time(), zone).astimezone(UTC)
            for day in days
            if day != date(2026, 3, 25)
        ),
        timedelta(),
    )
    opened = {past.desk.doctor: whole // MINUTE, past.desk.checker: 13 * 8 * 60}
    for provider, minutes in opened.items():
        rows = [
            row
            for row in within(past, asked_of(past, provider=provider))
            if row.status in ("booked", "completed", "arrived")
        ]
        booked = sum((row.ends_at - row.begins_at) // MINUTE for row in rows)
        assert found[str(provider)] == (minutes, booked, percent(booked, minutes))


def test_a_time_that_three_patients_share_counts_once(past):
    day = date(2026, 4, 20)
    asked = Asked(Period(day, day, past.hospital.tenant.zone))
    assert table(past, "utilisation", asked)["Main Doctor"][1] == 30


def test_no_shows_and_late_cancellations_by_type_provider_and_weekday(past):
    for asked in narrowings(past):
        rows = within(past, asked)
        by_type, by_provider = table(past, "missed-type", asked), table(past, "missed-provider", asked)
        assert by_type == naive(rows, lambda row: row.type.name)
        assert by_provider == naive(rows, lambda row: str(row.provider))
        by_day = naive(rows, lambda row: f"{row.begins_at.astimezone(past.hospital.tenant.zone):%A}")
        assert {day: found for day, found in table(past, "missed-weekday", asked).items() if found[0]} == by_day


def naive(rows: list[Appointment], name) -> dict[str, tuple]:
    groups: dict[str, list[Appointment]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return {name: counted(group) for name, group in groups.items() if counted(group)[0]}


def test_how_long_ahead_appointments_are_booked(past):
    found = table(past, "lead")
    for kind in past.types:
        ahead = [
            (row.begins_at - row.booked_at) / timedelta(days=1)
            for row in within(past, asked_of(past))
            if row.type == kind and row.kind != "walk_in" and row.status != "rescheduled"
        ]
        assert found[kind.name][0] == len(ahead)
        assert found[kind.name][1:] == pytest.approx((median(ahead), nine_of_ten(ahead)), abs=0.051)


def test_how_long_after_the_arrival_each_step_comes(past):
    for asked in narrowings(past):
        found, rows = table(past, "steps", asked), [row for row in within(past, asked) if row.completed_at]
        for label, field in (
            ("Into a room", "in_room_at"),
            ("To the provider", "with_provider_at"),
            ("To the end", "completed_at"),
        ):
            lengths = [(getattr(row, field) - row.arrived_at) / MINUTE for row in rows]
            assert found[label][0] == len(lengths)
            assert found[label][1:] == pytest.approx((median(lengths), nine_of_ten(lengths)), abs=0.51)


def nine_of_ten(values: list[float]) -> float:
    return quantiles(values, n=10, method="inclusive")[8]


def test_the_figures_on_top_are_those_of_all_rows(past):
    with past.hospital.acting(), time_machine.travel(NOW):
        figures = {figure.label: figure for figure in report(asked_of(past)).figures}
    _, _, no_show, _, late = counted(within(past, asked_of(past)))
    assert (figures["No-shows"].value, figures["Cancelled late"].value) == (no_show, late)


# --- the page ---------------------------------------------------------------------------

URL = "appointments/reports/"


def test_the_page_and_its_tables_are_for_those_who_see_reports(past):
    house = past.hospital
    query = f"?first={FIRST}&last={LAST}"
    page = house.client("reception").get(f"{house.url}/{URL}{query}").content.decode()
    assert "Who did not come, by weekday" in page and "utilisation.csv?first=2026-03-23" in page
    for path in (URL, f"{URL}utilisation.csv"):
        assert house.client("main_doctor").get(f"{house.url}/{path}").status_code == 403
    answer = house.client("reception").get(
        f"{house.url}/{URL}missed-provider.csv{query}&provider={past.desk.checker.pk}"
    )
    assert "Checker Doctor" in answer.content.decode() and "Main Doctor" not in answer.content.decode()
    with house.acting():
        assert AuditEntry.objects.filter(action="export", after__report="appointments").exists()
    assert house.client("reception").get(f"{house.url}/{URL}nothing.csv").status_code == 404


def test_another_hospitals_provider_is_no_choice(past, beta):
    answer = beta.client("reception").get(f"{beta.url}/{URL}?provider={past.desk.doctor.pk}")
    assert answer.status_code == 422 and "Main Doctor" not in answer.content.decode()


def test_the_report_asks_as_often_for_one_day_as_for_a_year(past):
    client = past.hospital.client("reception")
    day = queries(client, f"{past.hospital.url}/{URL}?first={FIRST}&last={FIRST}")
    year = queries(client, f"{past.hospital.url}/{URL}?first=2025-10-01&last=2026-09-30")
    assert len(day) == len(year)

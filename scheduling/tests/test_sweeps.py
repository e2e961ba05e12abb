"""What the clock brings about: each sweep does it once, finds it late as well, and lets nothing that fails stop the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from clinical.tests.wards import a_patient, fresh
from hospital import outbox
from hospital.models import Letter
from hospital.tests.hospital import Hospital
from realtime.models import Event
from scheduling import tasks
from scheduling.models import Appointment, Hold, Offer, Wish
from scheduling.moments import Span
from scheduling.tests.desks import Desk, a_location, a_provider, a_type

NINE = datetime(2027, 3, 10, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    """Half an hour before nine on a Wednesday, and it stands."""
    with time_machine.travel(NINE - timedelta(minutes=30), tick=False) as traveller:
        yield traveller


@pytest.fixture
def desk(clock, alpha) -> Desk:
    return Desk(alpha, time_zone="Europe/London", reminder_hours=24, no_show_minutes=30)


def status_of(desk: Desk, row: Appointment) -> str:
    with desk.hospital.acting():
        return fresh(row).status


def swept(name: str, capsys) -> str:
    call_command(name)
    return capsys.readouterr().out


# --- no-shows -----------------------------------------------------------------------------


def test_who_has_not_come_after_the_minutes_of_the_house_is_a_no_show(desk, clock, capsys):
    row = desk.book(NINE)
    clock.move_to(NINE + timedelta(minutes=29))
    call_command("mark_no_shows")
    assert status_of(desk, row) == "booked"
    clock.move_to(NINE + timedelta(minutes=30))
    assert "0 failed" in swept("mark_no_shows", capsys)
    assert status_of(desk, row) == "no_show"


def test_who_is_here_is_no_no_show(desk, clock):
    row = desk.book(NINE)
    with desk.hospital.acting("reception") as acting:
        row.check_in(by=acting.person)
    clock.move_to(NINE + timedelta(hours=3))
    call_command("mark_no_shows")
    assert status_of(desk, row) == "arrived"


def test_a_sweep_that_was_not_run_for_days_finds_them_later(desk, clock):
    row = desk.book(NINE)
    clock.move_to(NINE + timedelta(days=4))
    call_command("mark_no_shows")
    assert status_of(desk, row) == "no_show"


def test_what_a_person_took_back_the_sweep_leaves_alone_until_the_day_is_over(desk, clock):
    row = desk.book(NINE)
    clock.move_to(NINE + timedelta(hours=1))
    call_command("mark_no_shows")
    with desk.hospital.acting("reception") as acting:
        fresh(row).undo_miss(by=acting.person)
    clock.move_to(NINE + timedelta(hours=10))
    call_command("mark_no_shows")
    assert status_of(desk, row) == "booked"
    clock.move_to(NINE + timedelta(hours=16))
    call_command("mark_no_shows")
    assert status_of(desk, row) == "no_show"


def test_a_row_that_fails_and_a_suspended_house_stop_no_other(desk, beta, clock, caplog):
    other = Desk(beta, no_show_minutes=30)
    rows = [desk.book(NINE), desk.book(NINE + timedelta(minutes=30)), other.book(NINE)]
    with beta.acting():
        beta.tenant.is_active = False
        beta.tenant.save()
    clock.move_to(NINE + timedelta(hours=2))
    broken = rows[0].pk

    def settle(pk):
        if pk == broken:
            raise ValueError("broken row")
        return tasks.mark_missed(pk)

    done, failed = tasks.swept(tasks.missed, settle)
    assert done >= 1 and failed == 1 and "broken row" in caplog.text
    assert [status_of(desk, row) for row in rows[:2]] == ["booked", "no_show"]
    assert status_of(other, rows[2]) == "booked"


# --- holds and offers ---------------------------------------------------------------------


def test_a_hold_that_ran_out_is_ended_once_and_the_screens_hear_it(desk, clock):
    with desk.hospital.acting("reception") as acting:
        hold = Hold.place(desk.doctor, Span(NINE, NINE + timedelta(minutes=30)), by=acting.person)
    clock.shift(timedelta(minutes=6))
    call_command("end_holds")
    call_command("end_holds")
    with desk.hospital.acting():
        assert fresh(hold).ended_at == timezone.now()
        assert Event.objects.filter(name="slot:held").count() == 2


def wishes(desk: Desk, clock, *names: str, **fields) -> list[Wish]:
    made = []
    for name in names:
        clock.shift(timedelta(seconds=1))
        patient = desk.patient(given_name=name, email=f"{name.lower()}@example.org")
        days = {"first_day": timezone.localdate(), "last_day": timezone.localdate() + timedelta(days=9)}
        with desk.hospital.acting("reception") as acting:
            wish = Wish(patient=patient, type=desk.type, **{**days, **fields})
            wish.add(by=acting.person)
            made.append(wish)
    return made


def freed(desk: Desk, begins: datetime) -> Offer:
    row = desk.book(begins)
    with desk.hospital.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
        return Offer.objects.get(outcome="")


def test_an_offer_that_nobody_takes_goes_to_the_next_and_then_to_nobody(desk, clock):
    first, second = wishes(desk, clock, "First", "Second")
    offer = freed(desk, NINE + timedelta(days=2))
    clock.shift(timedelta(minutes=29))
    call_command("lapse_offers")
    with desk.hospital.acting():
        assert fresh(offer).outcome == ""
    clock.shift(timedelta(minutes=1))
    call_command("lapse_offers")
    call_command("lapse_offers")
    with desk.hospital.acting():
        assert fresh(offer).outcome == "lapsed" and fresh(first).status == "waiting"
        assert Offer.objects.get(outcome="").wish == second
    clock.shift(timedelta(minutes=31))
    call_command("lapse_offers")
    with desk.hospital.acting():
        assert not Offer.objects.filter(outcome="").exists() and not Hold.objects.standing().exists()
        assert fresh(second).status == "waiting"


# --- reminders ----------------------------------------------------------------------------


def send(hospital: Hospital) -> list[str]:
    """What the outbox of this hospital sends now."""
    mail.outbox.clear()
    assert all(outbox.sent_for(hospital.tenant, None))
    return [f"{letter.subject}\n{letter.body}" for letter in mail.outbox]


def letters(desk: Desk) -> int:
    with desk.hospital.acting():
        return Letter.objects.filter(kind="appointment_reminder").count()


def test_a_reminder_goes_out_once_when_its_hour_has_come(desk, clock):
    row = desk.book(NINE + timedelta(days=2), patient=desk.patient(email="amara@example.org"))
    call_command("remind_patients")
    assert letters(desk) == 0
    clock.move_to(NINE + timedelta(days=1))
    for _ in range(2):
        call_command("remind_patients")
    assert letters(desk) == 1
    with desk.hospital.acting():
        assert fresh(row).reminded_at == timezone.now()


def test_a_reminder_says_when_where_and_what_to_bring_by_the_clock_of_the_house(alpha, clock):
    with alpha.acting():
        tokyo = a_location("Tokyo clinic", time_zone="Asia/Tokyo", address="1 Ginza", phone="03 1234")
        kind = a_type("Fasting test", instructions="Eat nothing before.")
        doctor = a_provider(alpha.main_doctor, tokyo)
        somebody = a_patient(email="amara@example.org")
    with alpha.acting("reception") as acting:
        Appointment.book(somebody, kind, doctor, NINE + timedelta(hours=6), by=acting.person)
    call_command("remind_patients")
    (letter,) = send(alpha)
    assert "Amara,\n" in letter and "Wednesday 10 March 2027, 00:00" not in letter
    assert "Thursday 11 March 2027, 00:00 (JST)" in letter
    for words in ("with Main Doctor", "Tokyo clinic, 1 Ginza", "Eat nothing before.", "Questions: 03 1234"):
        assert words in letter
    assert f"/accounts/appointments/{alpha.tenant.slug}/" in letter
    assert "Okafor" not in letter


def test_a_virtual_appointment_is_reminded_of_with_its_video_room(desk, clock):
    with desk.hospital.acting():
        video = a_type("Video", is_virtual=True, needs_room=False)
        desk.doctor.video_url = "https://video.example/room"
        desk.doctor.save()
    desk.book(NINE + timedelta(hours=5), type=video, patient=desk.patient(email="amara@example.org"))
    call_command("remind_patients")
    (letter,) = send(desk.hospital)
    assert "by video: https://video.example/room" in letter


@pytest.mark.parametrize("why", ["cancelled", "without e-mail", "none are wanted", "begun already"])
def test_nobody_is_reminded_in_vain(desk, clock, why):
    patient = desk.patient(email="" if why == "without e-mail" else "amara@example.org")
    row = desk.book(NINE + timedelta(hours=5), patient=patient)
    with desk.hospital.acting("reception") as acting:
        if why == "cancelled":
            row.cancel("Ill", by=acting.person)
        elif why == "none are wanted":
            desk.location.reminder_hours = 0
            desk.location.save()
    if why == "begun already":
        clock.move_to(NINE + timedelta(hours=5))
    call_command("remind_patients")
    assert letters(desk) == 0


def test_a_reminder_that_waited_too_long_in_the_outbox_is_not_sent(desk, clock):
    row = desk.book(NINE + timedelta(hours=5), patient=desk.patient(email="amara@example.org"))
    call_command("remind_patients")
    with desk.hospital.acting("reception") as acting:
        fresh(row).cancel("Ill", by=acting.person)
    assert send(desk.hospital) == []


@pytest.mark.parametrize("sweep", [tasks.missed, tasks.holds_over, tasks.offers_over, tasks.to_remind])
def test_a_house_that_cannot_be_read_stops_no_other(sweep: Callable, alpha, caplog):
    def find():
        sweep()
        raise RuntimeError("unreadable")

    assert tasks.found_in(alpha.tenant, find) == [] and "unreadable" in caplog.text

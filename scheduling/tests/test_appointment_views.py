"""The page of an appointment, what can be done on it, and its place on the pages of a patient and a visit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling.models import Appointment, Offer, Room
from scheduling.tests.desks import Desk, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def fresh(desk: Desk, row: Appointment) -> Appointment:
    with desk.hospital.acting():
        return Appointment.objects.get(pk=row.pk)


def url(desk: Desk, row: Appointment, rest: str = "") -> str:
    return f"{desk.hospital.url}/appointments/{row.pk}/{rest}"


def page(desk: Desk, row: Appointment, role: str = "reception", rest: str = "") -> str:
    answer = desk.hospital.client(role).get(url(desk, row, rest))
    assert answer.status_code == 200
    return answer.content.decode()


def begun(desk: Desk) -> Appointment:
    """One whose time has come, and nobody with it."""
    row = desk.due()
    with desk.hospital.acting():
        row.begins_at = row.busy_from = timezone.now() - timedelta(minutes=1)
        row.save()
    return row


def test_the_page_says_everything_about_it(desk):
    row = desk.book(reason="Itching", note="Wheelchair")
    text = page(desk, row)
    for words in ("A-000001", "Itching", "Wheelchair", "Main Doctor", "Main house", "30 min", row.day_and_time):
        assert words in text


def test_a_role_that_may_not_book_sees_it_without_the_buttons(desk):
    row = desk.book()
    assert "reschedule/" in page(desk, row) and "cancel/" in page(desk, row)
    assert "no-show/" not in page(desk, row)  # it has not begun
    assert "no-show/" in page(desk, begun(desk))
    text = page(desk, row, "admin")
    with desk.hospital.acting("admin") as acting:
        assert ("reschedule/" in text) == acting.may("scheduling.book")


def test_it_is_cancelled_with_a_reason_in_a_dialog(desk):
    row, client = desk.book(morning(5)), desk.hospital.client("reception")
    dialog = {"HX-Request": "true", "HX-Target": "dialog"}
    asked = client.get(url(desk, row, "cancel/"), headers=dialog).content.decode()
    assert "dialog-head" in asked and "late cancellation" not in asked
    empty = client.post(url(desk, row, "cancel/"), {"reason": " "}, headers=dialog)
    assert empty.status_code == 422 and fresh(desk, row).status == "booked"
    done = client.post(url(desk, row, "cancel/"), {"reason": "Ill"}, headers=dialog)
    assert done.headers["HX-Trigger"] == "close-dialog"
    assert (fresh(desk, row).status, fresh(desk, row).end_reason) == ("cancelled", "Ill")
    assert client.post(url(desk, row, "cancel/"), {"reason": "Ill"}).status_code == 409


def test_a_late_cancellation_is_said_before_it_is_done(desk):
    row = desk.due()
    assert "late cancellation: less than 24 hours" in page(desk, row, rest="cancel/")
    desk.hospital.client("reception").post(url(desk, row, "cancel/"), {"reason": "Ill"})
    assert fresh(desk, row).was_late and "Cancelled late" in page(desk, row)


def test_a_no_show_is_marked_and_taken_back_on_the_same_day(desk):
    row, client = begun(desk), desk.hospital.client("reception")
    assert client.post(url(desk, row, "no-show/")).status_code == 302
    assert fresh(desk, row).status == "no_show" and "Undo the no-show" in page(desk, row)
    assert client.post(url(desk, row, "undo/")).status_code == 302
    assert fresh(desk, row).status == "booked"
    assert client.post(url(desk, desk.book(), "no-show/")).status_code == 409


def test_on_the_day_the_page_offers_the_next_step_and_the_way_back(desk):
    row = desk.due()
    assert "check-in/" in page(desk, row)
    with desk.hospital.acting("reception") as acting:
        row.check_in(by=acting.person)
        row.enter_room(Room.objects.filter(status="free").first(), by=acting.person)
    text = page(desk, row)
    assert "check-in/" not in text
    assert "/begin/" in text and "Back to the waiting room" in text


def test_the_patient_confirms_on_the_telephone(desk):
    row = desk.book()
    desk.hospital.client("reception").post(url(desk, row, "confirm/"))
    assert fresh(desk, row).confirmed_at and "Confirmed" in page(desk, row)


def test_two_people_who_change_reason_and_note_overwrite_nothing(desk):
    row, client = desk.book(reason="Cough", note=""), desk.hospital.client("reception")
    opened = {"version": row.version, "opened-reason": "Cough", "opened-note": ""}
    client.post(url(desk, row, "edit/"), {**opened, "reason": "Cough", "note": "Interpreter"})
    client.post(url(desk, row, "edit/"), {**opened, "reason": "Fever", "note": ""})
    assert (fresh(desk, row).reason, fresh(desk, row).note) == ("Fever", "Interpreter")
    both = client.post(url(desk, row, "edit/"), {**opened, "reason": "Rash", "note": ""})
    assert both.status_code == 409 and "keep_reason" in both.content.decode()
    assert fresh(desk, row).reason == "Fever"


def test_where_it_was_before_is_linked_both_ways(desk):
    first = desk.book(morning(2))
    with desk.hospital.acting("reception") as acting:
        second = first.reschedule(morning(3), by=acting.person, reason="The bus")
    assert str(first.pk) in page(desk, second) and "The bus" in page(desk, second)
    assert str(second.pk) in page(desk, first)


def test_each_step_has_its_time(desk):
    row = desk.due()
    with desk.hospital.acting("reception") as acting:
        row.check_in(by=acting.person)
    steps = page(desk, row).partition("How it went")[2]
    assert steps.index("Booked") < steps.index("Arrived")
    assert f"{fresh(desk, row).arrived_at:%H:%M}" in steps


def test_the_slip_says_when_and_where_by_the_clock_of_the_house(alpha):
    desk = Desk(alpha, time_zone="Asia/Tokyo", address="1 Ginza", phone="03 1234")
    row = desk.book(morning(3, 1))
    text = page(desk, row, rest="slip/")
    assert "10:00" in text and "1 Ginza" in text and "03 1234" in text and "paper-roll" in text


def test_a_patient_and_a_visit_show_what_is_booked(desk):
    coming, over = desk.book(morning(5)), desk.due(patient=(amara := desk.patient()))
    with desk.hospital.acting("reception") as acting:
        visit = over.check_in(by=acting.person)
        over.undo_check_in(by=acting.person)
        over.cancel("Ill", by=acting.person)
    client, home = desk.hospital.client("reception"), desk.hospital.url
    text = client.get(f"{home}/patients/{coming.patient_id}/").content.decode()
    assert coming.day_and_time in text and f"appointments/book/?patient={coming.patient_id}" in text
    text = client.get(f"{home}/visits/{visit.pk}/").content.decode()
    assert "No appointment to come" in text and "Past (1)" in text and f"patient={amara.pk}" in text
    assert (
        "Appointments</h2>" not in desk.hospital.client("pharmacy").get(f"{home}/visits/{visit.pk}/").content.decode()
    )


def test_a_cancelled_time_goes_to_the_waitlist_from_the_page_too(desk):
    from scheduling.models import Wish

    row = desk.book(morning(3))
    with desk.hospital.acting("reception") as acting:
        days = {"first_day": morning().date(), "last_day": morning(9).date()}
        Wish(patient=desk.patient(), type=desk.type, **days).add(by=acting.person)
    desk.hospital.client("reception").post(url(desk, row, "cancel/"), {"reason": "Ill"})
    with desk.hospital.acting():
        assert Offer.objects.get().begins_at == row.begins_at

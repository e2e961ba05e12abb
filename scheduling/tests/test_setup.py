"""Setting up: what is missing is named, a week is shown, and leave says which appointments need another time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from hospital.models import Absence, AuditEntry
from hospital.tests.asking import queries
from scheduling.models import Location, SpecialDay, WorkingHours
from scheduling.stranded import stranded
from scheduling.tests.desks import Desk, a_location, a_type, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha, rooms=9)


def setup(hospital, path: str = "setup/") -> str:
    return hospital.client("admin").get(f"{hospital.url}/appointments/{path}").content.decode()


def kinds(desk: Desk) -> list[str]:
    with desk.hospital.acting():
        return [row.kind for row in stranded()]


def away(desk: Desk, begins, hours: int = 9) -> None:
    with desk.hospital.acting():
        Absence(person=desk.hospital.main_doctor, begins_at=begins, ends_at=begins + timedelta(hours=hours)).declare(
            by=None
        )


def test_an_empty_house_is_told_what_it_needs(alpha):
    page = setup(alpha)
    for words in (
        "add a location",
        "Nothing can be booked without a type",
        "Nothing can be booked without a provider",
        "No providers yet",
    ):
        assert words in page


@pytest.mark.parametrize("path", ["desk/", "rooms/", "calendar/"])
def test_an_empty_page_leads_whoever_may_set_up_to_where_it_is_done(alpha, path):
    def asked_by(role: str) -> str:
        return alpha.client(role).get(f"{alpha.url}/{path}").content.decode()

    assert "Set up appointments" in asked_by("admin")
    assert "Set up appointments" not in asked_by("reception")


def test_a_house_with_everything_lacks_nothing(desk):
    page = setup(desk.hospital)
    assert "Main Doctor" in page and "All day" in page
    for words in ("add a location", "without a type", "with nobody", "have none", "has none", "No working hours"):
        assert words not in page


def test_a_provider_without_hours_and_a_house_without_rooms_are_named(desk):
    with desk.hospital.acting():
        WorkingHours.objects.filter(provider=desk.checker).delete()
        a_location("Bare house", rooms=0)
    page = setup(desk.hospital)
    assert "1 of the providers has none." in page and "No working hours" in page and "a location has none" in page


def test_a_providers_page_shows_the_week_as_it_is_and_as_it_will_be(desk):
    with desk.hospital.acting():
        WorkingHours.objects.filter(provider=desk.doctor).update(begins="09:00", ends="12:00")
        tomorrow = desk.location.today() + timedelta(days=1)
        SpecialDay(location=desk.location, day=tomorrow, name="Founder's day").save()
    away(desk, morning(2, 10), hours=1)
    page = setup(desk.hospital, f"setup/providers/{desk.doctor.pk}/")
    assert "09:00 to 12:00, Main house" in page and "Founder&#x27;s day" in page
    assert "09:00 to 10:00, Main house" in page and "11:00 to 12:00, Main house" in page


def test_leave_puts_what_is_booked_in_it_on_the_list_and_on_the_providers_page(desk):
    row, other = desk.book(morning(3)), desk.book(morning(4))
    assert kinds(desk) == []
    away(desk, morning(3, 8))
    page = desk.hospital.client("reception").get(f"{desk.hospital.url}/appointments/to-reschedule/").content.decode()
    assert row.patient.name in page and "Main Doctor is away" in page and other.get_absolute_url() not in page
    assert "1 to reschedule" in setup(desk.hospital, f"setup/providers/{desk.doctor.pk}/")


def test_a_leave_that_is_ended_takes_it_from_the_list(desk):
    desk.book(morning(3))
    away(desk, morning(3, 8))
    with desk.hospital.acting():
        Absence.objects.get().end()
    assert kinds(desk) == []


def test_closed_days_other_hours_and_houses_strand_appointments_too(desk):
    for days in (3, 4, 5):
        desk.book(morning(days))
    with desk.hospital.acting():
        SpecialDay(location=desk.location, day=morning(3).date(), name="Flood").save()
        WorkingHours.objects.filter(provider=desk.doctor, weekday=morning(4).weekday()).update(begins="14:00")
        elsewhere = a_location("Elsewhere")
        WorkingHours.objects.filter(provider=desk.doctor, weekday=morning(5).weekday()).update(location=elsewhere)
        assert [row.words for row in stranded()] == [
            "Main house is closed: Flood",
            "Main Doctor does not work then",
            "Main Doctor works at Elsewhere then",
        ]


def test_whoever_left_and_a_house_that_is_given_up_strand_theirs(desk):
    desk.book(morning(3)), desk.book(morning(3), provider=desk.checker)
    with desk.hospital.acting():
        desk.doctor.is_active = False
        desk.doctor.save()
        Location.objects.filter(pk=desk.location.pk).update(is_active=False)
    assert sorted(kinds(desk)) == ["closed", "gone"]


def test_what_is_over_or_cancelled_needs_no_other_time(desk):
    row, _ = desk.book(morning(3)), desk.due()
    with desk.hospital.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
    away(desk, timezone.now() - timedelta(hours=1), hours=200)
    assert kinds(desk) in ([], ["away"])  # the one that is due may have begun
    assert all(one.appointment.pk != row.pk for one in stranded_in(desk))


def stranded_in(desk: Desk):
    with desk.hospital.acting():
        return stranded()


@pytest.mark.parametrize("path", ["appointments/to-reschedule/", "appointments/setup/"])
def test_a_full_house_asks_no_more(desk, path):
    address = f"{desk.hospital.url}/{path}"
    desk.book(morning(3))
    away(desk, morning(1), hours=999)
    client = desk.hospital.client("admin")
    few = len(queries(client, address))
    for number in range(8):
        desk.book(morning(4, 8 + number), outside=True)
    assert len(queries(client, address)) == few <= 13


# --- administration -----------------------------------------------------------------------


def test_a_location_is_made_with_its_hours_and_closed_days(alpha):
    client = alpha.client("admin")
    said = {
        "name": "North house",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "region": "BY",
        "is_active": "on",
        "late_cancel_hours": 24,
        "no_show_minutes": 30,
        "offer_minutes": 30,
        "reminder_hours": 24,
        "opening_hours-TOTAL_FORMS": 1,
        "opening_hours-INITIAL_FORMS": 0,
        "opening_hours-0-weekday": 0,
        "opening_hours-0-begins": "08:00",
        "opening_hours-0-ends": "16:00",
        "special_days-TOTAL_FORMS": 1,
        "special_days-INITIAL_FORMS": 0,
        "special_days-0-day": "2027-05-03",
        "special_days-0-name": "Works outing",
    }
    answer = client.post(f"{alpha.url}/admin/scheduling/location/add/", said)
    assert answer.status_code == 302, answer.context["errors"]
    with alpha.acting():
        made = Location.objects.get()
        assert made.opening_hours.get().ends.hour == 16 and made.special_days.get().name == "Works outing"
        assert AuditEntry.objects.filter(table="scheduling_location", row_id=made.pk).exists()
    wrong = client.post(f"{alpha.url}/admin/scheduling/location/add/", {**said, "name": "South", "region": "XX"})
    assert wrong.status_code == 200 and "is no region" in wrong.content.decode()


def test_a_provider_is_made_with_hours_and_types_of_this_hospital_only(desk, beta):
    stranger = Desk(beta)
    with desk.hospital.acting():
        kind = a_type("Scan")
    said = {
        "person": str(desk.hospital.person("main_doctor", "New Doctor").pk),
        "location": str(desk.location.pk),
        "tone": "teal",
        "position": 3,
        "is_active": "on",
        "working_hours-TOTAL_FORMS": 1,
        "working_hours-INITIAL_FORMS": 0,
        "working_hours-0-location": str(desk.location.pk),
        "working_hours-0-weekday": 2,
        "working_hours-0-begins": "09:00",
        "working_hours-0-ends": "12:00",
        "offerings-TOTAL_FORMS": 1,
        "offerings-INITIAL_FORMS": 0,
        "offerings-0-type": str(kind.pk),
    }
    client, address = desk.hospital.client("admin"), f"{desk.hospital.url}/admin/scheduling/provider/add/"
    for field, foreign in (
        ("location", stranger.location),
        ("working_hours-0-location", stranger.location),
        ("offerings-0-type", stranger.type),
    ):
        assert client.post(address, {**said, field: str(foreign.pk)}).status_code == 200, field
    assert client.post(address, said).status_code == 302
    page = client.get(address).content.decode()
    assert beta.mark not in page and str(stranger.location.pk) not in page and str(stranger.type.pk) not in page

"""Who is away, from when to when, and who stands in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from hospital.models import Absence, Membership
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused

START = timezone.now().replace(minute=0, second=0, microsecond=0)


def text(hours: float) -> str:
    return f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def away(person, begins: float, ends: float | None, cover=None) -> Absence:
    until = None if ends is None else START + timedelta(hours=ends)
    return Absence(person=person, begins_at=START + timedelta(hours=begins), ends_at=until, covered_by=cover)


def test_a_person_declares_and_ends_the_own_absence(alpha):
    client, colleague = alpha.client("main_doctor"), alpha.person("main_doctor", "Second Doctor")
    given = {"begins_at": text(-1), "ends_at": text(8), "covered_by": colleague.pk}
    assert client.post(f"{alpha.url}/absences/", given).status_code == 302
    with alpha.acting():
        absence = Absence.objects.get()
        assert Absence.away([alpha.main_doctor.pk], timezone.now()) == {alpha.main_doctor.pk: colleague.pk}
    assert (absence.person, absence.declared_by) == (alpha.main_doctor, alpha.main_doctor)
    assert "Away now" in client.get(f"{alpha.url}/absences/").content.decode()
    assert client.post(f"{alpha.url}/absences/{absence.pk}/end/").status_code == 302
    with alpha.acting():
        assert Absence.away([alpha.main_doctor.pk], timezone.now()) == {}


def test_nobody_declares_sees_or_ends_the_absence_of_another(alpha, beta):
    with alpha.acting():
        absence = away(alpha.main_doctor, -1, 5)
        absence.declare(by=None)
    client = alpha.client("pharmacy")
    client.post(f"{alpha.url}/absences/", {"person": alpha.main_doctor.pk, "begins_at": text(20), "ends_at": text(30)})
    with alpha.acting():
        assert not Absence.objects.filter(person=alpha.main_doctor).exclude(pk=absence.pk).exists()
    assert "Away now" not in client.get(f"{alpha.url}/absences/").content.decode()
    for stranger, url in ((client, alpha.url), (beta.client("admin"), beta.url)):
        assert stranger.post(f"{url}/absences/{absence.pk}/end/").status_code == 404


def test_who_manages_people_declares_it_for_anybody_here(alpha, beta):
    client = alpha.client("admin")
    given = {"begins_at": text(-1), "ends_at": ""}
    assert client.post(f"{alpha.url}/absences/", given | {"person": alpha.pharmacy.pk}).status_code == 302
    assert client.post(f"{alpha.url}/absences/", given | {"person": beta.pharmacy.pk}).status_code == 422
    with alpha.acting():
        assert Absence.objects.get().declared_by == alpha.admin


@pytest.mark.parametrize(("begins", "ends"), [(1, 2), (-5, 1), (3, 9), (-5, 20), (0, 5), (4, None), (-9, None)])
def test_absences_of_one_person_do_not_overlap(alpha, begins, ends):
    with alpha.acting():
        away(alpha.pharmacy, 0, 5).declare(by=None)
        away(alpha.pharmacy, 5, 6).declare(by=None)
        away(alpha.reception, begins, ends).declare(by=None)
        with pytest.raises(Refused, match="already away"):
            away(alpha.pharmacy, begins, ends).declare(by=None)


def test_one_that_was_ended_frees_its_time(alpha):
    with alpha.acting():
        first = away(alpha.pharmacy, 0, None)
        first.declare(by=None)
        first.end()
        away(alpha.pharmacy, 1, 2).declare(by=None)
        with pytest.raises(Refused, match="over already"):
            first.end()


def test_of_two_that_overlap_and_come_at_once_one_is_refused(alpha):
    assert alpha.pharmacy

    def declare(_: int) -> str:
        try:
            with alpha.acting():
                away(alpha.pharmacy, 0, 5).declare(by=None)
        except Refused:
            return "refused"
        finally:
            connection.close()
        return "declared"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(declare, range(4))) == ["declared", "refused", "refused", "refused"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ends_at": text(-3)}, "The end must be after the beginning"),
        ({"covered_by": "self"}, "covers for themselves"),
        ({"covered_by": "reception"}, "no role in common"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(alpha, given, words):
    client = alpha.client("admin")
    people = {"self": alpha.pharmacy.pk, "reception": alpha.reception.pk}
    values = {"person": alpha.pharmacy.pk, "begins_at": text(-1), "ends_at": text(5)} | given
    values = {name: people.get(value, value) for name, value in values.items()}
    answered = client.post(f"{alpha.url}/absences/", values)
    assert answered.status_code == 422 and words in answered.content.decode()


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
@pytest.mark.parametrize(
    "given",
    [
        {"begins_at": "0001-01-01T00:00"},
        {"ends_at": "9999-12-31T23:59"},
        {"begins_at": "2026-01-01T00:00", "ends_at": "2226-01-01T00:00"},
    ],
)
def test_years_that_are_a_slip_of_the_finger_are_refused_and_the_page_stays(db, zone, given):
    there = Hospital("There", time_zone=zone)
    client, url = there.client("pharmacy"), f"{there.url}/absences/"
    answered = client.post(url, {"begins_at": text(-1), "ends_at": text(5)} | given)
    assert answered.status_code == 422
    assert "between the years 2000 and 2200" in answered.content.decode()
    assert client.get(url).status_code == 200
    with there.acting(), pytest.raises(IntegrityError, match="absence_in_years_that_can_be_read"):
        Absence(person=there.pharmacy, begins_at=datetime(1999, 1, 1, tzinfo=UTC)).declare(by=None)


def test_a_head_is_named_on_the_page_of_people_by_those_who_manage_them(alpha):
    with alpha.acting():
        membership = Membership.objects.get(person=alpha.pharmacy)
    url = f"{alpha.url}/people/memberships/{membership.pk}/head/"
    assert alpha.client("pharmacy").post(url).status_code == 403
    assert alpha.client("admin").post(url).status_code == 302
    with alpha.acting():
        assert Membership.objects.get(pk=membership.pk).is_head
    assert "Head" in alpha.client("admin").get(f"{alpha.url}/people/").content.decode()
    alpha.client("admin").post(url)
    with alpha.acting():
        assert not Membership.objects.get(pk=membership.pk).is_head

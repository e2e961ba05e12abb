"""Check-in: one form confirms who it is and who pays, and opens the visit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.models import Price
from clinical import days
from clinical.models import Confirmation, Policy, Visit
from clinical.tests.wards import a_visit, fresh
from scheduling.models import Appointment
from scheduling.tests.desks import Desk, morning

CONTACT = ("phone", "email", "line", "postal_code", "city")


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


@pytest.fixture
def made(desk) -> Appointment:
    return desk.due(note="Needs an interpreter")


def url_of(hospital, made) -> str:
    return f"{hospital.url}/appointments/{made.pk}/check-in/"


def send(hospital, made, role="reception", **changed):
    """The form as it was opened, with what was changed in it."""
    with hospital.acting():
        patient = fresh(made.patient)
    opened = {f"initial-{name}": getattr(patient, name) for name in CONTACT}
    sent = {name: getattr(patient, name) for name in CONTACT} | {"priority": "routine", "insurance": "later"}
    return hospital.client(role).post(url_of(hospital, made), opened | sent | changed)


def insured(hospital, made, **fields) -> Policy:
    with hospital.acting("reception") as acting:
        card = {"insurer": "Northern Mutual", "member_number": "NM-1", **fields}
        return Policy.record(made.patient, by=acting.person, **card)


def test_the_visit_opens_and_the_token_is_offered(alpha, made):
    answer = send(alpha, made)
    assert (answer.status_code, answer["Location"]) == (302, url_of(alpha, made))
    with alpha.acting():
        row, visit = fresh(made), Visit.objects.get()
        assert (row.status, row.visit, visit.kind) == ("arrived", visit, "appointment")
    page = alpha.client("reception").get(url_of(alpha, made)).content.decode()
    assert "E-001" in page and f"/visits/{visit.pk}/token/" in page


def test_what_the_patient_confirmed_is_kept_with_who_and_when(alpha, made):
    send(alpha, made, confirmed="on")
    with alpha.acting():
        kept = Confirmation.last(made.patient)["details"]
        assert kept.by == alpha.reception
    page = alpha.client("reception").get(f"{alpha.url}/patients/{made.patient_id}/").content.decode()
    assert "Details confirmed by the patient" in page


def test_a_new_telephone_is_corrected_in_place_and_nothing_else_is_overwritten(alpha, made):
    with alpha.acting("reception") as acting:
        made.patient.change(by=acting.person, city="Lagos", line="1 Old Road")
        opened = fresh(made.patient)
        fresh(made.patient).change(by=acting.person, city="Abuja")
    old = {name: getattr(opened, name) for name in CONTACT}
    sent = {f"initial-{name}": value for name, value in old.items()} | old
    send(alpha, made, **sent | {"phone": "(212) 555-0142"})
    with alpha.acting():
        row = fresh(made.patient)
        assert (row.phone, row.city, row.line) == ("+12125550142", "Abuja", "1 Old Road")


def test_insurance_is_verified_in_the_same_step(alpha, made):
    policy = insured(alpha, made)
    with alpha.acting():
        until = policy.good_until
    send(alpha, made, insurance="verified", until=until.isoformat())
    with alpha.acting():
        assert (fresh(policy).verified_until, fresh(policy).verified_by) == (until, alpha.reception)


def test_a_day_that_cannot_be_is_refused_and_nobody_is_checked_in(alpha, made):
    with alpha.acting():
        today = days.today()
    insured(alpha, made, valid_until=today + timedelta(days=3))
    for until in ("", str(today - timedelta(days=1)), str(today + timedelta(days=9))):
        assert send(alpha, made, insurance="verified", until=until).status_code == 422
    with alpha.acting():
        assert (fresh(made).status, Visit.objects.count()) == ("booked", 0)


def test_who_has_no_insurance_says_so(alpha, made):
    send(alpha, made, insurance="none")
    with alpha.acting():
        assert set(Confirmation.last(made.patient)) == {"no_insurance"}


def test_the_form_shows_note_copay_debts_and_an_open_visit(alpha, made):
    insured(alpha, made, copay=Decimal("15.00"))
    with alpha.acting():
        Price(kind="consultation", code="consultation", amount=Decimal("40.00"), valid_from=date(2020, 1, 1)).save()
    with alpha.acting("reception"):
        a_visit(made.patient, paid=False)
    page = alpha.client("reception").get(url_of(alpha, made)).content.decode()
    for words in ("Needs an interpreter", "$15.00", "$40.00", "A visit is already open", "Not verified"):
        assert words in page


def test_only_an_appointment_of_today_and_only_once(alpha, desk, made):
    later = desk.book(morning(3))
    assert send(alpha, later).status_code == 409
    send(alpha, made)
    assert send(alpha, made).status_code == 409
    with alpha.acting():
        assert Visit.objects.count() == 1


def test_nobody_else_checks_in(alpha, beta, made):
    assert send(alpha, made, role="main_doctor").status_code == 403
    assert beta.client("reception").get(f"{beta.url}/appointments/{made.pk}/check-in/").status_code == 404


def test_nothing_is_chosen_that_nobody_asked(alpha, made):
    def chosen() -> str:
        return alpha.client("reception").get(url_of(alpha, made)).context["form"]["insurance"].value()

    assert chosen() == "later"
    policy = insured(alpha, made)
    assert chosen() == "later"
    with alpha.acting("reception") as acting:
        policy.verify(by=acting.person, until=policy.good_until)
    assert chosen() == "known"

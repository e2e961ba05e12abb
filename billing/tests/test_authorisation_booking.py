"""Whoever books is told what an insurer wants to authorise before, and books all the same."""

from __future__ import annotations

from datetime import timedelta

from billing.cautions import must_be_authorised
from billing.tests.authorisations import CODE, a_payer, granted, insured
from clinical import days
from clinical.tests.answers import text
from scheduling.cautions import cautions
from scheduling.models import AppointmentType
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, a_type, morning


def test_a_service_that_needs_an_authorisation_is_warned_of_until_one_covers_the_day(alpha):
    with alpha.acting("billing"):
        policy = insured(a_payer())
        laser = AppointmentType.objects.create(name="Laser", service=CODE)
        talk = AppointmentType.objects.create(name="Talk")
        today = days.today()
        (said,) = cautions(policy.patient, laser, today)
        assert "Northern Mutual" in said and CODE in said
        assert cautions(policy.patient, talk, today) == []
    row = granted(alpha, policy=policy, left=20)
    with alpha.acting("billing"):
        assert must_be_authorised(policy.patient, laser, today) == []
        assert must_be_authorised(policy.patient, laser, row.valid_until + timedelta(days=1)) != []
        policy.change(by=None, valid_until=today)
        assert must_be_authorised(policy.patient, laser, today + timedelta(days=30)) == [], "it pays no more by then"


def test_the_last_step_of_booking_says_so_and_books_all_the_same(alpha):
    desk = Desk(alpha)
    with alpha.acting("billing"):
        policy = insured(a_payer())
        laser = a_type("Laser", service=CODE)
    at = f"?patient={policy.patient_id}&type={laser.pk}&at={key_of(desk.doctor, morning())}"
    url, client = f"{alpha.url}/appointments/book/last/{at}", alpha.client("reception")
    assert "Northern Mutual wants to authorise Laser" in text(client.get(url))
    assert client.post(url, {"minutes": 30, "outside": "on"}).status_code == 302
    granted(alpha, policy=policy, left=20)
    assert "wants to authorise" not in text(client.get(url))

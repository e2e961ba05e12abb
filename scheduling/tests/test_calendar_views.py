"""The calendar's pages and what moves appointments about."""

from __future__ import annotations

import pytest

from scheduling.models import Appointment
from scheduling.tests.desks import Desk, morning


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def page(desk: Desk, role: str = "reception", **query: object) -> str:
    asked = {"day": morning().date().isoformat(), "location": desk.location.pk} | query
    answer = desk.hospital.client(role).get(f"{desk.hospital.url}/calendar/", asked)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def post(desk: Desk, row: Appointment, what: str, role: str = "reception", **fields: object):
    return desk.hospital.client(role).post(f"{desk.hospital.url}/calendar/{row.pk}/{what}/", fields)


def test_look(desk):
    desk.book(morning())
    assert "block-" in page(desk)

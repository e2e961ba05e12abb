"""Nothing of a restricted chart is pushed: the whole catalogue comes about for patients who are restricted from birth."""

from __future__ import annotations

import pytest

from hospital.roles import ROLE_KEYS
from hospital.tests.databases import owner
from hospital.tests.hospital import Hospital
from realtime.tests.booked_happenings import HAPPENINGS, Day
from realtime.tests.listening import Listener, cursor_of
from realtime.tests.table import TABLE
from realtime.tests.test_walk import spoken, take_in

# Of the catalogue and of the till, not of a patient.
NOT_OF_PATIENTS = {"medicine", "amount"}
RESTRICT = """
    CREATE FUNCTION restrict_{mark}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.is_restricted := true; NEW.restricted_at := now(); RETURN NEW; END $$;
    CREATE TRIGGER restrict_{mark} BEFORE INSERT ON clinical_patient FOR EACH ROW
    WHEN (NEW.tenant_id = '{tenant}') EXECUTE FUNCTION restrict_{mark}();
"""


@pytest.fixture
def day(site) -> Day:
    """A hospital where every new patient is a colleague."""
    hospital = Hospital("Discreet")
    with owner() as database:
        database.execute(RESTRICT.format(mark=hospital.mark, tenant=hospital.tenant.pk))
    for role in ROLE_KEYS:
        hospital.person(role)
    return Day(hospital)


def test_work_goes_on_and_no_page_is_told_who_it_is_about(day, site, request):
    pages = {role: Listener(site, day.hospital, role) for role in ROLE_KEYS}
    for page in pages.values():
        page.connect()
        request.addfinalizer(page.disconnect)
        page.joined()
    for event, lines in TABLE.items():
        for what in lines:
            HAPPENINGS[event, what](day)
            for page in pages.values():
                take_in(page)
    for role, page in pages.items():
        page.until(lambda page=page: page.cursor == cursor_of(day.hospital), 60)
        told = {word for word in day.said - NOT_OF_PATIENTS if heard(page, day.word(word))}
        assert told == set(), role
    assert any(event.get("refetch") for event in pages["reception"].events)
    assert "Restricted chart" in pages["checker_doctor"].received


def heard(page: Listener, word: str) -> bool:
    return word in page.received or spoken(word) in page.received

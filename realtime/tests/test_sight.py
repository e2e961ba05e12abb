"""A token of presence counts for its socket alone, until rights change, and whatever the clocks say."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from django.conf import settings

from clinical.models import Patient
from hospital.models import Membership, Role
from realtime import sight
from realtime.clock import database_clock
from realtime.connection import Connection
from realtime.doorkeeper import Asker, identify_all
from realtime.sight import GOOD_FOR, token_for
from realtime.tests.looking import PARTS, Looker, colleagues
from realtime.tests.server import ROOT, Site


@pytest.mark.parametrize("whose", ["foreign", "colleague", "role", "old", "forged", "nonsense"])
def test_a_token_that_is_not_this_sockets_own_is_worth_nothing(site, alpha, beta, whose):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "checker_doctor", subject) as checker,
    ):
        doctor.look("diagnosis").sees()
        checker.look(token=wrong_token(whose, alpha, beta, checker)).listen(2)
        assert checker.answers == []
        assert doctor.people == []
        checker.look().sees(("Main Doctor", "diagnosis"))  # the socket itself is well


def test_a_token_from_before_a_change_of_rights_is_worth_nothing(site, alpha):
    """A new one comes from an address that checks whether the right is still there."""
    with colleagues(alpha, site, site) as (doctor, checker):
        doctor.renews, old = False, doctor.token()
        with alpha.acting():
            role = Role.objects.get(key="main_doctor")
            role.allow_exactly(role.permissions - {"clinical.view_patient"})
        doctor.until_asked_again(old)
        checker.look("diagnosis").listen(1)
        doctor.look(token=old).listen(2)
        assert "diagnosis" not in doctor.received
        doctor.look().sees(("Checker Doctor", "diagnosis"))


def wrong_token(whose: str, alpha, beta, page: Looker):
    if whose == "foreign":
        with beta.acting("checker_doctor"):
            return token_for(page.subject, PARTS)
    if whose == "colleague":
        with alpha.acting("checker_doctor", "Someone Else"):
            return token_for(page.subject, PARTS)
    if whose == "role":
        with alpha.acting():
            Membership.grant(alpha.checker_doctor, "pharmacy")
        with acting_as(alpha, alpha.checker_doctor, "pharmacy"):
            return token_for(page.subject, PARTS)
    if whose == "old":
        with earlier(GOOD_FOR + 5), alpha.acting("checker_doctor"):
            return token_for(page.subject, PARTS)
    return page.token()[:-2] + "xx" if whose == "forged" else {"here": [1, {"a": None}]}


@contextmanager
def earlier(seconds: float) -> Iterator[None]:
    with patch.object(database_clock, "ahead", database_clock.ahead - seconds):
        yield


def acting_as(hospital, person, role: str):
    from hospital.tenancy import acting_for

    return acting_for(hospital.tenant, person, role)


# --- servers whose clocks are wrong -------------------------------------------------------------------


@pytest.fixture(scope="module")
def ahead_and_behind(django_db_setup, tmp_path_factory) -> Iterator[tuple[Site, Site]]:
    """Two servers, ten minutes apart."""
    folder = tmp_path_factory.mktemp("clocks")
    around = {"PYTHONPATH": str(ROOT / "realtime/tests/faults/clock")}
    sites = [Site(folder / f"{offset}.log", **around, FAULTS_CLOCK=offset) for offset in ("300", "-300")]
    with ExitStack() as running:
        for site in sites:
            running.callback(site.stop)
            site.start()
        yield sites[0], sites[1]


def patient_of(hospital) -> uuid.UUID:
    with hospital.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ida", family_name="Quist", sex="female")
        return patient.pk


@pytest.mark.parametrize("token_is_from", ["ahead", "behind"])
def test_a_token_counts_on_a_server_with_another_clock(ahead_and_behind, alpha, token_is_from):
    ahead, behind = ahead_and_behind
    made, heard = (ahead, behind) if token_is_from == "ahead" else (behind, ahead)
    subject = patient_of(alpha)
    with (
        Looker(heard, alpha, "main_doctor", subject) as doctor,
        Looker(heard, alpha, "checker_doctor", subject) as checker,
    ):
        for page in (doctor.joined(), checker.joined()):
            page.maker = made
            page.look()
        doctor.sees(("Checker Doctor", ""))


def test_a_token_of_a_server_that_is_ahead_is_worth_nothing_after_a_change_of_rights(ahead_and_behind, alpha):
    ahead, behind = ahead_and_behind
    subject = patient_of(alpha)
    with (
        Looker(behind, alpha, "main_doctor", subject) as doctor,
        Looker(behind, alpha, "checker_doctor", subject) as checker,
    ):
        doctor.joined().maker = ahead
        doctor.look().sees()
        doctor.renews, old = False, doctor.token()
        with alpha.acting():
            role = Role.objects.get(key="pharmacy")
            role.allow_exactly(role.permissions - {"clinical.view_patient"})
        doctor.until_asked_again(old)
        checker.joined().look("diagnosis").listen(1)
        doctor.look(token=old).listen(2)
        assert "diagnosis" not in doctor.received
        doctor.look().sees(("Checker Doctor", "diagnosis"))


def test_a_doubt_ends_when_the_clock_of_the_database_is_put_back(alpha):
    with alpha.acting("main_doctor") as acting:
        key = alpha.client("main_doctor").cookies[settings.SESSION_COOKIE_NAME].value
        asker = Asker(alpha.tenant.slug, key)
        [identity] = identify_all([asker])
        page, subject = Connection(asker, identity, None), uuid.uuid4()
        old = token_for(subject, PARTS)
        sight.doubt(page, database_clock.time() + 0.001)
        assert not sight.read(old, page).counts_for(page)
        with earlier(3600):
            assert acting.person and sight.read(old, page) is None
            assert sight.read(token_for(subject, PARTS), page).counts_for(page)

"""How long a log-in lasts, what prolongs it, and what ends it (WS-1, WS-3, WS-4, WS-5, WS-7)."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from hospital.models import AuditEntry, AuthChange, Membership, Person, Role, Session, SignIn, Tenant
from hospital.tasks import clear_sessions, forget_auth_changes
from hospital.tests.hospital import PASSWORD

STATE = "/accounts/session/"
IDLE, LIFE = timedelta(seconds=settings.SESSION_IDLE_SECONDS), timedelta(seconds=settings.SESSION_COOKIE_AGE)


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def row_of(client: Client) -> Session:
    return Session.objects.get(session_key=key_of(client))


def age(client: Client, by: timedelta, *, began: timedelta | None = None) -> None:
    """As if nobody had done anything for that long."""
    rows = Session.objects.filter(session_key=key_of(client))
    rows.update(last_active_at=F("last_active_at") - by, expire_date=F("expire_date") - by)
    if began is not None:
        rows.update(started_at=F("started_at") - began)


def is_in(client: Client, hospital) -> bool:
    return client.get(f"{hospital.url}/front-desk/", headers={"X-Live-Refresh": "1"}).status_code == 200


def test_a_log_in_makes_a_row_that_tells_whose_it_is(alpha):
    row = row_of(alpha.client("reception"))
    assert row.person == alpha.reception and row.is_open
    assert row.expire_date - row.started_at == IDLE


def test_what_a_person_does_prolongs_the_session_and_says_from_where(alpha):
    client = alpha.client("reception")
    age(client, timedelta(minutes=10))
    client.get(f"{alpha.url}/front-desk/", headers={"User-Agent": "Mozilla/5.0 Firefox/140.0"})
    row = row_of(client)
    assert row.expire_date - row.last_active_at == IDLE
    assert row.agent == "Mozilla/5.0 Firefox/140.0"


@pytest.mark.parametrize(
    "headers",
    [{"X-Live-Refresh": "1"}, {"X-Background": "1"}, {"Sec-Purpose": "prefetch"}, {"X-Background": ""}],
    ids=["refresh", "background", "prefetch", "empty"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_a_page_does_by_itself_prolongs_nothing(alpha, headers, method):
    """WS-4. The flag can be forged: then the session ends as if nobody was there, and never later."""
    client = alpha.client("reception")
    age(client, timedelta(minutes=10))
    before = row_of(client).expire_date
    for path in (f"{alpha.url}/front-desk/", STATE):
        getattr(client, method)(path, headers=headers)
    assert row_of(client).expire_date == before


def test_asking_how_long_the_session_lasts_prolongs_nothing(alpha):
    client = alpha.client("reception")
    age(client, timedelta(minutes=10))
    answer = client.get(STATE).json()
    assert answer["person"] == str(alpha.reception.pk) and 295 < answer["left"] <= 300
    assert client.get(STATE).json()["left"] <= answer["left"]


def test_saying_that_somebody_types_prolongs_it(alpha):
    client = alpha.client("reception")
    age(client, timedelta(minutes=14))
    assert client.post(STATE).json()["left"] > IDLE.total_seconds() - 5


def test_nobody_can_say_so_for_somebody_else(alpha):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alpha.reception, backend=settings.AUTHENTICATION_BACKENDS[0])
    age(client, timedelta(minutes=10))
    before = row_of(client).expire_date
    assert client.post(STATE).status_code == 403
    assert row_of(client).expire_date == before


@pytest.mark.parametrize("headers", [{}, {"X-Live-Refresh": "1"}, {"X-Background": "1"}])
def test_after_the_idle_time_nothing_brings_the_session_back(alpha, headers):
    client = alpha.client("reception")
    age(client, IDLE)
    answers = [getattr(client, method)(f"{alpha.url}/front-desk/", headers=headers) for method in ("get", "post")]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert client.get(STATE).json() == client.post(STATE).json() == {"person": ""}
    assert not is_in(client, alpha)


def test_after_its_life_a_session_ends_however_busy_it_is(alpha):
    """WS-5."""
    client = alpha.client("reception")
    age(client, timedelta(minutes=1), began=LIFE - timedelta(minutes=2))
    answer = client.post(STATE).json()
    assert answer["left"] <= 120 and not answer["may_stay"]
    age(client, timedelta(), began=timedelta(minutes=3))
    age(client, timedelta(minutes=1))
    client.post(STATE)
    assert not is_in(client, alpha)


def test_a_session_that_is_saved_is_not_prolonged_by_that(alpha):
    client = alpha.client("admin")
    with alpha.acting():
        Membership.grant(alpha.admin, "pharmacy")
    age(client, timedelta(minutes=10))
    before = row_of(client)
    client.post(f"{alpha.url}/role/", {"role": "pharmacy"}, headers={"X-Background": "1"})
    after = row_of(client)
    assert after.session_data != before.session_data
    assert (after.expire_date, after.ref, after.started_at) == (before.expire_date, before.ref, before.started_at)


def test_activity_is_written_at_most_every_half_minute_and_waits_for_nobody(alpha):
    client = alpha.client("reception")
    client.get(f"{alpha.url}/front-desk/")
    before = row_of(client).last_active_at
    client.get(f"{alpha.url}/front-desk/")
    assert row_of(client).last_active_at == before
    age(client, timedelta(minutes=1))
    statuses = []
    with transaction.atomic():  # another request of the same person is in the middle of its work
        Person.objects.select_for_update(no_key=True).get(pk=alpha.reception.pk)
        thread = threading.Thread(target=lambda: statuses.append(got(client, alpha)))
        thread.start()
        thread.join(30)
    assert statuses == [200] and row_of(client).last_active_at > before - timedelta(seconds=30)


def got(client: Client, hospital) -> int:
    try:
        return client.get(f"{hospital.url}/front-desk/").status_code
    finally:
        connection.close()


def test_a_session_before_the_log_in_gets_another_key_at_it(alpha):
    """WS-7."""
    client = Client()
    session = client.session
    session["before"] = "the log-in"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key
    client.post("/accounts/login/", {"login": alpha.pharmacy.email, "password": PASSWORD})
    assert key_of(client) != planted and not Session.objects.filter(session_key=planted).exists()
    assert client.session[SESSION_KEY] == str(alpha.pharmacy.pk)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert thief.get(STATE).json() == {"person": ""}


@pytest.mark.parametrize("key", ["", "short", "x" * 32, "é" * 32, "' OR 1=1 --", '"\\000aaaaaaaa"', "a" * 5000])
def test_a_key_that_nobody_was_given_is_nobody(alpha, key):
    client = Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})
    assert client.get(STATE).json() == {"person": ""}


def test_the_sign_in_ends_with_the_session_that_nobody_used(alpha, beta):
    client, still_there = alpha.client("reception"), alpha.client("pharmacy")
    for browser in (client, still_there):
        browser.get(f"{alpha.url}/")
    age(client, IDLE)
    clear_sessions()
    assert not Session.objects.filter(session_key=key_of(client)).exists()
    with alpha.acting():
        assert [row.person for row in SignIn.now_here()] == [alpha.pharmacy]
        line = AuditEntry.objects.get(action="session_expired")
        assert line.after["person"] == str(alpha.reception.pk) and key_of(client) not in str(line.after)
    with beta.acting():
        assert not AuditEntry.objects.filter(action="session_expired").exists()


def test_a_command_ends_all_sessions_of_a_person(alpha, beta):
    with beta.acting():
        Membership.grant(alpha.reception, "reception")
    here, there = alpha.client("reception"), alpha.client("reception")
    here.get(f"{alpha.url}/"), there.get(f"{beta.url}/")
    said = io.StringIO()
    call_command("end_sessions", alpha.reception.email.upper(), stdout=said)
    assert said.getvalue() == "2 ended.\n"
    assert not is_in(here, alpha) and not is_in(there, beta)
    for hospital in (alpha, beta):
        with hospital.acting():
            assert AuditEntry.objects.get(action="session_ended").person_id is None
            assert not SignIn.now_here().filter(person=alpha.reception).exists()
    with pytest.raises(CommandError):
        call_command("end_sessions", "nobody@example.org")


def test_a_second_factor_that_comes_or_goes_ends_the_other_sessions(alpha):
    client = alpha.client("reception")
    assert is_in(client, alpha)
    factor = Authenticator.objects.create(user=alpha.reception, type="totp", data={"secret": "x"})
    assert not is_in(client, alpha)
    alpha.reception.refresh_from_db()
    client = alpha.client("reception")
    Authenticator.objects.filter(pk=factor.pk).update(last_used_at=None)
    assert is_in(client, alpha)
    Authenticator.objects.filter(pk=factor.pk).delete()
    assert not is_in(client, alpha)


def subjects_of(hospital, work) -> set:
    """Whom the database would have looked at again after this."""
    with hospital.acting(), connection.cursor() as cursor:
        work()
        cursor.execute("SELECT subject FROM hospital_authchange WHERE xact = pg_current_xact_id()::text::bigint")
        return {row[0] for row in cursor.fetchall()}


def test_the_database_notes_whose_rights_may_have_changed(alpha):
    person, tenant, client = alpha.reception, alpha.tenant, alpha.client("reception")
    sessions, people = Session.objects.filter(session_key=key_of(client)), Person.objects.filter(pk=person.pk)
    cases = [
        (lambda: Membership.objects.filter(person=person).update(is_active=False), {person.pk}),
        (lambda: Role.objects.filter(key="reception").update(position=9), {tenant.pk}),
        (lambda: Role.objects.get(key="reception").allow_exactly({"clinical.view_patient"}), {tenant.pk}),
        (lambda: Tenant.objects.filter(pk=tenant.pk).update(is_active=False), {tenant.pk}),
        (lambda: people.update(password="x"), {person.pk}),
        (lambda: people.update(is_active=False), {person.pk}),
        (lambda: sessions.update(session_data="x"), {person.pk}),
        (lambda: sessions.update(expire_date=F("expire_date") - IDLE), {person.pk}),
        (lambda: sessions.update(person=alpha.admin), {person.pk, alpha.admin.pk}),
        (lambda: sessions.delete(), {alpha.admin.pk}),
    ]
    assert alpha.admin
    assert [subjects_of(alpha, work) for work, _ in cases] == [noted for _, noted in cases]


def test_the_database_does_not_note_what_changes_no_right(alpha):
    person, client = alpha.reception, alpha.client("reception")
    sessions = Session.objects.filter(session_key=key_of(client))
    for work in (
        lambda: Tenant.objects.filter(pk=alpha.tenant.pk).update(name="Another name"),
        lambda: Person.objects.filter(pk=person.pk).update(name="Ida"),
        lambda: sessions.update(expire_date=F("expire_date") + IDLE, agent="x"),
    ):
        assert subjects_of(alpha, work) == set()


def test_the_application_cannot_write_the_list_itself(alpha):
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError), transaction.atomic():
        AuthChange.objects.create(xact=1, subject=alpha.admin.pk)


def test_old_lines_of_the_list_are_forgotten(alpha):
    assert alpha.reception and AuthChange.objects.exists()
    forget_auth_changes()
    assert AuthChange.objects.exists()

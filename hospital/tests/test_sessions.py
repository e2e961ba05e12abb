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

from hospital.models import AuditEntry, Membership, Person, Session, SignIn
from hospital.tasks import clear_sessions
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


def change_password(client: Client) -> None:
    new = "another long and quiet river"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", fields).status_code == 302


def test_a_new_password_gives_a_session_another_key_and_no_longer_life(alpha):
    client = alpha.client("reception")
    age(client, timedelta(), began=LIFE - timedelta(minutes=2))
    before = row_of(client)
    change_password(client)
    after = row_of(client)
    assert after.session_key != before.session_key and is_in(client, alpha)
    assert after.started_at == before.started_at
    assert after.expire_date == before.started_at + LIFE


def test_a_log_in_begins_its_own_life_whatever_was_open_before(alpha):
    client = Client()
    session = client.session
    session["before"] = "the log-in"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    age(client, timedelta(), began=LIFE - timedelta(minutes=2))
    client.post("/accounts/login/", {"login": alpha.pharmacy.email, "password": PASSWORD})
    assert client.post(STATE).json()["left"] > 180


def test_a_screen_on_the_wall_stays_logged_in_by_itself_for_the_life_of_its_session(alpha):
    client = alpha.client("board")
    age(client, timedelta(minutes=10))
    client.get(f"{alpha.url}/board/", headers={"X-Background": "1"})
    assert client.get(STATE).json()["left"] > 890
    age(client, timedelta(), began=LIFE)
    age(client, IDLE)
    assert client.get(f"{alpha.url}/board/").status_code == 302


def test_whoever_may_do_more_than_watch_the_board_is_logged_out_in_front_of_it(alpha):
    with alpha.acting():
        Membership.grant(alpha.board, "reception")
    client = alpha.client("board")
    age(client, timedelta(minutes=10))
    client.get(f"{alpha.url}/board/", headers={"X-Background": "1"})
    assert client.get(STATE).json()["left"] <= 300


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


def test_logging_in_and_out_is_said_in_the_words_of_the_product(alpha):
    client = Client()
    page = client.get("/accounts/login/").content.decode()
    assert "Stay logged in" in page and "Remember" not in page
    who = {"login": alpha.reception.email, "password": PASSWORD}
    assert "Logged in as " in client.post("/accounts/login/", who, follow=True).content.decode()
    assert "You have logged out." in client.post("/accounts/logout/", follow=True).content.decode()
    Authenticator.objects.create(user=alpha.reception, type="totp", data={"secret": "x"})
    second = client.post("/accounts/login/", who, follow=True).content.decode()
    assert "<h1>Second factor</h1>" in second and "Log in</button>" in second and "Sign" not in second


def test_a_person_sees_the_own_sessions_and_nobody_elses(alpha, beta):
    here, there = alpha.client("reception"), alpha.client("reception")
    agents = ["Mozilla/5.0 (Windows NT 10.0) Gecko Firefox/140.0", "Mozilla/5.0 (iPhone; CPU like Mac OS X) Safari/605"]
    for client, agent in zip((here, there), agents, strict=True):
        client.get(f"{alpha.url}/", headers={"User-Agent": agent})
    strangers = [row_of(alpha.client("pharmacy")), row_of(beta.client("reception"))]
    page = here.get(f"{alpha.url}/sessions/", headers={"User-Agent": agents[0]}).content.decode()
    assert "Firefox on Windows" in page and "Safari on iPhone" in page and page.count("This one") == 1
    assert str(row_of(there).ref) in page and not any(str(row.ref) in page for row in strangers)
    assert key_of(there) not in page


def test_a_session_that_the_password_left_behind_is_not_shown(alpha):
    old = row_of(alpha.client("reception"))
    alpha.reception.set_password("another long and quiet river")
    alpha.reception.save()
    assert str(old.ref) not in alpha.client("reception").get(f"{alpha.url}/sessions/").content.decode()


def test_a_person_ends_one_other_session_or_all_others(alpha):
    here, *there = [alpha.client("reception") for _ in range(4)]
    assert here.post(f"{alpha.url}/sessions/{row_of(there[0]).ref}/end/").status_code == 302
    assert [is_in(client, alpha) for client in (here, *there)] == [True, False, True, True]
    assert here.post(f"{alpha.url}/sessions/others/end/").status_code == 302
    assert [is_in(client, alpha) for client in (here, *there)] == [True, False, False, False]


def test_nobody_ends_the_session_of_somebody_else_or_the_own_one_by_its_name(alpha, beta):
    client = alpha.client("reception")
    for other in (alpha.client("pharmacy"), beta.client("reception"), client):
        assert client.post(f"{alpha.url}/sessions/{row_of(other).ref}/end/").status_code == 404
        assert Session.objects.filter(session_key=key_of(other)).exists()


def log_out(alpha, who: str, client: Client) -> int:
    with alpha.acting():
        pk = Membership.objects.get(person=alpha.person(who)).pk
    return client.post(f"{alpha.url}/people/memberships/{pk}/log-out/").status_code


def test_whoever_manages_people_logs_somebody_out_everywhere(alpha, beta):
    clients, bystander = [alpha.client("reception"), alpha.client("reception")], alpha.client("pharmacy")
    clients[0].get(f"{alpha.url}/")
    assert log_out(alpha, "reception", alpha.client("admin")) == 302
    assert [is_in(client, alpha) for client in clients] == [False, False]
    assert Session.objects.filter(session_key=key_of(bystander)).exists()
    with alpha.acting():
        line = AuditEntry.objects.get(action="session_ended")
        assert (line.person_id, line.after["person"]) == (alpha.admin.pk, str(alpha.reception.pk))
        assert SignIn.objects.get(person=alpha.reception).ended_at


def test_nobody_else_can(alpha, beta):
    victim = alpha.client("reception")
    assert log_out(alpha, "reception", alpha.client("pharmacy")) == 403
    assert log_out(alpha, "reception", beta.client("admin")) == 404
    with alpha.acting():
        pk = Membership.objects.get(person=alpha.reception).pk
    assert beta.client("admin").post(f"{beta.url}/people/memberships/{pk}/log-out/").status_code == 404
    assert is_in(victim, alpha)


def test_the_administration_pages_log_people_out(alpha, beta):
    victim, stranger = alpha.client("reception"), beta.client("reception")
    chosen = {"action": "end_sessions", "_selected_action": [alpha.reception.pk, beta.reception.pk]}
    assert alpha.client("admin").post(f"{alpha.url}/admin/hospital/person/", chosen).status_code == 302
    assert not is_in(victim, alpha) and is_in(stranger, beta)


def test_whoever_has_left_is_logged_out_by_nobody_there(alpha, beta):
    with beta.acting():
        Membership.grant(alpha.reception, "reception")
    victim = alpha.client("reception")
    with alpha.acting():
        membership = Membership.objects.get(person=alpha.reception)
        Membership.objects.filter(pk=membership.pk).update(is_active=False)
    assert log_out(alpha, "reception", alpha.client("admin")) == 404
    chosen = {"action": "end_sessions", "_selected_action": [alpha.reception.pk]}
    alpha.client("admin").post(f"{alpha.url}/admin/hospital/person/", chosen)
    assert is_in(victim, beta)


def test_an_htmx_request_without_a_session_gets_no_log_in_page_as_its_fragment(alpha):
    answer = Client().get(f"{alpha.url}/front-desk/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")

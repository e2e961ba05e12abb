"""FA-6, FA-7, CO-8: what a request gets when PostgreSQL is away, busy, or refuses. Real locks, and a real deadlock."""

from __future__ import annotations

import http.client
import io
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.contrib import messages
from django.contrib.messages.storage import default_storage
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from clinical.tests.wards import a_visit
from hospital import outage
from hospital.db.patience import Connection, limits
from hospital.logs import OutagesInOneLine
from hospital.middleware import forget_attempt
from hospital.tests.databases import database_url
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site

COMPLAINT = "Cough <& since Tuesday\nand a fever"


@pytest.fixture
def lost():
    """Nobody answers at the database's address. The pool of this process is left as it was."""
    entry = connection.settings_dict
    connection.close()
    pool, host = entry["OPTIONS"].pop("pool", None), entry["HOST"]
    entry["HOST"] = f"/nowhere/{uuid.uuid4().hex}"
    yield
    connection.close()
    entry["HOST"], entry["OPTIONS"]["pool"] = host, pool


def visitor() -> Client:
    """Somebody with a session, which only the database knows."""
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    return client


def test_a_page_says_that_the_records_cannot_be_reached_and_tries_again_by_itself(alpha, lost):
    answer = visitor().get(f"{alpha.url}/front-desk/?show=owing")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    page = answer.content.decode()
    assert 'http-equiv="refresh"' in page and f'href="{alpha.url}/front-desk/?show=owing"' in page


def test_the_log_tells_an_outage_in_one_line(alpha, lost):
    log, console = logging.getLogger("django.request"), logging.StreamHandler(written := io.StringIO())
    console.addFilter(OutagesInOneLine())
    log.addHandler(console)
    try:
        visitor().get(f"{alpha.url}/front-desk/")
    finally:
        log.removeHandler(console)
    [line] = written.getvalue().splitlines()
    assert "/front-desk/: OperationalError: " in line


def test_another_error_keeps_its_traceback():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "broken", None, (ValueError, ValueError("y"), None))
    assert OutagesInOneLine().filter(record) and record.exc_info


def test_a_form_is_kept_on_the_page_with_its_key(alpha, lost):
    key = str(uuid.uuid4())
    fields = {"complaint": COMPLAINT, "form_key": key, "tests": ["a", "b"]}
    answer = visitor().post(f"{alpha.url}/patients/new/", fields)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert 'http-equiv="refresh"' not in page
    assert key in page and "Cough &lt;&amp; since Tuesday\nand a fever" in page and page.count('name="tests"') == 2


def test_no_password_comes_back_in_a_page(lost):
    fields = {"login": "a@b.example", "password": "correct horse"}
    answer = visitor().post("/accounts/login/", fields)
    assert answer.status_code == 503
    assert "correct horse" not in answer.content.decode() and "Go back" in answer.content.decode()


def test_htmx_gets_few_words_and_keeps_its_form(alpha, lost):
    headers = {"HX-Request": "true"}
    answer = visitor().post(f"{alpha.url}/patients/new/", {"complaint": COMPLAINT}, headers=headers)
    assert answer.status_code == 503
    assert "<" not in answer.content.decode()


def test_a_mistake_of_ours_is_still_a_mistake(rf: RequestFactory):
    try:
        raise ValueError
    except ValueError:
        assert outage.broken(rf.get("/")).status_code == 500


def fail_twice() -> None:
    try:
        raise psycopg.OperationalError
    finally:
        {}["nothing"]


def test_a_failure_while_cleaning_up_after_an_outage_is_an_outage():
    with pytest.raises(KeyError) as found:
        fail_twice()
    assert outage.is_outage(found.value)
    assert not outage.is_outage(KeyError())


@contextmanager
def held(hospital, visit):
    """Somebody else's transaction, which holds a visit."""
    with psycopg.connect(database_url("default")) as other:
        other.execute("SELECT set_config('app.tenant', %s, true)", [str(hospital.tenant.pk)])
        assert other.execute("SELECT FROM clinical_visit WHERE id = %s FOR UPDATE", [visit.pk]).rowcount == 1
        yield
        other.rollback()


def test_what_somebody_holds_is_waited_for_a_while_only_and_other_pages_go_on(alpha, tmp_path):
    with alpha.acting("reception"):
        visit = a_visit()
    site = Site(tmp_path / "site.log", DATABASE_LOCK_TIMEOUT="1").start()
    try:
        with held(alpha, visit):
            began = time.monotonic()
            status = send(site, alpha, f"/visits/{visit.pk}/call/")
            assert (status, time.monotonic() - began > 0.9) == (503, True)
            assert send(site, alpha, "/front-desk/", method="GET") == 200
        assert send(site, alpha, f"/visits/{visit.pk}/call/") == 302
    finally:
        site.stop()


def send(site: Site, hospital, path: str, method: str = "POST") -> int:
    token = "t" * 32
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
    headers = {
        "Cookie": f"{cookie_of(hospital, 'reception')}; csrftoken={token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request(method, hospital.url + path, f"room=1&csrfmiddlewaretoken={token}", headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_limits_are_those_of_the_settings(settings):
    settings.DATABASE_LOCK_TIMEOUT, settings.DATABASE_STATEMENT_TIMEOUT = 0.5, 4
    with psycopg.connect(database_url("default"), options=limits()) as limited:
        assert limited.execute("SHOW lock_timeout").fetchone() == ("500ms",)
        assert limited.execute("SHOW statement_timeout").fetchone() == ("4s",)


def test_a_server_that_says_nothing_counts_as_gone(settings):
    settings.DATABASE_STATEMENT_TIMEOUT = 0.5
    with Connection.connect(database_url("default"), autocommit=True) as patient:
        with pytest.raises(psycopg.OperationalError, match="does not answer"):
            patient.execute("SELECT pg_sleep(30)")
        assert patient.closed


def test_a_deadlock_is_tried_again_and_nobody_hears_of_it(alpha):
    """Two requests lock two visits in opposite orders; PostgreSQL breaks the circle, and both succeed in the end."""
    with alpha.acting("reception"):
        visits = [a_visit(), a_visit()]
    meeting, forgotten = threading.Barrier(2, timeout=30), []

    def request(first, second) -> int:
        turns = iter(range(3))

        def work() -> int:
            with alpha.acting("reception"):
                first.lock()
                if next(turns) == 0:
                    meeting.wait()
                second.lock()
                return 1

        try:
            return outage.persistently(work, lambda: forgotten.append(first))
        finally:
            connection.close()

    assert alpha.reception
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(request, visits, reversed(visits))) == 2
    assert len(forgotten) == 1


def test_whoever_is_in_the_way_for_ever_is_not_waited_for():
    tries = []

    def work() -> HttpResponse:
        tries.append(1)
        raise OperationalError from psycopg.errors.SerializationFailure()

    with pytest.raises(OperationalError):
        outage.persistently(work, lambda: None)
    assert len(tries) == outage.TRIES


def test_an_attempt_that_was_undone_leaves_no_message(alpha, rf: RequestFactory):
    request = rf.post("/")
    request.session = {}
    vars(request)["_messages"] = default_storage(request)
    messages.success(request, "Done")
    forget_attempt(request)
    assert list(messages.get_messages(request)) == []

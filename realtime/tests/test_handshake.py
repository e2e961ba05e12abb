"""WS-6, WS-7: a socket belongs to the session that it was opened with, and a foreign page opens none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import Client

from hospital.models import Session
from hospital.tests.hospital import PASSWORD, Hospital
from realtime.tests.listening import Listener, cookie_of, cursor_of
from realtime.tests.server import Site
from realtime.tests.test_socket import grant, refused_with

TRY = """address => new Promise((done) => {
    const socket = new WebSocket(address);
    socket.onopen = () => done("opened");
    socket.onerror = () => done("refused");
})"""


def refused(site: Site, hospital: Hospital, cookie: str) -> int:
    return refused_with(site, f"{hospital.url}/live/socket", cookie)


@pytest.mark.parametrize("key", ["", "x" * 32, '"\\000aaaaaaaaaaaaaaa"', "é" * 20, "' OR 1=1 --", "a" * 3000])
def test_a_cookie_that_nobody_was_given_opens_nothing_and_disturbs_nobody(site, alpha, key):
    with Listener(site, alpha, "admin") as page:
        assert refused(site, alpha, f"{settings.SESSION_COOKIE_NAME}={key}") == 4401
        page.joined()
        grant(alpha)
        page.hears("user:changed", seconds=20)


def test_a_session_that_is_over_opens_nothing(site, alpha):
    cookie = cookie_of(alpha, "admin")
    Session.objects.filter(person=alpha.admin).update(expire_date=Now())
    assert refused(site, alpha, cookie) == 4401


def test_a_session_from_before_the_log_in_stays_nobodys_after_it(site, alpha):
    client = Client()
    session = client.session
    session["before"] = "the log-in"
    session.save()
    planted = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert refused(site, alpha, planted) == 4401
    client.post("/accounts/login/", {"login": alpha.admin.email, "password": PASSWORD})
    assert refused(site, alpha, planted) == 4401
    page = Listener(site, alpha, "admin")
    page.cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    with page:
        page.joined()


def test_a_cookie_gives_the_rights_of_its_person_whoever_brings_it(site, alpha, beta):
    page = Listener(site, alpha, "admin", cursor=cursor_of(alpha))
    page.cookie = cookie_of(alpha, "pharmacy")
    with page:
        page.joined()
        membership = grant(alpha)
        page.listen(2)
        assert page.events == [] and str(membership.pk) not in page.received
    assert refused(site, alpha, cookie_of(beta, "admin")) == 4403


@pytest.mark.parametrize("why", ["no cookie", "nobody's", "over", "another hospital's"])
def test_who_is_refused_at_the_door_is_a_line_of_the_log(site, alpha, beta, why):
    cookies = {
        "no cookie": "",
        "nobody's": f"{settings.SESSION_COOKIE_NAME}={'x' * 32}",
        "over": cookie_of(alpha, "admin"),
        "another hospital's": cookie_of(beta, "admin"),
    }
    Session.objects.filter(person=alpha.admin).update(expire_date=Now())
    code = refused(site, alpha, cookies[why])
    assert f"socket refused: {code} for {alpha.tenant.slug}" in site.log.read_text()
    assert code == (4403 if why == "another hospital's" else 4401)


@pytest.fixture
def neighbour() -> Iterator[str]:
    """Another server on the same host: to a browser the same site, so it sends the cookie; another origin all the same."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize("where", ["another port", "another name"])
def test_a_foreign_page_in_a_browser_where_somebody_is_logged_in_opens_no_socket(site, alpha, page, neighbour, where):
    key, value = cookie_of(alpha, "admin").split("=", 1)
    page.context.add_cookies([{"name": key, "value": value, "url": site.url}])
    address = f"{site.socket_url}{alpha.url}/live/socket"
    page.goto(f"{site.url}/healthz")
    assert page.evaluate(TRY, address) == "opened"
    origin = neighbour if where == "another port" else neighbour.replace("127.0.0.1", "localhost")
    page.goto(f"{origin}/healthz")
    assert page.evaluate(TRY, address) == "refused"
    assert f"origin {origin!r}" in site.log.read_text()

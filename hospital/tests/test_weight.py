"""What goes over the wire: compressed, and little enough for a slow line."""

from __future__ import annotations

import gzip
import http.client

import pytest
from django.test import Client

from bench import crowd
from bench.wire import Browser
from hospital.roles import ROLE_KEYS

FIRST, NEXT = 200_000, 20_000
ROWS = 17  # of three kinds, which makes 51 at the front desk


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        made = crowd.open_house("Wire")
        crowd.present(made, ROWS)
        return made


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_the_first_visit_and_the_next_page_are_light(site, house, role):
    browser = Browser(site.port, house, role)
    first, page = browser.open(f"{house.url}/")
    following, _ = browser.open(page)
    assert first <= FIRST
    assert following <= NEXT


@pytest.mark.parametrize(
    "accepted, encoding", [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None), ("br;q=0, gzip", "gzip")]
)
def test_a_static_file_comes_as_the_browser_can_read_it(site, accepted, encoding):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request("GET", "/static/app.css", headers={"Accept-Encoding": accepted})
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Content-Encoding") == encoding
    assert len(response.read()) == int(response.getheader("Content-Length", "0")) or encoding == "gzip"


def test_a_font_is_not_packed_twice(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    address = "/static/vendor/inter/inter-latin-wght-normal.woff2"
    connection.request("GET", address, headers={"Accept-Encoding": "gzip, br"})
    assert connection.getresponse().getheader("Content-Encoding") is None


def test_two_answers_that_are_the_same_differ_in_length():
    """A page's length tells nothing exactly: what is put into the address cannot be compared with what is on it."""
    answers = [Client().get("/accounts/login/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    assert all(answer.headers["Content-Encoding"] == "gzip" for answer in answers)
    assert "csrfmiddlewaretoken" in gzip.decompress(answers[0].content).decode()
    assert len({len(answer.content) for answer in answers}) > 1

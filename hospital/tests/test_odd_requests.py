"""IN-1: what no browser sends is refused in words, and never an error of ours."""

from __future__ import annotations

import uuid

import pytest
from django.db import connections
from django.test import Client

from clinical.tests.wards import a_visit
from hospital.access import entries, is_admin
from hospital.tests.test_access import address

pytestmark = pytest.mark.usefixtures("plain_templates")

NUL = "a\0b"
PAGES = [entry.route for entry in entries() if "GET" in entry.methods and not is_admin(entry)]
VALUES = ("'\"<%", "9" * 40, "-1", "\u202e\U0001f9ea", "2026-02-31", "NaN")
ODD = ("q", "page", "show", "status", "kind", "of", "preset", "first", "last", "code", "role", "given_name", "order")


@pytest.mark.parametrize("length", ["x", "-1", "1e9", "٣"])
def test_a_length_that_is_no_number_is_a_bad_request(alpha, length):
    answer = alpha.client("admin").get(f"{alpha.url}/people/", CONTENT_LENGTH=length)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/people/%00/", "/admin/hospital/person/?q=%00", "/patients/?q=a%00b"])
def test_a_nul_in_an_address_is_a_bad_request(alpha, path):
    assert alpha.client("admin").get(alpha.url + path).status_code == 400


@pytest.mark.parametrize("turn", range(3))
def test_no_question_in_an_address_breaks_a_page(alpha, turn):
    """Each value in each place on many pages, though not on every page."""
    client, codes = alpha.client("admin"), {}
    for number, route in enumerate(PAGES):
        question = {name: VALUES[(place + number + 2 * turn) % len(VALUES)] for place, name in enumerate(ODD)}
        codes[route] = client.get(alpha.url + address(route), question).status_code
    assert {route: code for route, code in codes.items() if code >= 500} == {}


def test_a_nul_in_what_no_form_checks_is_left_out(alpha):
    with alpha.acting():
        visit = a_visit(by=None)
    assert alpha.client("admin").post(f"{alpha.url}/visits/{visit.pk}/call/", {"room": NUL}).status_code == 302
    draft = {"note": NUL, NUL: NUL}
    assert alpha.client("main_doctor").post(f"{alpha.url}/visits/{visit.pk}/consult/draft/", draft).status_code == 200
    with alpha.acting():
        assert (visit.places.get().called_to, visit.consultation_drafts.get().fields) == ("ab", {"note": ["ab"]})


def test_the_way_to_the_log_in_keeps_the_whole_address():
    answer = Client().get("/riverside/x&y/")
    assert answer.headers["Location"] == "/accounts/login/?next=/riverside/x%26y/"


def test_the_health_check_says_that_the_database_is_away():
    connection = connections["default"]
    name, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], f"no_{uuid.uuid4().hex}"
    pool, options = connection.settings_dict["OPTIONS"].pop("pool", None), connection.settings_dict["OPTIONS"]
    connection.close()
    try:
        assert Client().get("/healthz").status_code == 503
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        options["pool"] = pool
    assert Client().get("/healthz").status_code == 200

"""RA-1, RA-2, TI-1: every address, for every role, by every method."""

import re
import uuid
from pathlib import Path

import pytest
from django.conf import settings

from hospital.access import PUBLIC_URLS, entries, is_admin, table
from hospital.roles import ROLE_KEYS
from hospital.tests.hospital import Hospital

pytestmark = pytest.mark.usefixtures("plain_templates")

ENTRIES = [entry for entry in entries() if not is_admin(entry)]
PUBLIC = {
    "",
    "healthz",
    "accounts/invitation/<slug:tenant>/<str:secret>/",
    "accounts/appointments/<slug:tenant>/<str:secret>/",
    "accounts/appointments/<slug:tenant>/<str:secret>/appointment.ics",
    "accounts/offers/<slug:tenant>/<str:secret>/",
    "accounts/calendar/<slug:tenant>/<str:secret>.ics",
    "accounts/session/",
    "accounts/session/back/",
}
SAMPLES = {"uuid": str(uuid.UUID(int=7)), "int": "1", "slug": "x", "str": "x", "path": "x"}


def address(route: str) -> str:
    """An address of this shape, with ids that nobody has."""
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES[match[1] or "str"], route)


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker) -> Hospital:
    with django_db_blocker.unblock():
        return Hospital("Matrix")


@pytest.fixture(scope="module")
def other(django_db_setup, django_db_blocker) -> Hospital:
    with django_db_blocker.unblock():
        return Hospital("Stranger")


def test_every_address_of_a_tenant_names_its_permission():
    assert [entry.route for entry in ENTRIES if not entry.permission] == []


def test_the_list_of_public_addresses_is_short_and_known():
    """Beside those that come with allauth."""
    assert {entry.route for entry in entries(PUBLIC_URLS) if not entry.view.startswith("allauth.")} == PUBLIC


def test_the_table_in_the_documentation_is_current():
    page = Path(settings.BASE_DIR, "docs/access.md").read_text()
    assert page == table(), "Run: manage.py access > docs/access.md"


@pytest.mark.parametrize("key", ROLE_KEYS)
def test_a_role_opens_what_its_permissions_say_and_nothing_else(house, key):
    client = house.client(key)
    wrong = []
    for entry in ENTRIES:
        for method in ("GET", "POST"):
            code = getattr(client, method.lower())(house.url + address(entry.route)).status_code
            if method not in entry.methods:
                expected = {405} if key in entry.roles else {405, 403}
            elif key in entry.roles:
                expected = {200, 302, 400, 404, 409, 422, 426}
            else:
                expected = {403}
            if entry.name == "switch_role" and method == "POST":
                expected = {404}
            if code not in expected:
                wrong.append((entry.route, method, code, expected))
    assert wrong == []


@pytest.mark.parametrize(
    ("method", "hx"),
    [("get", False), ("get", True), ("post", True), ("put", False), ("delete", False), ("patch", False)],
)
def test_a_stranger_gets_404_everywhere(house, other, method, hx):
    client = other.client("admin")
    headers = {"HX-Request": "true"} if hx else {}
    codes = {
        entry.route: getattr(client, method)(house.url + address(entry.route), headers=headers).status_code
        for entry in ENTRIES
    }
    assert {route: code for route, code in codes.items() if code != 404} == {}


def test_a_hospital_that_does_not_exist_looks_the_same_as_one_of_others(house, other):
    client = other.client("admin")
    foreign, missing = client.get(f"{house.url}/people/"), client.get("/no-such-hospital/people/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert without_tokens(foreign.content) == without_tokens(missing.content)


def without_tokens(content: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken[^}]+|data-now="[^"]*"', b"", content)


def test_without_a_log_in_every_address_leads_to_the_log_in(house, client):
    codes = {}
    for entry in ENTRIES:
        answer = client.get(house.url + address(entry.route))
        codes[entry.route] = answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/")
    assert all(codes.values()), codes


def test_somebody_whose_membership_ended_is_a_stranger(alpha):
    client = alpha.client("pharmacy")
    assert client.get(f"{alpha.url}/").status_code == 302
    with alpha.acting():
        from hospital.models import Membership

        Membership.objects.get(person=alpha.pharmacy).end()
    assert client.get(f"{alpha.url}/").status_code == 404


def test_a_permission_taken_from_a_role_counts_at_once(alpha):
    client = alpha.client("admin")
    assert client.get(f"{alpha.url}/people/").status_code == 200
    with alpha.acting():
        from hospital.models import Role

        role = Role.objects.get(key="admin")
        role.allow_exactly(role.permissions - {"hospital.manage_people"})
    assert client.get(f"{alpha.url}/people/").status_code == 403


def test_somebody_acts_in_one_role_at_a_time(alpha):
    from hospital.models import Membership

    with alpha.acting():
        Membership.grant(alpha.admin, "pharmacy")
    client = alpha.client("admin")
    assert client.get(f"{alpha.url}/people/").status_code == 200
    assert client.post(f"{alpha.url}/role/", {"role": "pharmacy"}).status_code == 302
    assert client.get(f"{alpha.url}/people/").status_code == 403
    assert client.post(f"{alpha.url}/role/", {"role": "main_doctor"}).status_code == 404

"""Whose page may say who has a patient open, and what it then shows in two browsers."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core import signing
from playwright.sync_api import Browser, Page, expect

from clinical.models import Patient, Visit
from clinical.presence import token_of
from hospital.models import AuditEntry, Role
from realtime.sight import SALT
from realtime.tests.listening import cookie_of
from realtime.tests.test_browser import is_live

TOKEN = re.compile(r'data-token="([^"]+)"')


@pytest.fixture
def visit(alpha) -> Visit:
    return visit_of(alpha)


def visit_of(hospital) -> Visit:
    with hospital.acting("reception") as acting:
        patient = Patient.register(
            by=acting.person, given_name="Ida", family_name="Quist", sex="female", birth_date=date(1980, 5, 17)
        )
        return Visit.register(patient, complaint="Cough", by=acting.person)


def page_of(hospital, role: str, path: str) -> str:
    return hospital.client(role).get(f"{hospital.url}{path}").content.decode()


def parts_in(token: str) -> list[str]:
    return signing.loads(token, salt=SALT)[-1]


@pytest.mark.parametrize(
    "role", ["main_doctor", "checker_doctor", "lab_technician", "reception", "pharmacy", "billing"]
)
def test_a_page_about_a_patient_says_who_looks_and_which_parts_the_role_may_know_of(alpha, visit, role):
    html = page_of(alpha, role, f"/patients/{visit.patient_id}/")
    token = TOKEN.search(html)[1]
    tenant, person, subject, key, name, *_ = signing.loads(token, salt=SALT)
    assert (tenant, person, subject) == (alpha.tenant.pk.hex, alpha.person(role).pk.hex, visit.patient_id.hex)
    assert (key, name) == (role, alpha.person(role).name)
    assert ("diagnosis" in parts_in(token)) == (role in ("main_doctor", "checker_doctor"))
    assert ("account" in parts_in(token)) == (role in ("reception", "billing"))
    assert "Quist" not in signing.b64_decode(token.split(":")[0].lstrip(".").encode()).decode(errors="replace")


def test_a_role_without_the_right_gets_no_token(alpha, visit):
    with alpha.acting("board"):
        assert token_of(visit.patient) == ""
    with alpha.acting("reception"):
        assert token_of(visit.patient) != ""
    with alpha.acting():
        role = Role.objects.get(key="reception")
        role.allow_exactly(role.permissions - {"clinical.view_patient"})
    assert alpha.client("reception").get(f"{alpha.url}/patients/{visit.patient_id}/here/").status_code == 403
    assert not TOKEN.search(page_of(alpha, "reception", f"/visits/{visit.pk}/"))


def test_a_restricted_chart_has_none(alpha, visit):
    with alpha.acting("main_doctor"):
        visit.patient.is_restricted = True
        assert token_of(visit.patient) == ""


def test_a_page_about_nobody_has_none(alpha, visit):
    for path in ("/patients/", "/front-desk/"):
        assert "presence" not in page_of(alpha, "reception", path)


def test_the_token_is_renewed_where_the_right_is_checked_again_and_nothing_is_noted(alpha, beta, visit):
    path = f"/patients/{visit.patient_id}/here/"
    answer = alpha.client("main_doctor").get(f"{alpha.url}{path}", headers={"X-Live-Refresh": "1"})
    assert parts_in(answer.json()["here"])
    with alpha.acting():
        assert AuditEntry.objects.filter(patient_id=visit.patient_id, action="view").count() == 0
    assert beta.client("main_doctor").get(f"{beta.url}{path}").status_code == 404
    assert beta.client("main_doctor").get(f"{alpha.url}{path}").status_code == 404
    assert alpha.client("board").get(f"{alpha.url}{path}").status_code == 403


# --- in two browsers ---------------------------------------------------------------------------


@pytest.fixture
def opens(browser: Browser, site):
    """`opens(hospital, role, path)`: a person's own browser on a live page."""
    contexts = []

    def opens(hospital, role: str, path: str, *, name: str = "", **options) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        for cookie in cookie_of(hospital, role, name).split("; "):
            key, value = cookie.split("=", 1)
            context.add_cookies([{"name": key, "value": value, "url": site.url}])
        page = context.new_page()
        page.clock.install()
        page.goto(f"{site.url}{hospital.url}{path}")
        is_live(page)
        return page

    yield opens
    for context in contexts:
        context.close()


def here(page: Page):
    return page.locator("#presence .presence-person")


@pytest.mark.browser
def test_two_people_at_one_patient_see_each_other_and_what_the_other_writes(opens, alpha, beta, visit):
    path = f"/patients/{visit.patient_id}/edit/"
    reception = opens(alpha, "reception", path)
    other = opens(alpha, "reception", path, name="Dana Moss")
    doctor = opens(alpha, "main_doctor", f"/patients/{visit.patient_id}/chart/")
    stranger = opens(beta, "main_doctor", f"/patients/{visit_of(beta).patient_id}/")
    expect(here(reception)).to_have_count(2, timeout=30_000)
    expect(here(doctor)).to_have_count(2, timeout=30_000)
    height = reception.locator(".frame-top").bounding_box()["height"]
    before = reception.locator("form[data-presence-part] input[name=given_name]").bounding_box()
    expect(reception.locator(".presence-hint")).to_have_count(0)

    other.locator("input[name=given_name]").press_sequentially("a")
    expect(reception.locator(".presence-hint")).to_have_text("Dana Moss is editing this too", timeout=30_000)
    expect(reception.locator("#presence [role=status]")).to_contain_text("Dana Moss is editing the details")
    expect(here(doctor).first).to_have_attribute("title", "Dana Moss, Reception: editing the details")
    expect(other.locator(".presence-hint")).to_have_count(0)  # only looked at by the others
    assert reception.locator(".frame-top").bounding_box()["height"] == height
    assert reception.locator("form[data-presence-part] input[name=given_name]").bounding_box() == before

    reception.locator("input[name=given_name]").press_sequentially("b")  # it is no lock
    expect(other.locator(".presence-hint")).to_have_text("Reception is editing this too", timeout=30_000)
    other.get_by_role("button", name="Save").click()
    expect(reception.locator(".presence-hint")).to_have_count(0, timeout=30_000)
    other.close()
    expect(here(reception)).to_have_count(1, timeout=30_000)
    expect(here(stranger)).to_have_count(0)


@pytest.mark.browser
def test_a_page_that_nobody_sees_says_nothing_and_its_person_runs_out(opens, alpha, visit):
    path = f"/patients/{visit.patient_id}/"
    doctor = opens(alpha, "main_doctor", path)
    reception = opens(alpha, "reception", path)
    expect(here(doctor)).to_have_count(1, timeout=30_000)
    reception.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    expect(here(doctor)).to_have_count(0, timeout=60_000)
    reception.evaluate("Object.defineProperty(document, 'hidden', { get: () => false, configurable: true })")
    expect(here(doctor)).to_have_count(1, timeout=30_000)


@pytest.mark.browser
def test_a_page_that_lost_the_right_shows_nobody_any_more(opens, alpha, visit):
    path = f"/patients/{visit.patient_id}/"
    doctor = opens(alpha, "main_doctor", path)
    reception = opens(alpha, "reception", path)
    expect(here(reception)).to_have_count(1, timeout=30_000)
    with alpha.acting():
        role = Role.objects.get(key="reception")
        role.allow_exactly(role.permissions - {"clinical.view_patient"})
    expect(here(reception)).to_have_count(0, timeout=30_000)
    expect(here(doctor)).to_have_count(0, timeout=60_000)
    opens(alpha, "checker_doctor", path)
    expect(here(doctor)).to_have_count(1, timeout=30_000)  # whose right is still there, and was asked for again

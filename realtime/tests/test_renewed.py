"""A page that no event reaches in its role is renewed by the clock, says so, and disturbs nobody."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from billing.payer_inbox import take_file
from billing.tests.authorisations import asked
from billing.tests.remittances import decided, line, sent, taken
from clinical.models import Patient
from clinical.tests.wards import a_patient, a_visit
from hospital.models import Role
from hospital.tests.hospital import Hospital
from realtime.catalogue import catalogue
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site
from realtime.tests.test_browser import is_live

PATIENT = 30_000  # milliseconds; a busy machine is no fault of the page
SOON = "document.body.dataset.liveRenew = 1"
MARK = "#live-state"


def opened(site: Site, hospital: Hospital, page: Page, role: str, path: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}/{path}")
    is_live(page)
    return page


def asked_by(page: Page) -> list[str]:
    """The regions that the page asks for, each time that it does."""
    found: list[str] = []
    page.on(
        "request",
        lambda request: (
            found.append(request.headers.get("x-live-regions", "")) if "x-live-refresh" in request.headers else None
        ),
    )
    return found


def asks(page: Page) -> None:
    with page.expect_response(lambda answer: "x-live-regions" in answer.request.headers, timeout=PATIENT):
        pass


# --- what follows by the clock ------------------------------------------------------------------


def pays(hospital: Hospital) -> str:
    claim = sent(hospital)
    return taken(hospital, decided(claim, line(claim, 1, str(claim.current.ours[0].amount)))).trace


def brings(hospital: Hospital) -> str:
    with hospital.acting("billing") as acting:
        take_file("answer.835", f"no X12 {hospital.mark}".encode(), by=acting.person)
    return "answer.835"


def asks_an_insurer(hospital: Hospital) -> str:
    return asked(hospital).number


@pytest.mark.browser
@pytest.mark.parametrize(
    ("role", "path", "happens", "region"),
    [
        ("admin", "remittances/", pays, "remittances"),
        ("admin", "payer-files/", brings, "payer-files"),
        ("reception", "authorisations/", asks_an_insurer, "authorisations"),
    ],
)
def test_a_page_that_hears_nothing_shows_what_colleagues_do(
    site, alpha, page, role: str, path: str, happens: Callable[[Hospital], str], region: str
):
    opened(site, alpha, page, role, path)
    expect(page.locator(MARK)).to_have_text("Every 30 s")
    expect(page.locator(".live")).to_have_attribute("title", re.compile("renewed every 30 seconds"))
    asked_for = asked_by(page)
    words = happens(alpha)
    page.evaluate(SOON)
    expect(page.locator(f"#{region}")).to_contain_text(words, timeout=PATIENT)
    assert set(asked_for) == {region}
    expect(page.locator("#toasts .toast-card, #alerts .banner")).to_have_count(0)


@pytest.mark.browser
def test_a_page_with_a_live_region_is_live_and_renews_the_others_only(site, alpha, page):
    with alpha.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Okafor", sex="female")
    opened(site, alpha, page, "admin", f"patients/{patient.pk}/")
    asked_for = asked_by(page)
    page.evaluate(SOON)
    asks(page)
    expect(page.locator(MARK)).to_have_text("Live")
    assert {"banner", "details"} <= set(asked_for[0].split())
    assert "visits-of-patient" not in asked_for[0].split()


@pytest.mark.browser
def test_a_region_that_hears_some_of_its_events_shows_the_others_by_the_clock(site, alpha, page):
    """Billing hears when a visit changes, and not when it begins."""
    with alpha.acting("reception"):
        patient = a_patient()
    opened(site, alpha, page, "billing", f"patients/{patient.pk}/")
    expect(page.locator(MARK)).to_have_text("Live")
    with alpha.acting("reception"):
        visit = a_visit(patient, paid=False)
    page.evaluate(SOON)
    expect(page.locator(f"#visits-of-patient a[href*='{visit.pk}']").first).to_be_visible(timeout=PATIENT)


# --- and disturbs nobody ------------------------------------------------------------------------

HINDRANCES = {
    "a dialog": ("document.getElementById('dialog').showModal()", "document.getElementById('dialog').close()"),
    "somebody types": (
        """() => {
            document.getElementById("remittances").insertAdjacentHTML("beforeend", "<input id=mine>");
            document.getElementById("mine").focus();
        }""",
        "document.getElementById('mine').remove()",
    ),
    "nobody looks": (
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true })",
        "() => { delete document.hidden; }",
    ),
}


@pytest.mark.browser
@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_it_waits_meanwhile(site, alpha, page, hindrance):
    opened(site, alpha, page, "admin", "remittances/")
    asked_for = asked_by(page)
    begins, ends = HINDRANCES[hindrance]
    page.evaluate(begins)
    page.evaluate(SOON)
    page.wait_for_timeout(4000)
    assert asked_for == []
    page.evaluate(ends)
    asks(page)


@pytest.mark.browser
def test_what_has_not_changed_is_left_as_it_is(site, alpha, page):
    opened(site, alpha, page, "admin", "remittances/")
    page.locator("#remittances a").first.focus()
    page.evaluate("document.getElementById('remittances').mine = true")
    page.evaluate(SOON)
    asks(page)
    asks(page)  # the first is done with
    assert page.evaluate("document.getElementById('remittances').mine")
    expect(page.locator("#remittances a").first).to_be_focused()


@pytest.mark.browser
def test_a_page_that_cannot_be_renewed_waits_for_its_next_time(site, alpha, page):
    """An event asks again within seconds; the clock does not."""
    opened(site, alpha, page, "admin", "remittances/")
    page.route(re.compile("/remittances/"), lambda route: route.fulfill(status=503, body="away"))
    page.evaluate(SOON)
    asks(page)
    page.evaluate("document.body.dataset.liveRenew = 1000")
    asked_for = asked_by(page)
    page.wait_for_timeout(7000)
    assert len(asked_for) <= 1  # it may have been on its way


# --- what the page knows ------------------------------------------------------------------------


@pytest.mark.browser
def test_each_answer_tells_anew_what_the_role_hears(site, alpha, page):
    opened(site, alpha, page, "admin", "people/")
    expect(page.locator(MARK)).to_have_text("Live")
    page.evaluate("document.body.dataset.liveHeard = ''")
    page.locator("[data-live-refresh]").click()
    expect(page.locator("body")).to_have_attribute("data-live-heard", re.compile("user:changed"), timeout=PATIENT)


def heard_by(hospital: Hospital, role: str) -> list[str]:
    html = hospital.client(role).get(f"{hospital.url}/alerts/").content.decode()
    return re.findall(r'data-live-heard="([^"]*)"', html)[0].split()


def test_a_page_knows_what_its_role_hears(alpha):
    for role in ("reception", "admin"):
        assert heard_by(alpha, role) == [event.name for event in catalogue if role in event.hears]
    with alpha.acting("admin"):
        reception = Role.objects.get(key="reception")
        reception.allow_exactly(reception.permissions - set(catalogue.by_name["patient:registered"].needs))
    assert "patient:registered" not in heard_by(alpha, "reception")

"""What a page does when its session ends: nothing of it stays on the screen, and nothing that was written is lost.

WS-1, WS-4, WS-5, WS-10, in Chromium. The idle time is a few seconds here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import override_settings
from playwright.sync_api import BrowserContext, Page, Route, expect

from hospital.models import Membership, Session
from hospital.sessions import end_all
from hospital.tests.hospital import PASSWORD, Hospital
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site

pytestmark = pytest.mark.browser
IDLE = 15  # seconds; the page warns in the last third of it
PATIENT = 30_000  # milliseconds; a busy machine is no fault of the page
FIELD = "input[name=name]"
OVER = ".session-over"


def log_in(site: Site, hospital: Hospital, context: BrowserContext, role: str = "admin", name: str = "") -> None:
    key, value = cookie_of(hospital, role, name).split("=", 1)
    context.add_cookies([{"name": key, "value": value, "url": site.url}])


def log_in_by_page(page: Page, email: str) -> None:
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in").click()


def open_people(site: Site, hospital: Hospital, page: Page) -> Page:
    page.goto(f"{site.url}{hospital.url}/people/?q=secret")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live", timeout=PATIENT)
    return page


@pytest.fixture
def people(site, alpha, page) -> Page:
    """An administrator has begun to write an invitation."""
    page.set_default_timeout(PATIENT)
    log_in(site, alpha, page.context)
    open_people(site, alpha, page).locator(FIELD).fill("Nadia Nov")
    return page


def end(hospital: Hospital, role: str = "admin") -> None:
    assert end_all(Session.objects.filter(person=hospital.person(role)))


def is_cleared(page: Page, hospital: Hospital) -> None:
    expect(page.locator(OVER)).to_be_visible(timeout=PATIENT)
    content = page.content()
    assert hospital.mark not in content.replace(hospital.tenant.slug, "") and "Nadia" not in content
    assert hospital.tenant.name not in page.title() and "secret" not in page.url


def test_the_page_is_cleared_when_its_session_ends_and_comes_back_for_the_same_person(site, alpha, people):
    end(alpha)
    is_cleared(people, alpha)
    assert "Nadia" not in people.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])")
    with people.context.expect_page() as opened:
        people.get_by_role("link", name="Log in", exact=True).click()
    log_in_by_page(opened.value, alpha.admin.email)
    expect(opened.value.locator("h1")).to_have_text("You are logged in again")
    opened.value.close()
    expect(people.locator(FIELD)).to_have_value("Nadia Nov", timeout=PATIENT)
    expect(people.locator("#live-state")).to_have_attribute("data-state", "live", timeout=PATIENT)
    assert people.url.endswith("?q=secret") and "People" in people.title()
    with alpha.acting("admin"):
        membership = Membership.grant(alpha.reception, "pharmacy")
    expect(people.locator(f"#membership-{membership.pk}")).to_be_visible(timeout=PATIENT)
    people.locator("input[name=email]").fill(f"nadia@{alpha.mark}.example")
    people.locator("select[name=role]").select_option(label="Reception")
    people.get_by_role("button", name="Send invitation").click()
    expect(people.locator("#invitations")).to_contain_text("Nadia Nov", timeout=PATIENT)


def test_somebody_else_sees_nothing_of_it(site, alpha, people):
    end(alpha)
    is_cleared(people, alpha)
    log_in(site, alpha, people.context, "pharmacy")
    people.wait_for_url(f"{site.url}{alpha.url}/people/", timeout=PATIENT)
    expect(people.locator("h1")).to_have_text("Not allowed", timeout=PATIENT)
    assert "Nadia" not in people.content()


def test_logging_out_in_one_tab_clears_the_others_of_this_browser_only(site, alpha, people, browser):
    """WS-1."""
    second = open_people(site, alpha, people.context.new_page())
    device = browser.new_context()
    log_in(site, alpha, device)
    elsewhere = open_people(site, alpha, device.new_page())
    second.locator("summary[aria-label*='Account']").click()
    second.get_by_role("button", name="Log out", exact=True).click()
    is_cleared(people, alpha)
    expect(elsewhere.locator("#members")).to_be_visible()
    device.close()


def test_back_after_the_log_out_shows_nothing(site, alpha, people):
    """WS-10."""
    people.locator(FIELD).fill("")
    people.locator("summary[aria-label*='Account']").click()
    people.get_by_role("button", name="Log out", exact=True).click()
    expect(people).to_have_url(re.compile("/accounts/login/"), timeout=PATIENT)
    people.go_back()
    people.wait_for_timeout(1000)
    content = people.content()
    assert alpha.mark not in content.replace(alpha.tenant.slug, "")


LEAVE = "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
RETURN = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


def test_a_page_that_the_browser_keeps_is_empty_until_it_is_known_who_looks(site, alpha, people):
    """WS-10, with the page kept in memory."""
    people.evaluate(LEAVE)
    assert people.evaluate("document.body.childElementCount") == 0
    people.evaluate(RETURN)
    expect(people.locator(FIELD)).to_have_value("Nadia Nov", timeout=PATIENT)
    people.evaluate(LEAVE)
    end(alpha)
    people.evaluate(RETURN)
    is_cleared(people, alpha)


def test_who_loses_the_role_of_the_page_sees_it_no_more(site, alpha, people):
    assert alpha.person("admin", "Second")
    with alpha.acting():
        Membership.objects.get(person=alpha.admin).end()
    expect(people.locator("h1")).to_have_text("You may no longer see this page", timeout=PATIENT)
    is_cleared(people, alpha)


def test_a_fragment_asked_for_without_a_session_clears_the_page(site, alpha, people):
    """The socket may be away when the session ends; then the next click finds out."""
    people.evaluate("live.stop()")
    end(alpha)
    people.evaluate("htmx.ajax('GET', location.pathname, '#members')")
    is_cleared(people, alpha)


def test_an_answer_that_comes_after_the_page_was_cleared_names_nothing(site, alpha, page):
    """The search was asked while its person was logged in: neither title nor address may say what was looked for."""
    page.set_default_timeout(PATIENT)
    log_in(site, alpha, page.context, "reception")
    address = f"{site.url}{alpha.url}/patients/"
    page.goto(address)
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live", timeout=PATIENT)
    held: list[Route] = []
    page.route("**/patients/?q=*", lambda route: held.append(route))
    with page.expect_request("**/patients/?q=*"):
        page.locator(".find input[name=q]").press_sequentially("Nadia")
    title = page.title()
    end(alpha, "reception")
    is_cleared(page, alpha)
    with page.expect_response("**/patients/?q=*"):
        for route in held:
            route.fulfill(
                body=f"<title>Nadia</title><div id=patients>{alpha.tenant.name}</div>", content_type="text/html"
            )
    page.evaluate("new Promise(requestAnimationFrame)")
    is_cleared(page, alpha)
    assert title != page.title() and page.url == address
    page.unroute("**/patients/?q=*")
    log_in(site, alpha, page.context, "reception")
    expect(page).to_have_url(re.compile(r"/patients/\?q=Nadia&"), timeout=PATIENT)
    expect(page).to_have_title(title)


@pytest.fixture(scope="module")
def impatient(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("impatient") / "site.log", SESSION_IDLE_SECONDS=str(IDLE)).start()
    with override_settings(SESSION_IDLE_SECONDS=IDLE):
        yield site
    site.stop()


@pytest.fixture
def idle(impatient, alpha, page) -> Page:
    page.set_default_timeout(PATIENT)
    log_in(impatient, alpha, page.context)
    return open_people(impatient, alpha, page)


def test_the_page_warns_counts_down_and_stays_if_somebody_says_so(idle, alpha):
    stay = idle.get_by_role("button", name="Stay logged in")
    expect(stay).to_be_visible(timeout=PATIENT)
    expect(stay).to_be_focused()
    expect(idle.locator("dialog [data-slot=left]")).to_have_text(re.compile(r"0:0\d"))
    stay.click()
    expect(stay).to_have_count(0)
    idle.wait_for_timeout(IDLE * 500)
    assert Session.objects.alive().filter(person=alpha.admin).exists()
    expect(idle.locator("#members")).to_be_visible()


def test_nobody_there_means_logged_out_whatever_the_page_does_by_itself(idle, alpha):
    """WS-4: the socket acknowledges, regions are fetched again, htmx polls."""
    idle.evaluate("setInterval(() => live.refetch(), 500)")
    idle.evaluate(
        "setInterval(() => window.htmx && htmx.ajax('GET', location.pathname, {target: '#toasts', swap: 'none'}), 700)"
    )
    is_cleared(idle, alpha)
    assert not Session.objects.alive().filter(person=alpha.admin).exists()


@pytest.mark.parametrize(
    ("words", "put_back"),
    [("a long note, written slowly", 0), ("a note as slow", 24 * 3600)],
    ids=["", "the browser's clock was put back a day"],
)
def test_whoever_writes_is_not_logged_out(idle, alpha, words, put_back):
    idle.evaluate(f"{{ const now = Date.now.bind(Date); Date.now = () => now() - {put_back * 1000} }}")
    field = idle.locator(FIELD)
    for letter in words:
        field.press_sequentially(letter)
        idle.wait_for_timeout(IDLE * 1000 / 10)
    expect(field).to_have_value(words)
    assert Session.objects.alive().filter(person=alpha.admin).exists()


def test_a_tab_in_the_background_knows_that_somebody_works_in_another(idle, impatient, alpha):
    worked_in = open_people(impatient, alpha, idle.context.new_page())
    for _ in range(8):
        worked_in.locator(FIELD).press_sequentially("x")
        worked_in.wait_for_timeout(IDLE * 1000 / 5)
    expect(idle.locator("#members")).to_be_visible()
    expect(idle.get_by_role("button", name="Stay logged in")).to_have_count(0)


@pytest.fixture(scope="module")
def short_lived(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    life = {"SESSION_IDLE_SECONDS": "600", "SESSION_LIFE_SECONDS": "20"}
    site = Site(tmp_path_factory.mktemp("short") / "site.log", **life).start()
    with override_settings(SESSION_IDLE_SECONDS=600, SESSION_COOKIE_AGE=20):
        yield site
    site.stop()


def test_whoever_is_logged_in_for_too_long_logs_in_again_and_finds_the_text(short_lived, alpha, page):
    """WS-5: being busy to the last second does not help, and costs nothing that was written."""
    page.set_default_timeout(PATIENT)
    log_in(short_lived, alpha, page.context)
    open_people(short_lived, alpha, page).locator(FIELD).fill("Nadia Nov")
    for _ in range(60):
        if page.locator(OVER).count():
            break
        page.keyboard.press("Shift")
        page.wait_for_timeout(500)
    is_cleared(page, alpha)
    log_in(short_lived, alpha, page.context)
    expect(page.locator(FIELD)).to_have_value("Nadia Nov", timeout=PATIENT)

"""Alerts in Chromium: they come by themselves, stay until they are answered, and then leave every screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from realtime.alerts.models import Preference
from realtime.tests.alarms import again, answer, critical_value, released, sweep
from realtime.tests.test_socket import cookie_of

pytestmark = pytest.mark.browser


@pytest.fixture
def screen(site, alpha, browser: Browser):
    """`screen("checker_doctor")`: a page of this person, in a browser of its own, live."""
    contexts = []

    def open_page(role: str, name: str = "", path: str = "/patients/") -> Page:
        context = browser.new_context()
        contexts.append(context)
        key, value = cookie_of(alpha, role, name).split("=", 1)
        context.add_cookies([{"name": key, "value": value, "url": site.url}])
        page = context.new_page()
        page.goto(f"{site.url}{alpha.url}{path}")
        expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
        return page

    yield open_page
    for context in contexts:
        context.close()


def sticky(page: Page):
    return page.locator("#alert-banners .banner")


def fetches(page: Page) -> list[Request]:
    """What the page asks about alerts from now on."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/alerts/waiting/" in request.url else None)
    return asked


def count(page: Page, number: int) -> None:
    expect(page.locator("#alert-counts a").first).to_have_attribute(
        "aria-label", f"Alerts: {number} wait{'s' if number == 1 else ''} for you"
    )


def test_an_alert_comes_by_itself_once_and_cannot_be_put_away(screen, alpha):
    page = screen("checker_doctor")
    critical_value(alpha)
    expect(sticky(page)).to_contain_text("Critical high: Potassium 6.6 mmol/L, Amara Okafor")
    count(page, 1)
    page.wait_for_timeout(1500)
    assert page.locator("#alerts .banner").count() == 0 and sticky(page).locator("[data-dismiss]").count() == 0
    assert page.locator("#alert-banners").get_attribute("aria-live") == "assertive"
    assert page.locator("#alert-banners").get_attribute("role") == "alert"


def test_where_there_is_little_room_one_alert_and_a_count_are_shown(screen, alpha):
    for _ in range(2):
        critical_value(alpha)
    page = screen("checker_doctor")
    expect(sticky(page).filter(visible=True)).to_have_count(2)
    expect(page.locator(".alert-others")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(sticky(page).filter(visible=True)).to_have_count(1)
    expect(page.locator(".alert-others")).to_contain_text("1 more alert waits")
    expect(page.locator(".alert-others").get_by_role("link", name="Show all")).to_be_visible()


def test_a_page_that_is_opened_later_shows_it_without_any_push(screen, alpha):
    critical_value(alpha)
    expect(sticky(screen("checker_doctor"))).to_have_count(1)


def test_it_is_answered_in_the_dialog_and_leaves_all_screens_at_once(screen, alpha):
    first, elsewhere, colleague = (
        screen("checker_doctor"),
        screen("checker_doctor", path="/alerts/"),
        screen("checker_doctor", "Second Checker"),
    )
    alert = critical_value(alpha)
    expect(elsewhere.locator("#alert-rows tr")).to_have_count(1)
    expect(colleague.locator("#alerts .banner")).to_contain_text(
        "Potassium 6.6"
    )  # critical for the role, but another's to answer
    sticky(first).get_by_role("link", name="Acknowledge").click()
    first.locator("#dialog [name=read_back]").fill("5.6")
    first.locator("#dialog").get_by_label("Acted on it").check()
    first.locator("#dialog [name=text]").fill("Calcium given")
    first.locator("#dialog .btn-primary").click()
    expect(first.locator("#dialog")).to_contain_text("This is not the value")
    first.locator("#dialog [name=read_back]").fill("6.6")
    first.locator("#dialog .btn-primary").click()
    for page in (first, elsewhere):
        expect(sticky(page)).to_have_count(0)
        count(page, 0)
    expect(elsewhere.locator("#alert-rows tr")).to_have_count(0)
    expect(colleague.locator("#alerts .banner")).to_have_count(0)
    assert again(alpha, alert).done_text == "Calcium given"


def test_it_appears_at_the_cover_when_it_climbs(screen, alpha):
    cover = screen("checker_doctor", "Second Checker")
    alert = critical_value(alpha)
    sweep(alpha, alert, 15)
    expect(sticky(cover)).to_have_count(1)
    answer(alpha, alert)
    expect(sticky(cover)).to_have_count(0)


def test_a_second_alert_disturbs_neither_the_first_nor_the_keyboard_on_it(screen, alpha):
    page = screen("checker_doctor")
    critical_value(alpha)
    button = sticky(page).first.get_by_role("link", name="Acknowledge")
    button.focus()
    critical_value(alpha)
    expect(sticky(page)).to_have_count(2)
    expect(button).to_be_focused()


def test_without_a_socket_the_page_asks_for_its_alerts_itself(screen, alpha):
    page = screen("checker_doctor")
    page.context.route_web_socket("**/live/socket*", lambda socket: socket.close())
    page.reload()
    critical_value(alpha)
    expect(sticky(page)).to_have_count(1)


def test_a_silenced_kind_gives_no_toast_and_the_bell_counts_it_all_the_same(screen, alpha):
    with alpha.acting():
        mine = Preference.of(alpha.checker_doctor, "checker_doctor")
        mine.quiet = ["lab:result_ready"]
        mine.save()
    page, loud = screen("checker_doctor"), screen("checker_doctor", "Second Checker")
    released(alpha, "4.1")
    expect(loud.locator("#toasts .toast-card", has_text="Result ready")).to_have_count(1)
    expect(page.locator("#alert-counts a").last).to_have_attribute("aria-label", "Notices: 2 unread")
    assert page.locator("#toasts .toast-card", has_text="Result ready").count() == 0
    critical_value(alpha)
    expect(sticky(page)).to_have_count(1)


def test_an_escalation_whose_fetch_fails_is_fetched_again(screen, alpha):
    cover, refused = screen("checker_doctor", "Second Checker"), []

    def refuse_once(route: Route) -> None:
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=503)

    alert = critical_value(alpha)
    expect(cover.locator("#alerts .banner")).to_have_count(1)
    cover.wait_for_timeout(3000)  # what that asked for is over
    cover.route("**/alerts/waiting/", refuse_once)
    sweep(alpha, alert, 15)
    expect(sticky(cover)).to_have_count(1)
    assert refused


def test_the_bell_counts_notices_without_asking_the_server(screen, alpha):
    page = screen("checker_doctor")
    asked = fetches(page)
    released(alpha, "4.1")
    bell = page.locator("#alert-counts a").last
    expect(bell).to_have_attribute("aria-label", "Notices: 2 unread")
    expect(bell.locator(".count")).to_have_text("2")
    page.wait_for_timeout(3000)
    assert asked == []
    page.reload()
    expect(bell).to_have_attribute("aria-label", "Notices: 2 unread")


def test_a_page_that_is_put_away_asks_for_nothing_and_catches_up_when_it_is_back(screen, alpha):
    page = screen("checker_doctor")
    page.evaluate("window.kept = document.createDocumentFragment(); kept.append(...document.body.childNodes)")
    asked = fetches(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    critical_value(alpha)
    page.wait_for_timeout(3000)
    assert asked == []
    page.evaluate("document.body.append(kept)")
    expect(sticky(page)).to_have_count(1)


def test_presence_alone_is_no_sign_that_the_log_is_read(screen, alpha):
    page = screen("checker_doctor")
    page.context.route_web_socket("**/live/socket*", lambda socket: None)
    page.reload()
    page.evaluate("""setInterval(() => document.dispatchEvent(
        new CustomEvent("live:message", {detail: {presence: {of: "x", people: []}}})), 500)""")
    critical_value(alpha)
    expect(sticky(page)).to_have_count(1)

"""static/live.js in Chromium, on a page of the product."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from hospital.models import Membership
from realtime.limits import SOCKETS
from realtime.tests.listening import dial
from realtime.tests.server import Site
from realtime.tests.test_socket import cookie_of, grant, say_again, sign_in_often

pytestmark = pytest.mark.browser
LISTS = """
    document.getElementById("content").insertAdjacentHTML("afterbegin", `
        <p>Here: <b data-count-of="here">0</b></p><p id="nobody" data-empty-of="here">Nobody yet</p>
        <table><tbody id="here" data-live-list="members"></tbody></table>
        <p>There: <b data-count-of="there">0</b></p><table><tbody id="there" data-live-list="elsewhere"></tbody></table>
        <input id="note">`)
"""


@pytest.fixture
def admin(site, alpha, page) -> Page:
    """The admin looks at the people of alpha."""
    return open_people(site, alpha, page)


def open_people(site: Site, hospital, page: Page) -> Page:
    name, value = cookie_of(hospital, "admin").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}/people/")
    is_live(page)
    return page


def is_live(page: Page, seconds: float = 30) -> None:
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live", timeout=seconds * 1000)


def with_lists(page: Page) -> Page:
    """Lists that no region fetches again, so that only the pushed fragments fill them."""
    page.evaluate(LISTS)
    return page


def row(membership: Membership, within: str = "") -> str:
    return f"{within} #membership-{membership.pk}".strip()


def end(hospital, membership: Membership) -> None:
    with hospital.acting("admin"):
        Membership.objects.get(pk=membership.pk).end()


def test_a_new_row_appears_by_itself_and_pulses(admin, alpha):
    membership = grant(alpha)
    expect(admin.locator(row(membership, "#members"))).to_have_class(re.compile("pulse"))
    expect(admin.locator(row(membership, "#members"))).not_to_have_class(re.compile("pulse"))


def test_a_list_takes_its_rows_in_order_counts_them_and_loses_them_again(admin, alpha):
    with_lists(admin)
    rows = [grant(alpha, name) for name in ("Mona", "Zoe", "Abel")]
    expect(admin.locator("#here tr .cell-title")).to_contain_text(["Abel", "Mona", "Zoe"])
    expect(admin.locator("[data-count-of=here]")).to_have_text("3")
    expect(admin.locator("#nobody")).to_be_hidden()
    expect(admin.locator("#there tr")).to_have_count(0)
    end(alpha, rows[0])
    expect(admin.locator("#here tr .cell-title")).to_contain_text(["Abel", "Zoe"])
    expect(admin.locator("#here tr")).to_have_count(2)
    expect(admin.locator("[data-count-of=here]")).to_have_text("2")


def test_an_older_fragment_changes_nothing(admin, alpha):
    with_lists(admin)
    membership = grant(alpha)
    shown = admin.locator(row(membership, "#here"))
    expect(shown).to_be_visible()
    shown.evaluate("row => { row.dataset.v = '9'; row.cells[0].textContent = 'newer'; }")
    say_again(alpha, membership, loudness={"admin": "notice"})
    expect(admin.locator("#toasts .toast-card")).to_have_count(1)
    expect(shown.locator("td").first).to_have_text("newer")


def test_a_row_under_the_pointer_stays_until_the_pointer_leaves(admin, alpha):
    with_lists(admin)
    membership = grant(alpha)
    held = admin.locator(row(membership, "#here"))
    held.hover()
    expect(admin.locator(f"{row(membership, '#here')}:hover")).to_be_visible()
    end(alpha, membership)
    expect(held).to_have_class(re.compile("leaving"))
    expect(admin.locator("[data-count-of=here]")).to_have_text("0")
    admin.mouse.move(0, 0)
    expect(held).to_have_count(0)


def test_the_focus_stays_on_the_same_button_of_a_row_that_is_replaced(admin, alpha):
    with_lists(admin)
    membership = grant(alpha)
    admin.locator(row(membership, "#here")).get_by_role("button").focus()
    touch(alpha, membership)
    replaced = admin.locator(f'{row(membership, "#here")}[data-v="2"]')
    expect(replaced.get_by_role("button")).to_be_focused()


def touch(hospital, membership: Membership) -> None:
    with hospital.acting("admin"):
        Membership.objects.get(pk=membership.pk).save()


def test_typing_is_never_disturbed(admin, alpha):
    with_lists(admin)
    note = admin.locator("#note")
    note.press_sequentially("half a sen")
    grant(alpha)
    expect(admin.locator("#here tr")).to_have_count(1)
    expect(note).to_be_focused()
    note.press_sequentially("tence")
    expect(note).to_have_value("half a sentence")


def test_a_row_with_a_field_that_is_written_in_waits(admin, alpha):
    with_lists(admin)
    membership = grant(alpha)
    held = admin.locator(row(membership, "#here"))
    held.evaluate("row => row.cells[0].insertAdjacentHTML('beforeend', '<input class=mine>')")
    admin.locator(".mine").fill("mine")
    admin.locator(".mine").focus()
    touch(alpha, membership)
    admin.wait_for_timeout(1000)
    expect(admin.locator(".mine")).to_have_value("mine")
    admin.locator("#note").focus()
    expect(admin.locator(f'{row(membership, "#here")}[data-v="2"]')).to_have_count(1)


def test_a_pushed_form_can_be_sent(admin, alpha):
    with_lists(admin)
    membership = grant(alpha)
    admin.locator(row(membership, "#here")).get_by_role("button").click()
    admin.locator("#confirm [value=yes]").click()
    expect(admin.locator(row(membership))).to_have_count(0)
    with alpha.acting():
        assert not Membership.objects.get(pk=membership.pk).is_active


def test_a_notice_is_a_toast_that_says_what_and_a_critical_one_a_banner_that_stays(admin, alpha):
    membership = grant(alpha)
    say_again(alpha, membership, loudness={"admin": "notice"})
    expect(admin.locator("#toasts .toast-card")).to_have_attribute("data-loudness", "notice")
    say_again(alpha, membership, loudness={"admin": "critical"})
    banner = admin.locator("#alerts .banner")
    expect(banner).to_have_attribute("data-tone", "critical")
    expect(admin.locator("#toasts .toast-card")).to_have_count(0)
    expect(banner).to_be_visible()
    banner.locator("[data-dismiss]").click()
    expect(banner).to_have_count(0)


def test_a_region_is_fetched_again_when_its_event_arrives(admin, alpha):
    admin.evaluate("document.querySelector('#members h2').textContent = 'old'")
    sign_in_often(alpha, 1)
    expect(admin.locator("#members h2")).to_have_text("Who works here")


def test_a_burst_is_fetched_a_few_times_only(admin, alpha):
    fetched = []
    admin.on("request", lambda request: fetched.append(request.headers.get("x-live-refresh")))
    sign_in_often(alpha, 1)
    for _ in range(20):
        sign_in_often(alpha, 1)
    admin.wait_for_timeout(1500)
    assert 1 <= fetched.count("1") <= 6


def test_the_refresh_button_fetches_without_losing_the_place(admin, alpha):
    admin.evaluate("document.querySelector('#members h2').textContent = 'old'; window.same = true")
    admin.locator("[data-live-refresh]").click()
    expect(admin.locator("#members h2")).to_have_text("Who works here")
    assert admin.evaluate("window.same")


def test_after_a_cut_the_page_says_so_comes_back_and_has_missed_nothing(django_db_setup, alpha, page, tmp_path):
    own = Site(tmp_path / "own.log").start()
    try:
        admin = with_lists(open_people(own, alpha, page))
        own.stop()
        expect(admin.locator("#live-state")).to_have_attribute("data-state", "reconnecting")
        membership = grant(alpha)
        expect(admin.locator("#stale")).to_be_visible(timeout=15000)
        expect(admin.locator("#stale")).to_have_text(re.compile(r"Not live since \d\d:\d\d"))
        expect(admin.locator("#live-state")).to_have_attribute("data-state", "offline")
        own.start()
        is_live(admin)
        expect(admin.locator("#stale")).to_be_hidden()
        expect(admin.locator(row(membership, "#here"))).to_have_count(1)
    finally:
        own.stop()


def test_without_a_network_the_page_says_so_before_the_silence_does_and_comes_back(admin):
    place = admin.locator("#content").bounding_box()
    admin.context.set_offline(True)
    expect(admin.locator("#live-state")).to_have_attribute("data-state", "offline", timeout=5000)
    expect(admin.locator("#stale")).to_contain_text("Not live since")
    assert admin.locator("#content").bounding_box() == place, "the page moved under the pointer"
    admin.context.set_offline(False)
    is_live(admin)
    expect(admin.locator("#stale")).to_be_hidden()


def test_the_hour_is_the_hospitals_wherever_the_browser_is(site, alpha, browser):
    context = browser.new_context(timezone_id="Pacific/Kiritimati")
    page = open_people(site, alpha, context.new_page())
    context.set_offline(True)
    expect(page.locator("#stale")).to_contain_text("Not live since")
    now = timezone.now().astimezone(alpha.tenant.zone)
    minutes = [(now - timedelta(minutes=ago)).strftime("%H:%M") for ago in range(-1, 5)]
    assert page.locator("#stale").inner_text()[len("Not live since ") :][:5] in minutes
    context.close()


def test_without_a_socket_the_page_polls(site, alpha, page):
    page.route_web_socket(re.compile("/live/socket"), lambda socket: socket.close())
    name, value = cookie_of(alpha, "admin").split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{alpha.url}/people/")
    expect(page.locator("#stale")).to_be_visible(timeout=15000)
    membership = grant(alpha)
    expect(page.locator(row(membership, "#members"))).to_be_visible(timeout=8000)
    expect(page.locator("#stale")).to_contain_text("Not live since")


def test_a_refresh_that_is_answered_with_the_log_in_page_clears_the_screen(admin):
    """What happens then: hospital/tests/test_session_in_browser.py."""
    with_lists(admin).locator("#note").fill("unsaved")
    admin.context.clear_cookies()
    own_socket_ends(admin)
    expect(admin.locator(".session-over h1")).to_have_text("You are logged out")
    expect(admin.locator("#note")).to_have_count(0)


def test_a_tab_of_the_former_role_says_so_and_shows_nothing_of_the_new_one(alpha, admin):
    with alpha.acting():
        Membership.grant(alpha.admin, "billing")
    with_lists(admin).locator("#note").fill("unsaved")
    other = admin.context.new_page()
    other.goto(admin.url)
    other.evaluate("document.querySelector('form[action$=\"/role/\"] button[value=billing]').click()")
    other.wait_for_url("**/payments/")
    is_live(other)
    admin.locator("[data-live-refresh]").click()
    expect(admin.locator("#alerts .banner")).to_contain_text("You work in another role now")
    expect(admin.locator("#live-state")).to_have_attribute("data-state", "offline")
    expect(admin.locator("#note")).to_have_value("unsaved")


def own_socket_ends(page: Page) -> None:
    """A fetch finds out too: the answer to a refresh is the log-in page."""
    page.locator("[data-live-refresh]").click()


def test_a_lost_and_a_doubled_message_leave_no_gap_and_no_double(site, alpha, page):
    lost = []

    def wire(here) -> None:
        there = here.connect_to_server()

        def pass_on(message: str) -> None:
            if "html" in message and not lost:
                lost.append(message)
                return
            here.send(message)
            here.send(message)

        there.on_message(pass_on)

    page.route_web_socket(re.compile("/live/socket"), wire)
    admin = with_lists(open_people(site, alpha, page))
    first = grant(alpha, "First")
    expect(admin.locator(row(first, "#here"))).to_have_count(1)
    second = grant(alpha, "Second")
    say_again(alpha, second, loudness={"admin": "notice"})
    expect(admin.locator("#toasts .toast-card")).to_have_count(1)
    expect(admin.locator("#here tr")).to_have_count(2)
    assert lost


def test_where_frames_overlap_each_event_is_told_once(site, alpha, page):
    """After a second resume a frame may bring what the page has heard, and what it has not."""

    def wire(here) -> None:
        there = here.connect_to_server()

        def pass_on(message: str) -> None:
            here.send(message)
            said = json.loads(message)
            if events := [event for event in said.get("events", ()) if event.get("loudness") == "notice"]:
                newer = events[-1] | {"seq": said["seq"] + 1, "title": "Only here"}
                here.send(json.dumps(said | {"seq": newer["seq"], "events": [*events, newer]}))

        there.on_message(pass_on)

    page.route_web_socket(re.compile("/live/socket"), wire)
    admin = open_people(site, alpha, page)
    say_again(alpha, grant(alpha), loudness={"admin": "notice"})
    toasts = admin.locator("#toasts .toast-card")
    expect(toasts.filter(has_text="Only here")).to_have_count(1)
    expect(toasts).to_have_count(2)


def test_what_is_committed_between_the_page_and_its_socket_is_not_missed(site, alpha, page):
    late = []

    def delay(route) -> None:
        late.append(grant(alpha, "Late"))
        route.continue_()

    page.route(re.compile("/live.js$"), delay)
    admin = open_people(site, alpha, page)
    expect(admin.locator(row(late[0], "#members"))).to_be_visible()


def test_a_region_about_one_patient_is_not_fetched_for_another(admin, alpha):
    mine, other = uuid.uuid4(), uuid.uuid4()
    membership = grant(alpha)
    expect(admin.locator(row(membership, "#members"))).to_be_visible()
    admin.wait_for_timeout(3000)  # what was under way before is fetched
    admin.evaluate(
        """(mine) => {
            for (const region of document.querySelectorAll("[data-live-on]")) region.removeAttribute("data-live-on");
            const members = document.getElementById("members");
            Object.assign(members.dataset, { liveOn: "user:changed", liveAbout: mine });
            members.querySelector("h2").textContent = "old";
        }""",
        str(mine),
    )
    say_again(alpha, membership, patient_id=other)
    admin.wait_for_timeout(1000)
    expect(admin.locator("#members h2")).to_have_text("old")
    say_again(alpha, membership, patient_id=mine)
    expect(admin.locator("#members h2")).to_have_text("Who works here")


def test_more_than_500_missed_events_are_fetched_as_a_page(site, alpha, page, django_db_setup):
    admin = open_people(site, alpha, page)
    admin.context.set_offline(True)
    admin.evaluate("document.querySelector('#members h2').textContent = 'old'")
    sign_in_often(alpha, 501)
    membership = grant(alpha)
    admin.context.set_offline(False)
    expect(admin.locator(row(membership, "#members"))).to_be_visible(timeout=20000)
    expect(admin.locator("#members h2")).to_have_text("Who works here")


def test_no_error_reaches_the_console(site, alpha, page):
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    open_people(site, alpha, page)
    grant(alpha)
    page.wait_for_timeout(1000)
    assert said == []


def test_one_page_too_many_says_so_and_follows_once_another_is_closed(site, alpha, page):
    cookie, path = cookie_of(alpha, "admin"), f"{alpha.url}/live/socket"
    name, value = cookie.split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    with ExitStack() as others:
        for _ in range(SOCKETS):
            others.enter_context(dial(site, path, cookie=cookie))
        page.goto(f"{site.url}{alpha.url}/people/")
        expect(page.locator("#stale")).to_contain_text("Too many pages are open")
    is_live(page, seconds=90)
    expect(page.locator("#stale")).to_be_hidden()

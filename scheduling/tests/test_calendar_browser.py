"""The calendar in Chromium: moved with the mouse and the keys, and the same on every screen."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from hospital.tests.windows import TELEPHONE
from hospital.workflow import IllegalMove, Refused
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site, wait_until
from realtime.tests.test_browser import is_live
from scheduling.models import Appointment, Hold, OpeningHours
from scheduling.moments import Span, begin_of
from scheduling.tests.desks import Desk, a_type

pytestmark = pytest.mark.browser
STATE = """async () => {
    const read = (root) => [...root.querySelectorAll("#calendar .cal-item")].map((one) => [
        one.closest(".cal-column").querySelector("h2").textContent, one.id, one.dataset.v,
        ...[...one.classList].filter((name) => /^(h|m|lh|lm|lane|of|tone)-/.test(name)).sort(),
        one.textContent.replace(/\\s+/g, " ").trim()].join(" ")).sort();
    const fresh = await (await fetch(location.href, { headers: { "X-Live-Refresh": "1" }, cache: "no-store" })).text();
    return [read(document), read(new DOMParser().parseFromString(fresh, "text/html"))];
}"""
OPERATIONS = 200


class Office(Desk):
    """A house whose clock shows early morning now, open from eight to six; the doctor and the desk look at its calendar."""

    def __init__(self, hospital, site: Site, browser: Browser) -> None:
        super().__init__(hospital, time_zone=early_zone())
        self.site, self.browser, self.pages = site, browser, []
        with hospital.acting():
            for weekday in range(7):
                OpeningHours(location=self.location, weekday=weekday, begins="08:00", ends="18:00").save()

    def at(self, hour: int, minute: int = 0) -> datetime:
        return begin_of(self.location.today(), time(hour, minute), self.location.zone)

    def open(self, role: str, query: str = "", size: tuple[int, int] = (1440, 1500)) -> Page:
        context = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
        name, value = cookie_of(self.hospital, role).split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": self.site.url}])
        page = context.new_page()
        page.goto(f"{self.site.url}{self.hospital.url}/calendar/{query}")
        is_live(page)
        self.pages.append(page)
        return page

    def rows(self) -> dict[str, Appointment]:
        """The active ones, by their patient."""
        with self.hospital.acting():
            return {str(row.patient_id): row for row in Appointment.objects.active().select_related("provider")}

    def now(self, row: Appointment) -> Appointment:
        return self.rows()[str(row.patient_id)]


def early_zone() -> str:
    ahead = 6 - timezone.now().hour
    ahead = ahead if ahead >= -12 else ahead + 24
    return f"Etc/GMT{-ahead:+d}"


@pytest.fixture
def office(alpha, site, browser):
    made = Office(alpha, site, browser)
    yield made
    for page in made.pages:
        page.context.close()


def block(page: Page, row: Appointment) -> Locator:
    return page.locator(f"#open-{row.pk}")


def by_patient(page: Page, row: Appointment) -> Locator:
    return page.locator(".cal-block", has_text=row.patient.name)


def column(page: Page, provider) -> Locator:
    return page.locator(f'.cal-column[data-provider="{provider.pk}"]')


def hold_and_drag(page: Page, taken: Locator, right: float = 0, down: float = 0, *, at_edge: bool = False) -> None:
    """Pressed and moved, and not yet let go."""
    taken.scroll_into_view_if_needed()
    box = taken.bounding_box()
    x, y = box["x"] + 30, box["y"] + (box["height"] - 3 if at_edge else 8)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y + 8)
    page.mouse.move(x + right, y + down, steps=4)


def drag(page: Page, taken: Locator, right: float = 0, down: float = 0, *, at_edge: bool = False) -> None:
    hold_and_drag(page, taken, right, down, at_edge=at_edge)
    page.mouse.up()


def hour(page: Page) -> float:
    return page.evaluate(
        "$('.cal-body').getBoundingClientRect().height / ($('#calendar').dataset.last - $('#calendar').dataset.first)"
    )


def width(page: Page) -> float:
    return page.evaluate("$('.cal-column').getBoundingClientRect().width")


def test_it_is_dragged_to_another_time_and_provider_and_everybody_sees_it_and_undo_takes_it_back(office):
    row = office.book(office.at(9), provider=office.checker)
    page, other = office.open("reception"), office.open("main_doctor")
    order = page.locator(".cal-column").evaluate_all("all => all.map(one => one.dataset.provider)")
    step = 1 if order.index(str(office.checker.pk)) == 0 else -1
    drag(page, block(page, row), right=step * width(page), down=2 * hour(page))
    expect(page.locator(".toast-card")).to_contain_text("Moved")
    moved = office.now(row)
    assert (moved.begins_at, moved.provider) == (office.at(11), office.doctor)
    expect(column(other, office.doctor).locator(f"#open-{moved.pk}")).to_contain_text("11:00")
    expect(block(other, row)).to_have_count(0)
    page.locator(".toast-card button", has_text="Undo").click()
    expect(column(other, office.checker).locator(".cal-block")).to_contain_text("09:00")
    assert (office.now(row).begins_at, office.now(row).provider) == (office.at(9), office.checker)


def test_its_lower_edge_is_dragged_to_make_it_longer(office):
    row = office.book(office.at(9))
    page = office.open("reception")
    drag(page, block(page, row), down=hour(page) / 2, at_edge=True)
    expect(page.locator(".toast-card")).to_contain_text("60 min")
    assert office.now(row).minutes == 60


def test_a_click_opens_it_and_a_drag_that_ends_where_it_began_changes_nothing(office):
    row = office.book(office.at(9))
    page = office.open("reception")
    hold_and_drag(page, block(page, row), down=hour(page))
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".is-moving")).to_have_count(0)
    assert office.now(row).pk == row.pk
    block(page, row).click()
    page.wait_for_url(f"**/appointments/{row.pk}/")


def test_the_keys_move_it_and_the_focus_goes_with_it(office):
    row = office.book(office.at(9))
    page = office.open("reception")
    block(page, row).focus()
    for key in ("m", "ArrowDown", "ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#calendar-says")).to_contain_text("09:30 to 10:15")
    page.keyboard.press("Enter")
    expect(page.locator(".toast-card")).to_contain_text("Moved")
    moved = office.now(row)
    assert (moved.begins_at, moved.minutes) == (office.at(9, 30), 45)
    expect(block(page, moved)).to_be_focused()
    expect(block(page, moved)).to_have_attribute("data-begins", "570")


def test_escape_takes_a_move_by_keys_back(office):
    row = office.book(office.at(9))
    page = office.open("reception")
    block(page, row).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("#calendar-says")).to_contain_text("Nothing was changed")
    expect(page.locator(f"#block-{row.pk}.at-h-9.at-m-0")).to_be_visible()
    expect(block(page, row)).to_be_focused()
    assert office.now(row).pk == row.pk


def test_a_drop_on_another_goes_back_and_offers_the_next_free_slots(office):
    row, other = office.book(office.at(9)), office.book(office.at(11))
    page = office.open("reception")
    drag(page, block(page, row), down=2 * hour(page))
    toast = page.locator('.toast-card[data-loudness="problem"]')
    expect(toast).to_contain_text("is taken at this time")
    expect(page.locator(f"#block-{row.pk}.at-h-9.at-m-0")).to_be_visible()
    assert office.now(row).pk == row.pk and office.now(other).pk == other.pk
    toast.locator("button.btn").first.click()
    expect(page.locator(".toast-card")).to_contain_text("Moved")
    assert office.now(row).pk != row.pk


def test_a_drop_outside_the_hours_asks_first(office):
    row = office.book(office.at(17))
    office.book(office.at(18), outside=True)
    office.book(office.at(20), outside=True, provider=office.checker)
    page = office.open("reception")
    drag(page, block(page, row), down=2 * hour(page))
    expect(page.locator("#confirm")).to_contain_text("does not work at this time")
    page.locator("#confirm button", has_text="Move there").click()
    expect(page.locator(".toast-card")).to_contain_text("Moved")
    assert office.now(row).begins_at == office.at(19)


def test_what_somebody_holds_or_takes_shows_on_the_other_screen_and_vanishes_again(office):
    page = office.open("main_doctor")
    with office.hospital.acting("reception") as acting:
        hold = Hold.place(office.doctor, Span(office.at(9), office.at(10)), by=acting.person)
    expect(page.locator(f"#hold-{hold.pk}")).to_contain_text("Held by Reception")
    row = office.book(office.at(9))
    expect(by_patient(page, row)).to_be_visible()
    expect(page.locator(f"#hold-{hold.pk}")).to_have_count(0)
    with office.hospital.acting("reception") as acting:
        ends = timezone.now() + timedelta(seconds=12)
        over = Hold.place(office.doctor, Span(office.at(14), office.at(15)), by=acting.person, until=ends)
    expect(page.locator(f"#hold-{over.pk}")).to_have_count(1)
    expect(page.locator(f"#hold-{over.pk}")).to_have_count(0)


def test_nothing_is_replaced_under_the_hand(office):
    row = office.book(office.at(9))
    page = office.open("reception")
    hold_and_drag(page, block(page, row), down=hour(page))
    expect(page.locator(".is-moving")).to_have_count(1)
    with page.expect_response(lambda answer: "/calendar/" in answer.url and answer.request.method == "GET"):
        later = office.book(office.at(14), role="main_doctor")
    page.mouse.move(10, 10)
    expect(page.locator(f".is-moving #open-{row.pk}")).to_have_count(1)
    expect(block(page, later)).to_have_count(0)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(block(page, later)).to_be_visible()


def test_a_press_on_an_empty_place_books_there(office):
    page = office.open("reception")
    place = column(page, office.doctor).locator(".cal-body")
    place.click(position={"x": 40, "y": hour(page) * 2 + 5})
    page.wait_for_url("**/appointments/book/**")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["provider"] == [str(office.doctor.pk)]
    assert datetime.fromisoformat(asked["begins"][0]) == office.at(10)


def test_on_a_telephone_it_is_a_list_of_the_day_that_scrolls_nowhere_sideways(office):
    row = office.book(office.at(9))
    page = office.open("reception", size=TELEPHONE)
    expect(by_patient(page, row)).to_be_in_viewport()
    expect(page.locator(".cal-picker")).to_be_visible()
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    page.locator(".cal-picker").select_option(label=str(office.checker))
    page.wait_for_url(f"**provider={office.checker.pk}**")
    expect(by_patient(page, row)).to_have_count(0)


# --- two screens and the server tell the same ----------------------------------------------


class Crowd:
    """Somebody does something, by chance; what is refused is refused."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.chance, self.done = office, random.Random(seed), 0
        with office.hospital.acting():
            self.types = [
                office.type,
                a_type("Quick", minutes=15, needs_room=False),
                a_type("Group", capacity=3, needs_room=False),
            ]
        self.patients = [office.patient() for _ in range(12)]

    def act(self) -> None:
        role = self.chance.choice(("reception", "main_doctor"))
        with suppress(Refused, IllegalMove, PermissionDenied), self.office.hospital.acting(role) as acting:
            self.chance.choice((self.book, self.book, self.move, self.resize, self.cancel, self.check_in, self.hold))(
                acting.person
            )
            self.done += 1

    def when(self) -> datetime:
        return self.office.at(self.chance.randrange(8, 17), self.chance.choice((0, 15, 30, 45)))

    def provider(self):
        return self.chance.choice((self.office.doctor, self.office.checker))

    def one(self) -> Appointment:
        rows = list(Appointment.objects.filter(status="booked").order_by("serial"))
        if not rows:
            raise Refused("There is none.")
        return self.chance.choice(rows)

    def book(self, by) -> None:
        patient, type = self.chance.choice(self.patients), self.chance.choice(self.types)
        Appointment.book(patient, type, self.provider(), self.when(), by=by)

    def move(self, by) -> None:
        self.one().reschedule(self.when(), by=by, provider=self.provider())

    def resize(self, by) -> None:
        self.one().resize(self.chance.choice((15, 30, 45, 60)), by=by)

    def cancel(self, by) -> None:
        self.one().cancel("Cannot come", by=by)

    def check_in(self, by) -> None:
        self.one().check_in(by=by)

    def hold(self, by) -> None:
        begins = self.when()
        Hold.place(self.provider(), Span(begins, begins + timedelta(minutes=30)), by=by)


def agree(pages: list[Page]) -> list[str]:
    """Wait until all show the same, which is what the server would show now."""
    shown: list[list[str]] = []

    def same() -> bool:
        shown[:] = [one for page in pages for one in page.evaluate(STATE)]
        return all(one == shown[0] for one in shown)

    wait_until(same, 60, "the calendars differ")
    return shown[0]


def test_two_calendars_are_equal_to_each_other_and_to_the_server_after_200_random_operations(office):
    crowd = Crowd(office, seed=4)
    pages = [office.open("reception"), office.open("main_doctor")]
    for number in range(1, OPERATIONS + 1):
        crowd.act()
        if number % 50 == 0:
            shown = agree(pages)
    assert crowd.done > OPERATIONS / 3
    assert len(shown) >= 5

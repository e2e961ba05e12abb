"""Every page of the house in Chromium, as somebody who may open it: read aloud, light and dark, at a desk and on a telephone.

The inventory comes from the resolver, so a new address is tried without being listed here. Pictures of all pages are
left in $HOSPITAL_PICTURES.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from billing.models import Charge, Payment
from billing.views.analytics import TABS
from clinical.models import Batch, Policy
from hospital.access import Entry, entries, is_admin
from hospital.permits import MEMBER
from hospital.roles import ROLE_KEYS
from hospital.tests.hospital import Hospital
from hospital.tests.world import World
from realtime.alerts.models import Alert
from realtime.tests.server import Site
from scheduling.picking import key_of
from scheduling.tests.desks import morning

pytestmark = pytest.mark.browser
PICTURES = Path(os.environ.get("HOSPITAL_PICTURES") or settings.BASE_DIR / ".state/pictures/pages")
DESK, TELEPHONE = (1440, 900), (390, 844)

NO_PAGES = {
    "alerts:report_csv": "a file to download",
    "alerts:waiting": "the fragments of the frame: banners and counts",
    "billing:analytics_csv": "a file to download",
    "clinical:document": "a file, shown by the browser itself",
    "clinical:find_patient": "a fragment for the search line of the front desk",
    "clinical:here": "a word for an open page: it may still say that it is here",
    "clinical:patient_duplicates": "a fragment: the warning while somebody types",
    "clinical:icd10": "a fragment for the look-up of codes",
    "clinical:diagnosis_row": "a fragment: one more row of a form",
    "clinical:line_row": "a fragment: one more row of a form",
    "home": "leads on to the first place of the role",
    "realtime:socket": "a WebSocket",
    "scheduling:appointment_file": "a file for the patient's own calendar",
    "scheduling:reports_csv": "a file to download",
    "scheduling:import_result": "a file to download",
    "scheduling:import_template": "a file to download",
    "scheduling:find_patient": "a fragment for the search line of a booking",
}
WATCH = """
    window.faults = [];
    document.addEventListener("securitypolicyviolation", (event) => faults.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    new PerformanceObserver((list) => list.getEntries().filter((entry) => !entry.hadRecentInput).forEach((entry) =>
        faults.push("moved: " + entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? node?.nodeValue)))
    ).observe({ type: "layout-shift", buffered: true });
"""
LOOK = """() => ({
    h1: [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility()).length,
    twice: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
    title: document.title,
    width: document.documentElement.scrollWidth,
    faults: window.faults,
})"""


@dataclass
class House:
    """A hospital at work, and a window for each role that looks at it."""

    browser: Browser
    site: Site
    world: World
    windows: dict[str, Window] = field(default_factory=dict)

    def window(self, role: str) -> Window:
        if role not in self.windows:
            self.windows[role] = Window(self, role)
        return self.windows[role]

    def close(self) -> None:
        for window in self.windows.values():
            window.page.context.close()

    def visit(self, station: str) -> str:
        return str(self.world.visits[station].pk)

    def first(self, rows: Callable) -> str:
        with self.world.hospital.acting():
            return str(rows().first().pk)


class Window:
    """What one role sees, and what the browser complained about meanwhile."""

    def __init__(self, house: House, role: str) -> None:
        hospital = house.world.hospital
        context = house.browser.new_context(reduced_motion="reduce")
        session = hospital.client(role).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": house.site.url}])
        context.add_init_script(WATCH)
        self.base, self.page, self.complaints = f"{house.site.url}{hospital.url}/", context.new_page(), []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.complaints.append(f"console: {line.text}")

    def open(self, path: str, size: tuple[int, int] = DESK, theme: str = "light") -> Page:
        self.complaints.clear()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=theme)
        answer = self.page.goto(self.base + path)
        assert answer.status == 200, f"{path} answers {answer.status}"
        self.page.evaluate("document.fonts.ready")
        return self.page


@pytest.fixture(scope="module")
def house(browser, site, django_db_blocker) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = House(browser, site, World(Hospital("Looks")))
        yield opened
        opened.close()


# --- which row, and who -------------------------------------------------------------------

STATIONS = {
    "billing:take_payment": "registered",
    "billing:waive_account": "registered",
    "clinical:visit_override": "registered",
    "clinical:visit_cancel": "registered",
    "clinical:visit_leave": "registered",
    "clinical:visit_reopen": "cancelled",
    "clinical:examine": "paid",
    "clinical:token": "paid",
    "clinical:consult": "lab_done",
    "clinical:lab_visit": "lab_pending",
}
ROWS: dict[str, Callable[[House], str]] = {
    "alerts": lambda house: house.first(Alert.objects.all),
    "laboratory/tests": lambda house: house.first(house.world.visits["lab_done"].lab_orders.all),
    "prescriptions": lambda house: house.first(house.world.visits["prescribed"].prescriptions.all),
    "stock": lambda house: str(house.world.medicine.pk),
    "stock/batches": lambda house: house.first(lambda: Batch.objects.all()),
    "charges": lambda house: house.first(lambda: Charge.objects.filter(visit=house.world.visits["registered"])),
    "receipts": lambda house: house.first(lambda: Payment.objects.all()),
    "patients": lambda house: str(house.world.visits["done"].patient_id),
    "appointments": lambda house: str(house.world.desk.appointments["booked"].pk),
    "appointments/import": lambda house: str(house.world.desk.list.pk),
    "appointments/setup/providers": lambda house: str(house.world.desk.doctor.pk),
    "series": lambda house: str(house.world.desk.series.pk),
    "policies": lambda house: house.first(lambda: Policy.objects.all()),
    "prescriptions/lines": lambda house: line_of(house, "prescribed"),
}
# Where not every role that may open the address finds this row there.
ROLES = {"alerts:alert": "main_doctor", "alerts:acknowledge": "main_doctor"}
BY_NAME: dict[str, Callable[[House], str]] = {
    "scheduling:to_room": lambda house: str(house.world.desk.appointments["arrived"].pk),
    "scheduling:check_out": lambda house: str(house.world.desk.appointments["with_provider"].pk),
    "scheduling:series_move": lambda house: house.first(house.world.desk.series.appointments.all),
    "clinical:lab_cancel": lambda house: house.first(house.world.visits["lab_pending"].lab_orders.all),
    "clinical:lab_reject": lambda house: house.first(house.world.visits["resulted"].lab_orders.all),
    "clinical:line_take_back": lambda house: line_of(house, "done"),
}
VISITS_SEEN = [
    ("reception", "registered"),
    ("reception", "prescribed"),
    ("checker_doctor", "paid"),
    ("lab_technician", "lab_pending"),
    ("main_doctor", "lab_done"),
    ("pharmacy", "prescribed"),
    ("billing", "registered"),
    ("admin", "done"),
    ("admin", "cancelled"),
]


# What an address must carry to show anything.
QUERIES: dict[str, Callable[[House], str]] = {
    "scheduling:last_step": lambda house: chosen(house),
    "scheduling:series_new": lambda house: chosen(house),
}


def chosen(house: House) -> str:
    """A patient, a type and a time in the address of a booking."""
    desk = house.world.desk
    return f"?{of_booking(house)}&at={key_of(desk.doctor, morning(5, 9))}"


def of_booking(house: House) -> str:
    return f"patient={house.world.visits['done'].patient_id}&type={house.world.desk.type.pk}"


def line_of(house: House, station: str) -> str:
    return house.first(lambda: house.world.visits[station].prescriptions.get().lines.all())


def row_for(entry: Entry) -> Callable[[House], str]:
    """The row by the noun before the id in the address."""
    noun = entry.route.partition("/<uuid:")[0]
    if entry.name in BY_NAME:
        return BY_NAME[entry.name]
    if noun in ("visits", "laboratory/visits"):
        return lambda house: house.visit(STATIONS.get(entry.name, "prescribed"))
    return ROWS[noun]


@dataclass(frozen=True)
class Case:
    """One address as one role sees it."""

    name: str
    role: str
    path: Callable[[House], str]

    @property
    def picture(self) -> str:
        return self.name.replace(":", "-").replace(" ", "-")


def cases() -> Iterator[Case]:
    for entry in entries():
        if "GET" in entry.methods and not is_admin(entry) and entry.name not in NO_PAGES:
            yield from cases_of(entry)
    for role, station in VISITS_SEEN:
        yield Case(f"visit {station} {role}", role, partial(visit_path, station=station))
    for role in ("reception", "pharmacy", "lab_technician", "main_doctor"):
        yield Case(f"patient {role}", role, lambda house: f"patients/{ROWS['patients'](house)}/")
    for state in ("arrived", "cancelled", "no_show", "rescheduled"):
        yield Case(f"appointment {state}", "reception", partial(appointment_path, state=state))
    for name in ("book", "walk-in"):
        yield Case(f"{name} patient", "reception", lambda house, name=name: f"appointments/{name}/?{of_booking(house)}")
    yield Case("search found", "reception", lambda house: f"search/?q={house.world.mark}")
    yield Case(
        "medicines found", "main_doctor", lambda house: f"visits/{house.visit('checked')}/consult/medicines/?q=amox"
    )


def cases_of(entry: Entry) -> Iterator[Case]:
    role = most_fitting(entry)
    if "<uuid:" in entry.route:
        row = row_for(entry)
        yield Case(entry.name, role, lambda house: re.sub("<[^>]+>", row(house), entry.route))
    elif entry.name == "billing:analytics_tab":
        for tab in TABS:
            yield Case(f"{entry.name} {tab}", role, lambda house, tab=tab: f"analytics/{tab}/")
    else:
        query = QUERIES.get(entry.name, lambda house: "")
        yield Case(entry.name, role, lambda house: entry.route + query(house))


def most_fitting(entry: Entry) -> str:
    """Not the administrator, where somebody else works there."""
    if entry.name in ROLES:
        return ROLES[entry.name]
    others = [role for role in ROLE_KEYS if role in entry.roles and role != "admin"]
    return others[-1] if entry.permission != MEMBER and others else "admin"


def appointment_path(house: House, state: str) -> str:
    return f"appointments/{house.world.desk.appointments[state].pk}/"


def visit_path(house: House, station: str) -> str:
    return f"visits/{house.visit(station)}/"


CASES = list(cases())
in_each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


# --- what must hold everywhere ------------------------------------------------------------


def faults_of_reading(page: Page) -> list[tuple[str, str]]:
    return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in Axe().run(page).response["violations"]]


def seen(window: Window, width: int) -> list[str]:
    """What is wrong with the page as it stands, in words."""
    look = window.page.evaluate(LOOK)
    wrong = [*window.complaints, *look["faults"], *(f"id twice: {one}" for one in look["twice"])]
    if look["h1"] != 1:
        wrong.append(f"{look['h1']} headings of the first level")
    if not look["title"].strip(" ·"):
        wrong.append("no title")
    if look["width"] > width:
        wrong.append(f"scrolls sideways: {look['width']} px on {width}")
    return wrong


def take_picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@in_each_case
def test_a_page_is_sound(house, case):
    window, path, wrong = house.window(case.role), case.path(house), []
    for name, size, theme in (("wide", DESK, "light"), ("narrow", TELEPHONE, "dark")):
        page = window.open(path, size, theme)
        wrong += [f"{name} and {theme}: {fault}" for fault in faults_of_reading(page)]
        wrong += seen(window, size[0])
        take_picture(page, f"{case.picture}-{name}")
    assert not wrong, "\n".join(wrong)


# --- by keyboard --------------------------------------------------------------------------

AT_WORK = [
    ("reception", "front-desk/"),
    ("reception", "visits/{registered}/"),
    ("checker_doctor", "visits/{paid}/examine/"),
    ("lab_technician", "laboratory/visits/{lab_pending}/"),
    ("main_doctor", "visits/{lab_done}/consult/"),
    ("pharmacy", "dispensing/"),
    ("billing", "payments/"),
]
at_work = pytest.mark.parametrize(("role", "path"), AT_WORK, ids=[path for _, path in AT_WORK])
FOCUSED = """async () => {
    await Promise.all(document.getAnimations().map((one) => one.finished));
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const ringed = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    return {words: one.outerHTML.slice(0, 120), left: one === document.body, ringed, within: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
}"""
KEYS = """() => [...document.querySelectorAll("main [data-key], header [data-key]")].filter((one) => one.checkVisibility()).map((one) => one.dataset.key)"""


def walked(page: Page, steps: int) -> Iterator[dict]:
    for _ in range(steps):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["left"]:
            return
        yield found


@at_work
def test_the_keyboard_reaches_everything_and_shows_where_it_is(house, role, path):
    page = house.window(role).open(path.format(**{name: visit.pk for name, visit in house.world.visits.items()}))
    page.evaluate("document.activeElement.blur()")
    stops = list(walked(page, 150))
    assert len(stops) > 8
    assert [stop["words"] for stop in stops if not (stop["ringed"] and stop["within"])] == []


@at_work
def test_the_keys_of_a_page_are_listed(house, role, path):
    page = house.window(role).open(path.format(**{name: visit.pk for name, visit in house.world.visits.items()}))
    page.evaluate("document.activeElement.blur()")
    own = page.evaluate(KEYS)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert set(own) <= set(page.locator("#keys kbd").all_inner_texts())
    assert len(own) == len(set(own)), "no key means two things"


def test_the_way_past_the_frame_is_seen_only_with_the_focus(house):
    page = house.window("reception").open("front-desk/")
    skip = page.locator(".skip")
    page.evaluate("document.activeElement.blur()")
    expect(skip).not_to_be_in_viewport()
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


# --- on paper -----------------------------------------------------------------------------

PAPERS = {
    "clinical:token": (80, 90),
    "scheduling:slip": (80, 90),
    "clinical:prescription_print": (148, 210),
    "billing:receipt": (148, 210),
    "clinical:chart_print": (210, 297),
}


@pytest.mark.parametrize("name", PAPERS)
def test_paper_has_its_real_size_and_nothing_of_the_screen(house, name):
    case = next(case for case in CASES if case.name == name)
    page = house.window(case.role).open(case.path(house))
    expect(page.get_by_role("link", name="Back")).to_be_visible()
    page.emulate_media(media="null")  # the page before may have been left as paper
    pdf = page.pdf(prefer_css_page_size=True).decode("latin-1")
    box = pdf.partition("/MediaBox [0 0 ")[2].partition("]")[0].split()
    assert tuple(round(float(points) / 72 * 25.4) for points in box) == PAPERS[name]
    assert pdf.count("/Type /Page\n") == 1
    page.emulate_media(media="print")
    expect(page.locator(".paper-bar")).to_be_hidden()
    take_picture(page, f"{case.picture}-paper")
    page.emulate_media(media="screen")


def test_what_is_left_out_is_there_and_is_no_page():
    """So that the list of exceptions does not outlive them."""
    assert {entry.name for entry in entries()} >= set(NO_PAGES)

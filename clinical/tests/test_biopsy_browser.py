"""A biopsy in Chromium: ordered by a click on the body map and taken; and two pages that end alike, whatever happened."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from clinical.models import Biopsy, BiopsyReview, BiopsyTelling, PathologyReport, RebiopsyTask, Visit
from clinical.models.biopsy_taking import TIME_OUT
from clinical.tests.pathology import PLAN, a_laboratory, codes
from clinical.tests.test_laboratory_browser import signed_in
from clinical.tests.wards import a_patient, a_visit, fresh
from hospital.workflow import IllegalMove, Refused

pytestmark = pytest.mark.browser
S = Biopsy.Status
STEPS, MANY = 200, 8
ROWS = """() => [...document.querySelectorAll("#biopsies tr[id^=biopsy-]")]
    .map((row) => [row.id, row.dataset.v, row.querySelector("[data-label=Status]").innerText.trim()].join(" ")).sort()"""


@pytest.fixture
def visit(alpha) -> Visit:
    a_laboratory(alpha)
    with alpha.acting("reception"):
        return a_visit(a_patient())


def test_it_is_ordered_by_a_click_and_taken_beside_the_patient(site, alpha, page: Page, visit):
    with alpha.acting():
        number, address = visit.patient.number, f"{site.url}{alpha.url}/visits/{visit.pk}/"
    signed_in(site, alpha, page, "main_doctor").goto(address)
    page.get_by_role("link", name="Order a biopsy").click()
    back = page.locator(".body-site[data-site=upper_back]")
    box = back.bounding_box()
    assert box
    for share, side in ((0.75, "right"), (0.5, "midline"), (0.25, "left")):
        back.click(position={"x": box["width"] * share, "y": box["height"] / 2})
        expect(page.get_by_label("Laterality")).to_have_value(side)
    page.locator(".body-site[data-site=forearm_front][data-side=left]").click()
    expect(page.locator(".body-mark")).to_have_count(1)
    expect(page.get_by_label("Site")).to_have_value("forearm_front")
    expect(page.get_by_label("Laterality")).to_have_value("left")
    page.get_by_label("Punch").check()
    page.get_by_label("Clinical question").fill("Melanoma?")
    page.get_by_role("button", name="Order the biopsy").click()
    expect(page.locator("main")).to_contain_text("Forearm, palm side, left")
    page.get_by_role("link", name="Take the biopsy").click()
    page.get_by_label("Wristband or patient number").fill(number)
    page.get_by_label("Date of birth", exact=True).fill("1990-03-13")
    page.get_by_role("button", name="This is the patient").click()
    expect(page.locator(".scan-refused")).to_contain_text("Stop.")
    page.get_by_label("Wristband or patient number").fill(number)
    page.get_by_label("Date of birth", exact=True).fill("1990-03-12")
    page.get_by_role("button", name="This is the patient").click()
    for point in TIME_OUT.values():
        page.get_by_label(point).check()
    page.get_by_label("Together with").fill("Nurse Ray")
    page.get_by_role("button", name="Each point is confirmed").click()
    page.get_by_role("button", name="Print the labels").click()
    box = page.locator(".sheet").first.bounding_box()
    assert box and (round(box["width"] / 96 * 25.4), round(box["height"] / 96 * 25.4)) == (60, 30)
    page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="Take the biopsy").click()
    page.get_by_label("Where it was taken").fill("Room 1")
    page.get_by_role("button", name=re.compile("It is taken")).click()
    expect(page.locator("#biopsy .marks")).to_contain_text("Collected")


FORWARD = {
    S.ORDERED: "collect",
    S.COLLECTED: "send",
    S.SENT: "receive",
    S.RECEIVED: "process",
    S.PROCESSING: "result",
    S.RESULTED: "review",
    S.REVIEWED: "tell",
}
OF_DOCTORS = ("review", "tell", "close")
WAYS = {"order", *FORWARD.values(), "close", "lose", "find", "order_again", "decline", "end", "correct"}


class Chance:
    """Two people at once, each at a step of chance that the tables allow. What nobody did yet comes first."""

    def __init__(self, hospital: Any, visit: Visit) -> None:
        self.hospital, self.visit, self.codes = hospital, visit, codes(hospital)
        self.laboratory = a_laboratory(hospital)
        self.done: Counter[str] = Counter()

    def work(self, role: str, steps: int) -> None:
        chance = Random(role)
        try:
            for _ in range(steps):
                self.step(role, chance)
        finally:
            connection.close()

    def step(self, role: str, chance: Random) -> None:
        try:
            with self.hospital.acting(role) as acting:
                row, verb = self.chosen(role, chance)
                getattr(self, verb)(row, acting.person)
        except (IllegalMove, Refused):
            verb = "came too late"
        self.done[verb] += 1

    def chosen(self, role: str, chance: Random) -> tuple[Any, str]:
        rows = list(Biopsy.objects.open().order_by("serial"))
        if role == "main_doctor" and len(rows) < MANY and (not rows or chance.random() < 0.2):
            return None, "order"
        possible = [(row, verb) for row in rows for verb in self.verbs(row, role)]
        new = [one for one in possible if not self.done[one[1]]]
        often = [one for one in possible if one[1] not in ("lose", "correct") or chance.random() < 0.2]
        return chance.choice(new or often or [(rows[0], "touch")]) if rows else (None, "wait")

    def verbs(self, row: Biopsy, role: str) -> list[str]:
        is_doctor = role == "main_doctor"
        if row.has_failed:
            if RebiopsyTask.objects.open().filter(biopsy=row).exists():
                return ["find", *(["order_again", "decline"] if is_doctor else [])]
            return ["end"] if is_doctor else []
        verb = FORWARD[S(row.status)]
        if verb == "tell" and row.tellings.filter(report=row.report_id).exists():
            verb = "close"
        found = [verb] if is_doctor or verb not in OF_DOCTORS else []
        return found + (["lose"] if S.LOST in row.moves() else []) + (["correct"] if verb == "review" else [])

    def wait(self, row: None, by: Any) -> None:
        """Nothing is ordered yet."""

    def touch(self, row: Biopsy, by: Any) -> None:
        row.touch()

    def order(self, row: None, by: Any) -> None:
        where = {"site": "face", "x": "100", "y": "34", "laboratory": self.laboratory}
        Biopsy.order(fresh(self.visit), by=by, specimens=["A", "B"], kind="shave", question="?", **where)

    def collect(self, row: Biopsy, by: Any) -> None:
        row.identify(row.patient.number, row.patient.birth_date, by=by)
        row.take_time_out(TIME_OUT, together_with="Ray", by=by)
        for part in row.specimens:
            part.print_label(by=by)
        row.collect("Room 1", by=by)

    def send(self, row: Biopsy, by: Any) -> None:
        row.send("Otto", by=by)

    def receive(self, row: Biopsy, by: Any) -> None:
        row.receive("Bench", by=by)

    def process(self, row: Biopsy, by: Any) -> None:
        row.process("Bench", by=by)

    def result(self, row: Biopsy, by: Any) -> None:
        code = self.codes["MM" if row.serial % 3 == 0 else "NEVUS"]
        PathologyReport.enter(row, by=by, source="hand", code=code, text="Sections show")

    def correct(self, row: Biopsy, by: Any) -> None:
        text = f"Deeper sections {row.reports.count()}"
        PathologyReport.correct(row, "Deeper levels", by=by, source="hand", code=self.codes[row.report.code], text=text)

    def review(self, row: Biopsy, by: Any) -> None:
        code = self.codes[row.report.code]
        BiopsyReview.sign(row, code, code.follow_up, by=by, **PLAN)

    def tell(self, row: Biopsy, by: Any) -> None:
        BiopsyTelling.tell(row, "phone", "The patient", "What it is", by=by)

    def close(self, row: Biopsy, by: Any) -> None:
        row.close(by=by)

    def lose(self, row: Biopsy, by: Any) -> None:
        row.fail(S.LOST, "Nowhere", by=by)

    def task(self, row: Biopsy) -> RebiopsyTask:
        return row.rebiopsy_tasks.order_by("-created_at")[0]

    def find(self, row: Biopsy, by: Any) -> None:
        self.task(row).found("Behind the fridge", by=by)

    def order_again(self, row: Biopsy, by: Any) -> None:
        self.task(row).order_again(fresh(self.visit), by=by)

    def decline(self, row: Biopsy, by: Any) -> None:
        self.task(row).decline("The patient knows", by=by)

    end = close


def test_two_pages_end_alike_after_200_random_steps_of_two_at_once(site, alpha, browser: Browser, visit):
    chance = Chance(alpha, visit)
    chance.step("main_doctor", Random(0))
    pages = [browser.new_context().new_page() for _ in range(2)]
    log = f"{site.url}{alpha.url}/biopsies/?status=all"
    roles = ("main_doctor", "lab_technician")
    for page, role in zip(pages, roles, strict=True):
        signed_in(site, alpha, page, role).goto(log)
        expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    with ThreadPoolExecutor(2) as hands:
        for working in [hands.submit(chance.work, role, STEPS // 2) for role in roles]:
            working.result()
    assert set(chance.done) >= WAYS
    assert chance.done["came too late"] < STEPS // 4
    for page in pages:
        shown = page.context.new_page()
        shown.goto(log)
        wanted = shown.evaluate(ROWS)
        assert len(wanted) > MANY
        page.wait_for_function(f"(wanted) => JSON.stringify(({ROWS})()) === wanted", arg=as_json(wanted))
        shown.close()


def as_json(rows: list[str]) -> str:
    return "[" + ",".join(f'"{row}"' for row in rows) + "]"

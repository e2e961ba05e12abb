"""The chart in Chromium: two who look at it see the same, and a doctor writes it and walks along a plot by keyboard."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinical.models import Allergy, Observation, Problem
from clinical.tests.dispensary import load_codes
from clinical.tests.wards import a_patient
from realtime.tests.listening import cookie_of

pytestmark = pytest.mark.browser
SEED, STEPS = 20, 14
TITLES = "#chart tbody td.cell-title"


def opened(site, hospital, page: Page, role: str, path: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page.goto(f"{site.url}{hospital.url}{path}")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    return page


def at_random(hospital, patient, chance: random.Random) -> None:
    """Somebody else's step: a problem is recorded, renamed, resolved or taken back."""
    with hospital.acting("checker_doctor") as acting:
        rows = [row for row in Problem.objects.filter(patient=patient) if row.is_current]
        row, word = (chance.choice(rows) if rows else None), f"Problem {chance.randrange(10**6)}"
        step = chance.choice(("record", "record", "rename", "end", "mistake"))
        if row is None or step == "record":
            Problem.record(patient, by=acting.person, text=word)
        elif step == "rename":
            row.change(by=acting.person, text=word)
        elif step == "end":
            row.end(by=acting.person)
        else:
            row.take_back(by=acting.person, because="Not so")


def test_two_who_look_at_a_list_see_what_is_true_after_any_steps(site, alpha, page: Page, browser: Browser):
    chance = random.Random(SEED)
    with alpha.acting():
        patient = a_patient()
    path = f"/patients/{patient.pk}/chart/problems/?state=current"
    readers = [opened(site, alpha, page, "main_doctor", path)]
    readers.append(opened(site, alpha, browser.new_context().new_page(), "checker_doctor", path))
    for _ in range(STEPS):
        at_random(alpha, patient, chance)
    with alpha.acting():
        truth = sorted(row.text for row in Problem.objects.filter(patient=patient) if row.is_current)
        Allergy.record(patient, by=None, substance="Latex", criticality="high")
    for reader in readers:
        expect(reader.locator(TITLES)).to_have_count(len(truth))
        for text in truth:
            expect(reader.locator(TITLES, has_text=text)).to_have_count(1)
        expect(reader.locator(".patient-marks")).to_contain_text("Latex")


def test_a_doctor_writes_a_problem_and_walks_along_a_plot_that_grows(site, alpha, page: Page):
    load_codes()
    with alpha.acting():
        patient = a_patient()
        for days in (30, 20):
            Observation.take_vitals(
                patient, {"8867-4": Decimal(60 + days)}, by=None, at=timezone.now() - timedelta(days=days)
            )
    opened(site, alpha, page, "main_doctor", f"/patients/{patient.pk}/chart/problems/")
    page.keyboard.press("n")
    page.locator("#codes-q").fill("I10")
    page.locator(".lookup-option").first.click()
    expect(page.locator("#panel [name=code]")).to_have_value("I10")
    page.locator("#panel [name=onset]").fill("2019-05")
    page.locator("#panel .btn-primary").click()
    expect(page.locator(TITLES, has_text="hypertension")).to_have_count(1)
    page.goto(f"{site.url}{alpha.url}/patients/{patient.pk}/chart/results/?of=8867-4%7C/min")
    plot = page.locator("[data-plot] svg[tabindex]")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator(".plot-said")).to_contain_text("80 /min")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".plot-said")).to_contain_text("90 /min")
    page.locator("h1").click()
    with alpha.acting():
        Observation.take_vitals(patient, {"8867-4": Decimal(123)}, by=None, at=timezone.now())
    expect(page.locator("[data-plot] .plot-dot")).to_have_count(3)

"""Files and restricted charts in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from clinical.models import Document
from clinical.tests.papers import pdf, png
from clinical.tests.test_laboratory_browser import signed_in
from clinical.tests.wards import a_patient, a_visit

pytestmark = pytest.mark.browser


@pytest.fixture
def patient(alpha):
    with alpha.acting("reception"):
        patient = a_patient(given_name="Ada", family_name="Lovelace")
        a_visit(patient)
    return patient


def paper(name: str, content: bytes, mime: str = "application/pdf") -> dict:
    return {"name": name, "mimeType": mime, "buffer": content}


def test_several_files_go_up_one_by_one_a_lost_one_again_and_a_bad_one_is_named(site, alpha, page, patient):
    signed_in(site, alpha, page, "main_doctor").goto(f"{site.url}{alpha.url}/patients/{patient.pk}/documents/")
    page.get_by_role("link", name="Upload").click()
    panel = page.locator("#panel")
    files, camera = panel.get_by_label("Files", exact=True), panel.locator("[data-camera]")
    files.set_input_files([paper("letter.pdf", pdf()), paper("bad.pdf", b"<html>")])
    camera.set_input_files(paper("wound.png", png(), "image/png"))
    lines = panel.locator(".upload-list li")
    expect(lines).to_have_count(3)
    page.route("**/documents/upload/", lambda route: route.abort(), times=1)
    panel.get_by_role("button", name="Upload", exact=True).click()
    expect(lines.nth(0)).to_contain_text("The connection was lost")
    expect(lines.nth(1)).to_contain_text("“bad.pdf” is a web page")
    expect(lines.nth(2)).to_contain_text("Received")
    lines.nth(0).get_by_role("button", name="Send again").click()
    expect(lines.nth(0)).to_contain_text("Received")
    files.set_input_files([paper("later.pdf", pdf(b"later"))])
    panel.get_by_role("button", name="Upload", exact=True).click()
    expect(lines.nth(3)).to_contain_text("Received")
    expect(lines.nth(1)).to_contain_text("“bad.pdf” is a web page")
    lines.nth(1).get_by_role("button", name="Remove").click()
    expect(page.locator("#documents li.document")).to_have_count(3)
    with alpha.acting():
        assert sorted(Document.objects.values_list("title", flat=True)) == ["later", "letter", "wound"]


def test_a_restricted_chart_is_refused_granted_by_name_and_opens(site, alpha, page, patient):
    chart, trusted = f"{site.url}{alpha.url}/patients/{patient.pk}/", str(alpha.main_doctor.pk)
    signed_in(site, alpha, page, "admin").goto(f"{chart}access/")
    page.get_by_label("Reason").fill("Works here")
    page.get_by_role("button", name="Restrict").click()
    expect(page.get_by_text("Nobody may open it", exact=True)).to_be_visible()
    doctor = signed_in(site, alpha, page.context.browser.new_context().new_page(), "main_doctor")
    doctor.goto(chart)
    expect(doctor.get_by_role("main")).to_contain_text("is restricted")
    expect(doctor.locator("body")).not_to_contain_text("Lovelace")
    grant = page.get_by_label("Let a person open it")
    grant.get_by_label("Person").select_option(trusted)
    grant.get_by_label("Reason").fill("Treats her")
    grant.get_by_role("button", name="Grant").click()
    expect(page.locator("table")).to_contain_text("Treats her")
    doctor.reload()
    expect(doctor.locator("body")).to_contain_text("Ada Lovelace")
    doctor.context.close()

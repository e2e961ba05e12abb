"""Booking in Chromium: by three clicks, by keyboard alone, on a telephone, and while others book too."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from hospital.tests.hospital import Hospital
from realtime.tests.server import Site
from realtime.tests.test_browser import is_live
from realtime.tests.test_socket import cookie_of
from scheduling.models import Appointment, Hold
from scheduling.moments import Span
from scheduling.picking import key_of
from scheduling.tests.desks import Desk, morning

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


@pytest.fixture
def patient(desk):
    return desk.patient()


@pytest.fixture
def at_desk(site, alpha, page) -> Page:
    return signed_in(site, alpha, page, "reception")


def signed_in(site: Site, hospital: Hospital, page: Page, role: str) -> Page:
    name, value = cookie_of(hospital, role).split("=", 1)
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    return page


def choose(page: Page, site: Site, desk: Desk, patient, **query) -> Page:
    words = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{site.url}{desk.hospital.url}/appointments/book/?patient={patient.pk}&type={desk.type.pk}{words}")
    is_live(page)
    return page


def tomorrow(desk: Desk) -> dict:
    return {"provider": desk.doctor.pk, "day": morning().date().isoformat(), "whole": 1}


def slot(page: Page, desk: Desk, *when: int):
    return page.locator(f'[name="at"][value="{key_of(desk.doctor, morning(*when))}"]')


def booked(desk: Desk) -> list[Appointment]:
    with desk.hospital.acting():
        return list(Appointment.objects.shown())


def test_from_the_patient_to_booked_in_three_clicks(at_desk, site, desk, patient):
    at_desk.goto(f"{site.url}{desk.hospital.url}/patients/{patient.pk}/")
    at_desk.get_by_role("link", name="Book").last.click()
    at_desk.locator(".slot").first.click()
    expect(at_desk.get_by_text("Held for you until")).to_be_visible()
    at_desk.get_by_role("button", name="Book", exact=True).click()
    expect(at_desk.get_by_role("heading", name="Appointment A-000001")).to_be_visible()
    assert [row.patient for row in booked(desk)] == [patient]


def test_the_patient_on_the_telephone_is_found_while_typing(at_desk, site, desk, patient):
    at_desk.goto(f"{site.url}{desk.hospital.url}/appointments/book/?type={desk.type.pk}")
    is_live(at_desk)
    at_desk.keyboard.type(patient.family_name[:4])
    at_desk.locator("#found").get_by_role("link", name="Book").click()
    expect(at_desk.locator(".slot").first).to_be_visible()
    assert str(desk.type.pk) in at_desk.url


def test_by_keyboard_alone(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient, **tomorrow(desk))
    slot(page, desk, 1, 9).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Cough")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Appointment A-000001")).to_be_visible()
    assert [(row.reason, row.begins_at) for row in booked(desk)] == [("Cough", morning())]


def test_a_time_that_somebody_else_takes_or_holds_disappears_while_one_chooses(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient, **tomorrow(desk))
    expect(slot(page, desk, 1, 9)).to_be_visible()
    made = desk.book(morning())
    expect(slot(page, desk, 1, 9)).to_have_count(0)
    with desk.hospital.acting("main_doctor") as acting:
        held = Hold.place(desk.doctor, Span(morning(1, 10), morning(1, 10, 30)), by=acting.person)
    expect(slot(page, desk, 1, 10)).to_have_count(0)
    with desk.hospital.acting("main_doctor") as acting:
        made.cancel("Ill", by=acting.person)
        held.end()
    expect(slot(page, desk, 1, 9)).to_be_visible()
    expect(slot(page, desk, 1, 10)).to_be_visible()


def test_a_time_that_was_taken_meanwhile_keeps_the_words_and_one_click_books_the_next(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient, **tomorrow(desk))
    slot(page, desk, 1, 9).click()
    page.get_by_label("Reason").fill("Itching")
    with desk.hospital.acting():
        Hold.objects.standing().get().end()
    desk.book(morning())
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("is taken at this time")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("Itching")
    page.get_by_label("Reason").press("Enter")  # books nothing that was not chosen
    page.locator('[name="pick"]').first.click()
    expect(page.get_by_role("heading", name="Appointment A-000002")).to_be_visible()
    assert [row.reason for row in booked(desk) if row.patient_id == patient.pk] == ["Itching"]


def test_a_double_click_books_once(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient, **tomorrow(desk))
    slot(page, desk, 1, 9).dblclick()
    expect(page.get_by_text("Held for you until")).to_be_visible()
    page.get_by_role("button", name="Book", exact=True).dblclick()
    expect(page.get_by_role("heading", name="Appointment A-000001")).to_be_visible()
    assert len(booked(desk)) == 1


def test_back_leads_to_the_times_and_another_one_can_be_chosen(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient, **tomorrow(desk))
    slot(page, desk, 1, 9).click()
    expect(page.get_by_text("Held for you until")).to_be_visible()
    page.go_back()
    is_live(page)
    slot(page, desk, 1, 11).click()
    expect(page.get_by_text("11:00 to 11:30")).to_be_visible()
    with desk.hospital.acting():
        assert [hold.busy_from for hold in Hold.objects.standing()] == [morning(1, 11)]


def test_the_choice_is_narrowed_without_loading_the_page_and_the_address_follows(at_desk, site, desk, patient):
    page = choose(at_desk, site, desk, patient)
    page.get_by_label("With").select_option(label=str(desk.checker))
    expect(page).to_have_url(re.compile(f"provider={desk.checker.pk}"))
    expect(page.locator(f'[name="at"]:not([value^="{desk.checker.pk}"])')).to_have_count(0)
    expect(page.locator(".slot").first).to_be_visible()


def test_a_dialog_cancels_and_both_screens_see_it(at_desk, site, desk, browser):
    row = desk.book(morning(5))
    address = f"{site.url}{desk.hospital.url}/appointments/{row.pk}/"
    with ExitStack() as open:
        other = signed_in(site, desk.hospital, open.enter_context(browser.new_context()).new_page(), "main_doctor")
        for page in (at_desk, other):
            page.goto(address)
            is_live(page)
        at_desk.get_by_label("More for A-000001").click()
        at_desk.get_by_role("link", name="Cancel the appointment").click()
        at_desk.get_by_label("Reason").fill("Ill")
        at_desk.get_by_role("button", name="Cancel the appointment").click()
        for page in (at_desk, other):
            expect(page.locator("#appointment-state").get_by_text("Cancelled", exact=True)).to_be_visible()
        expect(other.locator("#toasts")).to_contain_text("Cancelled: ")  # its own provider is told louder


def test_on_a_telephone_nothing_scrolls_sideways(at_desk, site, desk, patient):
    at_desk.set_viewport_size({"width": 390, "height": 844})
    page = choose(at_desk, site, desk, patient)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".slot").first.click()
    expect(page.get_by_text("Held for you until")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

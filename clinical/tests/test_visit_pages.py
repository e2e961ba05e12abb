"""A visit on its pages: the next step, calls, and the end."""

import pytest

from clinical.models import QueuePlace, Visit
from clinical.steps import next_step
from clinical.tests.test_visit import in_status
from clinical.tests.wards import a_visit

HX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("status", "role", "label"),
    [
        ("registered", "reception", "Print token"),
        ("registered", "checker_doctor", "Examine"),
        ("checked", "main_doctor", "Consult"),
        ("lab_pending", "lab_technician", "Perform tests"),
        ("lab_done", "main_doctor", "Consult"),
        ("diagnosed", "main_doctor", "Go on consulting"),
        ("done", "admin", "Reopen"),
        ("cancelled", "reception", "New visit"),
        ("left", "reception", "New visit"),
    ],
)
def test_every_state_of_a_visit_has_one_next_button(alpha, status, role, label):
    with alpha.acting():
        pk = in_status(status).pk
    with alpha.acting(role):
        assert next_step(Visit.objects.get(pk=pk)).label == label


def test_who_has_not_paid_is_led_to_the_payment_first(alpha):
    with alpha.acting():
        pk = a_visit(paid=False).pk
    for role, label in (("reception", "Take payment"), ("checker_doctor", "Examine"), ("pharmacy", "Open")):
        with alpha.acting(role):
            assert next_step(Visit.objects.get(pk=pk)).label == label


@pytest.mark.parametrize("role", ["reception", "admin"])
def test_who_still_owes_after_the_visit_is_asked_for_it(alpha, role):
    with alpha.acting():
        visit = in_status("done")
        visit.set_payment(Visit.Payment.PARTIAL)
    with alpha.acting(role):
        assert next_step(Visit.objects.get(pk=visit.pk)).label == "Take payment"


def test_calling_moving_and_undoing_work_with_and_without_htmx(alpha):
    with alpha.acting():
        visit = a_visit()
    client = alpha.client("reception")
    url = f"{alpha.url}/visits/{visit.pk}"
    page = client.post(f"{alpha.url}/queues/examination/next/", {"room": "Room 4"})
    assert page["Location"] == f"{alpha.url}/front-desk/" or page.status_code == 302
    row = client.post(f"{url}/call/", headers=HX).content.decode()
    assert "Called to Room 4" in row
    assert row.lstrip().startswith("<tr")
    assert client.post(f"{url}/uncall/").status_code == 302
    moved = client.post(f"{url}/move/", {"queue": "consultation"}, headers={**HX, "HX-Target": "dialog"})
    assert (moved.status_code, moved["HX-Trigger"]) == (204, "close-dialog")
    assert client.post(f"{url}/undo-move/").status_code == 302
    assert client.post(f"{url}/undo-move/").status_code == 409
    with alpha.acting():
        assert [place.label for place in QueuePlace.objects.filter(ended_at=None)] == ["E-001"]


def test_an_empty_queue_and_an_ended_visit_say_so(alpha):
    client = alpha.client("reception")
    assert client.post(f"{alpha.url}/queues/pharmacy/next/").status_code == 409
    assert client.post(f"{alpha.url}/queues/cinema/next/").status_code == 404
    with alpha.acting():
        visit = a_visit()
        visit.cancel("Went home", by=None)
    assert client.post(f"{alpha.url}/visits/{visit.pk}/call/").status_code == 409
    again = client.post(f"{alpha.url}/visits/{visit.pk}/cancel/", {"reason": "Again"})
    assert again.status_code == 409
    assert "This is its end." in again.content.decode()


def test_a_visit_is_cancelled_left_and_reopened_with_a_reason(alpha):
    with alpha.acting():
        visit = a_visit()
    client = alpha.client("reception")
    url = f"{alpha.url}/visits/{visit.pk}/leave/"
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "Did not want to wait"}).status_code == 302
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).status == "left"


def test_a_doctor_is_assigned_only_from_those_who_are_one(alpha):
    with alpha.acting():
        visit = a_visit()
    client = alpha.client("reception")
    url = f"{alpha.url}/visits/{visit.pk}/assign/"
    assert client.post(url, {"doctor": str(alpha.pharmacy.pk)}).status_code == 422
    assert client.post(url, {"doctor": str(alpha.main_doctor.pk)}).status_code == 302
    with alpha.acting():
        assert Visit.objects.get(pk=visit.pk).doctor == alpha.main_doctor

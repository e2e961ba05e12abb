"""A critical value from the bench to the doctor who reads it back: pages, a real socket, and the alert between them."""

from __future__ import annotations

import pytest

from clinical.models import LabOrder
from clinical.tests.laboratories import ordered, potassium, worked
from realtime.alerts.models import Alert
from realtime.tests.listening import Listener

GIVEN = {"done": "acted", "text": "Calcium given, repeated in an hour."}


@pytest.fixture
def order(alpha) -> LabOrder:
    """Ordered and seen by the main doctor, a critical value entered."""
    with alpha.acting("admin"):
        test = potassium()
    visit, _ = ordered(alpha, test)
    with alpha.acting():
        visit.lab_orders.update(ordered_by=alpha.main_doctor)
        visit.assign_doctor(alpha.main_doctor, by=None)
        order = visit.lab_orders.get()
    return worked(alpha, order, "resulted", "7.1")


def test_it_is_released_heard_and_acknowledged_only_with_the_value_as_it_is(site, alpha, order):
    bench, doctor = alpha.client("lab_technician"), alpha.client("main_doctor")
    with Listener(site, alpha, "main_doctor") as page:
        page.joined()
        body = {"step": "release", "order": str(order.pk)}
        assert bench.post(f"{alpha.url}/laboratory/steps/", body).status_code == 302
        page.hears("alert:raised", seconds=30)
        assert "Potassium 7.1 mmol/L" in page.received
        with alpha.acting():
            path = f"{alpha.url}/alerts/{Alert.objects.get(object_id=order.pk).pk}/acknowledge/"
        wrong = doctor.post(path, GIVEN | {"read_back": "1.7"})
        assert wrong.status_code == 422 and "This is not the value" in wrong.content.decode()
        assert doctor.post(path, GIVEN | {"read_back": "7.1"}).status_code == 302
        page.hears("alert:changed", seconds=30)
    with alpha.acting():
        alert = Alert.objects.get(object_id=order.pk)
        assert (alert.status, alert.acknowledged_by, alert.read_back) == ("acknowledged", alpha.main_doctor, "7.1")

"""What the calendar alone does to the stock: told once, to those who can do something about it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from clinical.days import today
from clinical.models import Batch, Medicine
from clinical.tasks import watch_in
from clinical.tests.dispensary import a_medicine, received
from realtime.models import Event


def put_off(batch: Batch, days: int) -> None:
    """The nights pass, and nobody touches the shelf."""
    batch.expires_on = today() + timedelta(days=days)
    batch.save(update_fields=["expires_on"])


@pytest.fixture
def shelf(alpha) -> tuple[Medicine, Batch]:
    with alpha.acting():
        medicine = a_medicine(low_at=5)
        batch = received(medicine, 20, lot="OLD")
        received(medicine, 4, lot="NEW", days=600)
        return medicine, batch


def test_stock_that_is_low_since_a_batch_expired_overnight_is_told_once(alpha, shelf):
    medicine, batch = shelf
    with alpha.acting():
        put_off(batch, -1)
    assert watch_in(alpha.tenant) == (1, 0)
    assert watch_in(alpha.tenant) == (0, 0)
    with alpha.acting():
        assert Medicine.objects.get(pk=medicine.pk).low_since is not None
        assert Event.objects.filter(name="stock:low").count() == 1


def test_a_batch_that_comes_near_its_expiry_is_told_once_and_not_again_when_it_is_moved(alpha, shelf):
    _, batch = shelf
    with alpha.acting():
        put_off(batch, 60)
    assert watch_in(alpha.tenant) == (0, 1)
    with alpha.acting():
        Batch.objects.get(pk=batch.pk).transfer(5, "Shelf 2", by=None)
    assert watch_in(alpha.tenant) == (0, 0)
    with alpha.acting():
        assert Event.objects.filter(name="stock:expiring").count() == 1


def test_what_is_far_from_its_expiry_empty_or_locked_is_not_told(alpha, shelf):
    medicine, batch = shelf
    with alpha.acting():
        put_off(batch, 61)
        locked = received(medicine, 5, lot="LOCKED", days=10)
        locked.set_state(Batch.State.QUARANTINED, "Broken seal", by=None)
        gone = received(medicine, 5, lot="GONE", days=10)
        gone.write_off(5, "Broken", by=None)
    assert watch_in(alpha.tenant) == (0, 0)


def test_a_medicine_that_never_was_on_the_shelf_is_not_told_as_low(alpha):
    with alpha.acting():
        a_medicine(low_at=5)
    assert watch_in(alpha.tenant) == (0, 0)


def test_the_command_looks_in_all_hospitals(alpha, beta, shelf):
    with beta.acting():
        put_off(received(a_medicine(low_at=5), 20), -1)
    with alpha.acting():
        put_off(shelf[1], 3)
    said = StringIO()
    call_command("watch_expiry", stdout=said)
    assert "low because a batch expired" in said.getvalue()
    for hospital, name in ((alpha, "stock:expiring"), (beta, "stock:low")):
        with hospital.acting():
            assert Event.objects.filter(name=name).count() == 1

"""Who hears of prescriptions and of the stock, and how loudly. The sockets themselves are tested in realtime."""

from __future__ import annotations

import pytest
from django.urls import set_script_prefix

from clinical.models import Medicine, Prescription
from clinical.tests.dispensary import COLD, a_medicine, a_prescription, prescribed_in, received
from hospital.models import Role
from hospital.tenancy import acting_for
from realtime.catalogue import catalogue
from realtime.render import render
from realtime.tests.heard import heard

CHANGED = {"main_doctor": "info", "pharmacy": "info", "reception": "info"}


def as_role(hospital, key: str, template: str, row) -> str:
    """The fragment as this role gets it, pushed or on the page."""
    with hospital.acting():
        role = Role.objects.get(key=key)
    set_script_prefix(f"{hospital.url}/")
    with acting_for(hospital.tenant, None, role):
        return str(render(template, type(row).objects.get(pk=row.pk)))


def test_a_signed_prescription_is_a_notice_for_the_pharmacy_and_for_nobody_else(alpha, beta):
    prescription = prescribed_in(alpha)
    [event] = heard(alpha, "prescription:ready")
    assert event.loudness == {"pharmacy": "notice"}
    assert (event.object_id, event.patient_id) == (prescription.pk, prescription.patient_id)
    assert heard(beta, "prescription:ready") == []
    with alpha.acting():
        title = catalogue.by_name["prescription:ready"].title_for(prescription, "pharmacy")
        assert title == "To dispense: Amara Okafor, R-000001"


def test_a_draft_is_heard_by_nobody(alpha):
    with alpha.acting():
        a_prescription((a_medicine(), 1), signed=False).cancel("Changed my mind", by=None)
    assert heard(alpha, "prescription:ready") == heard(alpha, "prescription:status_changed") == []


def test_each_step_at_the_counter_is_heard(alpha):
    with alpha.acting():
        medicine = a_medicine()
        received(medicine, 100)
        line = a_prescription((medicine, 9)).lines.get()
        line.dispense(3, by=None, reason="a part")
        line.dispense(3, by=None, reason="another part")
        line.decline("No more wanted", by=None)
    events = heard(alpha, "prescription:status_changed")
    assert [event.loudness for event in events] == [CHANGED] * 3


def test_a_cancelled_prescription_leaves_the_list_of_the_pharmacy(alpha):
    prescription = prescribed_in(alpha)
    with alpha.acting():
        prescription.cancel("Wrong patient", by=None)
    assert len(heard(alpha, "prescription:status_changed")) == 1
    assert 'data-lists="dispensing-settled"' in as_role(
        alpha, "pharmacy", "clinical/prescription/_row.html", prescription
    )


@pytest.mark.parametrize(("role", "reads"), [("pharmacy", True), ("main_doctor", True), ("reception", False)])
def test_the_row_shows_the_medicines_only_to_those_who_may_read_them(alpha, role, reads):
    row = as_role(alpha, role, "clinical/prescription/_row.html", prescribed_in(alpha))
    assert ("Paracetamol" in row) is reads
    assert "Amara Okafor" in row
    assert COLD not in row


def test_what_is_pushed_equals_what_the_page_shows(alpha):
    prescription = prescribed_in(alpha)
    page = alpha.client("pharmacy").get(f"{alpha.url}/dispensing/").content.decode()
    pushed = as_role(alpha, "pharmacy", "clinical/prescription/_row.html", prescription)
    assert row_in(page, prescription) == row_in(pushed, prescription)


def row_in(html: str, prescription: Prescription) -> str:
    return html[html.index(f'<tr id="prescription-{prescription.pk}"') :].partition("</tr>")[0]


def test_every_move_of_the_stock_is_heard_by_the_pharmacy_alone(alpha, beta):
    with alpha.acting():
        medicine = a_medicine()
        batch = received(medicine, 100)
        batch.write_off(1, "Broken", by=None)
        a_prescription((medicine, 5)).lines.get().dispense(5, by=None)
    events = heard(alpha, "stock:changed")
    assert len(events) == 4
    assert all(event.loudness == {"pharmacy": "info"} and event.object_id == medicine.pk for event in events)
    assert heard(beta, "stock:changed") == []


def test_a_medicine_that_becomes_low_is_one_notice_for_pharmacy_and_admin(alpha):
    with alpha.acting():
        medicine = a_medicine(low_at=5)
        batch = received(medicine, 10)
        for _ in range(4):
            batch.write_off(2, "Broken", by=None)
    [event] = heard(alpha, "stock:low")
    assert event.loudness == {"pharmacy": "notice", "admin": "notice"}
    with alpha.acting():
        title = catalogue.by_name["stock:low"].title_for(Medicine.objects.get(), "pharmacy")
        assert title == "Paracetamol 500 mg tablet is low: 2 left"


def test_it_is_heard_again_only_after_it_was_enough(alpha):
    with alpha.acting():
        medicine = a_medicine(low_at=5)
        batch = received(medicine, 5)
        received(medicine, 50, lot="B")
        batch.set_state("recalled", "Letter", by=None)
        other = medicine.batches.get(lot="B")
        other.write_off(48, "Fire", by=None)
        medicine.refresh_from_db()
        medicine.name = "Acetaminophen"
        medicine.save()
    assert len(heard(alpha, "stock:low")) == 2


def test_what_is_rolled_back_is_not_heard(alpha):
    prescription = prescribed_in(alpha)
    before = len(heard(alpha, "stock:changed"))
    with pytest.raises(ZeroDivisionError), alpha.acting("pharmacy") as acting:
        Prescription.objects.get(pk=prescription.pk).dispense_all(by=acting.person)
        _ = 1 / 0
    assert heard(alpha, "prescription:status_changed") == []
    assert len(heard(alpha, "stock:changed")) == before

"""A visit that ends in the middle: nobody ends it unknowing, and what is told afterwards is true."""

from __future__ import annotations

import pytest

from billing.models import Charge
from billing.reports import activity
from clinical.models import LabOrder, Prescription, PrescriptionLine, Visit
from clinical.models.ending import UnderWay
from clinical.tests.dispensary import prescribed_in
from clinical.tests.laboratories import ordered, potassium, worked
from hospital.workflow import Refused


@pytest.fixture
def begun(alpha) -> Prescription:
    """Two of ten pieces are given."""
    prescription = prescribed_in(alpha)
    with alpha.acting("pharmacy") as acting:
        prescription.lines.get().dispense(2, by=acting.person, reason="Half today")
    return prescription


def form_of(client, alpha, visit, name="cancel"):
    return client.get(f"{alpha.url}/visits/{visit}/{name}/")


def sent(client, alpha, visit, name="cancel", **fields):
    return client.post(f"{alpha.url}/visits/{visit}/{name}/", {"reason": "Wrong patient", **fields})


def knowing(answer) -> str:
    return answer.context["form"].initial["knowing"]


@pytest.mark.parametrize("name", ["cancel", "leave"])
def test_what_was_given_is_named_before_a_visit_ends_and_must_be_confirmed(alpha, begun, name):
    client = alpha.client("reception")
    shown = form_of(client, alpha, begun.visit_id, name)
    assert "Paracetamol 500 mg tablet: 2 of 10 tablets" in shown.content.decode()
    refused = sent(client, alpha, begun.visit_id, name, knowing=knowing(shown))
    assert refused.status_code == 422
    assert "Say that you know what was given" in refused.content.decode()
    with alpha.acting():
        assert Visit.objects.get(pk=begun.visit_id).is_open
    confirmed = sent(client, alpha, begun.visit_id, name, knowing=knowing(shown), all_the_same="on")
    assert confirmed.status_code == 302
    with alpha.acting():
        assert not Visit.objects.get(pk=begun.visit_id).is_open


def test_what_was_given_stays_given_and_charged_and_the_rest_is_cancelled_with_the_reason(alpha, begun):
    client = alpha.client("reception")
    shown = form_of(client, alpha, begun.visit_id)
    sent(client, alpha, begun.visit_id, knowing=knowing(shown), all_the_same="on")
    with alpha.acting():
        line = PrescriptionLine.objects.get()
        assert (line.status, line.dispensed, line.outcome) == ("cancelled", 2, "Partly dispensed, rest cancelled")
        assert line.decline_reason == "The visit ended: Wrong patient"
        assert Prescription.objects.get().status == "partly"
        assert Charge.objects.live().filter(kind="medicine").get().quantity == 2
    page = alpha.client("pharmacy").get(f"{alpha.url}/prescriptions/{begun.pk}/").content.decode()
    assert "Partly dispensed, rest cancelled" in page
    assert "Not given: The visit ended: Wrong patient" in page


def test_the_dashboard_does_not_say_that_reception_dispensed(alpha, begun):
    client = alpha.client("reception")
    sent(client, alpha, begun.visit_id, knowing=knowing(form_of(client, alpha, begun.visit_id)), all_the_same="on")
    with alpha.acting("admin"):
        told = [entry.title for entry in activity.latest() if entry.by == alpha.reception.name]
    assert any("rest of a prescription cancelled" in title for title in told)
    assert not any("dispensed" in title for title in told)


def test_more_given_meanwhile_is_shown_before_the_visit_ends(alpha, begun):
    client = alpha.client("reception")
    shown = form_of(client, alpha, begun.visit_id)
    with alpha.acting("pharmacy") as acting:
        PrescriptionLine.objects.get().dispense(3, by=acting.person, reason="And some more")
    again = sent(client, alpha, begun.visit_id, knowing=knowing(shown), all_the_same="on")
    assert again.status_code == 422
    assert "5 of 10 tablets" in again.content.decode()
    assert "Meanwhile more was given" in again.content.decode()
    confirmed = sent(client, alpha, begun.visit_id, knowing=again.context["form"].data["knowing"], all_the_same="on")
    assert confirmed.status_code == 302


def test_the_verb_itself_refuses_somebody_who_does_not_know(alpha, begun):
    with alpha.acting("reception") as acting:
        visit = Visit.objects.get(pk=begun.visit_id)
        with pytest.raises(Refused, match="2 of 10 Paracetamol 500 mg tablet given"):
            visit.leave("Went home", by=acting.person)
        visit.leave("Went home", by=acting.person, knowing=UnderWay.of(visit).stamp)


def test_what_the_laboratory_has_begun_is_named_and_goes_on(alpha):
    with alpha.acting():
        test = potassium()
    visit, [order] = ordered(alpha, test)
    worked(alpha, order, "received")
    client = alpha.client("reception")
    shown = form_of(client, alpha, visit.pk, "leave")
    assert f"Potassium, {order.number}: received" in shown.content.decode()
    assert sent(client, alpha, visit.pk, "leave", knowing=knowing(shown)).status_code == 422
    sent(client, alpha, visit.pk, "leave", knowing=knowing(shown), all_the_same="on")
    with alpha.acting():
        assert LabOrder.objects.get().status == "received"
        assert Charge.objects.live().filter(kind="test").exists()


def test_a_visit_where_nothing_was_begun_ends_with_a_reason_alone(alpha):
    prescription = prescribed_in(alpha)
    client = alpha.client("reception")
    assert "all_the_same" not in form_of(client, alpha, prescription.visit_id).content.decode()
    assert sent(client, alpha, prescription.visit_id).status_code == 302
    with alpha.acting():
        assert Prescription.objects.get().status == "cancelled"

"""Who hears of money, how loudly, and who does not."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.events import EVENTS
from billing.models import JournalEntry, Payment, Refund
from billing.reports import activity
from billing.tests.till import a_test, price, visit
from realtime.models import Event
from realtime.tests.heard import events_named


def heard(name):
    return [event.loudness for event in events_named(name)]


INFO = {"reception": "info", "billing": "info", "admin": "info"}


def test_a_payment_is_news_for_the_desk_and_a_notice_for_the_doctor_whose_patient_may_come_in(alpha, beta):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        Payment.take(seen, Decimal(20), method="cash", by=alpha.reception)
        Payment.take(seen, Decimal(30), method="cash", by=alpha.reception)
    with alpha.acting():
        assert heard("payment:received") == [INFO, {**INFO, "checker_doctor": "notice"}]
        assert set(Event.objects.filter(name="payment:received").values_list("patient_id", flat=True)) == {
            seen.patient_id
        }
    with beta.acting():
        assert not Event.objects.exists()


@pytest.mark.parametrize("gate", ["nothing", "laboratory", "pharmacy"])
def test_without_the_gate_the_doctor_hears_nothing_of_money(alpha, gate):
    alpha.tenant.require_payment_before = gate
    with alpha.acting("reception"):
        price("50")
        Payment.take(visit(), Decimal(50), method="cash", by=alpha.reception)
        assert heard("payment:received") == [INFO]


def test_a_patient_who_was_let_in_before_paying_is_no_notice(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        seen.override_gate("Emergency", by=alpha.reception)
        Payment.take(seen, Decimal(50), method="cash", by=alpha.reception)
        assert heard("payment:received") == [INFO]


def test_a_new_charge_changes_the_balance_on_the_screens_of_the_desk(alpha):
    with alpha.acting("reception"):
        visit()
        assert heard("patient:balance_changed") == [{"reception": "info", "billing": "info"}]


def test_a_payment_that_is_refused_is_no_event(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
    with pytest.raises(ZeroDivisionError), alpha.acting("reception"):
        Payment.take(seen, Decimal(50), method="cash", by=alpha.reception)
        raise ZeroDivisionError
    with alpha.acting():
        assert heard("payment:received") == []


def test_the_words_tell_each_role_what_it_needs(alpha):
    with alpha.acting("reception"):
        price("50")
        Payment.take(visit(), Decimal(50), method="cash", by=alpha.reception)
        event, entry = EVENTS[0], JournalEntry.objects.get(kind=JournalEntry.Kind.PAYMENT)
        assert event.title_for(entry, "billing") == "$50.00 received from Amara Okafor"
        assert event.title_for(entry, "checker_doctor") == "Amara Okafor has paid and can be examined"


def test_money_that_goes_back_is_told_to_the_desk(alpha):
    with alpha.acting("billing"):
        price("50")
        payment = Payment.take(visit(), Decimal(50), method="cash", by=alpha.billing)
        refund = Refund.request(payment, Decimal(20), "Insured", by=None)
        refund.approve(by=alpha.billing)
        refund.pay_out(by=alpha.billing)
        assert heard("payment:received")[-1] == INFO
        entry = JournalEntry.objects.get(kind="payout")
        assert EVENTS[0].title_for(entry, "reception") == "$20.00 given back to Amara Okafor"


def test_the_last_steps_are_told_as_they_were_with_who_took_them(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        Payment.take(seen, Decimal(50), method="cash", by=alpha.reception)
    with alpha.acting("checker_doctor"):
        seen.examine(by=alpha.checker_doctor, symptoms="", findings="", vitals={}, tests=[a_test()])
    with alpha.acting("admin"), CaptureQueriesContext(connection) as queries:
        found = [(entry.title, entry.by) for entry in activity.latest()]
    words = [title.removeprefix("Amara Okafor: ") for title, _ in found]
    assert sorted(words) == [
        "$50.00 received",
        "registered as a patient",
        "test requested",
        "visit registered",
        "visit tests pending",
    ]
    assert {by for _, by in found} == {alpha.reception.name, alpha.checker_doctor.name}
    assert len(queries) == 4  # one of them asks which charts are restricted

"""The cash drawer: opened, filled by cash payments, counted, closed with its difference."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from billing.models import DeskRules, Drawer, Payment, Refund, Void
from billing.tests.till import price, visit
from hospital.models import AuditEntry
from hospital.workflow import Refused
from scheduling.models import Location


@pytest.fixture
def drawer(alpha) -> Drawer:
    with alpha.acting("reception"):
        price("50")
        return Drawer.open_for(alpha.reception, Decimal(100))


def page(client, url: str) -> str:
    return client.get(url).content.decode()


def pay(alpha, amount: str, method: str = "cash") -> Payment:
    return Payment.take(visit(), Decimal(amount), method=method, by=alpha.reception)


def test_cash_goes_through_it_and_nothing_else_does(alpha, drawer):
    with alpha.acting("reception"):
        paid = pay(alpha, "20")
        pay(alpha, "30", "card")
        refund = Refund.request(paid, Decimal(5), "Too much", by=alpha.reception)
    with alpha.acting("billing"):
        refund.approve(by=alpha.billing)
    with alpha.acting("reception"):
        refund.pay_out(by=alpha.reception)
        drawer.move(Decimal(-60), "To the safe", by=alpha.reception)
        assert dict(drawer.flows) == {
            "Opened with": 100,
            "Cash payments": 20,
            "Refunds paid out": -5,
            "Put in": 0,
            "Taken out": -60,
        }
        assert drawer.should_hold == 55


def test_a_cancelled_payment_is_no_longer_in_it(alpha, drawer):
    with alpha.acting("reception"):
        paid = pay(alpha, "20")
    with alpha.acting("billing"):
        Void.cancel(paid, "A mistake", by=alpha.billing)
        assert drawer.should_hold == 100


def test_what_was_counted_stays_when_a_payment_is_cancelled_later(alpha, drawer):
    with alpha.acting("reception"):
        paid, other = pay(alpha, "20"), pay(alpha, "30")
    with alpha.acting("billing"):
        Void.cancel(other, "A mistake", by=alpha.billing)
    with alpha.acting("reception"):
        drawer.close({"100": 1, "20": 1}, by=alpha.reception)
    with alpha.acting("billing"):
        Void.cancel(paid, "A mistake", by=alpha.billing)
        assert sum(amount for _, amount in drawer.flows) == drawer.expected == 120
        assert drawer.cancelled_since == 20
    assert "Cancelled after it was counted" in page(alpha.client("billing"), f"{alpha.url}/drawers/{drawer.pk}/")


def test_not_more_is_paid_back_in_cash_than_lies_in_it(alpha):
    with alpha.acting("reception"):
        price("50")
        refund = Refund.request(pay(alpha, "50", "card"), Decimal(50), "Too much", by=alpha.reception)
        drawer = Drawer.open_for(alpha.reception, Decimal(10))
    with alpha.acting("billing"):
        refund.approve(by=alpha.billing)
    with alpha.acting("reception"):
        with pytest.raises(Refused, match=r"^There is not so much in CD-00001\.$"), transaction.atomic():
            refund.pay_out(method="cash", by=alpha.reception)
        drawer.move(Decimal(40), "Change from the bank", by=alpha.reception)
        refund.pay_out(method="cash", by=alpha.reception)
        assert drawer.should_hold == 0


def test_a_person_has_one_open_drawer(alpha, drawer):
    with alpha.acting("reception"), pytest.raises(Refused, match="is open already"):
        Drawer.open_for(alpha.reception, Decimal(1))


def test_a_difference_needs_its_reason_and_stays(alpha, drawer):
    with alpha.acting("reception"):
        for pieces in ({"50": 1, "20": 2, "5": 1, "0.50": 9}, {"100": 1, "0.50": 1}):
            with pytest.raises(Refused) as refused:
                drawer.close(pieces, by=alpha.reception)
            told = "What is counted is not what should be there. Count again, or say why."
            assert str(refused.value) == told, "neither the sum nor whether it is too much"
        drawer.close({"50": 1, "20": 2, "5": 1, "0.50": 9}, "A coin fell down", by=alpha.reception)
        assert (drawer.counted, drawer.expected, drawer.variance) == (Decimal("99.50"), 100, Decimal("-0.50"))
        with pytest.raises(Refused, match="closed already"):
            drawer.move(Decimal(5), "Found", by=alpha.reception)
        assert pay(alpha, "10").drawer is None
    with pytest.raises(DatabaseError), alpha.acting("reception"), transaction.atomic():
        Drawer.objects.update(counted=100)


def test_somebody_elses_drawer_is_counted_only_by_who_may_cancel_payments(alpha, drawer):
    alpha_pieces = {"100": 1}
    with alpha.acting("pharmacy"), pytest.raises(Exception, match="Your role may not"):
        drawer.close(alpha_pieces, by=alpha.pharmacy)
    with alpha.acting("billing"):
        drawer.close(alpha_pieces, by=alpha.billing)
        assert drawer.closed_by == alpha.billing


def test_an_organisation_takes_cash_only_with_an_open_drawer_if_it_says_so(alpha, drawer):
    with alpha.acting("admin"):
        DeskRules.objects.create(cash_needs_drawer=True)
    with alpha.acting("billing"), pytest.raises(Refused, match="no open drawer"):
        Payment.take(visit(), Decimal(5), method="cash", by=alpha.billing)
    with alpha.acting("reception"):
        assert pay(alpha, "10").drawer == drawer


def test_not_more_is_taken_out_than_lies_in_it(alpha, drawer):
    with alpha.acting("reception"), pytest.raises(Refused, match=r"^There is not so much in CD-00001\.$"):
        drawer.move(Decimal("-100.01"), "To the safe", by=alpha.reception)


def test_the_close_of_a_drawer_is_put_on_paper(alpha, beta, drawer):
    address = f"{alpha.url}/drawers/{drawer.pk}/"
    client = alpha.client("reception")
    blind = client.get(f"{address}print/")
    assert blind.status_code == 409 and "Count and close it first" in blind.content.decode()
    assert "print/" not in page(client, address)
    with alpha.acting("reception"):
        Location.objects.create(name="Riverside House", address="1 River Walk", phone="555 0100")
        paid = pay(alpha, "30")
        drawer.move(Decimal(-60), "To the safe", by=alpha.reception)
        drawer.close({"50": 1, "5": 3}, "Five were given back twice", by=alpha.reception)
    assert f"{address}print/" in page(client, address)
    paper = page(client, f"{address}print/")
    for words in ("Riverside House", drawer.number, alpha.reception.name, "To the safe", "Five were given back twice"):
        assert words in paper, words
    for amount in ("$100.00", "$30.00", "\N{MINUS SIGN}$60.00", "$70.00", "$65.00", "\N{MINUS SIGN}$5.00"):
        assert amount in paper, amount
    with alpha.acting():
        assert AuditEntry.objects.filter(action="print", row_id=drawer.pk).count() == 1
    with alpha.acting("billing"):
        Void.cancel(paid, "A mistake", by=alpha.billing)
    paper = page(client, f"{address}print/")
    assert "$30.00</span> of these payments were cancelled after it was counted" in paper and "$65.00" in paper
    assert beta.client("reception").get(f"{beta.url}/drawers/{drawer.pk}/print/").status_code == 404
    assert alpha.client("pharmacy").get(f"{address}print/").status_code == 403

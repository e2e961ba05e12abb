"""Discounts, refunds and cancelled payments from the page of the visit."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from billing.models import Account, DeskRules, Discount, Drawer, Payment, Refund, Void
from billing.tests.till import price, visit
from hospital.models import Role
from hospital.tests.figures import has_figure


@pytest.fixture
def payment(alpha) -> Payment:
    """Thirty of fifty."""
    with alpha.acting("reception"):
        price("50")
        return Payment.take(visit(), Decimal(30), method="card", by=alpha.reception)


def post(house, role: str, path: str, **fields: str):
    return house.client(role).post(f"{house.url}/{path}/", {"form_key": uuid4(), **fields})


def ask(house, payment: Payment, amount: str = "10", **fields: str):
    return post(house, "reception", f"receipts/{payment.pk}/refund", amount=amount, reason="Charged twice", **fields)


def refunds(house) -> list[tuple[Decimal, str]]:
    with house.acting():
        return list(Refund.objects.values_list("amount", "status"))


def the_refund(house) -> Refund:
    with house.acting():
        return Refund.objects.get()


def test_reception_asks_billing_approves_and_reception_pays_out(alpha, payment):
    answer = ask(alpha, payment)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{alpha.url}/visits/{payment.visit_id}/")
    assert "Charged twice" in alpha.client("billing").get(f"{alpha.url}/payments/").content.decode()
    path = f"refunds/{the_refund(alpha).pk}"
    assert post(alpha, "billing", f"{path}/decide", decision="approve").status_code == 302
    assert refunds(alpha) == [(Decimal(10), "approved")]
    assert post(alpha, "reception", f"{path}/pay-out", method="cash").status_code == 302
    with alpha.acting():
        account = Account(payment.visit)
        assert (the_refund(alpha).method, account.paid, account.due) == ("cash", 20, 30)
    page = alpha.client("reception").get(f"{alpha.url}/visits/{payment.visit_id}/").content.decode()
    assert "Paid out" in page
    assert " kept</span>" in page


def test_cash_that_is_not_in_the_drawer_is_refused_beside_the_way_it_goes(alpha, payment):
    ask(alpha, payment)
    with alpha.acting("billing") as acting:
        the_refund(alpha).approve(by=acting.person)
    with alpha.acting("reception"):
        drawer = Drawer.open_for(alpha.reception, Decimal("9.99"))
    answer = post(alpha, "reception", f"refunds/{the_refund(alpha).pk}/pay-out", method="cash")
    assert (answer.status_code, f"not so much in {drawer.number}" in answer.content.decode()) == (422, True)
    assert not has_figure("9.99", answer.content.decode()) and refunds(alpha) == [(Decimal(10), "approved")]


def test_a_discount_above_the_limit_is_refused_beside_the_field_and_stays_typed(alpha, payment):
    with alpha.acting("admin"):
        DeskRules.objects.create(discount_limit=10)
        role = Role.objects.get(key="billing")
        role.allow_exactly(role.permissions - {"billing.discount_more"})
    path, told = f"visits/{payment.visit_id}/discount", "up to 10 percent of a visit: $5.00 is left of that here."
    assert told in alpha.client("billing").get(f"{alpha.url}/{path}/").content.decode(), "it is said before"
    assert "percent" not in alpha.client("admin").get(f"{alpha.url}/{path}/").content.decode(), "there is none"
    answer = post(alpha, "billing", path, amount="5.01", reason="Hardship")
    page = answer.content.decode()
    assert (answer.status_code, page.count(told)) == (422, 3), "above, at the field, and as before"
    assert 'value="5.01"' in page and 'value="Hardship"' in page


def test_more_than_is_left_is_refused_beside_the_field(alpha, payment):
    answer = ask(alpha, payment, "30.01")
    assert answer.status_code == 422
    assert "Only $30.00 of this payment is left to refund." in answer.content.decode()
    assert refunds(alpha) == []


def test_the_same_request_sent_twice_is_one_refund(alpha, payment):
    key = str(uuid4())
    assert [ask(alpha, payment, form_key=key).status_code for _ in range(2)] == [302, 302]
    assert refunds(alpha) == [(Decimal(10), "requested")]


def test_a_rejection_needs_its_reason(alpha, payment):
    ask(alpha, payment)
    path = f"refunds/{the_refund(alpha).pk}/decide"
    assert post(alpha, "billing", path, decision="reject").status_code == 422
    assert post(alpha, "billing", path, decision="reject", reason="It was right").status_code == 302
    assert refunds(alpha) == [(Decimal(10), "rejected")]
    assert post(alpha, "billing", path, decision="approve").status_code == 409


def test_who_asked_does_not_approve(alpha, payment):
    post(alpha, "billing", f"receipts/{payment.pk}/refund", amount="10", reason="x")
    answer = post(alpha, "billing", f"refunds/{the_refund(alpha).pk}/decide", decision="approve")
    assert answer.status_code == 409
    assert "Somebody else decides" in answer.content.decode()


def test_what_is_not_approved_is_not_paid_out(alpha, payment):
    ask(alpha, payment)
    assert post(alpha, "reception", f"refunds/{the_refund(alpha).pk}/pay-out", method="cash").status_code == 409


def test_reception_decides_nothing_and_is_not_offered_to(alpha, payment):
    ask(alpha, payment)
    page = alpha.client("reception").get(f"{alpha.url}/visits/{payment.visit_id}/").content.decode()
    assert "/decide/" not in page
    assert "/discount/" not in page
    assert f"/receipts/{payment.pk}/cancel/" not in page
    for path in (
        f"refunds/{the_refund(alpha).pk}/decide",
        f"receipts/{payment.pk}/cancel",
        f"visits/{payment.visit_id}/discount",
    ):
        assert post(alpha, "reception", path, decision="approve").status_code == 403


def test_a_payment_by_mistake_is_cancelled_with_a_reason(alpha, payment):
    path = f"receipts/{payment.pk}/cancel"
    assert post(alpha, "billing", path, reason="").status_code == 422
    assert post(alpha, "billing", path, reason="Wrong patient").status_code == 302
    assert post(alpha, "billing", path, reason="Again").status_code == 409
    with alpha.acting():
        assert (Void.objects.get().reason, Account(payment.visit).due) == ("Wrong patient", 50)
    receipt = alpha.client("reception").get(f"{alpha.url}/receipts/{payment.pk}/").content.decode()
    assert "This payment was cancelled." in receipt


def test_billing_gives_a_discount_of_what_is_due(alpha, payment):
    path = f"visits/{payment.visit_id}/discount"
    assert post(alpha, "billing", path, amount="20.01", reason="Staff").status_code == 422
    assert post(alpha, "billing", path, amount="5,50", reason="Staff").status_code == 302
    with alpha.acting():
        row = Discount.objects.get()
        assert (row.amount, row.reason, row.given_by) == (Decimal("5.50"), "Staff", alpha.billing)
        assert Account(payment.visit).due == Decimal("14.50")


def test_the_other_hospital_finds_none_of_it(alpha, beta, payment):
    ask(alpha, payment)
    refund = the_refund(alpha)
    for path in (
        f"refunds/{refund.pk}/decide",
        f"refunds/{refund.pk}/pay-out",
        f"receipts/{payment.pk}/refund",
        f"receipts/{payment.pk}/cancel",
        f"visits/{payment.visit_id}/discount",
    ):
        assert alpha.client("admin").get(f"{alpha.url}/{path}/").status_code == 200
        assert beta.client("admin").get(f"{beta.url}/{path}/").status_code == 404

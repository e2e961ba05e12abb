"""Money walked to its end on the pages: a package, a refund with its paper, a remittance that is typed in."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from billing.models import CONSULTATION, Drawer, Kind, Package, PackageItem, Payment, Purse, Refund
from billing.tests.remittances import sent
from billing.tests.till import charge, price, visit
from clinical import days


@pytest.fixture
def seen(alpha):
    """Seventy-five for a consultation and a test, which cost sixty together."""
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        charge(seen, "25")
        check_up = Package.objects.create(name="Check-up", amount=Decimal(60))
        PackageItem.objects.create(package=check_up, kind=Kind.CONSULTATION, code=CONSULTATION)
        PackageItem.objects.create(package=check_up, kind=Kind.TEST, code="X")
        return seen


@pytest.fixture
def paid_out(alpha, seen) -> Refund:
    """Ten of seventy-five, in cash, out of a drawer."""
    with alpha.acting("reception") as acting:
        payment = Payment.take(seen, Decimal(75), method="card", by=acting.person)
        refund = Refund.request(payment, Decimal(10), "Glucose was not wanted", by=acting.person)
    with alpha.acting("billing") as acting:
        refund.approve(by=acting.person)
    with alpha.acting("reception") as acting:
        Drawer.open_for(acting.person, Decimal(100))
        refund.pay_out(method="cash", by=acting.person)
    return refund


def read(house, role: str, path: str) -> str:
    answer = house.client(role).get(f"{house.url}/{path}/")
    assert answer.status_code == 200
    return answer.content.decode()


def today(house, form: str) -> str:
    with house.acting():
        return format(days.today(), form)


def post(house, role: str, path: str, **fields: str):
    return house.client(role).post(f"{house.url}/{path}/", {"form_key": uuid4(), **fields})


def test_the_only_package_is_chosen_already_and_the_account_says_why_less_is_asked(alpha, seen):
    path = f"visits/{seen.pk}/package"
    page = read(alpha, "reception", path)
    with alpha.acting():
        package = Package.objects.get()
    assert f'value="{package.pk}"' in page
    assert "checked" in page
    assert post(alpha, "reception", path).status_code == 422
    assert post(alpha, "reception", path, package=str(package.pk)).status_code == 302
    account = read(alpha, "reception", f"visits/{seen.pk}")
    assert "less for Consultation: Package: Check-up" in account
    assert "less for X: Package: Check-up" in account
    assert post(alpha, "reception", path, package=str(package.pk)).status_code == 422, "it fits no more"


def test_who_decides_about_a_refund_reads_who_asked_and_why(alpha, seen):
    with alpha.acting("reception") as acting:
        payment = Payment.take(seen, Decimal(75), method="card", by=acting.person)
        refund = Refund.request(payment, Decimal(10), "Glucose was not wanted", by=acting.person)
    page = read(alpha, "billing", f"refunds/{refund.pk}/decide")
    assert f"{alpha.reception.name} asked for it: Glucose was not wanted" in page
    paper = read(alpha, "billing", f"refunds/{refund.pk}/receipt")
    assert "no money was given back yet" in paper
    assert "COPY" not in read(alpha, "billing", f"refunds/{refund.pk}/receipt")


def test_a_refund_that_is_paid_out_has_its_paper(alpha, beta, paid_out):
    paper = read(alpha, "reception", f"refunds/{paid_out.pk}/receipt")
    assert "Paid out by cash" in paper
    assert f"Paid out by {alpha.reception.name}" in paper
    assert "COPY" not in paper
    assert "COPY 1" in read(alpha, "reception", f"refunds/{paid_out.pk}/receipt")
    assert beta.client("reception").get(f"{beta.url}/refunds/{paid_out.pk}/receipt/").status_code == 404


def test_the_account_and_the_receipt_say_what_was_given_back(alpha, seen, paid_out):
    account = read(alpha, "reception", f"visits/{seen.pk}")
    assert f"/refunds/{paid_out.pk}/receipt/" in account
    assert f"Cash, {today(alpha, '%-d %b %Y')}" in account
    assert "of it was given back by cash" in read(alpha, "reception", f"receipts/{paid_out.payment_id}")


def test_the_drawer_names_the_refunds_that_went_out_of_it(alpha, paid_out):
    with alpha.acting():
        drawer = Drawer.objects.get()
    page = read(alpha, "reception", f"drawers/{drawer.pk}")
    assert f"/refunds/{paid_out.pk}/receipt/" in page
    assert "Glucose was not wanted" in page


def test_a_remittance_that_is_typed_in_is_of_today_unless_it_says_otherwise(alpha):
    claim = sent(alpha)
    page = read(alpha, "billing", "remittances/new").replace("\n", " ")
    assert "No claim is chosen" in page
    answer = alpha.client("billing").get(f"{alpha.url}/remittances/new/", {"claims": claim.number})
    assert f'value="{today(alpha, "%Y-%m-%d")}"' in answer.content.decode()


def test_a_statement_says_what_it_comes_to(alpha, seen):
    path = f"patients/{seen.patient_id}/statement"
    assert "To be paid: $75.00." in read(alpha, "reception", path)
    with alpha.acting("reception") as acting:
        Payment.take(seen, Decimal(75), method="card", by=acting.person)
    assert "Nothing is to be paid.<" in read(alpha, "reception", path)
    with alpha.acting("reception") as acting:
        Purse.deposit(seen.patient, Decimal(20), method="card", by=acting.person)
    assert "Nothing is to be paid. $20.00 is to your credit." in read(alpha, "reception", path)

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from billing.models import Account, Charge, Payment
from billing.tests.till import price, visit
from hospital.models import AuditEntry, FormKey
from hospital.tests.asking import queries

HTMX = {"HX-Request": "true"}


@pytest.fixture
def seen(alpha):
    """A visit that costs 50."""
    with alpha.acting("reception"):
        price("50")
        return visit()


def pay(house, row, role="reception", headers=None, **fields):
    data = {"amount": "50", "method": "cash", "form_key": uuid4(), **fields}
    return house.client(role).post(f"{house.url}/visits/{row.pk}/payment/", data, headers=headers)


def payments_of(house):
    with house.acting():
        return [
            (row.amount, row.method, row.reference, row.received_by_id) for row in Payment.objects.order_by("serial")
        ]


def test_reception_takes_a_payment_and_comes_back_to_the_visit(alpha, seen):
    answer = pay(alpha, seen)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{alpha.url}/visits/{seen.pk}/")
    assert payments_of(alpha) == [(Decimal(50), "cash", "", alpha.reception.pk)]


def test_with_htmx_the_answer_is_the_receipt_and_the_new_account(alpha, seen):
    page = pay(
        alpha, seen, headers={**HTMX, "HX-Current-URL": f"http://testserver{alpha.url}/visits/{seen.pk}/"}
    ).content.decode()
    assert "RC-000001" in page
    assert 'id="account"' in page
    assert "<html" not in page


def test_the_same_form_sent_twice_is_one_payment(alpha, seen):
    key = uuid4()
    codes = [pay(alpha, seen, amount="20", form_key=key).status_code for _ in range(2)]
    assert codes == [302, 302]
    assert len(payments_of(alpha)) == 1


def test_a_double_click_is_one_payment_also_when_both_arrive_at_once(alpha, seen):
    """CO-5: the twin waits for the first and gets its answer."""
    key, client = uuid4(), alpha.client("reception")
    data = {"amount": "20", "method": "cash", "form_key": key}

    def click(_):
        mine = Client()
        mine.cookies = client.cookies.copy()
        try:
            return mine.post(f"{alpha.url}/visits/{seen.pk}/payment/", data).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(click, range(4)))
    assert codes == [302] * 4
    assert len(payments_of(alpha)) == 1


def test_the_same_key_with_another_amount_is_refused(alpha, seen):
    key = uuid4()
    assert [pay(alpha, seen, amount=amount, form_key=key).status_code for amount in ("20", "30")] == [302, 422]
    assert len(payments_of(alpha)) == 1


@pytest.mark.parametrize("typed", ["12,50", "12.50", " 12,5 ", "12.5"])
def test_a_decimal_comma_is_as_good_as_a_point(alpha, seen, typed):
    assert pay(alpha, seen, amount=typed).status_code == 302
    assert [amount for amount, *_ in payments_of(alpha)] == [Decimal("12.50")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": "50.01"}, "Only $50.00 is due"),
        ({"amount": "0"}, "more than nothing"),
        ({"amount": "abc"}, "one decimal point, and no other marks"),
        ({"amount": "1,234.5,6"}, "one decimal point, and no other marks"),
        ({"amount": "1,234"}, "one decimal point, and no other marks"),
        ({"amount": "1.005"}, "At most 2 digits after the decimal point"),
        ({"method": "gold"}, "one of those that are offered"),
        ({"method": "transfer"}, "bank&#x27;s reference"),
        ({"method": "insurance"}, "Write the insurer"),
    ],
)
@pytest.mark.parametrize("headers", [None, HTMX])
def test_a_wrong_form_comes_back_with_words_and_nothing_is_booked(alpha, seen, fields, words, headers):
    answer = pay(alpha, seen, headers=headers, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert payments_of(alpha) == []
    with alpha.acting():
        assert not FormKey.objects.exists()


def test_a_payment_after_somebody_else_took_it_all_is_refused(alpha, seen):
    pay(alpha, seen)
    answer = pay(alpha, seen, amount="1")
    assert answer.status_code == 422
    assert "Nothing is due" in answer.content.decode()


@pytest.mark.parametrize("role", ["checker_doctor", "main_doctor", "pharmacy", "lab_technician", "board"])
def test_others_neither_take_payments_nor_see_accounts(alpha, seen, role):
    assert pay(alpha, seen, role).status_code == 403
    assert alpha.client(role).get(f"{alpha.url}/payments/").status_code == 403


def test_the_other_hospital_finds_neither_visit_nor_receipt(alpha, beta, seen):
    pay(alpha, seen)
    with alpha.acting():
        receipt = Payment.objects.get().pk
    client = beta.client("reception")
    for address in (f"/visits/{seen.pk}/payment/", f"/receipts/{receipt}/"):
        assert client.get(beta.url + address).status_code == 404
        assert client.get(alpha.url + address).status_code == 404


def test_reception_may_not_waive(alpha, seen):
    assert alpha.client("reception").post(f"{alpha.url}/visits/{seen.pk}/waive/", {"reason": "x"}).status_code == 403


def test_billing_waives_a_charge_with_a_reason(alpha, seen):
    with alpha.acting():
        charge = Charge.objects.get(visit=seen)
    client = alpha.client("billing")
    address = f"{alpha.url}/charges/{charge.pk}/waive/"
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "Hardship"}, headers=HTMX).headers["HX-Trigger"] == "close-dialog"
    with alpha.acting():
        charge.refresh_from_db()
        assert (charge.waive_reason, charge.waived_by) == ("Hardship", alpha.billing)


def test_a_paid_charge_is_not_waived_by_a_post_without_its_button(alpha, seen):
    with alpha.acting():
        Payment.take(seen, Decimal(50), method="cash", by=None)
        charge = Charge.objects.get()
    answer = alpha.client("billing").post(f"{alpha.url}/charges/{charge.pk}/waive/", {"reason": "Hardship"})
    assert answer.status_code == 409
    assert "nothing to waive" in answer.content.decode()
    with alpha.acting():
        assert Charge.objects.get().waived_at is None


def test_billing_waives_all_that_is_due(alpha, seen):
    assert (
        alpha.client("billing").post(f"{alpha.url}/visits/{seen.pk}/waive/", {"reason": "Hardship"}).status_code == 302
    )
    with alpha.acting():
        assert Account(type(seen).objects.get(pk=seen.pk)).payment == "waived"


def test_billing_sets_a_missing_price(alpha):
    with alpha.acting("reception"):
        charge = visit().charges.get()
    client = alpha.client("billing")
    assert "No price set" in client.get(f"{alpha.url}/payments/").content.decode()
    assert client.post(f"{alpha.url}/charges/{charge.pk}/price/", {"unit_price": "-1"}).status_code == 422
    assert client.post(f"{alpha.url}/charges/{charge.pk}/price/", {"unit_price": "12.5"}).status_code == 302
    with alpha.acting():
        charge.refresh_from_db()
        assert (charge.amount, charge.needs_price) == (Decimal("12.50"), False)


def test_who_sets_a_price_below_the_list_reads_both(alpha):
    with alpha.acting("admin"):
        charge_ = visit().charges.get()
        price("20")
    data = {"unit_price": "14", "reason": "Hardship"}
    answer = alpha.client("billing").post(f"{alpha.url}/charges/{charge_.pk}/price/", data, follow=True)
    assert "Consultation costs $20.00, and $14.00 is asked for it." in answer.content.decode()


def test_the_receipt_says_for_what_how_much_and_what_is_still_due(alpha, seen):
    pay(alpha, seen, amount="20", method="card", reference="slip 7")
    with alpha.acting():
        payment = Payment.objects.get()
    page = alpha.client("reception").get(f"{alpha.url}/receipts/{payment.pk}/").content.decode()
    for words in ("RC-000001", "Amara Okafor", "Consultation", "$20.00", "$30.00", "slip 7", alpha.reception.name):
        assert words in page
    with alpha.acting():
        assert AuditEntry.objects.filter(action="print", row_id=payment.pk, person_id=alpha.reception.pk).count() == 1


def test_open_accounts_are_listed_and_leave_when_they_are_paid(alpha, seen):
    client = alpha.client("billing")
    assert "Amara Okafor" in client.get(f"{alpha.url}/payments/").content.decode()
    assert "Amara Okafor" in client.get(f"{alpha.url}/payments/?show=unpaid").content.decode()
    assert f"account-{seen.pk}" not in client.get(f"{alpha.url}/payments/?show=partial").content.decode()
    pay(alpha, seen)
    assert f"account-{seen.pk}" not in client.get(f"{alpha.url}/payments/").content.decode()


@pytest.mark.parametrize("address", ["/payments/", "/dashboard/", "/analytics/", "/analytics/performance/"])
def test_a_page_takes_as_many_queries_for_many_visits_as_for_few(alpha, seen, address):
    client = alpha.client("billing")
    few = len(queries(client, alpha.url + address))
    with alpha.acting("reception"):
        for number in range(30):
            row = visit(f"Patient {number}")
            if number % 3:
                Payment.take(row, Decimal(20), method="cash", by=alpha.reception)
    assert len(queries(client, alpha.url + address)) <= few + 3


def test_the_admin_begins_at_the_dashboard(alpha):
    client = alpha.client("admin")
    assert client.get(f"{alpha.url}/").headers["Location"] == f"{alpha.url}/dashboard/"
    page = client.get(f"{alpha.url}/dashboard/").content.decode()
    assert "Patients here now" in page
    assert alpha.admin.name in page


@pytest.mark.parametrize("tab", ["", "revenue/", "patients/", "visits/", "performance/"])
@pytest.mark.parametrize("query", ["", "?first=2024-01-01&last=2024-03-31"])
def test_each_report_shows_its_tables_and_offers_them_as_csv(alpha, seen, tab, query):
    pay(alpha, seen)
    client = alpha.client("admin")
    answer = client.get(f"{alpha.url}/analytics/{tab}{query}")
    assert answer.status_code == 200
    assert all(client.get(link).status_code == 200 for link in links_in(answer.content.decode()))


def links_in(page):
    return [
        part.split('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:] if "/csv/" in part.split('"')[0]
    ]


def test_a_download_is_a_file_and_is_noted(alpha):
    answer = alpha.client("admin").get(f"{alpha.url}/analytics/revenue/by-method/csv/?first=2024-01-01&last=2024-01-31")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="revenue-by-method-2024-01-01-2024-01-31.csv"'
    assert answer.content.decode("utf-8-sig").splitlines()[0] == 'Method,Payments,Received,"Share, %",Received before'
    with alpha.acting():
        note = AuditEntry.objects.get(action="export")
    assert (note.person_id, note.after) == (
        alpha.admin.pk,
        {"report": "revenue", "table": "by-method", "first": "2024-01-01", "last": "2024-01-31", "rows": 4},
    )


@pytest.mark.parametrize(
    "address", ["/analytics/nonsense/", "/analytics/revenue/nonsense/csv/", "/analytics/nonsense/by-method/csv/"]
)
def test_a_report_that_does_not_exist_is_not_found(alpha, address):
    assert alpha.client("admin").get(alpha.url + address).status_code == 404


def test_dates_that_make_no_period_are_answered_in_words(alpha):
    answer = alpha.client("admin").get(f"{alpha.url}/analytics/?first=2024-02-02&last=2024-01-01")
    assert answer.status_code == 422
    assert "The last day is before the first" in answer.content.decode()


def test_a_patient_with_a_formula_for_a_name_does_no_harm_in_a_spreadsheet(alpha):
    with alpha.acting("reception"):
        price("50")
        Payment.take(visit(), Decimal(50), method="cash", by=alpha.person("reception", "=cmd|calc"))
    page = alpha.client("admin").get(f"{alpha.url}/analytics/revenue/by-person/csv/").content.decode("utf-8-sig")
    assert "'=Cmd|Calc,1,50.00" in page


def test_reception_sees_no_analytics(alpha):
    client = alpha.client("reception")
    assert [
        client.get(f"{alpha.url}/{page}/").status_code for page in ("dashboard", "analytics", "analytics/revenue")
    ] == [403] * 3


def test_prices_are_kept_in_the_administration(alpha):
    client = alpha.client("admin")
    data = {
        "kind": "consultation",
        "code": "consultation",
        "amount": "40",
        "tax_rate": "0",
        "valid_from": date(2024, 1, 1),
    }
    assert client.post(f"{alpha.url}/admin/billing/price/add/", data).status_code == 302
    assert "consultation" in client.get(f"{alpha.url}/admin/billing/price/").content.decode()
    assert client.get(f"{alpha.url}/admin/billing/payment/add/").status_code == 403

"""The pages of the desk: each shows and does what it says, for those who may."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from threading import Event, Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Account, CreditNote, Drawer, DunningStep, Invoice, Payment, Purse, ReceiptPrint, Reminder
from billing.models.invoice import billable
from billing.tests.claims import furnish
from billing.tests.till import price, visit
from clinical import days
from clinical.models import Visit
from hospital.paper_pdf import Paper
from scheduling.models import Location


@pytest.fixture
def seen(alpha) -> Visit:
    with alpha.acting("billing"):
        price("50")
        return visit()


def post(house, role: str, path: str, **fields):
    return house.client(role).post(f"{house.url}/{path}/", {"form_key": uuid4(), **fields})


def page(house, role: str, path: str) -> str:
    answer = house.client(role).get(f"{house.url}/{path}/")
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def issued(house, seen: Visit) -> Invoice:
    with house.acting("billing"):
        invoice = Invoice.draft(seen.patient, billable(seen.patient), by=None)
        invoice.issue(by=None)
        return invoice


def test_billing_drafts_issues_and_prints_an_invoice(alpha, seen):
    account = f"patients/{seen.patient_id}"
    assert "$50.00" in page(alpha, "billing", f"{account}/account")
    with alpha.acting():
        charges = [str(key) for key in billable(seen.patient).values_list("pk", flat=True)]
    assert post(alpha, "billing", f"{account}/invoices/new", charges=[]).status_code == 422
    answer = post(alpha, "billing", f"{account}/invoices/new", charges=charges, note="Thank you")
    assert answer.status_code == 302
    with alpha.acting():
        invoice = Invoice.objects.get()
    path = f"invoices/{invoice.pk}"
    assert "Draft of an invoice" in page(alpha, "billing", path)
    for paper in ("print", "pdf"):
        assert alpha.client("billing").get(f"{alpha.url}/{path}/{paper}/").status_code == 409
    assert post(alpha, "billing", f"{path}/issue").status_code == 302
    again = post(alpha, "billing", f"{path}/issue")
    assert (again.status_code, "is issued and cannot become issued" in again.content.decode()) == (409, True)
    paper = page(alpha, "reception", f"{path}/print")
    assert all(words in paper for words in ("IN-000001", "Consultation", "Thank you", "$50.00"))
    assert alpha.client("reception").get(f"{alpha.url}/{path}/pdf/").content.startswith(b"%PDF")
    assert "IN-000001" in page(alpha, "reception", "invoices")
    assert post(alpha, "reception", f"{path}/cancel", reason="x").status_code == 403


def test_a_credit_note_is_written_line_by_line(alpha, seen):
    invoice = issued(alpha, seen)
    with alpha.acting():
        line = invoice.lines.get()
    path = f"invoices/{invoice.pk}/credit"
    assert post(alpha, "billing", path, reason="Less", **{f"line_{line.pk}": "50.01"}).status_code == 422
    unwritten = post(alpha, "billing", path, reason="Less")
    assert (unwritten.status_code, f"({seen.number}, " in unwritten.content.decode()) == (422, True)
    assert post(alpha, "billing", path, reason="Less", **{f"line_{line.pk}": "12.5"}).status_code == 302
    with alpha.acting():
        note = CreditNote.objects.get()
        assert (note.total, Account(seen).due) == (Decimal("12.50"), Decimal("37.50"))
    assert "CN-000001" in page(alpha, "reception", f"credit-notes/{note.pk}")
    assert alpha.client("reception").get(f"{alpha.url}/invoices/{invoice.pk}/pdf/").content.startswith(b"%PDF")


def test_the_pdf_of_an_invoice_says_what_was_credited(alpha, seen, monkeypatch):
    """What stands in a PDF are glyphs, so its sentences are read as they are written."""
    said = []
    monkeypatch.setattr(Paper, "say", lambda self, text, *args, **kwargs: said.append(text))
    invoice = issued(alpha, seen)
    with alpha.acting("billing"):
        CreditNote.write(invoice, {invoice.lines.get().pk: Decimal(20)}, "Less", by=alpha.billing)
    alpha.client("reception").get(f"{alpha.url}/invoices/{invoice.pk}/pdf/")
    after = said[said.index("Total $50.00") :]
    assert after[1:3] == ["Credit note CN-000001: -$20.00", "Still to be paid: $30.00"]


def test_reception_takes_one_payment_a_deposit_and_uses_it(alpha, seen):
    account = f"patients/{seen.patient_id}/account"
    whole = {"visits": [str(seen.pk)], "method": "cash"}
    over = post(alpha, "reception", f"{account}/payment", **whole, amount="60")
    assert (over.status_code, 'value="60"' in over.content.decode()) == (422, True), "what was typed stays"
    assert post(alpha, "reception", f"{account}/payment", **whole, amount="20").status_code == 302
    assert post(alpha, "reception", f"{account}/deposit", amount="40", method="card").status_code == 302
    over = post(alpha, "reception", f"{account}/use", visits=[str(seen.pk)], amount="40")
    assert (over.status_code, "$30.00 is due" in over.content.decode()) == (422, True)
    assert post(alpha, "reception", f"{account}/use", visits=[str(seen.pk)], amount="30").status_code == 302
    with alpha.acting():
        purse = Purse(seen.patient)
        assert (purse.due, purse.deposited, Payment.objects.filter(visit=None).count()) == (0, 10, 2)
    assert "RC-000002" in page(alpha, "reception", account)
    assert "RC-000001" in page(alpha, "reception", f"visits/{seen.pk}")
    assert "Balance before" in page(alpha, "reception", f"patients/{seen.patient_id}/statement")
    pdf = alpha.client("reception").get(f"{alpha.url}/patients/{seen.patient_id}/statement/pdf/")
    assert pdf.content.startswith(b"%PDF")


def test_a_refund_of_a_deposit_goes_through_the_account_of_the_patient(alpha, seen):
    with alpha.acting("reception"):
        payment = Purse.deposit(seen.patient, Decimal(40), method="card", by=None)
    answer = post(alpha, "reception", f"receipts/{payment.pk}/refund", amount="15", reason="Goes home")
    assert answer.headers["Location"] == f"{alpha.url}/patients/{seen.patient_id}/account/"
    assert "Goes home" in page(alpha, "billing", "refunds")
    over = alpha.client("billing").get(f"{alpha.url}/refunds/?show=over").content.decode()
    assert "Goes home" not in over


def test_what_was_paid_for_a_visit_and_is_owed_no_more_stands_on_the_account_and_goes_back(alpha, seen):
    with alpha.acting("billing"):
        payment = Payment.take(seen, Decimal(50), method="cash", by=None)
        account = f"patients/{seen.patient_id}/account"
        assert "Credit on visits" not in page(alpha, "reception", account)
        Account.locked(seen).charges[0].cancel("Not done", by=None)
    shown = page(alpha, "reception", account)
    assert "Credit on visits" in shown and f"receipts/{payment.pk}/refund/" in shown
    assert post(alpha, "reception", f"receipts/{payment.pk}/refund", amount="50", reason="Not done").status_code == 302


def test_paper_about_money_says_who_writes(alpha, seen):
    invoice = issued(alpha, seen)
    papers = (f"invoices/{invoice.pk}/print", f"patients/{seen.patient_id}/statement")
    with alpha.acting():
        Location.objects.create(name="Main house", address="1 Hill Road, Springfield", phone="555 0100")
    for path in papers:
        assert "Main house · 1 Hill Road, Springfield · 555 0100" in page(alpha, "billing", path)
    furnish(alpha, priced=False)
    for path in papers:
        assert "234 Seaway St · Miami, FL 33111-0000" in page(alpha, "billing", path)
        assert "Tax number 587654321" in page(alpha, "billing", path)


def test_a_receipt_says_copy_from_the_second_time_on(alpha, seen):
    with alpha.acting("reception"):
        payment = Payment.take(seen, Decimal(5), method="cash", by=None)
    assert "COPY" not in page(alpha, "reception", f"receipts/{payment.pk}")
    assert "COPY 1" in page(alpha, "billing", f"receipts/{payment.pk}")
    with alpha.acting():
        assert ReceiptPrint.objects.filter(payment=payment).count() == 2


def test_of_two_who_print_a_receipt_at_once_one_has_a_copy(alpha, seen):
    with alpha.acting("reception"):
        payment = Payment.take(seen, Decimal(5), method="cash", by=None)
    printed, looked = Event(), []

    def second() -> None:
        try:
            with alpha.acting("reception"):
                printed.wait(20)
                looked.append(ReceiptPrint.count(Payment.objects.get(pk=payment.pk)))
        finally:
            connection.close()

    other = Thread(target=second)
    other.start()
    with alpha.acting("reception"):
        ReceiptPrint.count(payment)
        printed.set()
        other.join(1)  # it waits for this one to be done
    other.join(20)
    assert looked == [1]


def test_a_drawer_is_opened_counted_and_closed(alpha, seen):
    assert post(alpha, "reception", "drawers/open", amount="100").status_code == 302
    with alpha.acting():
        drawer = Drawer.objects.get()
    post(alpha, "reception", f"visits/{seen.pk}/payment", amount="20", method="cash")
    path = f"drawers/{drawer.pk}"
    assert "$120.00" not in page(alpha, "reception", path), "it is counted blind"
    assert post(alpha, "reception", f"{path}/move", direction="out", amount="65", reason="Safe").status_code == 302
    over = post(alpha, "reception", f"{path}/move", direction="out", amount="55.01", reason="To the night safe")
    assert (over.status_code, f"There is not so much in {drawer.number}." in over.content.decode()) == (422, True)
    typed = ('value="55.01"', 'value="To the night safe"')
    assert all(value in over.content.decode() for value in typed), "what was typed stays in the form"
    counting = page(alpha, "reception", f"{path}/close")
    assert "Should hold" not in counting and "$55.00" not in counting and 'data-coin="0.25"' in counting
    empty = post(alpha, "reception", f"{path}/close", reason="Nothing")
    assert (empty.status_code, "Nothing is counted yet" in empty.content.decode()) == (422, True)
    wrong = post(alpha, "reception", f"{path}/close", of_20="2")
    assert (wrong.status_code, "is not what should be there" in wrong.content.decode()) == (422, True)
    assert "$55.00" not in wrong.content.decode(), "it is still counted blind"
    assert 'value="2"' in wrong.content.decode(), "what was counted stays in the form"
    assert "$40.00</output>" in wrong.content.decode()
    assert post(alpha, "reception", f"{path}/close", of_20="2", of_10="1", of_5="1").status_code == 302
    assert "Should hold" in page(alpha, "reception", path)
    assert "CD-00001" in page(alpha, "billing", "drawers")
    assert post(alpha, "pharmacy", "drawers/open", amount="1").status_code == 403


def test_letters_are_written_for_what_was_chosen(alpha, seen, monkeypatch):
    with alpha.acting("admin"):
        DunningStep.objects.create(level=1, name="Reminder", days=1, text="{open} is open.")
    invoice = issued(alpha, seen)
    assert "No letter here" in page(alpha, "billing", "reminders")
    after = timezone.localdate() + timedelta(days=40)
    monkeypatch.setattr(days, "today", lambda *args: after)
    assert invoice.number in page(alpha, "billing", "reminders")
    assert post(alpha, "billing", "reminders").status_code == 422
    assert post(alpha, "billing", "reminders", invoice=[str(invoice.pk)]).status_code == 302
    with alpha.acting():
        letter = Reminder.objects.get()
    assert "$50.00 is open." in page(alpha, "billing", f"reminders/{letter.pk}")
    assert alpha.client("reception").get(f"{alpha.url}/reminders/").status_code == 403
    assert post(alpha, "billing", f"invoices/{invoice.pk}/stop", reason="Pays in parts").status_code == 302


def test_ageing_names_who_owes_and_goes_out_as_a_file(alpha, seen):
    assert "Amara Okafor" in page(alpha, "billing", "ageing")
    content = alpha.client("billing").get(f"{alpha.url}/ageing/csv/").content.decode()
    assert "Amara Okafor,50.00" in content


def test_the_other_hospital_finds_none_of_it(alpha, beta, seen):
    invoice = issued(alpha, seen)
    for path in (f"invoices/{invoice.pk}", f"patients/{seen.patient_id}/account", f"invoices/{invoice.pk}/pdf"):
        assert alpha.client("admin").get(f"{alpha.url}/{path}/").status_code == 200
        assert beta.client("admin").get(f"{beta.url}/{path}/").status_code == 404

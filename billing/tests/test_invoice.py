"""Invoices: drafted from charges, frozen and numbered when issued, balanced by themselves, taken back by credit notes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from billing.forms import DraftInvoice
from billing.models import Account, Charge, CreditNote, Discount, Invoice, InvoiceLine, Payment, Refund, Void
from billing.models.invoice import billable
from billing.money import tax_within
from billing.tests.remittances import decided, line, posted, sent
from billing.tests.till import charge, patient, price, visit
from billing.verify import faults
from clinical.models import Patient, Visit
from clinical.tests.test_manifests import waits_for_a_row
from hospital.workflow import IllegalMove, Refused
from realtime.tests.server import wait_until


@pytest.fixture
def seen(alpha) -> Visit:
    """Fifty for the consultation, and a test of twenty which contains its tax."""
    with alpha.acting("billing"):
        price("50")
        seen = visit()
        charge(seen, "20", text="Glucose", tax_rate=Decimal(19))
        return seen


def draft(seen: Visit) -> Invoice:
    return Invoice.draft(seen.patient, billable(seen.patient), by=None)


def issued(seen: Visit) -> Invoice:
    invoice = draft(seen)
    invoice.issue(by=None)
    return invoice


def pay(seen: Visit, amount: str) -> Payment:
    return Payment.take(Visit.objects.get(pk=seen.pk), Decimal(amount), method="cash", by=None)


def status(invoice: Invoice) -> str:
    return Invoice.objects.get(pk=invoice.pk).status


def test_a_draft_has_no_number_and_follows_its_charges(alpha, seen):
    with alpha.acting("billing"):
        invoice = draft(seen)
        Discount.give(seen, Decimal(7), "Staff", by=alpha.billing)
        lines = invoice.current_lines()
        assert (invoice.number, invoice.serial) == ("Draft", None)
        assert [(line.text, line.amount, line.discount, line.total) for line in lines] == [
            ("Consultation", 50, 5, 45),
            ("Glucose", 20, 2, 18),
        ]


def test_issuing_gives_the_next_number_and_freezes_the_lines(alpha, seen):
    with alpha.acting("billing"):
        invoice = issued(seen)
        assert (invoice.number, invoice.total, invoice.tax) == ("IN-000001", 70, Decimal("3.19"))
        Discount.give(seen, Decimal(7), "Staff", by=alpha.billing)
        assert [line.total for line in invoice.current_lines()] == [50, 20]
        assert invoice.owed() == 63


def test_the_database_refuses_to_change_what_was_issued(alpha, seen):
    with alpha.acting("billing"):
        invoice = issued(seen)
        other = draft(visit("Otto Other"))
    for change in (
        lambda: Invoice.objects.filter(pk=invoice.pk).update(total=1),
        lambda: Invoice.objects.filter(pk=invoice.pk).update(status="draft"),
        lambda: Invoice.objects.filter(pk=invoice.pk).delete(),
        lambda: InvoiceLine.objects.filter(invoice=invoice).update(text="Less"),
        lambda: InvoiceLine.objects.filter(invoice=invoice).update(is_live=False),
        lambda: InvoiceLine.objects.filter(invoice=invoice).delete(),
        lambda: invoice.lines.filter(position=1).update(invoice=other, position=7),
    ):
        with pytest.raises(DatabaseError), alpha.acting("billing"), transaction.atomic():
            change()


def test_the_patient_is_asked_only_for_what_the_insurer_leaves(alpha):
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "70.00", CO45="10.00", PR1="20.00")))
    with alpha.acting("billing"):
        (charge,) = billable(claim.patient)
        assert DraftInvoice(charges=[charge]).fields["charges"].choices[0][1].endswith("$20.00")
        invoice = issued(claim.visit)
        (asked,) = invoice.current_lines()
        assert (asked.amount, asked.insured, asked.total, invoice.total) == (100, 80, 20, 20)
        CreditNote.write(invoice, {asked.pk: Decimal(20)}, "A mistake", by=alpha.billing)
        assert (invoice.owed(), status(invoice)) == (0, "balanced")
    papers = f"{alpha.url}/invoices/{invoice.pk}"
    for paper in (papers, f"{papers}/print"):
        assert "$80.00" in alpha.client("billing").get(f"{paper}/").content.decode()


def test_it_balances_when_all_is_paid_and_is_open_again_after_a_refund(alpha, seen):
    with alpha.acting("billing"):
        invoice = issued(seen)
        pay(seen, "69.99")
        assert status(invoice) == "issued"
        last = pay(seen, "0.01")
        assert status(invoice) == "balanced"
        refund = Refund.request(last, Decimal("0.01"), "Too much", by=None)
        refund.approve(by=None)
        assert status(invoice) == "issued"


def test_what_is_paid_already_is_balanced_at_once(alpha, seen):
    with alpha.acting("billing"):
        pay(seen, "70")
        assert issued(seen).status == "balanced"


def test_a_charge_is_on_one_invoice_until_that_is_cancelled(alpha, seen):
    with alpha.acting("billing"):
        charges = list(billable(seen.patient))
        invoice = issued(seen)
        with pytest.raises(Refused, match="on another invoice"):
            Invoice.draft(seen.patient, charges, by=None)
        with pytest.raises(Refused, match="Say why"):
            invoice.cancel(" ", by=None)
        invoice.cancel("Wrong address", by=None)
        assert (status(invoice), Account(seen).due) == ("cancelled", 70)
        assert issued(seen).number == "IN-000002"
        with pytest.raises(IllegalMove):
            invoice.issue(by=None)


def test_nothing_of_another_patient_is_put_on_it(alpha, seen):
    with alpha.acting("billing"):
        stranger = visit("Ben Adler")
        with pytest.raises(Refused):
            Invoice.draft(stranger.patient, Charge.objects.filter(visit=seen), by=None)


def test_a_credit_note_asks_less_and_gives_back_what_was_paid(alpha, seen):
    with alpha.acting("billing"):
        invoice = issued(seen)
        pay(seen, "70")
        _, second = invoice.current_lines()
        note = CreditNote.write(invoice, {second.pk: Decimal("11.90")}, "Done badly", by=alpha.billing)
        account = Account(Visit.objects.get(pk=seen.pk))
        assert (note.number, note.total, note.tax) == ("CN-000001", Decimal("11.90"), Decimal("1.90"))
        assert (account.due, account.credit, status(invoice)) == (0, Decimal("11.90"), "balanced")
        with pytest.raises(Refused, match=r"at most \$8\.10"):
            CreditNote.write(invoice, {second.pk: Decimal("8.11")}, "Again", by=alpha.billing)
        with pytest.raises(Refused, match="has a credit note"):
            invoice.cancel("Wrong", by=None)
        assert list(faults()) == []
    with pytest.raises(DatabaseError), alpha.acting("billing"), transaction.atomic():
        CreditNote.objects.update(total=1)


def test_a_cancelled_payment_opens_the_invoice_again(alpha, seen):
    with alpha.acting("billing"):
        invoice = issued(seen)
        payment = pay(seen, "70")
        Void.cancel(payment, "A mistake", by=alpha.billing)
        assert status(invoice) == "issued"


def test_numbers_of_invoices_that_are_issued_at_once_have_no_gap(alpha):
    with alpha.acting("billing"):
        price("50")
        drafts = [draft(visit(f"Person {number}")) for number in range(8)]

    def issue(invoice: Invoice) -> None:
        try:
            with alpha.acting("billing"):
                Invoice.objects.get(pk=invoice.pk).issue(by=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(issue, drafts))
    with alpha.acting():
        assert sorted(Invoice.objects.values_list("serial", flat=True)) == list(range(1, 9))


def asking(person: Patient, *charges: Charge) -> Invoice:
    invoice = Invoice.draft(person, charges, by=None)
    invoice.issue(by=None)
    return invoice


def test_invoices_of_several_visits_are_held_in_one_order(alpha):
    """A payment of the third visit holds the first invoice and wants the second; the credit note moves both as well."""
    with alpha.acting("billing"):
        price("50")
        person = patient()
        seen = [Visit.register(person, complaint="Fever", by=None) for _ in range(3)]
        one, two, three = ([visit.charges.get(), charge(visit, "20", sequence=2)] for visit in seen)
        invoices = asking(person, two[0], three[0]), asking(person, one[0], three[1])
        whole = asking(person, one[1], two[1])
        line = whole.lines.get(charge=one[1]), whole.lines.get(charge=two[1])

    def credit() -> None:
        with alpha.acting("billing"):
            amounts = {row.pk: Decimal(5) for row in line}
            CreditNote.write(Invoice.objects.get(pk=whole.pk), amounts, "A mistake", by=None)

    def on_a_thread_of_its_own() -> None:
        try:
            credit()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with alpha.acting("billing"):
            first, second = (Invoice.objects.get(pk=row.pk) for row in invoices)
            first.lock()
            other = pool.submit(on_a_thread_of_its_own)
            wait_until(waits_for_a_row, 60, "the credit note does not wait")
            second.lock()
        other.result(20)
    with alpha.acting("billing"):
        assert CreditNote.objects.get().total == 10


def test_an_issue_that_fails_leaves_no_gap(alpha, seen):
    with pytest.raises(ZeroDivisionError), alpha.acting("billing"):
        issued(seen)
        raise ZeroDivisionError
    with alpha.acting("billing"):
        assert issued(seen).serial == 1


def test_the_tax_is_within_the_amount_and_rounded_once():
    assert tax_within(Decimal("11.90"), Decimal(19)) == Decimal("1.90")
    assert tax_within(Decimal("0.10"), Decimal(19)) == Decimal("0.02")
    assert tax_within(Decimal("10.00"), Decimal(0)) == 0

"""Prices of insurers, packages, follow-ups, the limit of discounts, reminders, copies of receipts, ageing, statements."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from billing.ageing import owing
from billing.models import (
    CONSULTATION,
    Account,
    Charge,
    CreditNote,
    DeskRules,
    Discount,
    DunningStep,
    Invoice,
    JournalEntry,
    Kind,
    Package,
    PackageItem,
    Payment,
    Price,
    Purse,
    Reminder,
)
from billing.models.invoice import billable
from billing.models.reminder import to_remind
from billing.statement import statement_of, words_of
from billing.tests.till import charge, patient, price, visit
from billing.verify import faults
from clinical import days
from clinical.models import Payer, Policy, Visit
from clinical.reports.period import Period
from clinical.tests.dispensary import load_codes
from hospital.models import Role
from hospital.workflow import Refused


def register(person, by) -> Visit:
    return Visit.register(person, complaint="Fever", by=by)


def test_who_is_insured_pays_the_price_of_the_insurer(alpha):
    with alpha.acting("admin"):
        payer = Payer.objects.create(name="Mutual")
        price("50")
        Price.objects.create(
            kind=Kind.CONSULTATION, code=CONSULTATION, amount=40, valid_from=date(2019, 1, 1), payer=payer, tax_rate=7
        )
        insured, other = patient("Ida Insured"), patient("Otto Other")
        Policy.record(insured, by=alpha.admin, insurer="Mutual", payer=payer, member_number="7")
        seen = register(insured, alpha.admin).charges.get()
        assert (seen.amount, seen.tax_rate) == (40, 7)
        assert register(other, alpha.admin).charges.get().amount == 50


def a_package(amount: str = "60") -> Package:
    package = Package.objects.create(name="Check-up", amount=Decimal(amount))
    PackageItem.objects.create(package=package, kind=Kind.CONSULTATION, code=CONSULTATION)
    PackageItem.objects.create(package=package, kind=Kind.TEST, code="X")
    return package


def test_a_package_asks_one_price_for_several_things(alpha):
    with alpha.acting("reception"):
        price("50")
        package, seen = a_package(), visit()
        with pytest.raises(Refused, match="does not fit"):
            package.apply(seen, by=alpha.reception)
        charge(seen, "25")
        Account(seen).settle()
        assert package.apply(seen, by=alpha.reception) == 15
        assert [row.rest for row in Account(seen).charges] == [40, 20]
        with pytest.raises(Refused, match="does not fit"):
            package.apply(seen, by=alpha.reception)
        assert list(faults()) == []


def test_what_was_paid_before_the_package_is_the_patients_credit(alpha):
    with alpha.acting("reception"):
        price("50")
        package, seen = a_package(), visit()
        charge(seen, "25")
        Payment.take(seen, Decimal(75), method="cash", by=None)
        package.apply(seen, by=alpha.reception)
        account = Account(Visit.objects.get(pk=seen.pk))
        assert (account.due, account.credit) == (0, 15)
        assert list(faults()) == []


def consult(alpha, person, doctor: str = "main_doctor") -> Visit:
    with alpha.acting("reception"):
        seen = register(person, alpha.reception)
    with alpha.acting("checker_doctor"):
        seen.override_gate("Emergency", by=alpha.checker_doctor)
        seen.examine(by=alpha.checker_doctor, symptoms="", findings="", vitals={}, tests=[])
    with alpha.acting(doctor) as acting:
        seen.diagnose(by=acting.person, diagnoses=[{"code": "J18.9", "title": "Pneumonia"}])
    return seen


def costs(alpha, seen: Visit) -> Decimal:
    with alpha.acting():
        return Account(seen).total


def test_a_follow_up_with_the_same_doctor_is_free_within_the_window(alpha):
    load_codes()
    with alpha.acting("admin"):
        DeskRules.objects.create(follow_up_days=14)
        price("50")
        person, other = patient("Ida Often"), patient("Otto Other")
    assert costs(alpha, consult(alpha, person)) == 50
    assert costs(alpha, consult(alpha, person)) == 0
    assert costs(alpha, consult(alpha, other)) == 50
    with alpha.acting("admin"):
        DeskRules.objects.update(follow_up_days=0)
    assert costs(alpha, consult(alpha, person)) == 50


@pytest.fixture
def ten_percent(alpha) -> Visit:
    """A visit of 50, at a desk that may let off 5 of it."""
    with alpha.acting("admin"):
        DeskRules.objects.create(discount_limit=10)
        price("50")
        role = Role.objects.get(key="billing")
        role.allow_exactly(role.permissions - {"billing.discount_more"})
        return visit()


def test_a_discount_above_the_limit_needs_its_permission(alpha, ten_percent):
    with alpha.acting("billing"):
        with pytest.raises(Refused, match=r"up to 10 percent of a visit: \$5\.00 is left"):
            Discount.give(ten_percent, Decimal("5.01"), "Hardship", by=alpha.billing)
        Discount.give(ten_percent, Decimal(3), "Staff", by=alpha.billing)
    with alpha.acting("admin"):
        Discount.give(ten_percent, Decimal(1), "Staff", by=alpha.admin)
    with alpha.acting("billing"):
        with pytest.raises(Refused, match=r"\$1\.00 is left"):
            Discount.give(ten_percent, Decimal("1.01"), "Staff", by=alpha.billing)
        Discount.give(ten_percent, Decimal(1), "Staff", by=alpha.billing)
    with alpha.acting("admin"):
        Discount.give(ten_percent, Decimal(20), "Hardship", by=alpha.admin)


def test_the_limit_holds_in_whatever_way_it_is_let_off(alpha, ten_percent):
    with alpha.acting("billing"):
        unpriced = charge(ten_percent, "0", needs_price=True)
        invoice = Invoice.draft(ten_percent.patient, billable(ten_percent.patient), by=None)
        invoice.issue(by=None)
        line, account = invoice.lines.get(), Account(ten_percent)
        for let_off in (
            lambda: line.charge.waive("Friend", by=alpha.billing),
            lambda: account.waive("Friend", by=alpha.billing),
            lambda: unpriced.set_price(Decimal(0), by=alpha.billing),
            lambda: unpriced.set_price(Decimal("0.01"), by=alpha.billing),
            lambda: unpriced.waive("Friend", by=alpha.billing),
            lambda: CreditNote.write(invoice, {line.pk: Decimal("5.01")}, "Friend", by=alpha.billing),
        ):
            with pytest.raises(Refused, match="Your role"), transaction.atomic():
                let_off()
        CreditNote.write(invoice, {line.pk: Decimal(5)}, "A mistake", by=alpha.billing)
        assert Account(ten_percent).due == 45


def test_a_price_below_that_of_the_list_is_a_discount(alpha, ten_percent):
    with alpha.acting("admin"):
        listed = price("20", Kind.TEST, "X")
        listed.tax_rate = Decimal(19)
        listed.save()
    with alpha.acting("billing"):
        unpriced = charge(ten_percent, "0", needs_price=True)
        with pytest.raises(Refused, match="Say why less is asked"), transaction.atomic():
            unpriced.set_price(Decimal(14), by=alpha.billing)
        with pytest.raises(Refused, match=r"\$7\.00 is left"), transaction.atomic():
            unpriced.set_price(Decimal("12.99"), "Friend", by=alpha.billing)
        unpriced.set_price(Decimal(14), "Friend", by=alpha.billing)
        account = Account(ten_percent)
        assert (unpriced.unit_price, account.rest_of(unpriced), account.let_off_before) == (20, 14, 6)
        assert unpriced.tax_rate == 19
        with pytest.raises(Refused, match=r"\$1\.00 is left"), transaction.atomic():
            Discount.give(ten_percent, Decimal("1.01"), "Friend", by=alpha.billing)
    with alpha.acting("admin"):
        further = charge(ten_percent, "0", sequence=3, needs_price=True)
        further.set_price(Decimal("0.01"), "Hardship", by=alpha.admin)
        assert Account(ten_percent).rest_of(further) == Decimal("0.01")
        dearer = charge(ten_percent, "0", sequence=4, needs_price=True)
        dearer.set_price(Decimal(25), by=alpha.admin)
        assert (dearer.amount, list(faults())) == (25, [])


def test_the_price_of_an_insurer_that_is_out_of_use_counts_no_more(alpha):
    with alpha.acting("admin"):
        payer = Payer.objects.create(name="Mutual")
        price("50")
        Price.objects.create(
            kind=Kind.CONSULTATION, code=CONSULTATION, amount=40, valid_from=date(2019, 1, 1), payer=payer
        )
        insured = patient("Ida Insured")
        Policy.record(insured, by=alpha.admin, insurer="Mutual", payer=payer, member_number="7")
        assert Price.on(days.today(), Kind.CONSULTATION, CONSULTATION, patient=insured).amount == 40
        Payer.objects.update(is_active=False)
        assert Price.on(days.today(), Kind.CONSULTATION, CONSULTATION, patient=insured).amount == 50


@pytest.fixture
def overdue(alpha) -> Invoice:
    with alpha.acting("billing"):
        price("50")
        DunningStep.objects.create(
            level=1, name="Reminder", days=7, text="{patient} owes {open} of {total}, {invoice}."
        )
        DunningStep.objects.create(level=2, name="Last reminder", days=14, text="Pay {open}.")
        DeskRules.objects.create(due_days=0)
        seen = visit()
        invoice = Invoice.draft(seen.patient, billable(seen.patient), by=None)
        invoice.issue(by=None)
        return invoice


@pytest.fixture
def later(monkeypatch):
    """Days later, as the calendar of the house says."""

    def later(count: int) -> None:
        today = timezone.localdate() + timedelta(days=count)
        monkeypatch.setattr(days, "today", lambda *args: today)

    return later


def test_a_letter_is_due_by_its_step_and_says_the_sum_of_its_day(alpha, overdue, later):
    with alpha.acting("billing"):
        later(6)
        assert to_remind() == []
        with pytest.raises(Refused, match="not due yet"):
            Reminder.write(overdue, by=alpha.billing)
        later(8)
        Payment.take(overdue.lines.get().charge.visit, Decimal(20), method="cash", by=None)
        letter = Reminder.write(overdue, by=alpha.billing)
        assert (letter.number, letter.level, letter.owed) == ("RM-000001", 1, 30)
        assert letter.text == "Amara Okafor owes $30.00 of $50.00, IN-000001."
        assert to_remind() == []
        later(30)
        assert [step.level for _, step in to_remind()] == [2]
        overdue.stop_reminders("Pays in parts, as agreed", by=alpha.billing)
        assert to_remind() == []
    with pytest.raises(DatabaseError), alpha.acting("billing"), transaction.atomic():
        Reminder.objects.update(text="Less")


def test_one_that_was_paid_meanwhile_holds_up_no_other_letter(alpha, overdue, later):
    with alpha.acting("billing"):
        other = visit("Otto Other")
        paid = Invoice.draft(other.patient, billable(other.patient), by=None)
        paid.issue(by=None)
        later(10)
        assert len(to_remind()) == 2 and [row for row, _ in to_remind([paid.pk])] == [paid]
        Payment.take(other, Decimal(50), method="cash", by=None)
        written, refused = Reminder.write_all([paid.pk, overdue.pk], by=alpha.billing)
        assert [letter.invoice for letter in written] == [overdue]
        assert refused == [f"{paid.number} is paid, stopped, or its next letter is not due yet."]


def test_nobody_is_reminded_of_what_is_paid(alpha, overdue, later):
    with alpha.acting("billing"):
        later(10)
        assert len(to_remind()) == 1
        Payment.take(overdue.lines.get().charge.visit, Decimal(50), method="cash", by=None)
        assert to_remind() == []


def test_ageing_counts_what_is_due_by_the_age_of_the_charge(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        Payment.take(seen, Decimal(45), method="cash", by=None)
        now = timezone.now()
        for number, age in enumerate((10, 40, 80, 200)):
            charge(seen, str(number + 1), sequence=number + 2, charged_at=now - timedelta(days=age))
        assert Charge.objects.count() == 5
        row = owing().get()
        assert [row[name] for name in ("d30", "d60", "d90", "older", "due")] == [6, 2, 3, 4, 15]


@pytest.mark.parametrize(
    ("net", "said"), [(5, "Left to the patient by the payer"), (-5, "Credited after the decision")]
)
def test_a_statement_says_whether_the_payer_left_or_took_over_a_part(net, said):
    entry = JournalEntry(kind=JournalEntry.Kind.TO_PATIENT)
    entry.net = Decimal(net)
    assert words_of(entry, {}).startswith(said)


def test_a_statement_runs_from_the_balance_before_to_what_is_owed(alpha):
    with alpha.acting("reception"):
        price("50")
        seen = visit()
        today = timezone.localdate()
        Payment.take(seen, Decimal(30), method="cash", by=None)
        Purse.deposit(seen.patient, Decimal(5), method="cash", by=None)
        now = statement_of(seen.patient, Period(today, today, alpha.tenant.zone))
        assert [line.amount for line in now.lines] == [50, -30, -5]
        assert (now.before, now.after, now.asked, now.paid) == (0, 15, 50, 35)
        tomorrow = today + timedelta(days=1)
        assert statement_of(seen.patient, Period(tomorrow, tomorrow, alpha.tenant.zone)).before == 15

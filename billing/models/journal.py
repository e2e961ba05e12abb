"""The ledger under all money: double entry, only ever added to. What anybody owes or has is a sum of its lines.

An entry is posted by the verb that moves the money, in the verb's own transaction. That its debits equal its credits,
that no charge and no payment is overdrawn, and that no row is without its entry, the database checks at COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from billing.models.price import Kind
from billing.money import ZERO
from hospital.context import current
from hospital.tenancy import TenantKey, TenantManager, TenantModel

if TYPE_CHECKING:
    from hospital.models import Person

MONEY_FIELD = models.DecimalField(max_digits=14, decimal_places=2)
NET = models.F("debit") - models.F("credit")


class Method(models.TextChoices):
    """How money comes in and goes out."""

    CASH = "cash", "Cash"
    CARD = "card", "Card"
    TRANSFER = "transfer", "Bank transfer"
    INSURANCE = "insurance", "Insurance"


class Book(models.TextChoices):
    """What an account is for. Credit, refunds, income and what payers paid for no claim yet grow by credits."""

    MONEY = "money", "Money received"
    RECEIVABLE = "receivable", "Due from patients"
    CREDIT = "credit", "Credit of patients"
    DEPOSITS = "deposits", "Deposits of patients"
    REFUNDS = "refunds", "Refunds to pay out"
    INCOME = "income", "Income"
    WRITTEN_OFF = "written_off", "Written off"
    PAYERS = "payers", "Due from payers"
    CONTRACTUAL = "contractual", "Contractual adjustments"
    UNAPPLIED = "unapplied", "Paid by payers, on no claim yet"
    WITHHELD = "withheld", "Held back by payers"


KEYS: dict[str, list[str]] = {Book.MONEY: Method.values, Book.INCOME: Kind.values}


class LedgerAccount(TenantModel):
    """An account of the ledger, in one currency. There is one for each way money comes, and each kind of income."""

    book = models.CharField(max_length=12, choices=Book.choices)
    key = models.CharField(max_length=12, blank=True)
    currency = models.CharField(max_length=3)

    class Meta(TenantModel.Meta):
        ordering = ["currency", "book", "key"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "currency", "book", "key"], name="ledger_account_once")
        ]

    def __str__(self) -> str:
        labels = dict([*Method.choices, *Kind.choices])
        return f"{self.get_book_display()}: {labels[self.key].lower()}" if self.key else self.get_book_display()

    @classmethod
    def chart(cls) -> dict[tuple[str, str], LedgerAccount]:
        """The accounts in the tenant's currency. What is missing of them is opened."""
        tenant = current().tenant
        wanted = [(str(book), key) for book in Book for key in KEYS.get(book, [""])]
        found = cls._found(tenant.currency)
        missing = [place for place in wanted if place not in found]
        if missing:
            LedgerAccount.objects.bulk_create(
                [LedgerAccount(tenant=tenant, book=book, key=key, currency=tenant.currency) for book, key in missing],
                ignore_conflicts=True,
            )
            found = cls._found(tenant.currency)
        return found

    @classmethod
    def _found(cls, currency: str) -> dict[tuple[str, str], LedgerAccount]:
        return {(row.book, row.key): row for row in cls.objects.filter(currency=currency)}


@dataclass(frozen=True)
class Sum:
    """A line to be: so much on that account. More than nothing is a debit, less a credit."""

    book: str
    amount: Decimal
    key: str = ""
    charge: Any = None
    payment: Any = None
    remittance: Any = None

    def line(self, entry: JournalEntry, chart: dict[tuple[str, str], LedgerAccount]) -> JournalLine:
        return JournalLine(
            tenant_id=entry.tenant_id,
            entry=entry,
            account=chart[self.book, self.key],
            debit=max(self.amount, ZERO),
            credit=max(-self.amount, ZERO),
            charge=self.charge,
            payment=self.payment,
            remittance=self.remittance,
        )


class JournalEntry(TenantModel):
    """One movement of money, whole and balanced. Its source is the row that it is the entry of."""

    class Kind(models.TextChoices):
        CHARGE = "charge", "Charged"
        PRICE = "price", "Price set"
        CANCEL = "cancel", "Charge cancelled"
        WAIVE = "waive", "Waived"
        DISCOUNT = "discount", "Discount"
        PAYMENT = "payment", "Payment"
        ALLOCATION = "allocation", "Payment put on a charge"
        VOID = "void", "Payment cancelled"
        REFUND = "refund", "Refund approved"
        PAYOUT = "payout", "Refund paid out"
        CLAIMED = "claimed", "Claimed from the payer"
        REMITTANCE = "remittance", "Paid by a payer"
        PAYER_PAID = "payer_paid", "Payer's money put on a charge"
        CONTRACT = "contract", "Contractual adjustment"
        TO_PATIENT = "to_patient", "Left to the patient by the payer"
        GIVEN_UP = "given_up", "Written off after a denial"
        SENT_BACK = "sent_back", "Overpayment to be sent back to a payer"
        PAYER_BACK = "payer_back", "Overpayment sent back to a payer"

    OF_PAYERS = (Kind.REMITTANCE, Kind.PAYER_BACK)  # money that came from payers, and went back to them

    kind = models.CharField(max_length=10, choices=Kind.choices)
    source_id = models.UUIDField(help_text="The charge, payment, allocation, discount or refund.")
    visit = TenantKey("clinical.Visit", related_name="+", null=True)  # a remittance is for many
    patient = TenantKey("clinical.Patient", related_name="+", null=True)  # of money that is for no one visit
    at = models.DateTimeField()
    by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    size = models.PositiveSmallIntegerField(help_text="How many lines it has; none where nothing was to pay.")

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-pk"]
        verbose_name_plural = "journal entries"
        indexes = [models.Index(fields=["tenant", "at"], name="journal_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "source_id"], name="journal_entry_once_a_source")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.source_id}"

    @property
    def whose(self) -> Any:
        """The patient whose money moved, if it is one patient's."""
        return self.visit.patient if self.visit else self.patient

    @classmethod
    def post(
        cls,
        kind: str,
        source: models.Model,
        *sums: Sum,
        visit: Any,
        at: datetime,
        by: Person | None,
        patient: Any = None,
    ) -> JournalEntry:
        """Write the entry of `source`, once. Called inside the transaction of the verb."""
        moved = [one for one in sums if one.amount]
        if total := sum((one.amount for one in moved), ZERO):
            raise ValueError(f"The entry of {source} is not balanced: {total} too much.")
        entry = cls.objects.create(
            kind=kind, source_id=source.pk, visit=visit, patient=patient, at=at, by=by, size=len(moved)
        )
        if moved:
            chart = LedgerAccount.chart()
            JournalLine.objects.bulk_create([one.line(entry, chart) for one in moved])
        return entry


class Lines(models.QuerySet):
    def on(self, *books: str) -> Lines:
        return self.filter(account__book__in=books)

    def money(self) -> Lines:
        """What came in and went out, each line with its time at `entry__at`."""
        return self.on(Book.MONEY)

    def of_payers(self) -> Lines:
        """What payers paid by remittances, less what was sent back to them, by whichever way."""
        return self.filter(entry__kind__in=JournalEntry.OF_PAYERS)

    def of_patients(self) -> Lines:
        """What was taken at the desk, less what was given back there."""
        return self.exclude(entry__kind__in=JournalEntry.OF_PAYERS)

    def net(self) -> Decimal:
        """Debits less credits."""
        return self.aggregate(net=models.Sum(NET))["net"] or ZERO


class JournalLine(TenantModel):
    """So much on the debit or the credit side of an account."""

    entry = TenantKey(JournalEntry, related_name="lines")
    account = TenantKey(LedgerAccount, related_name="lines")
    debit = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO)
    credit = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO)
    charge = TenantKey("billing.Charge", related_name="journal", null=True)
    payment = TenantKey("billing.Payment", related_name="journal", null=True)
    remittance = TenantKey("billing.Remittance", related_name="journal", null=True)

    objects: ClassVar = TenantManager.from_queryset(Lines)()

    class Meta(TenantModel.Meta):
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(debit__gt=0, credit=0) | models.Q(debit=0, credit__gt=0),
                name="journal_line_has_one_side",
            ),
            models.CheckConstraint(
                condition=models.Q(charge__isnull=False, payment=None, remittance=None)
                | models.Q(charge=None, payment__isnull=False, remittance=None)
                | models.Q(charge=None, payment=None, remittance__isnull=False),
                name="journal_line_is_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.debit - self.credit}"


# How the lines of the ledger lead to a row of another query: what is joined, and the key that is compared.
WAYS = {
    "charge": ("", "line.charge_id"),
    "payment": ("", "line.payment_id"),
    "visit_of_charge": ("JOIN billing_charge owed ON owed.id = line.charge_id", "owed.visit_id"),
    "visit_of_payment": ("JOIN billing_payment paid ON paid.id = line.payment_id", "paid.visit_id"),
    "invoice_of_charge": ("JOIN billing_invoiceline asked ON asked.charge_id = line.charge_id", "asked.invoice_id"),
}


class LedgerSum(models.Func):
    """A sum over the lines that lead to each row; nothing where there are none.

    Written as SQL: it stands in each question about money, and to build it of querysets was a third of what a payment
    cost. The row is of the tenant, its lines are by their composite keys, and row-level security reads them too.
    """

    output_field = MONEY_FIELD
    template = (
        "COALESCE((SELECT SUM(%(sides)s) FROM billing_journalline line"
        " JOIN billing_ledgeraccount account ON account.id = line.account_id %(joins)s"
        " WHERE %(key)s = %(expressions)s AND %(among)s), 0)"
    )

    def __init__(self, sides: str, books: Iterable[Book], of: str, kinds: Iterable[JournalEntry.Kind] = ()) -> None:
        joins, key = WAYS[of]
        among = f"account.book IN ({_listed(books)})"
        if kinds:
            joins += " JOIN billing_journalentry entry ON entry.id = line.entry_id"
            among += f" AND entry.kind IN ({_listed(kinds)})"
        super().__init__("pk", sides=sides, joins=joins, key=key, among=among)


def _listed(names: Iterable[models.TextChoices]) -> str:
    return ", ".join(f"'{name.value}'" for name in names)


def credited(*books: Book, of: str, kinds: Iterable[JournalEntry.Kind] = ()) -> LedgerSum:
    """Credits less debits on these accounts, for each row of another query: `of` is one of the `WAYS` there."""
    return LedgerSum("line.credit - line.debit", books, of, kinds)


def debited(*books: Book, of: str) -> LedgerSum:
    return LedgerSum("line.debit - line.credit", books, of)

"""Whether the ledger is whole: its debits are its credits, and it says what the rows say. For the open tenant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from django.db import connection, models

from billing.models import (
    Allocation,
    Charge,
    Discount,
    JournalEntry,
    JournalLine,
    PayerMove,
    PayerRefund,
    Payment,
    Refund,
    Remittance,
    Void,
)
from billing.models.account import payment_of

Kind = JournalEntry.Kind
# What has an entry of which kind. A price that is set later has its own, and is seen by the sums.
SOURCES: tuple[tuple[str, type[models.Model], models.Q], ...] = (
    (Kind.CHARGE, Charge, models.Q()),
    (Kind.CANCEL, Charge, models.Q(cancelled_at__isnull=False)),
    (Kind.WAIVE, Charge, models.Q(waived_at__isnull=False)),
    (Kind.DISCOUNT, Discount, models.Q()),
    (Kind.PAYMENT, Payment, models.Q()),
    (Kind.ALLOCATION, Allocation, models.Q()),
    (Kind.VOID, Void, models.Q()),
    (Kind.REFUND, Refund, models.Q(status__in=(Refund.Status.APPROVED, Refund.Status.PAID_OUT))),
    (Kind.PAYOUT, Refund, models.Q(status=Refund.Status.PAID_OUT)),
    (Kind.REMITTANCE, Remittance, models.Q(status=Remittance.Status.POSTED)),
    (Kind.SENT_BACK, PayerRefund, models.Q(status__in=(Refund.Status.APPROVED, Refund.Status.PAID_OUT))),
    (Kind.PAYER_BACK, PayerRefund, models.Q(status=Refund.Status.PAID_OUT)),
    *((str(kind), PayerMove, models.Q(kind=kind)) for kind in PayerMove.Kind),
)


def faults() -> Iterator[str]:
    yield from unbalanced()
    for kind, model, which in SOURCES:
        yield from without_partner(kind, model, which)
    yield from at_odds("charge", "SELECT id FROM billing_charge_at_odds")
    yield from at_odds("payment", "SELECT id FROM billing_payment_at_odds")
    yield from at_odds("remittance", "SELECT id FROM billing_remittance_at_odds")
    yield from misnamed()


def unbalanced() -> Iterator[str]:
    """Entries whose sides differ, or that lack a line, and currencies whose sides differ over all."""
    rows = JournalEntry.objects.annotate(
        written=models.Count("lines"),
        over=models.functions.Coalesce(
            models.Sum(models.F("lines__debit") - models.F("lines__credit")), 0, output_field=models.DecimalField()
        ),
    )
    for entry in rows.exclude(written=models.F("size"), over=0).order_by():
        yield f"Entry {entry.pk} ({entry.kind}) has {entry.written} of {entry.size} lines and is {entry.over} out of balance."
    sides = JournalLine.objects.order_by().values_list("account__currency")
    for currency, debit, credit in sides.annotate(models.Sum("debit"), models.Sum("credit")):
        if debit != credit:
            yield f"In {currency} the debits are {debit} and the credits {credit}."


def without_partner(kind: str, model: type[models.Model], which: models.Q) -> Iterator[str]:
    entries = JournalEntry.objects.filter(kind=kind)
    rows = model._default_manager.filter(which)
    posted = entries.filter(source_id=models.OuterRef("pk"))
    name = model._meta.verbose_name
    for key in rows.filter(~models.Exists(posted)).order_by().values_list("pk", flat=True):
        yield f"The {name} {key} has no entry of the kind {kind}."
    there = rows.filter(pk=models.OuterRef("source_id"))
    for key in entries.filter(~models.Exists(there)).order_by().values_list("pk", flat=True):
        yield f"Entry {key} ({kind}) has no {name}."


def at_odds(name: str, which: str) -> Iterator[str]:
    """Rows of which the ledger says something else than they do, or that are overdrawn."""
    with connection.cursor() as cursor:
        cursor.execute(which)
        for (key,) in cursor.fetchall():
            yield f"The {name} {key} and its lines in the ledger say different sums."


def misnamed() -> Iterator[str]:
    """Visits that say something else of their payment than their charges do: they would be on no list, or on the wrong one."""
    charges = Charge.objects.with_balance().select_related("visit").order_by("visit", "pk")
    for _, rows in groupby(charges.iterator(), key=lambda charge: charge.visit_id):
        found = list(rows)
        if (visit := found[0].visit).payment != payment_of(found):
            yield f"The visit {visit.pk} is called {visit.payment}, and is {payment_of(found)}."

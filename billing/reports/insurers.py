"""Each insurer: what it was asked for, what it paid, and how often it refused.

The sums are those of the moves between patients and payers; the database keeps them equal to the ledger, charge by charge.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.models import Denial, JournalLine, PayerMove, RemittanceClaim
from billing.models.denial import CATEGORIES
from billing.money import ZERO
from billing.reports.sums import RECEIVED, total
from clinical.models.payer import Payer
from clinical.reports.parts import Column, Figure, Report, Table, percent
from clinical.reports.period import Period
from hospital.context import current
from hospital.plots import Bars, Series

MONEY = "money"
Kind = PayerMove.Kind
SUMS = {
    "claimed": Kind.CLAIMED,
    "paid": Kind.PAID,
    "contract": Kind.CONTRACT,
    "left": Kind.TO_PATIENT,
    "given_up": Kind.GIVEN_UP,
}
DECIDES_NOTHING = ("5", "22", "23", "25")  # pended, taken back, not ours, a forecast (CLP02)
REFUSED = Q(said="4") | Q(denials__isnull=False)  # also of what the patient had paid before, which is no denial of ours


def report(period: Period) -> Report:
    now, before = by_payer(period), by_payer(period.before)
    names = dict(Payer.objects.filter(pk__in=now.keys() | before.keys()).values_list("pk", "name"))
    order = sorted(names, key=lambda pk: (-now.get(pk, NOTHING)["paid"], names[pk]))
    return Report(
        figures(period, now.values(), before.values()),
        [
            paid_table(order, names, now, before),
            became_table(order, names, now),
            refused_table(order, names, now),
            reasons_table(period),
        ],
    )


NOTHING: dict[str, Any] = dict.fromkeys(SUMS, ZERO) | {"decided": 0, "refused": 0}


def by_payer(period: Period) -> dict[Any, dict[str, Any]]:
    """By payer: the sums of `SUMS`, how many claims it decided, and of how many of them it refused something."""
    sums = {name: Sum("amount", filter=Q(kind=kind), default=ZERO) for name, kind in SUMS.items()}
    moves = PayerMove.objects.filter(period.has("at")).order_by().values("claim__payer").annotate(**sums)
    found = {row["claim__payer"]: NOTHING | row for row in moves}
    for name, rows in (("decided", decided(period)), ("refused", decided(period).filter(REFUSED))):
        for payer, count in rows.values_list("claim__payer").annotate(count=Count("claim", distinct=True)):
            found.setdefault(payer, dict(NOTHING))[name] = count
    return found


def decided(period: Period) -> QuerySet:
    """What insurers decided in the period, and did not take back."""
    rows = RemittanceClaim.objects.in_force().filter(period.has("remittance__posted_at"))
    return rows.exclude(claim=None).exclude(said__in=DECIDES_NOTHING).order_by()


def denials(period: Period) -> QuerySet:
    """Those that were heard in the period; a refusal that the payer took back was none."""
    rows = Denial.objects.exclude(status=Denial.Status.TAKEN_BACK)
    return rows.filter(period.has("heard__remittance__posted_at")).order_by()


def figures(period: Period, now: Iterable[dict], before: Iterable[dict]) -> list[Figure]:
    sums = {name: (sum(row[name] for row in now), sum(row[name] for row in before)) for name in NOTHING}
    rate, former = (percent(sums["refused"][at], sums["decided"][at]) for at in (0, 1))
    return [
        Figure("Paid by insurers", sums["paid"][0], MONEY, sums["paid"][1], icon="cash", note="put on claims"),
        Figure("Paid at the desk", at_the_desk(period), MONEY, at_the_desk(period.before), icon="cash"),
        Figure("Asked of insurers", sums["claimed"][0], MONEY, sums["claimed"][1], icon="report-money"),
        Figure("Claims decided", sums["decided"][0], former=sums["decided"][1]),
        Figure("Denial rate", rate, "percent", former, better="down", icon="alert-triangle", note="of claims decided"),
    ]


def at_the_desk(period: Period) -> Decimal:
    """What patients paid, less what was given back."""
    money = JournalLine.objects.money().of_patients().filter(period.has("entry__at"))
    return money.aggregate(sum=RECEIVED)["sum"] or ZERO


def paid_table(order: list, names: dict, now: dict, before: dict) -> Table:
    paid = [(names[pk], now.get(pk, NOTHING)["paid"], before.get(pk, NOTHING)["paid"]) for pk in order]
    whole = total(row[1] for row in paid)
    plot = Bars(
        "Paid by insurer",
        unit=current().tenant.currency,
        labels=[name for name, _, _ in paid],
        series=[
            Series("This period", [row[1] for row in paid]),
            Series("Before", [row[2] for row in paid], muted=True),
        ],
    )
    columns = [Column("Insurer"), Column("Paid", MONEY), Column("Share", "percent"), Column("Paid before", MONEY)]
    rows = [(name, value, percent(value, whole), former) for name, value, former in paid]
    return Table("paid-by-insurer", "Paid by insurer", columns, rows, plot if rows else None, detailed=True)


def became_table(order: list, names: dict, now: dict) -> Table:
    columns = [
        Column("Insurer"),
        Column("Asked", MONEY),
        Column("Contractual", MONEY),
        Column("Left to patients", MONEY),
        Column("Written off", MONEY),
    ]
    found = [(names[pk], now.get(pk, NOTHING)) for pk in order]
    rows = [(name, row["claimed"], row["contract"], row["left"], row["given_up"]) for name, row in found]
    return Table("became-of-it", "What became of what insurers were asked for", columns, rows, wide=True)


def refused_table(order: list, names: dict, now: dict) -> Table:
    columns = [
        Column("Insurer"),
        Column("Claims decided", "number"),
        Column("Refused in whole or in part", "number"),
        Column("Denial rate", "percent"),
    ]
    found = [(names[pk], now.get(pk, NOTHING)) for pk in order]
    rows = [(name, row["decided"], row["refused"], percent(row["refused"], row["decided"])) for name, row in found]
    return Table("denial-rate", "How often insurers refuse", columns, rows)


def reasons_table(period: Period) -> Table:
    rows = (
        denials(period)
        .values("category")
        .annotate(count=Count("pk"), amount=Sum("amount"), back=Sum(F("recovered"), default=ZERO))
    )
    labels = dict(CATEGORIES)
    columns = [Column("Why"), Column("Denials", "number"), Column("Refused", MONEY), Column("Paid after all", MONEY)]
    found = [(labels[row["category"]], row["count"], row["amount"], row["back"]) for row in rows]
    return Table("denial-reasons", "Why insurers refuse", columns, sorted(found, key=lambda row: (-row[2], row[0])))

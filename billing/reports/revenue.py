"""Money that came in, and what was charged for it."""

from __future__ import annotations

from django.db.models import Count, F, Max, Q, Sum

from billing.models import Book, Charge, JournalEntry, JournalLine, Kind, Payment
from billing.models.account import owed
from billing.models.journal import NET
from billing.money import ZERO
from billing.reports.sums import EARNED, RECEIVED, mean, total
from clinical.reports.parts import Column, Figure, Report, Table, percent
from clinical.reports.period import Period
from hospital.context import current
from hospital.plots import Bars, Series

MONEY = "money"
TOP = 15
CAME_IN = Q(entry__kind__in=(JournalEntry.Kind.PAYMENT, JournalEntry.Kind.REMITTANCE))


def report(period: Period) -> Report:
    daily = period.by_day(JournalLine.objects.money(), "entry__at", RECEIVED)
    methods, kinds = by_method(period), by_kind(period)
    received, former = total(daily(period)), total(daily(period.before))
    count, former_count = sum(row["count"] for row in methods), sum(row["former_count"] for row in methods)
    charged, former_charged = total(row["charged"] for row in kinds), total(row["former"] for row in kinds)
    figures = [
        Figure("Received", received, MONEY, former, icon="cash"),
        Figure("Charged", charged, MONEY, former_charged, icon="receipt"),
        Figure("Payments", count, former=former_count, icon="receipt-2"),
        Figure("One payment on average", mean(received, count), MONEY, mean(former, former_count)),
        Figure("Due now on open accounts", owed(), MONEY, icon="hourglass", note="whenever it was charged"),
    ]
    return Report(
        figures,
        [
            daily_table(period, daily),
            method_table(methods, received),
            kind_table(kinds),
            item_table(period),
            person_table(period),
        ],
    )


def daily_table(period: Period, daily) -> Table:
    now, former = daily(period), daily(period.before)
    labels = [period.label(day) for day in period.days]
    plot = Bars(
        "Received by day",
        unit=current().tenant.currency,
        labels=labels,
        series=[Series("This period", now), Series("Before", former, muted=True)],
    )
    columns = [Column("Day"), Column("Received", MONEY), Column("Day before"), Column("Received before", MONEY)]
    rows = [
        (str(day), value, str(day_before), before)
        for day, value, day_before, before in zip(period.days, now, period.before.days, former, strict=True)
    ]
    return Table("received-by-day", "Received by day", columns, rows, plot, wide=True)


def by_method(period: Period) -> list[dict]:
    now, before = period.has("entry__at"), period.before.has("entry__at")
    rows = JournalLine.objects.money().filter(period.with_before.has("entry__at")).order_by()
    return [
        dict(row)
        for row in rows.values(method=F("account__key")).annotate(
            sum=Sum(NET, filter=now, default=ZERO),
            former=Sum(NET, filter=before, default=ZERO),
            count=Count("pk", filter=now & CAME_IN),
            former_count=Count("pk", filter=before & CAME_IN),
        )
    ]


def method_table(methods: list[dict], received) -> Table:
    found = {row["method"]: row for row in methods}
    chosen = [
        (label, found.get(method, {"sum": ZERO, "former": ZERO, "count": 0}))
        for method, label in Payment.Method.choices
    ]
    plot = Bars(
        "How it was paid",
        unit=current().tenant.currency,
        labels=[label for label, _ in chosen],
        series=[
            Series("This period", [row["sum"] for _, row in chosen]),
            Series("Before", [row["former"] for _, row in chosen], muted=True),
        ],
    )
    columns = [
        Column("Method"),
        Column("Payments", "number"),
        Column("Received", MONEY),
        Column("Share", "percent"),
        Column("Received before", MONEY),
    ]
    rows = [(label, row["count"], row["sum"], percent(row["sum"], received), row["former"]) for label, row in chosen]
    return Table("by-method", "How it was paid", columns, rows, plot, detailed=True)


def by_kind(period: Period) -> list[dict]:
    """What was charged in the period, and what became of it since."""
    now = period.has("charge__charged_at")
    income, let_off = Q(account__book=Book.INCOME), Q(account__book=Book.WRITTEN_OFF)
    rows = JournalLine.objects.filter(period.with_before.has("charge__charged_at")).order_by()
    sums = rows.values(kind=F("charge__kind")).annotate(
        charged=Sum(-NET, filter=now & income, default=ZERO),
        waived=Sum(NET, filter=now & let_off, default=ZERO),
        cancelled=Sum("debit", filter=now & income, default=ZERO),
        former=Sum(-NET, filter=period.before.has("charge__charged_at") & income, default=ZERO),
    )
    counts = dict(
        Charge.objects.live().filter(period.has("charged_at")).order_by().values_list("kind").annotate(Sum("quantity"))
    )
    return [{**row, "count": counts.get(row["kind"], 0)} for row in sums]


def kind_table(kinds: list[dict]) -> Table:
    labels = dict(Kind.choices)
    order = {kind: place for place, kind in enumerate(labels)}
    found = sorted(kinds, key=lambda row: order[row["kind"]])
    plot = Bars(
        "What was charged",
        unit=current().tenant.currency,
        labels=[labels[row["kind"]] for row in found],
        series=[
            Series("This period", [row["charged"] for row in found]),
            Series("Before", [row["former"] for row in found], muted=True),
        ],
    )
    columns = [
        Column("Kind"),
        Column("Number", "number"),
        Column("Charged", MONEY),
        Column("Of these waived", MONEY),
        Column("Cancelled", MONEY),
    ]
    rows = [(labels[row["kind"]], row["count"], row["charged"], row["waived"], row["cancelled"]) for row in found]
    return Table("by-kind", "What was charged", columns, rows, plot, detailed=True)


def item_table(period: Period) -> Table:
    rows = (
        JournalLine.objects.on(Book.INCOME)
        .filter(period.has("charge__charged_at"), charge__cancelled_at=None)
        .order_by()
        .values(kind=F("charge__kind"), code=F("charge__code"))
        .annotate(text=Max("charge__text"), count=Sum("charge__quantity"), sum=EARNED)
    )
    columns = [Column("Item"), Column("Kind"), Column("Number", "number"), Column("Charged", MONEY)]
    labels = dict(Kind.choices)
    found = [
        (row["text"], labels[row["kind"]], row["count"], row["sum"])
        for row in rows.order_by("-sum", "kind", "code")[:TOP]
    ]
    return Table("items", f"The {TOP} items that brought most", columns, found)


def person_table(period: Period) -> Table:
    rows = (
        JournalLine.objects.money()
        .filter(period.has("entry__at"))
        .order_by()
        .values(name=F("payment__received_by__name"))
        .annotate(count=Count("pk", filter=CAME_IN), sum=RECEIVED)
        .order_by("-sum", "name")
    )
    columns = [Column("Received by"), Column("Payments", "number"), Column("Received", MONEY)]
    return Table(
        "by-person",
        "Who took the payments",
        columns,
        [(row["name"] or "The system", row["count"], row["sum"]) for row in rows],
    )

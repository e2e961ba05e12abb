"""Money that came in, and what was charged for it."""

from __future__ import annotations

from django.db.models import Count, F, Max, Q, Sum

from billing.models import Charge, Kind, Payment
from billing.models.account import owed
from billing.money import ZERO
from billing.reports.sums import mean, total
from clinical.reports.parts import Column, Figure, Report, Table, percent
from clinical.reports.period import Period
from hospital.context import current
from hospital.plots import Bars, Series

MONEY = "money"
TOP = 15


def report(period: Period) -> Report:
    daily = period.by_day(Payment.objects.all(), "received_at", Sum("amount"))
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
    now, before = period.has("received_at"), period.before.has("received_at")
    rows = Payment.objects.filter(period.with_before.has("received_at")).order_by().values("method")
    return [
        dict(row)
        for row in rows.annotate(
            sum=Sum("amount", filter=now, default=ZERO),
            former=Sum("amount", filter=before, default=ZERO),
            count=Count("pk", filter=now),
            former_count=Count("pk", filter=before),
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
    now, live, waived = period.has("charged_at"), Q(cancelled_at=None), Q(waived_at__isnull=False)
    rows = Charge.objects.filter(period.with_before.has("charged_at")).with_allocated().order_by().values("kind")
    return list(
        rows.annotate(
            count=Sum("quantity", filter=now & live, default=0),
            charged=Sum("amount", filter=now & live, default=ZERO),
            waived=Sum(F("amount") - F("allocated"), filter=now & live & waived, default=ZERO),
            cancelled=Sum("amount", filter=now & ~live, default=ZERO),
            former=Sum("amount", filter=period.before.has("charged_at") & live, default=ZERO),
        )
    )


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
        Charge.objects.live()
        .filter(period.has("charged_at"))
        .order_by()
        .values("kind", "code")
        .annotate(text=Max("text"), count=Sum("quantity"), sum=Sum("amount"))
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
        Payment.objects.filter(period.has("received_at"))
        .order_by()
        .values(name=F("received_by__name"))
        .annotate(count=Count("pk"), sum=Sum("amount"))
        .order_by("-sum", "name")
    )
    columns = [Column("Received by"), Column("Payments", "number"), Column("Received", MONEY)]
    return Table(
        "by-person",
        "Who took the payments",
        columns,
        [(row["name"] or "The system", row["count"], row["sum"]) for row in rows],
    )

"""The claims desk at a glance: what came in, what is to do by its deadline, and the money with payers."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse

from billing.claims.drafting import to_be_claimed
from billing.models import Book, Claim, Denial, JournalLine, PayerFile, PayerRefund, Remittance, RemittanceClaim
from billing.models.denial import CATEGORIES, SOON
from billing.models.payer_file import TAKE
from billing.models.reminder import spelled
from billing.money import ZERO
from billing.reports.sums import RECEIVED, total
from clinical import days
from clinical.reports.parts import Column, Figure, Linked, Report, Table
from clinical.reports.period import DAY, Period
from hospital.context import current
from hospital.plots import Bars, Series

MONEY = "money"
Back = PayerRefund.Status
LENGTH = 30
MOST = 8  # rows of a list at a glance


def report() -> Report:
    period = Period.ending_today(LENGTH)
    paid = period.by_day(JournalLine.objects.money().of_payers(), "entry__at", RECEIVED)
    came = [came_in()] if current().may(TAKE) else []
    return Report(figures(period, paid), [to_do(), by_deadline(), paid_table(period, paid), *came, at_risk()])


def figures(period: Period, paid) -> list[Figure]:
    now, before = paid(period), paid(period.before)
    return [
        Figure(
            "Due from payers",
            JournalLine.objects.on(Book.PAYERS).net(),
            MONEY,
            icon="hourglass",
            note="claimed and not settled",
        ),
        Figure("Paid in 30 days", total(now), MONEY, total(before), icon="cash"),
        Figure("Paid today", now[-1], MONEY, icon="cash"),
        Figure(
            "At risk",
            Denial.objects.open().at_risk(),
            MONEY,
            icon="alert-triangle",
            note="refused and not settled",
            better="down",
        ),
        Figure(
            "On no claim yet",
            -JournalLine.objects.on(Book.UNAPPLIED).net(),
            MONEY,
            icon="inbox",
            note="paid, to be matched",
        ),
    ]


def to_do() -> Table:
    """What waits, each with the place where it is done."""
    today = days.today()
    soon = Denial.objects.open().filter(deadline__lte=today + DAY * SOON)
    rows = [
        ("Signed notes to be claimed", to_be_claimed().count(), "to_be_claimed", ""),
        ("Claims near the last day of filing", Claim.objects.near_deadline().count(), "claims", ""),
        (
            "Rejected claims to mend",
            Claim.objects.filter(status=Claim.Status.REJECTED).count(),
            "claims",
            "?show=rejected",
        ),
        ("Claims with something that was not done", Claim.objects.undone().count(), "claims", "?show=undone"),
        ("Remittances to post", Remittance.objects.filter(status=Remittance.Status.READ).count(), "remittances", ""),
        (
            "Claims of remittances to match",
            RemittanceClaim.objects.unmatched().count(),
            "remittances",
            "?show=unmatched",
        ),
        (
            "Refunds to payers to decide or pay out",
            PayerRefund.objects.filter(status__in=(Back.REQUESTED, Back.APPROVED)).count(),
            "payer_refunds",
            "",
        ),
        ("Denials to look after", Denial.objects.filter(status=Denial.Status.TO_DO).count(), "denials", ""),
        ("Appeals that end within 14 days", soon.count(), "denials", ""),
    ]
    cells = [(Linked.to(words, reverse(f"billing:{place}") + query), count) for words, count, place, query in rows]
    return Table("to-do", "To do", [Column("What"), Column("Number", "number")], cells)


def by_deadline() -> Table:
    """What is lost first if nobody does anything: claims to be filed, and refusals to be appealed, by their last day."""
    claims = Claim.objects.near_deadline().select_related("payer").order_by("deadline", "serial")
    refused = Denial.objects.filter(status=Denial.Status.TO_DO, deadline__isnull=False).with_rest()
    denials: Any = refused.select_related("claim__payer").order_by("deadline", "pk")
    found: list[tuple[Any, ...]] = [
        *((one.deadline, "File", one.number, one, one.payer, one.amount) for one in claims[:MOST]),
        *((one.deadline, "Appeal", one.claim.number, one, one.claim.payer, one.still_due) for one in denials[:MOST]),
    ]
    found.sort(key=lambda row: row[:3])
    rows = [
        (Linked.to(f"{what} {number}", row.get_absolute_url()), str(payer), amount, spelled(deadline))
        for deadline, what, number, row, payer, amount in found[:MOST]
    ]
    columns = [Column("What"), Column("Insurer"), Column("Amount", MONEY), Column("Last day")]
    return Table("by-deadline", "Next deadlines", columns, rows, empty="No deadline is near.")


def came_in() -> Table:
    """The latest files of payers, with what became of them."""
    rows = [
        (
            Linked.to(row.name, row.get_absolute_url()),
            row.kinds,
            row.get_state_display(),
            spelled(days.day_of(row.uploaded_at)),
        )
        for row in PayerFile.objects.all()[:MOST]
    ]
    columns = [Column("File"), Column("What it is"), Column("State"), Column("Came")]
    return Table("came-in", "What came in", columns, rows, empty="No payer has sent a file yet.")


def paid_table(period: Period, paid) -> Table:
    values, former = paid(period), paid(period.before)
    plot = Bars(
        "Paid by payers",
        unit=current().tenant.currency,
        labels=[period.label(day) for day in period.days],
        series=[Series("These 30 days", values), Series("The 30 days before", former, muted=True)],
    )
    rows = [(str(day), value) for day, value in zip(period.days, values, strict=True)]
    return Table("paid", "Paid by payers", [Column("Day"), Column("Paid", MONEY)], rows, plot, wide=True)


def at_risk() -> Table:
    """Why payers refuse, and how much of it was paid after all."""
    live = ~Q(status=Denial.Status.TAKEN_BACK)
    found = Denial.objects.filter(live).with_rest().order_by().values("category")
    labels = dict(CATEGORIES)
    rows = [
        (labels[row["category"]], row["count"], row["open"], row["back"])
        for row in found.annotate(
            count=Count("pk"),
            open=Sum("still_due", filter=Q(status__in=Denial.OPEN), default=ZERO),
            back=Sum("recovered", default=ZERO),
        ).order_by("-open", "category")
    ]
    columns = [Column("Why"), Column("Denials", "number"), Column("At risk", MONEY), Column("Recovered", MONEY)]
    return Table("at-risk", "Why payers refuse", columns, rows, empty="No payer has refused anything.")

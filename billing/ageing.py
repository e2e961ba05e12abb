"""What is due, by how long it has been: sums of the ledger over the time of each charge."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from billing.models import Book, JournalLine
from billing.models.journal import NET

BUCKETS = (
    ("d30", "0 to 30 days", 0, 30),
    ("d60", "31 to 60", 31, 60),
    ("d90", "61 to 90", 61, 90),
    ("older", "Over 90", 91, None),
)


def owing() -> QuerySet:
    """A row for each patient who owes: their sum in each bucket, and all of it as `due`."""
    now = timezone.now()
    lines = JournalLine.objects.on(Book.RECEIVABLE).filter(charge__isnull=False)
    sums = {name: Sum(NET, filter=within(now, first, last), default=0) for name, _, first, last in BUCKETS}
    rows = lines.order_by().values("charge__patient")
    return rows.annotate(**sums, due=Sum(NET)).filter(due__gt=0)


def within(now: datetime, first: int, last: int | None) -> Q:
    """Charges that are so many days old."""
    young = Q(charge__charged_at__lte=now - timedelta(days=first)) if first else Q()
    return young & Q(charge__charged_at__gt=now - timedelta(days=last + 1)) if last is not None else young

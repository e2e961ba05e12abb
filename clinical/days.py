"""Days as the hospital's own clock on the wall counts them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone

from hospital.context import current


def day_of(moment: datetime) -> date:
    return moment.astimezone(current().tenant.zone).date()


def today() -> date:
    return day_of(timezone.now())


def bounds(day: date) -> tuple[datetime, datetime]:
    """The day's first moment, and the next day's: 23 or 25 hours apart when the clocks change."""
    zone = current().tenant.zone
    return datetime.combine(day, time(), tzinfo=zone), datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)

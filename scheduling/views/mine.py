"""A provider's own list: today, and the days that follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.permits import permit
from scheduling.board import IN_A_DAY, S
from scheduling.models import Appointment, Provider
from scheduling.moments import Span, day_span

VIEW = "scheduling.view_calendar"
DAYS = 7
BEFORE_ALL = (S.WITH_PROVIDER, S.IN_ROOM, S.ARRIVED, S.BOOKED)


@dataclass(frozen=True)
class Day:
    """Its rows come in by themselves: `name` is the live list of this provider and day."""

    day: date
    name: str
    rows: list[Appointment]


@permit(VIEW)
def my_day(request: Request) -> HttpResponse:
    me = Provider.objects.filter(person=request.acting.person, is_active=True).select_related("location", "person")
    provider = me.first()
    if provider is None:
        return render(request, "scheduling/mine/nobody.html")
    today = provider.location.today()
    days = days_of(provider, today)
    context = {
        "provider": provider,
        "today": days[0],
        "later": days[1:],
        "next": next_of(days[0].rows),
        "left": sum(row.status == S.BOOKED for row in days[0].rows),
        "here": sum(row.status in Appointment.HERE for row in days[0].rows),
    }
    return render(request, "scheduling/mine/page.html", context)


def days_of(provider: Provider, first: date) -> list[Day]:
    zone = provider.location.zone
    whole = Span(day_span(first, zone).begins, day_span(first + timedelta(days=DAYS - 1), zone).ends)
    # A day of another house's clock may begin or end half a day apart.
    near = {"begins_at__gte": whole.begins - timedelta(days=1), "begins_at__lt": whole.ends + timedelta(days=1)}
    rows = Appointment.objects.filter(provider=provider, status__in=IN_A_DAY, **near).shown()
    by_day: dict[date, list[Appointment]] = {first + timedelta(days=number): [] for number in range(DAYS)}
    for row in rows.order_by("begins_at", "serial"):
        if row.day in by_day:
            by_day[row.day].append(row)
    return [Day(day, f"provider-{provider.pk}-{day}", found) for day, found in by_day.items()]


def next_of(rows: list[Appointment]) -> Appointment | None:
    """Whom to see now: who is with me, in a room, waiting; else who comes next."""
    return next((row for status in BEFORE_ALL for row in rows if row.status == status), None)

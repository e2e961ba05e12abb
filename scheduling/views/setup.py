"""Is everything there that appointments need? And who works when, is away, and for whom another time must be found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from hospital.http import Request
from hospital.models import Absence
from hospital.permits import permit
from scheduling.diary import OpenTime, Shift
from scheduling.models import AppointmentType, Location, Provider, Room, Weekday, WorkingHours
from scheduling.moments import Span
from scheduling.stranded import WORDS, among, stranded

MANAGE, BOOK = "scheduling.manage", "scheduling.book"
PAGE, DAYS = 50, 14


@dataclass(frozen=True)
class Part:
    """One thing that appointments need: how many there are, and what is missing."""

    title: str
    icon: str
    count: int
    words: str
    missing: str
    model: str

    @property
    def url(self) -> str:
        return reverse(f"admin:scheduling_{self.model}_changelist")


@permit(MANAGE)
def setup(request: Request) -> HttpResponse:
    providers = list(Provider.objects.at_work().select_related("person", "location"))
    hours = list(WorkingHours.objects.filter(provider__in=providers).select_related("location"))
    people = {provider.person_id for provider in providers}
    away = Absence.objects.not_over(timezone.now()).filter(person__in=people)
    context = {
        "parts": parts(providers, hours),
        "weeks": [week_of(provider, hours, list(away)) for provider in providers],
    }
    return render(request, "scheduling/setup/page.html", context)


def parts(providers: list[Provider], hours: list[WorkingHours]) -> list[Part]:
    locations = Location.objects.filter(is_active=True).aggregate(
        count=Count("pk", distinct=True),
        hours=Count("opening_hours", distinct=True),
        bare=Count("pk", filter=Q(rooms=None), distinct=True),
    )
    types = AppointmentType.objects.filter(is_active=True).aggregate(
        count=Count("pk"), in_rooms=Count("pk", filter=Q(needs_room=True))
    )
    rooms = Room.objects.filter(is_active=True).count()
    idle = len(providers) - len({row.provider_id for row in hours})
    return [
        Part(
            "Locations",
            "building-hospital",
            locations["count"],
            "With address, time zone, and how long before an appointment its reminder is sent.",
            "" if locations["count"] else "Appointments take place somewhere: add a location.",
            "location",
        ),
        Part(
            "Opening hours",
            "clock",
            locations["hours"],
            "A location without any is open whenever somebody works there.",
            "",
            "location",
        ),
        Part(
            "Rooms",
            "door-enter",
            rooms,
            "Each is given to one appointment at a time.",
            "Some types need a room, and a location has none." if types["in_rooms"] and locations["bare"] else "",
            "room",
        ),
        Part(
            "Types of appointment",
            "calendar-event",
            types["count"],
            "How long they take, in which colour, how many patients at one time.",
            "" if types["count"] else "Nothing can be booked without a type.",
            "appointmenttype",
        ),
        Part(
            "Providers",
            "stethoscope",
            len(providers),
            "The people with whom appointments are made, and what they offer.",
            "" if providers else "Nothing can be booked without a provider.",
            "provider",
        ),
        Part(
            "Working hours",
            "clock-play",
            len(hours),
            "Without them nothing is free.",
            f"{idle} of the providers {'has' if idle == 1 else 'have'} none." if idle else "",
            "provider",
        ),
    ]


@dataclass(frozen=True)
class Week:
    provider: Provider
    days: list[tuple[str, list[WorkingHours]]]
    absences: list[Absence]

    @property
    def is_idle(self) -> bool:
        return not any(rows for _, rows in self.days)


def week_of(provider: Provider, hours: list[WorkingHours], away: list[Absence]) -> Week:
    today = timezone.localdate()
    own = [
        row for row in hours if row.provider_id == provider.pk and (row.valid_until is None or row.valid_until >= today)
    ]
    days = [
        (
            str(Weekday(number).label),
            sorted((row for row in own if row.weekday == number), key=lambda row: row.begins),
        )
        for number in range(7)
    ]
    return Week(provider, days, [row for row in away if row.person_id == provider.person_id])


@permit(MANAGE)
def provider(request: Request, pk: UUID) -> HttpResponse:
    """The week as it is set up, the days to come as they will be, and leave."""
    rows = Provider.objects.select_related("person", "location").prefetch_related("offerings__type")
    found = get_object_or_404(rows, pk=pk)
    hours = list(WorkingHours.objects.filter(provider=found).select_related("location"))
    away = list(Absence.objects.not_over(timezone.now()).filter(person=found.person))
    booked = found.appointments.filter(status="booked", begins_at__gt=timezone.now())
    context = {
        "provider": found,
        "week": week_of(found, hours, away),
        "coming": coming_days(found),
        "stranded": list(among(list(booked.shown()))),
    }
    return render(request, "scheduling/setup/provider.html", context)


@dataclass(frozen=True)
class ComingDay:
    day: date
    shifts: list[Shift]
    why_not: str

    @property
    def words(self) -> list[str]:
        """By the location's clock: 09:00 to 12:30, Main house"""
        return [f"{hours(span, shift.location)}, {shift.location}" for shift in self.shifts for span in shift.spans]


def hours(span: Span, location: Location) -> str:
    begins, ends = span.begins.astimezone(location.zone), span.ends.astimezone(location.zone)
    return "All day" if begins.time() == ends.time() else f"{begins:%H:%M} to {ends:%H:%M}"


def coming_days(provider: Provider) -> list[ComingDay]:
    today = provider.location.today()
    last = today + timedelta(days=DAYS - 1)
    open_time = OpenTime([provider], today, last)
    days = [today + timedelta(days=number) for number in range(DAYS)]
    return [coming_day(provider, day, open_time) for day in days]


def coming_day(provider: Provider, day: date, open_time: OpenTime) -> ComingDay:
    shifts = open_time.shifts(provider, day)
    rows = [row for row in open_time.hours.get(provider.pk, ()) if row.is_on(day)]
    if shifts or not rows:
        return ComingDay(day, shifts, "")
    location = open_time.locations.get(rows[0].location_id)
    closed = location.closed_on(day) if location else "location no longer used"
    return ComingDay(day, [], closed or "Away, or the location is closed")


@permit(BOOK)
def to_reschedule(request: Request) -> HttpResponse:
    found = stranded()
    shown = request.GET.get("why", "")
    rows = [row for row in found if not shown or row.kind == shown]
    pills = [{"value": "", "label": "All", "count": len(found)}]
    pills += [
        {"value": kind, "label": label, "count": sum(row.kind == kind for row in found)}
        for kind, label in WORDS.items()
    ]
    context = {"page": Paginator(rows, PAGE).get_page(request.GET.get("page")), "pills": pills}
    return render(request, "scheduling/setup/to_reschedule.html", context)

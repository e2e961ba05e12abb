"""The calendar: a day or a week of providers or rooms, where appointments are moved about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from hospital.http import Request
from hospital.models import Person
from hospital.permits import permit
from hospital.workflow import IllegalMove, Refused
from scheduling.calendar import Column, Sheet, provider_columns, room_columns
from scheduling.diary import OpenTime, free_days, open_locations
from scheduling.models import Appointment, AppointmentType, Hold, Location, Provider, Room, Taken
from scheduling.models.entry import ACTIVE
from scheduling.moments import Span, begin_of, day_in, day_span
from scheduling.views.desk import chosen_place

VIEW, BOOK = "scheduling.view_calendar", "scheduling.book"
NOBODY = UUID(int=0)
# Of hundreds of rows only what is shown.
COLUMNS = (
    *("version", "status", "begins_at", "ends_at", "busy_from", "busy_until", "slot", "seat"),
    *("patient__given_name", "patient__family_name", "room__name", "provider__position", "provider__tone"),
    *("provider__person__name", "type__name", "type__tone", "type__capacity", "type__step_minutes"),
)
YEARS = range(1990, 2190)
OFFERED, AHEAD = 3, 28  # free slots, within so many days
ON_A_SHEET = 14  # rows of three lines still fit
SHOWN = [("", "All but cancelled"), ("all", "With cancelled and no-shows")]
CALLED_OFF = (Appointment.Status.CANCELLED, Appointment.Status.NO_SHOW)


# --- what is asked for ------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What the address says. What is wrong in it counts as not said."""

    location: Location
    day: date
    query: QueryDict

    @property
    def is_week(self) -> bool:
        return self.query.get("span") == "week"

    @property
    def by_room(self) -> bool:
        return self.query.get("by") == "room"

    @property
    def days(self) -> list[date]:
        if not self.is_week:
            return [self.day]
        monday = self.day - timedelta(days=self.day.weekday())
        return [monday + timedelta(days=number) for number in range(7)]

    @property
    def span(self) -> Span:
        zone = self.location.zone
        return Span(day_span(self.days[0], zone).begins, day_span(self.days[-1], zone).ends)

    @property
    def before(self) -> date:
        return self.day - timedelta(days=7 if self.is_week else 1)

    @property
    def after(self) -> date:
        return self.day + timedelta(days=7 if self.is_week else 1)

    @cached_property
    def type(self) -> UUID | None:
        return as_uuid(self.query.get("type"))

    @property
    def status(self) -> str:
        return self.query.get("status", "")

    def statuses(self) -> Iterable[str]:
        if self.status == "all":
            return (*ACTIVE, *CALLED_OFF)
        return (self.status,) if self.status in Appointment.Status.values else ACTIVE

    def rows(self) -> QuerySet[Appointment]:
        rows = Appointment.objects.filter(location=self.location, status__in=self.statuses())
        rows = rows.between(self.span).select_related("patient", "type", "room", "provider__person")
        return rows.only(*COLUMNS)

    def of_type(self, rows: list[Appointment]) -> list[Appointment]:
        return [row for row in rows if self.type in (None, row.type_id)]

    def types(self, rows: list[Appointment]) -> list[AppointmentType]:
        """What there is to choose from: those of the days that are shown, and the one that is chosen."""
        found = {row.type_id: row.type for row in rows}
        if self.type and self.type not in found:
            found |= {type.pk: type for type in AppointmentType.objects.filter(pk=self.type)}
        return sorted(found.values(), key=str)


def asked(request: Request, locations: dict[UUID, Location]) -> Asked | None:
    location = chosen_place(request, list(locations.values()))
    if location is None:
        return None
    return Asked(location, as_day(request.GET.get("day")) or location.today(), request.GET)


def as_uuid(text: str | None) -> UUID | None:
    with suppress(ValueError):
        return UUID(text or "")
    return None


def as_day(text: str | None) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(text or "")
        return day if day.year in YEARS else None
    return None


# --- pages ------------------------------------------------------------------------------


@permit(VIEW)
def calendar(request: Request) -> HttpResponse:
    locations = open_locations()
    wanted = asked(request, locations)
    if wanted is None:
        return render(request, "scheduling/calendar/page.html", {})
    rows = list(wanted.rows())
    subjects, chosen, columns = (
        by_room(request, wanted, rows) if wanted.by_room else by_provider(request, wanted, rows, locations)
    )
    context = {
        "asked": wanted,
        "locations": locations.values(),
        "pills": pills(subjects, everybody=not wanted.is_week),
        "chosen": chosen,
        "link": reverse("scheduling:appointment", args=[NOBODY]).removesuffix(f"{NOBODY}/"),
        "sheet": Sheet(wanted.location, columns, timezone.now()),
        "types": wanted.types(rows),
        "statuses": SHOWN + Appointment.Status.choices,
        "home_zone": request.acting.tenant.time_zone,
    }
    return render(request, "scheduling/calendar/page.html", context)


def by_provider(
    request: Request, wanted: Asked, rows: list[Appointment], locations: dict[UUID, Location]
) -> tuple[list[Provider], Provider | None, list[Column]]:
    providers = with_those_of(rows, providers_at(wanted.location))
    mine = next((provider for provider in providers if provider.person_id == request.acting.person.pk), None)
    chosen = one_of(providers, wanted.query.get("provider"))
    if wanted.is_week:
        chosen = chosen or mine or next(iter(providers), None)
    shown = [chosen] if chosen else providers
    open_time = OpenTime(shown, wanted.days[0], wanted.days[-1], locations=locations)
    around = Hold.objects.standing().filter(
        provider__in=shown, busy_from__lt=wanted.span.ends, busy_until__gt=wanted.span.begins
    )
    holds = around.select_related("held_by")
    columns = provider_columns(
        open_time, wanted.location, shown, wanted.days, wanted.of_type(rows), holds, lambda row: may_move(request, row)
    )
    return providers, chosen, columns


def by_room(request: Request, wanted: Asked, rows: list[Appointment]) -> tuple[list[Room], Room | None, list[Column]]:
    rooms = list(Room.objects.filter(location=wanted.location, is_active=True))
    chosen = one_of(rooms, wanted.query.get("room"))
    if wanted.is_week:
        chosen = chosen or next(iter(rooms), None)
    shown = [chosen] if chosen else [*rooms, None]
    columns = room_columns(
        wanted.location, shown, wanted.days, wanted.of_type(rows), lambda row: may_move(request, row)
    )
    return rooms, chosen, columns


def providers_at(location: Location) -> list[Provider]:
    here = Q(location=location) | Q(working_hours__location=location)
    return list(Provider.objects.at_work().filter(here).distinct().select_related("person"))


def with_those_of(rows: Iterable[Appointment], providers: list[Provider]) -> list[Provider]:
    """Also who works here no longer but still has patients today."""
    known = {provider.pk for provider in providers}
    others = {row.provider_id: row.provider for row in rows if row.provider_id not in known}
    return providers + sorted(others.values(), key=str)


def one_of(rows: list, text: str | None) -> Any:
    return next((row for row in rows if str(row.pk) == text), None)


def pills(subjects: Iterable[Provider | Room], *, everybody: bool) -> list[dict[str, Any]]:
    found = [{"value": "", "label": "All"}] if everybody else []
    return found + [{"value": str(row.pk), "label": str(row)} for row in subjects]


def may_move(request: Request, row: Appointment) -> bool:
    return row.status == Appointment.Status.BOOKED and request.acting.may(BOOK)


@permit(VIEW)
def day_sheets(request: Request) -> HttpResponse:
    """On paper: the day of each provider, or of one."""
    wanted = asked(request, open_locations())
    if wanted is None:
        return render(request, "scheduling/calendar/paper.html", {"back": reverse("scheduling:calendar")})
    whole = day_span(wanted.day, wanted.location.zone)
    rows = Appointment.objects.active().filter(location=wanted.location).between(whole).shown()
    by_whom: dict[Provider, list[Appointment]] = {}
    for row in rows.order_by("provider__position", "provider__person__name", "begins_at", "seat"):
        by_whom.setdefault(row.provider, []).append(row)
    if one := wanted.query.get("provider"):
        by_whom = {provider: mine for provider, mine in by_whom.items() if str(provider.pk) == one}
    back = (
        f"{reverse('scheduling:calendar')}?{urlencode({'location': str(wanted.location.pk), 'day': str(wanted.day)})}"
    )
    context = {"asked": wanted, "sheets": list(sheets_of(by_whom)), "back": back}
    return render(request, "scheduling/calendar/paper.html", context)


def sheets_of(by_whom: dict[Provider, list[Appointment]]) -> Iterable[dict[str, Any]]:
    for provider, rows in by_whom.items():
        parts = [rows[at : at + ON_A_SHEET] for at in range(0, len(rows), ON_A_SHEET)]
        for number, part in enumerate(parts, 1):
            yield {"provider": provider, "rows": part, "number": number, "of": len(parts), "all": len(rows)}


# --- moving about -----------------------------------------------------------------------


@permit(BOOK, "POST")
def move(request: Request, pk: UUID) -> HttpResponse:
    """To another time, provider or room of the house that the calendar shows."""
    row, to = open_appointment(pk), request.POST
    provider = get_object_or_404(Provider, pk=as_uuid(to["provider"])) if to.get("provider") else row.provider
    room = get_object_or_404(Room, pk=as_uuid(to["room"])) if to.get("room") else None
    outside, by = to.get("outside") == "yes", request.acting.person
    try:
        begins_at = moment_of(to.get("begins", ""), row.location)
        minutes = minutes_of(to["minutes"]) if to.get("minutes") else row.minutes
        made = row.reschedule(
            begins_at,
            by=by,
            provider=provider,
            location=row.location,
            room=room,
            minutes=minutes,
            outside=outside,
        )
    except Taken as taken:
        return refused(taken, next_slots(row, provider, begins_at, minutes, by))
    except (Refused, IllegalMove) as error:
        return refused(error)
    return JsonResponse({"said": f"{made.patient.name}: {made.when_in_words}, {made.provider}", "pk": str(made.pk)})


@permit(BOOK, "POST")
def resize(request: Request, pk: UUID) -> HttpResponse:
    """Longer or shorter, from the same beginning."""
    row, by = open_appointment(pk), request.acting.person
    try:
        minutes = minutes_of(request.POST.get("minutes", ""))
        row.resize(minutes, by=by, outside=request.POST.get("outside") == "yes")
    except Taken as taken:
        return refused(taken, next_slots(row, row.provider, row.begins_at, minutes, by))
    except (Refused, IllegalMove) as error:
        return refused(error)
    return JsonResponse({"said": f"{row.patient.name}: {row.minutes} min", "pk": str(row.pk)})


def open_appointment(pk: UUID) -> Appointment:
    rows = Appointment.objects.select_related("patient", "type", "location", "provider__person")
    return get_object_or_404(rows, pk=pk)


def moment_of(text: str, location: Location) -> datetime:
    """What the location's clock shows, as a moment."""
    with suppress(ValueError):
        wall = datetime.fromisoformat(text)
        if wall.tzinfo is None and wall.year in YEARS and not (wall.second or wall.microsecond):
            return begin_of(wall.date(), wall.time(), location.zone)
    raise Refused("Choose a day and a time.", status=422, field="begins")


def minutes_of(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 5 and 5 <= int(text) <= 720:
        return int(text)
    raise Refused("An appointment takes between 5 minutes and 12 hours.", status=422, field="minutes")


def refused(error: Refused | IllegalMove, slots: Iterable[dict[str, str]] = ()) -> JsonResponse:
    """In words, and with the next free slots where the time is taken."""
    outside = getattr(error, "field", "") == "outside"
    answer = {"said": str(error), "outside": outside, "slots": list(slots)}
    return JsonResponse(answer, status=getattr(error, "status", 409))


def next_slots(
    row: Appointment, provider: Provider, after: datetime, minutes: int, by: Person
) -> Iterator[dict[str, str]]:
    zone = row.location.zone
    days = free_days(
        row.type,
        [provider],
        after=day_in(after, zone),
        patient=row.patient,
        location=row.location,
        by=by,
        minutes=minutes,
        days=AHEAD,
        leaving=[row],
    )
    later = (slot.begins_at for _, slots in days for slot in slots if slot.begins_at >= after)
    for begins_at in islice(later, OFFERED):
        wall = begins_at.astimezone(zone)
        yield {"words": f"{wall:%a %-d %b, %H:%M}", "begins": f"{wall:%Y-%m-%dT%H:%M}", "provider": str(provider.pk)}

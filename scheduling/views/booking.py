"""Booking: whom, what for, one of the free slots, and the last step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from clinical.chart import open_chart
from clinical.models import Patient
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from scheduling.cautions import cautions
from scheduling.diary import OpenTime
from scheduling.forms.booking import LastStep, Looking, Minutes, WalkIn
from scheduling.models import Appointment, AppointmentType, Hold, Location, Provider, Taken
from scheduling.moments import day_in, wall
from scheduling.picking import Wanted, first_today, key_of, page_of, picked

BOOK, CHECK_IN = "scheduling.book", "scheduling.check_in"
CARRIED = ("type", "provider", "location", "day", "begins", "minutes")
GONE = "That time was just taken. These are free."


@permit(BOOK)
def book(request: Request) -> HttpResponse:
    """Without a patient it asks for one; without a type it takes the only one, or asks."""
    patient = row_of(Patient, request.GET.get("patient"))
    if patient is None:
        return render(request, "scheduling/booking/find.html", {"then": "book", "carried": carried(request)})
    open_chart(patient, page="booking", at_work=True)
    type = row_of(AppointmentType, request.GET.get("type")) or only_type()
    return choose(request, patient, type)


@permit(BOOK)
def reschedule(request: Request, pk: UUID) -> HttpResponse:
    """The same choice for an appointment that stands already."""
    leaving = get_object_or_404(Appointment.objects.shown(), pk=pk)
    if leaving.status != Appointment.Status.BOOKED:
        raise Refused(f"{leaving.number} is {leaving.get_status_display().lower()}. Only a booked one can be moved.")
    return choose(request, open_chart(leaving.patient, page="reschedule", at_work=True), leaving.type, leaving)


def choose(
    request: Request, patient: Patient, type: AppointmentType | None, leaving: Appointment | None = None
) -> HttpResponse:
    context: dict[str, Any] = {"patient": patient, "type": type, "leaving": leaving, "types": types()}
    if type is None:
        return render(request, "scheduling/booking/choose.html", context)
    data: Mapping[str, str] = request.GET
    if leaving and not data:
        data = {"provider": str(leaving.provider_id)}  # begins with the same one
    form = Looking(data, type=type)
    context["form"] = form
    if form.is_valid():
        context |= free_times(request, form, patient, type, leaving)
    return render(request, "scheduling/booking/choose.html", context, status=200 if form.is_valid() else 422)


def free_times(
    request: Request, form: Looking, patient: Patient, type: AppointmentType, leaving: Appointment | None
) -> dict[str, Any]:
    found, day = form.cleaned_data, form.cleaned_data.pop("day")
    minutes = leaving.minutes if leaving else minutes_of(request.GET)
    wanted = Wanted(patient, type, request.acting.person, minutes=minutes, leaving=leaving, **found)
    page = page_of(wanted, day, whole="whole" in request.GET)
    return {"wanted": wanted, "page": page, "given": given(wanted, request.GET.get("begins", ""))}


@permit(BOOK)
def find(request: Request) -> HttpResponse:
    """Who is on the telephone: the answer while somebody types."""
    query = request.GET.get("q", "").strip()
    found = list(Patient.objects.search(query)[:8]) if query else []
    then = "walk_in" if request.GET.get("then") == "walk_in" else "book"
    context = {"found": found, "query": query, "then": then, "carried": urlencode(carried(request))}
    return render(request, "scheduling/booking/_found.html", context)


@permit(BOOK, "POST")
def hold(request: Request) -> HttpResponse:
    """Nobody else is offered it for some minutes. What several share needs no holding."""
    wanted = wanted_of(request, request.POST)
    provider, begins_at = picked(request.POST.get("at", ""))
    leaving, busy = wanted.leaving, wanted.busy(begins_at)
    if not wanted.is_shared and Hold.place(provider, busy, by=wanted.by, leaving=leaving) is None:
        messages.warning(request, GONE)
        return redirect(back_to(request.POST.get("back", ""), wanted))
    return redirect(f"{reverse('scheduling:last_step')}?{urlencode(asked(wanted) | {'at': request.POST['at']})}")


@permit(BOOK, "GET", "POST")
def last_step(request: Request) -> HttpResponse:
    """Reason, note, room and length. If the time is gone by now, what was typed stays, and the next free ones are offered."""
    wanted = wanted_of(request, request.GET)
    provider, begins_at = picked(request.POST.get("pick") or request.GET.get("at", ""))
    place = place_of(wanted, provider, begins_at)
    if request.POST.get("then") == "back":
        Hold.let_go_of(wanted.by)
        return redirect(back_to("", wanted))
    form = LastStep(sent(request), wanted=wanted, location=place)
    context = {"form": form, "wanted": wanted, "provider": provider, "location": place, "begins_at": begins_at}
    if request.method == "GET" or not form.is_valid():
        return last_page(request, context, status=422 if form.is_bound else 200)
    try:
        made = form.book(wanted, provider, begins_at)
    except Taken as refused:
        same = replace(wanted, provider=provider, minutes=form.cleaned_data.get("minutes"))
        free = same.next_after(begins_at) or replace(same, provider=None).next_after(timezone.now())
        return last_page(request, context | {"taken": str(refused), "free": free}, 409)
    except Refused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        return last_page(request, context, status=refused.status)
    messages.success(request, f"{made.number} is booked: {made.when_in_words}, {made.provider}.")
    return redirect(made)


def last_page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    wanted: Wanted = context["wanted"]
    begins_at, zone = context["begins_at"], context["location"].zone
    busy = wanted.busy(begins_at)
    mine = Hold.objects.standing().filter(held_by=wanted.by, provider=context["provider"], busy_from=busy.begins)
    held = mine.first()
    context |= {
        "patient": open_chart(wanted.patient, page="booking", at_work=True),
        "at": wall(begins_at, zone),
        "until": wall(wanted.span(begins_at).ends, zone),
        "held_until": wall(held.expires_at, zone) if held else None,
        "query": urlencode(asked(wanted) | {"at": request.GET.get("at", "")}),
        "cautions": cautions(wanted.patient, wanted.type, wall(begins_at, zone).date()),
    }
    return render(request, "scheduling/booking/last.html", context, status=status)


@permit(CHECK_IN, "GET", "POST")
def walk_in(request: Request) -> HttpResponse:
    """Somebody without an appointment stands at the desk: the first free time today, and checked in at once."""
    patient = row_of(Patient, request.GET.get("patient"))
    if patient is None:
        return render(request, "scheduling/booking/find.html", {"then": "walk_in", "carried": carried(request)})
    open_chart(patient, page="walk-in", at_work=True)
    type = row_of(AppointmentType, request.GET.get("type")) or only_type()
    form = WalkIn(sent(request))
    context = {"patient": patient, "type": type, "types": types(), "form": form}
    if type is None:
        return render(request, "scheduling/booking/walk_in.html", context)
    wanted = Wanted(patient, type, request.acting.person)
    if request.method == "GET" or not form.is_valid():
        return walk_in_page(request, context, wanted, 422 if form.is_bound else 200)
    provider, begins_at = picked(request.POST.get("at", ""))
    try:
        made = Appointment.walk_in(patient, type, provider, begins_at, by=wanted.by, reason=form.cleaned_data["reason"])
    except Taken as refused:
        return walk_in_page(request, context | {"taken": str(refused)}, wanted, 409)
    messages.success(request, f"{made.number} is checked in: {made.when_in_words}, {made.provider}.")
    return redirect(made)


def walk_in_page(request: Request, context: dict[str, Any], wanted: Wanted, status: int) -> HttpResponse:
    return render(request, "scheduling/booking/walk_in.html", context | {"free": first_today(wanted)}, status=status)


def given(wanted: Wanted, text: str) -> dict[str, Any] | None:
    """A time that was pointed at in the calendar, with the provider who was pointed at."""
    try:
        begins_at = datetime.fromisoformat(text).astimezone(UTC)
        key = key_of(wanted.provider, begins_at) if wanted.provider else ""
        provider, begins_at = picked(key)
    except (ValueError, OverflowError, Refused):
        return None
    return {"key": key, "at": wall(begins_at, place_of(wanted, provider, begins_at).zone), "provider": provider}


def carried(request: Request) -> dict[str, str]:
    """What was chosen before the patient was."""
    return {name: request.GET[name] for name in CARRIED if request.GET.get(name)}


# --- what an address says ----------------------------------------------------------------


def wanted_of(request: Request, data: Mapping[str, str]) -> Wanted:
    """Whom and what for, as a form or an address carries it. 404 for what is not here."""
    if data.get("moves"):
        leaving = get_object_or_404(Appointment.objects.shown(), pk=uuid_of(data["moves"]))
        return Wanted(leaving.patient, leaving.type, request.acting.person, minutes=leaving.minutes, leaving=leaving)
    patient, type = row_of(Patient, data.get("patient")), row_of(AppointmentType, data.get("type"))
    if patient is None or type is None:
        raise Http404
    return Wanted(patient, type, request.acting.person, minutes=minutes_of(data))


def asked(wanted: Wanted) -> dict[str, str]:
    if wanted.leaving is not None:
        return {"moves": str(wanted.leaving.pk)}
    found = {"patient": str(wanted.patient.pk), "type": str(wanted.type.pk)}
    return found | ({"minutes": str(wanted.minutes)} if wanted.minutes else {})


def back_to(query: str, wanted: Wanted) -> str:
    """The choice as it was narrowed; `query` is only ever put behind our own address."""
    if wanted.leaving is not None:
        address = reverse("scheduling:reschedule", args=[wanted.leaving.pk])
    else:
        address = reverse("scheduling:book")
    return f"{address}?{urlencode(parse_qsl(query)) or urlencode(asked(wanted))}"


def row_of(model: Any, text: str | None) -> Any:
    return get_object_or_404(model, pk=uuid_of(text)) if text else None


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def minutes_of(data: Mapping[str, str]) -> int | None:
    """Only where it differs from the type's own; nonsense is no length."""
    try:
        return Minutes(required=False).clean(data.get("minutes", ""))
    except ValidationError:
        return None


def types() -> list[AppointmentType]:
    return list(AppointmentType.objects.filter(is_active=True))


def only_type() -> AppointmentType | None:
    rows = types()
    return rows[0] if len(rows) == 1 else None


def sent(request: Request) -> QueryDict | None:
    """Also a form of which nothing was filled in."""
    return request.POST if request.method == "POST" else None


def place_of(wanted: Wanted, provider: Provider, begins_at: datetime) -> Location:
    """Where the provider works then; where they mostly work, if it lies outside their hours."""
    day = day_in(begins_at, provider.location.zone)
    return OpenTime([provider], day, day).open_at(provider, wanted.span(begins_at)) or provider.location

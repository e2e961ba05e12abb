"""Appointments that come again: planned, booked, seen, moved."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from scheduling.forms.appointment import Scope
from scheduling.forms.series import MoveSeries, Rule, Words
from scheduling.models import Appointment, Series, Taken
from scheduling.moments import day_in, wall
from scheduling.picking import Wanted, picked
from scheduling.recurring import Plan, shifted, times_of
from scheduling.views.appointment import found
from scheduling.views.booking import asked, place_of, sent, wanted_of

VIEW, BOOK = "scheduling.view_calendar", "scheduling.book"
USUAL = {"interval": "1", "unit": "week", "times": "4"}


@permit(VIEW)
def series(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(Series, pk=pk)
    rows = list(row.appointments.exclude(status="rescheduled").shown().order_by("begins_at"))
    if not rows:
        raise Http404
    patient = open_chart(rows[0].patient, page="series", at_work=True)
    to_come = [one for one in rows if one.status == Appointment.Status.BOOKED]
    context = {"series": row, "rows": rows, "patient": patient, "next": next(iter(to_come), None)}
    return render(request, "scheduling/series/page.html", context)


@permit(BOOK, "GET", "POST")
def series_new(request: Request) -> HttpResponse:
    """Each date with what stands in its way, to be chosen or left out; booked together or not at all."""
    wanted = wanted_of(request, request.GET)
    provider, first = picked(request.GET.get("at", ""))
    location = place_of(wanted, provider, first)
    asked_for = {name: request.GET.get(name, usual) for name, usual in USUAL.items()}
    rule, words = Rule(asked_for, first=day_in(first, location.zone)), Words(sent(request))
    address = urlencode(asked(wanted) | {"at": request.GET["at"]})
    context = {"wanted": wanted, "provider": provider, "location": location, "rule": rule, "words": words}
    context |= {"query": f"{address}&{urlencode(asked_for)}", "at": wall(first, location.zone)}
    context["hidden"] = asked(wanted) | {"at": request.GET["at"]}
    if not rule.is_valid():
        return plan_page(request, context, 422)
    plan = Plan(wanted, provider, location, times_of(rule.instance, first, location), choices=request.POST)
    context["plan"] = plan
    if request.method == "GET" or not words.is_valid():
        return plan_page(request, context, 422 if words.is_bound else 200)
    return book_plan(request, context, plan, rule.instance, words.cleaned_data)


def book_plan(
    request: Request, context: dict[str, Any], plan: Plan, row: Series, words: dict[str, str]
) -> HttpResponse:
    wanted = plan.wanted
    if not plan.kept:
        return plan_page(request, context | {"problem": "All of them are left out. Choose at least one."}, 422)
    try:
        made = row.book(
            wanted.patient,
            wanted.type,
            plan.provider,
            [one.time for one in plan.kept],
            by=wanted.by,
            minutes=wanted.minutes,
            **words,
        )
    except (Taken, Refused) as refused:
        return again(request, context, plan, refused)
    messages.success(request, f"{len(made)} appointments are booked, the first {made[0].when_in_words}.")
    return redirect(row)


@permit(BOOK, "GET", "POST")
def series_move(request: Request, pk: UUID) -> HttpResponse:
    """From this one on, or all: to another day, time or provider; what is not free may stay where it is."""
    row = found(pk)
    if row.series is None or row.status != Appointment.Status.BOOKED:
        raise Refused("Only what is booked as part of a series can be moved with it.")
    form = MoveSeries(request.GET if "day" in request.GET else None, appointment=row)
    context = {"appointment": row, "rule": form, "at": wall(row.begins_at, row.location.zone)}
    context["wanted"] = wanted = Wanted(row.patient, row.type, request.acting.person, minutes=row.minutes, leaving=row)
    if not form.is_valid():
        return move_page(request, context, 422 if form.is_bound else 200)
    asked_for = form.cleaned_data
    rows = Scope.rows(row.series, row, asked_for["scope"])
    times = shifted(rows, (asked_for["day"] - row.day).days, asked_for["time"])
    provider = asked_for["provider"]
    location = row.location if provider == row.provider else provider.location
    plan = Plan(wanted, provider, location, times, choices=request.POST, moving=rows)
    context |= {"plan": plan, "query": request.GET.urlencode()}
    if request.method == "GET":
        return move_page(request, context)
    return move_plan(request, context, plan, row.series)


def move_plan(request: Request, context: dict[str, Any], plan: Plan, row: Series) -> HttpResponse:
    moves = [(one.moving, one.time) for one in plan.kept if one.moving]
    if not moves:
        return move_page(request, context | {"problem": "All of them stay where they are. Choose at least one."}, 422)
    try:
        row.move(
            moves, by=plan.wanted.by, provider=plan.provider, reason=request.POST.get("reason", "").replace("\0", "")
        )
    except (Taken, Refused) as refused:
        return again(request, context, plan, refused)
    messages.success(request, f"{len(moves)} appointments are moved.")
    return redirect(row)


def again(request: Request, context: dict[str, Any], plan: Plan, refused: Refused) -> HttpResponse:
    """Somebody was faster: each date is looked at anew, and what was written stays."""
    fresh = Plan(
        plan.wanted,
        plan.provider,
        plan.location,
        [one.begins_at for one in plan.dates],
        choices=request.POST,
        moving=[one.moving for one in plan.dates if one.moving],
    )
    answer = move_page if "appointment" in context else plan_page
    return answer(request, context | {"plan": fresh, "problem": str(refused)}, refused.status)


def plan_page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context["patient"] = open_chart(context["wanted"].patient, page="series", at_work=True)
    return render(request, "scheduling/series/new.html", context, status=status)


def move_page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context["patient"] = open_chart(context["wanted"].patient, page="series", at_work=True)
    return render(request, "scheduling/series/move.html", context, status=status)

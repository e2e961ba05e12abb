"""Calling patients, and moving them between queues."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme

from clinical.forms.visit import Move
from clinical.models import QueuePlace, Visit
from clinical.views.answers import close
from clinical.views.visit import small_form
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from realtime.render import fragment

CALL = "clinical.call_patient"


@permit(CALL, "POST")
def call_next(request: Request, queue: str) -> HttpResponse:
    if queue not in QueuePlace.Queue.values:
        raise Http404
    place = QueuePlace.call_next(queue, to=room_of(request), by=request.acting.person)
    if place is None:
        raise Refused("Nobody is waiting in this queue.")
    messages.success(request, f"{place.label} is called{f' to {place.called_to}' if place.called_to else ''}.")
    return back(request)


@permit(CALL, "POST")
def call(request: Request, pk: UUID) -> HttpResponse:
    place = open_place(pk)
    place.call(to=room_of(request), by=request.acting.person)
    return row(request, pk)


@permit(CALL, "POST")
def uncall(request: Request, pk: UUID) -> HttpResponse:
    open_place(pk).uncall(by=request.acting.person)
    return row(request, pk)


@permit(CALL, "POST")
def undo_move(request: Request, pk: UUID) -> HttpResponse:
    place = open_place(pk).undo(by=request.acting.person)
    messages.success(request, f"Back in the queue for {place.get_queue_display().lower()} as {place.label}.")
    return back(request)


@permit(CALL, "GET", "POST")
def move(request: Request, pk: UUID) -> HttpResponse:
    visit, place = get_object_or_404(Visit.objects.shown(), pk=pk), open_place(pk)
    form = Move(request.POST or None, place=place)
    if request.method == "POST" and form.is_valid():
        place.move_to_queue(form.cleaned_data["queue"], by=request.acting.person, reason=form.cleaned_data["reason"])
        return close(request, visit.get_absolute_url())
    return small_form(request, visit, form, {"title": f"Move {place.label} to another queue", "submit": "Move"})


def open_place(visit_pk: UUID) -> QueuePlace:
    place = QueuePlace.objects.filter(visit=visit_pk, ended_at=None).select_related("visit").first()
    if place is None:
        visit = get_object_or_404(Visit, pk=visit_pk)
        raise Refused(f"{visit.number} is {visit.get_status_display().lower()} and waits in no queue.")
    return place


def room_of(request: Request) -> str:
    """Where this person calls to: said once, remembered until log-out."""
    known = request.session.get("room", "")
    room = request.POST.get("room", known).replace("\0", "").strip()[:40]
    if room != known:  # else the session would be written with each call
        request.session["room"] = room
    return room


def row(request: Request, pk: UUID) -> HttpResponse:
    if not request.htmx:
        return back(request)
    return HttpResponse(fragment("clinical/visit/_row.html", Visit.objects.shown().get(pk=pk), request=request))


def back(request: Request) -> HttpResponse:
    """To the page where the button was."""
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return redirect(came_from)
    return redirect(request.acting.role.home)

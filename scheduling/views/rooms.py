"""The rooms of the house: free, occupied, being cleaned; one click each."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from scheduling.models import Appointment, Location, Room
from scheduling.models.place import ROOM
from scheduling.views.desk import chosen_place

VIEW = "scheduling.view_calendar"


@permit(VIEW)
def rooms(request: Request) -> HttpResponse:
    places = list(Location.objects.filter(is_active=True))
    at = chosen_place(request, places)
    inside = Appointment.objects.filter(status__in=Appointment.IN_A_ROOM, seen_in__isnull=False).shown()
    by_room = {appointment.seen_in_id: appointment for appointment in inside}
    found = Room.objects.filter(location=at, is_active=True).select_related("location") if at else []
    context = {
        "at": at,
        "places": places,
        "rooms": [{"room": room, "appointment": by_room.get(room.pk)} for room in found],
        "waiting": Appointment.objects.filter(location=at, status=Appointment.Status.ARRIVED).count() if at else 0,
    }
    return render(request, "scheduling/rooms/page.html", context)


@permit(ROOM, "POST")
def room_set(request: Request, pk: UUID) -> HttpResponse:
    room = get_object_or_404(Room, pk=pk)
    status = request.POST.get("status", "")
    if status not in Room.Status.values:
        raise Refused("Choose whether the room is free, occupied or being cleaned.", status=422)
    room.set_by_hand(status, by=request.acting.person)
    return HttpResponse(status=204) if request.htmx else redirect("scheduling:rooms")

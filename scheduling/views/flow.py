"""A patient's way through the house on the day itself: into a room, to the provider, out again, and each step back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.views.answers import answered, close
from clinical.views.queue import back
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from realtime.render import fragment
from scheduling.board import UNDO
from scheduling.forms.flow import ToRoom
from scheduling.models import Appointment
from scheduling.models.entry import CHECK_IN
from scheduling.models.place import ROOM
from scheduling.templatetags.desk import next_booking

ROW = "scheduling/appointment/_row.html"


@permit(ROOM, "GET", "POST")
def to_room(request: Request, pk: UUID) -> HttpResponse:
    """Which room is free is asked; a virtual appointment has none."""
    appointment = found(pk)
    form = ToRoom(request.POST if request.method == "POST" else None, appointment=appointment)
    if request.method == "POST" and form.is_valid():
        appointment.enter_room(form.cleaned_data["room"], by=request.acting.person)
        return close(request, reverse("scheduling:desk"))
    over = request.htmx.target == "dialog"
    context = {
        "appointment": appointment,
        "patient": open_chart(appointment.patient, page="room", at_work=True),
        "form": form,
        "title": f"{appointment.patient.name} into a room",
        "submit": "Into the room",
        "cancel": reverse("scheduling:desk"),
        "over": over,
    }
    template = "_small_form.html" if over else "scheduling/flow/to_room.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(ROOM, "POST")
def begin(request: Request, pk: UUID) -> HttpResponse:
    return walked(request, pk, lambda row: row.begin(by=request.acting.person))


@permit(CHECK_IN, "POST")
def no_show(request: Request, pk: UUID) -> HttpResponse:
    return walked(request, pk, lambda row: row.miss(by=request.acting.person))


@permit(ROOM, "POST")
def undo(request: Request, pk: UUID) -> HttpResponse:
    """The way back from the step that this person saw."""

    def step_back(row: Appointment) -> None:
        if row.status not in UNDO:
            raise Refused(f"{row.number} is {row.get_status_display().lower()}. There is no step to take back.")
        if not row.is_today:
            raise Refused("A step can be taken back on the day of the appointment only.")
        UNDO[row.status].take(row, by=request.acting.person)

    return walked(request, pk, step_back)


@permit(ROOM, "GET", "POST")
def check_out(request: Request, pk: UUID) -> HttpResponse:
    """What is owed, and the next appointment; then the patient goes."""
    appointment = found(pk)
    if request.method == "POST":
        return complete(request, appointment)
    over = request.htmx.target == "panel"
    context = {
        "appointment": appointment,
        "patient": open_chart(appointment.patient, page="check-out", at_work=True),
        "over": over,
        "is_due": appointment.status == Appointment.Status.WITH_PROVIDER,
    }
    return render(request, f"scheduling/flow/{'_check_out' if over else 'check_out'}.html", context)


def complete(request: Request, appointment: Appointment) -> HttpResponse:
    as_seen(request, appointment)
    appointment.complete(by=request.acting.person)
    if request.POST.get("then") == "book":
        return answered(request, next_booking(appointment))
    if request.POST.get("then") == "close":
        return close(request, reverse("scheduling:desk"))
    return row_of(request, appointment)


def walked(request: Request, pk: UUID, step: Callable[[Appointment], None]) -> HttpResponse:
    appointment = found(pk)
    as_seen(request, appointment)
    step(appointment)
    return row_of(request, appointment)


def as_seen(request: Request, appointment: Appointment) -> None:
    """A button says from which step it leads on: pressed on an old row, it does nothing."""
    appointment.hold()
    if request.POST.get("at", appointment.status) != appointment.status:
        status = appointment.get_status_display().lower()
        raise Refused(f"{appointment.patient.name} has gone on: the appointment is {status} now. Nothing was changed.")


def row_of(request: Request, appointment: Appointment) -> HttpResponse:
    if not request.htmx:
        return back(request)
    return HttpResponse(fragment(ROW, found(appointment.pk), request=request))


def found(pk: UUID) -> Appointment:
    return get_object_or_404(Appointment.objects.shown(), pk=pk)

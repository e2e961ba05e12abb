"""One appointment: seen, described, confirmed, cancelled, printed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from clinical.chart import open_chart
from clinical.views.answers import answered, close
from hospital.http import Request
from hospital.permits import permit
from scheduling.forms.appointment import CancelAppointment, DescribeAppointment
from scheduling.models import Appointment
from scheduling.moments import wall

VIEW, BOOK = "scheduling.view_calendar", "scheduling.book"
STEPS = (("arrived_at", "Arrived"), ("in_room_at", "In the room"), ("with_provider_at", "With the provider"))


@permit(VIEW)
def appointment(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    context = {
        "appointment": row,
        "patient": open_chart(row.patient, page="appointment", at_work=True),
        "history": row.history(),
        "moved_to": row.moved_to.first(),
        "steps": steps_of(row),
        "moves": row.moves(),
        "now": timezone.now(),
    }
    return render(request, "scheduling/appointment/page.html", context)


def steps_of(row: Appointment) -> list[dict[str, Any]]:
    """Each step that was taken, with its time by the location's clock."""
    steps = [("booked_at", "Booked"), ("reminded_at", "Reminded"), ("confirmed_at", "Confirmed"), *STEPS]
    steps += [("completed_at", "Completed"), ("ended_at", str(row.get_status_display()))]
    taken = [(getattr(row, name), label) for name, label in steps if getattr(row, name)]
    return [{"label": label, "at": wall(at, row.location.zone)} for at, label in sorted(taken)]


@permit(BOOK, "GET", "POST")
def appointment_cancel(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = CancelAppointment(request.POST or None, appointment=row)
    if request.method == "POST" and form.is_valid():
        form.save(by=request.acting.person)
        return close(request, row.get_absolute_url())
    words = {"title": f"Cancel {row.number}", "submit": "Cancel the appointment", "danger": True}
    if row.is_near:
        hours = row.location.late_cancel_hours
        words["warning"] = f"This is a late cancellation: less than {hours} hours before the appointment."
    return small_form(request, row, form, words)


@permit(BOOK, "GET", "POST")
def appointment_edit(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = DescribeAppointment(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            row.describe(by=request.acting.person, **form.changes)
        return close(request, row.get_absolute_url())
    words = {"title": f"Reason and note of {row.number}", "submit": "Save"}
    return small_form(request, row, form, words, form.status if form.is_bound else 200)


@permit(BOOK, "POST")
def appointment_confirm(request: Request, pk: UUID) -> HttpResponse:
    """The patient said on the telephone that they will come."""
    row = found(pk)
    row.confirm()
    return answered(request, row.get_absolute_url())


@permit(VIEW)
def slip(request: Request, pk: UUID) -> HttpResponse:
    """Paper for the patient to take home."""
    row = found(pk)
    context = {
        "appointment": row,
        "patient": open_chart(row.patient, page="appointment slip", at_work=True),
        "begins": wall(row.begins_at, row.location.zone),
        "back": row.get_absolute_url(),
    }
    return render(request, "scheduling/appointment/slip.html", context)


def found(pk: UUID) -> Appointment:
    rows = Appointment.objects.shown().select_related("series", "booked_by", "ended_by", "moved_from")
    return get_object_or_404(rows, pk=pk)


def small_form(
    request: Request, row: Appointment, form: forms.BaseForm, words: dict[str, Any], status: int | None = None
) -> HttpResponse:
    """In the dialog over the page, or on a page of its own."""
    over = request.htmx.target == "dialog"
    context = {
        "appointment": row,
        "patient": open_chart(row.patient, page=words["title"].split()[0].lower(), at_work=True),
        "form": form,
        "cancel": row.get_absolute_url(),
        "over": over,
        **words,
    }
    template = "_small_form.html" if over else "scheduling/appointment/small_form.html"
    return render(request, template, context, status=status or (422 if form.is_bound else 200))

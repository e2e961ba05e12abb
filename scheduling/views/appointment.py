"""One appointment: seen, moved, cancelled."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from clinical.chart import open_chart
from hospital.http import Request
from hospital.permits import permit
from scheduling.models import Appointment

VIEW = "scheduling.view_calendar"


@permit(VIEW)
def appointment(request: Request, pk: UUID) -> HttpResponse:
    appointment = get_object_or_404(Appointment.objects.shown(), pk=pk)
    patient = open_chart(appointment.patient, page="appointment")
    context = {"appointment": appointment, "patient": patient, "history": appointment.history()}
    return render(request, "scheduling/appointment/page.html", context)

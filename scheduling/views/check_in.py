"""Check-in in one form: details, insurance, money and notes at a glance; it opens the visit."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.models import Confirmation, Patient
from hospital.http import Request
from hospital.permits import permit
from scheduling.forms.check_in import CheckIn
from scheduling.models import Appointment
from scheduling.models.entry import CHECK_IN

TO_COME = (Appointment.Status.BOOKED, Appointment.Status.NO_SHOW)


@permit(CHECK_IN, "GET", "POST")
def check_in(request: Request, pk: UUID) -> HttpResponse:
    appointment = get_object_or_404(Appointment.objects.shown(), pk=pk)
    patient = open_chart(appointment.patient, page="check-in", at_work=True)
    if request.method == "GET" and appointment.status not in TO_COME:
        return page(request, "_done", appointment, patient)
    policies = list(patient.policies.in_use().select_related("verified_by"))
    form = CheckIn(
        request.POST or None,
        appointment=appointment,
        patient=get_object_or_404(Patient, pk=patient.pk),
        policies=policies,
    )
    if request.method == "POST" and form.is_valid():
        visit = form.check_in(by=request.acting.person)
        if request.htmx:
            appointment.visit = visit
            return page(request, "_done", appointment, patient)
        messages.success(request, f"{patient.name} is checked in. The token is {visit.token}.")
        return redirect(reverse("scheduling:check_in", args=[pk]))
    context = {
        "form": form,
        "policies": policies,
        "confirmed": Confirmation.last(patient),
        "open_visits": patient.visits.filter(ended_at=None).shown(),
    }
    return page(request, "_form", appointment, patient, context, 422 if form.is_bound else 200)


def page(
    request: Request,
    part: str,
    appointment: Appointment,
    patient: Patient,
    context: dict | None = None,
    status: int = 200,
) -> HttpResponse:
    over = request.htmx.target == "panel"
    file = f"scheduling/check_in/{part}.html"
    known = {"appointment": appointment, "patient": patient, "over": over, "part": file}
    template = file if over else "scheduling/check_in/page.html"
    return render(request, template, known | (context or {}), status=status)

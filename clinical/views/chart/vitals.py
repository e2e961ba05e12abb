"""Vital signs are written down outside an examination."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.forms.vitals import VitalsForm
from clinical.models import Observation, Patient
from clinical.views.answers import answered
from clinical.views.chart.frame import EDIT
from hospital.http import Request
from hospital.permits import permit


@permit(EDIT, "GET", "POST")
def vitals_new(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(get_object_or_404(Patient, pk=pk), page="vital signs")
    back = f"{reverse('clinical:chart_results', args=[patient.pk])}?kind=vital-signs"
    form = VitalsForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        when = {"at": form.cleaned_data["at"], "note": form.cleaned_data["note"]}
        Observation.take_vitals(patient, form.values, by=request.acting.person, **when)
        messages.success(request, f"Vital signs of {patient.name} are recorded.")
        return answered(request, back)
    context = {"patient": patient, "form": form, "back": back}
    return render(request, "clinical/chart/vitals.html", context, status=422 if form.is_bound else 200)

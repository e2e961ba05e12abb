"""What is true of a patient for a while, and moves what is normal in the laboratory: pregnant, born early, smoker."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from clinical.forms.lab_catalogue import KnownCondition
from clinical.models import PatientCondition
from hospital.http import Request
from hospital.permits import permit

ORDER = "clinical.order_tests"


@permit(ORDER, "GET", "POST")
def patient_conditions(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="conditions")
    form = KnownCondition(request.POST or None)
    if request.method == "POST" and form.is_valid():
        PatientCondition.record(patient, by=request.acting.person, **form.cleaned_data)
        messages.success(request, f"{form.cleaned_data['condition']} is recorded.")
        return redirect("clinical:patient_conditions", patient.pk)
    rows = PatientCondition.objects.filter(patient=patient).select_related("condition", "recorded_by")
    context = {"patient": patient, "form": form, "rows": rows}
    return render(request, "clinical/lab_catalogue/conditions.html", context, status=422 if form.errors else 200)


@permit(ORDER, "POST")
def condition_end(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(PatientCondition.objects.select_related("condition"), pk=pk)
    row.end(by=request.acting.person)
    messages.success(request, f"{row.condition} has ended.")
    return redirect("clinical:patient_conditions", row.patient_id)

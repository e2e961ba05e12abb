"""Who may open this chart: restricting it, granting it by name, ending a grant. The page itself shows nothing of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.forms.privacy import Grant, Restrict, Unrestrict
from clinical.forms.visit import Reason
from clinical.models import ChartGrant, Patient
from clinical.models.restriction import RESTRICT, reason_of
from clinical.views.answers import close
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit

SHOWN = 25


@permit(RESTRICT, "GET", "POST")
def chart_privacy(request: Request, pk: UUID) -> HttpResponse:
    """Restricts it, or lifts the restriction."""
    patient = get_object_or_404(Patient, pk=pk)
    form = (Unrestrict if patient.is_restricted else Restrict)(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return page(request, patient, form)
    verb = patient.unrestrict if patient.is_restricted else patient.restrict
    verb(form.cleaned_data["reason"], by=request.acting.person)
    messages.success(request, f"{patient.number} is {'restricted' if patient.is_restricted else 'open again'}.")
    return redirect("clinical:chart_privacy", patient.pk)


@permit(RESTRICT, "POST")
def chart_grant(request: Request, pk: UUID) -> HttpResponse:
    patient = get_object_or_404(Patient, pk=pk)
    form = Grant(request.POST, patient=patient)
    if not form.is_valid():
        return page(request, patient, Unrestrict(), form)
    grant = ChartGrant.give(patient, form.cleaned_data["person"], form.cleaned_data["reason"], by=request.acting.person)
    messages.success(request, f"{grant.person} may open {patient.number}.")
    return redirect("clinical:chart_privacy", patient.pk)


@permit(RESTRICT, "GET", "POST")
def chart_grant_end(request: Request, pk: UUID) -> HttpResponse:
    grant = get_object_or_404(ChartGrant.objects.select_related("patient", "person"), pk=pk)
    form, back = Reason(request.POST or None), grant.get_absolute_url()
    if request.method == "POST" and form.is_valid():
        grant.end(form.cleaned_data["reason"], by=request.acting.person)
        messages.success(request, f"{grant.person} may no longer open {grant.patient.number}.")
        return close(request, back) if not request.htmx else HttpResponse(headers={"HX-Redirect": back})
    over = request.htmx.target == "dialog"
    words = {"title": f"End the grant of {grant.person}", "submit": "End the grant", "cancel": back, "over": over}
    template = "_small_form.html" if over else "clinical/privacy/end.html"
    return render(request, template, {"form": form, **words}, status=422 if form.is_bound else 200)


def page(request: Request, patient: Patient, form: forms.Form, grant_form: forms.Form | None = None) -> HttpResponse:
    AuditEntry.note(
        "view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail={"page": "access"}
    )
    grants = ChartGrant.objects.filter(patient=patient).select_related("person", "granted_by", "ended_by")
    context: dict[str, Any] = {
        "patient": patient,
        "form": form,
        "grant_form": grant_form or Grant(patient=patient),
        "page": Paginator(grants, SHOWN).get_page(request.GET.get("page")),
        "why": reason_of(patient),
    }
    invalid = form.errors or (grant_form is not None and grant_form.errors)
    return render(request, "clinical/privacy/page.html", context, status=422 if invalid else 200)

"""Insurance of a patient: written down, changed, verified."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from clinical.chart import open_chart
from clinical.forms.policy import PolicyForm, Verify
from clinical.models import Patient, Policy
from clinical.models.policy import INSURANCE
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused


@permit(INSURANCE, "GET", "POST")
def policy_new(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(get_object_or_404(Patient, pk=pk), page="insurance")
    form = PolicyForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        policy = Policy.record(patient, by=request.acting.person, **form.cleaned_data)
        messages.success(request, f"{policy.insurer} is recorded. It is not verified yet.")
        return answered(request, policy.get_absolute_url())
    return page(request, patient, form, "Add insurance", "Add insurance")


@permit(INSURANCE, "GET", "POST")
def policy_edit(request: Request, pk: UUID) -> HttpResponse:
    policy = get_object_or_404(Policy.objects.select_related("patient"), pk=pk)
    patient = open_chart(policy.patient, page="insurance")
    form = PolicyForm(request.POST or None, instance=get_object_or_404(Policy, pk=pk), patient=patient)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            policy.change(by=request.acting.person, **form.changes)
            messages.success(request, f"{policy.insurer} is saved.")
        return answered(request, policy.get_absolute_url())
    return page(request, patient, form, "Change insurance", "Save", form.status if form.is_bound else 200)


@permit(INSURANCE, "GET", "POST")
def policy_verify(request: Request, pk: UUID) -> HttpResponse:
    policy = get_object_or_404(Policy.objects.select_related("patient"), pk=pk)
    patient = open_chart(policy.patient, page="insurance")
    form = Verify(request.POST or None, initial={"until": policy.good_until, "seen": policy.version})
    if request.method == "POST" and form.is_valid() and verified(request, policy, form):
        messages.success(request, f"{policy.insurer} is verified.")
        return answered(request, policy.get_absolute_url())
    return page(request, patient, form, f"Verify {policy.insurer}", "Verified")


@permit(INSURANCE, "POST")
def policy_first(request: Request, pk: UUID) -> HttpResponse:
    """Coordination of benefits: this one is asked first, the others after it."""
    policy = get_object_or_404(Policy.objects.select_related("patient"), pk=pk)
    open_chart(policy.patient, page="insurance")
    policy.pay_first(by=request.acting.person)
    messages.success(request, f"{policy.insurer} pays first.")
    return answered(request, policy.get_absolute_url())


def verified(request: Request, policy: Policy, form: Verify) -> bool:
    try:
        policy.verify(by=request.acting.person, **form.cleaned_data)
    except Refused as refusal:
        if not refusal.field:
            raise
        form.add_error(refusal.field, str(refusal))
    return not form.errors


def page(
    request: Request, patient: Patient, form: forms.BaseForm, title: str, submit: str, status: int = 0
) -> HttpResponse:
    context = {"patient": patient, "form": form, "title": title, "submit": submit, "over": request.htmx.target}
    template = "clinical/policy/_form.html" if request.htmx.target == "panel" else "clinical/policy/form.html"
    return render(request, template, context, status=status or (422 if form.is_bound else 200))

"""Reconciling: somebody goes through what is taken, and says of each whether it goes on."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.described import CURRENT, Item
from clinical.models import MedicineReview, Patient
from clinical.parts import MEDICATION, items_of
from clinical.reconciling import reconcile
from clinical.views.answers import answered
from clinical.views.chart.frame import EDIT
from hospital.http import Request
from hospital.permits import permit


class Decide(forms.Form):
    """One medicine. What nobody decides stays as it was."""

    decision = forms.ChoiceField(
        choices=[("", "Not looked at"), *MedicineReview.Decision.choices], required=False, widget=forms.RadioSelect
    )
    reason = forms.CharField(max_length=250, required=False)

    def clean(self) -> dict:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") == MedicineReview.Decision.STOP and not cleaned.get("reason"):
            self.add_error("reason", "Say why it is stopped.")
        return cleaned


@permit(EDIT, "GET", "POST")
def medication_review(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(get_object_or_404(Patient, pk=pk), page="medication")
    items = [item for item in items_of(patient, (MEDICATION,), request.acting)["medication"] if item.state == CURRENT]
    rows = [(item, Decide(request.POST or None, prefix=str(item.row.pk))) for item in items]
    valid = [form.is_valid() for _, form in rows] if request.method == "POST" else []
    if request.method == "POST" and all(valid):
        count = reconciled(patient, rows, request)
        messages.success(request, f"{count} of {len(rows)} medicines are reviewed.")
        return answered(request, reverse("clinical:chart_medication", args=[patient.pk]))
    context = {"patient": patient, "rows": rows, "back": reverse("clinical:chart_medication", args=[patient.pk])}
    return render(request, "clinical/chart/review.html", context, status=422 if request.method == "POST" else 200)


def reconciled(patient: Patient, rows: list[tuple[Item, Decide]], request: Request) -> int:
    decided = [(item.row, form.cleaned_data) for item, form in rows if form.cleaned_data["decision"]]
    for row, said in decided:
        reconcile(patient, row, said["decision"], said["reason"], by=request.acting.person)
    if decided:
        patient.touch()
    return len(decided)

"""What has changed in a chart since a time."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from clinical.changes import changed_since
from clinical.chart import open_chart
from clinical.models import Examination, LabOrder, Observation, Patient, Prescription
from clinical.parts import PARTS, allowed
from clinical.views.chart.frame import READ, Opened, asked_time
from hospital.http import Request
from hospital.permits import permit

A_PAGE = 50


@permit(READ)
def changes(request: Request, pk: UUID) -> HttpResponse:
    chart = Opened(open_chart(pk, page="changes of the chart"), *asked_time(request.GET.get("at", "")))
    found = []
    if chart.at:
        sources = [source for part in PARTS for source in part.sources if allowed(source, request.acting)]
        own = {source.model for source in sources if source.path == "patient"}
        if request.acting.may("clinical.view_prescription"):
            own.add(Prescription)
        if not request.acting.may("clinical.view_results"):
            own.discard(LabOrder)
        found = changed_since(chart.patient, chart.at, own | {Patient, Examination, Observation})
    context = {"here": "changes", "page": Paginator(found, A_PAGE).get_page(request.GET.get("page"))}
    return render(request, "clinical/chart/changes.html", {**chart.context, **context})

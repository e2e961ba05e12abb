"""The wristband of a patient: looked at in real size, printed, or taken as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from clinical.chart import open_chart
from clinical.models import Patient
from clinical.views.answers import way_back
from clinical.wristband import Wristband
from hospital.http import Request
from hospital.permits import permit

VIEW = "clinical.view_patient"


@permit(VIEW)
def wristband(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="wristband")
    context = {"band": Wristband(patient), "back": way_back(request.GET.get("back", ""), patient.get_absolute_url())}
    return render(request, "clinical/patient/wristband.html", context)


@permit(VIEW)
def wristband_pdf(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="wristband")
    return HttpResponse(Wristband(patient).pdf(), content_type="application/pdf")


@permit(VIEW)
def wristband_code(request: Request, pk: UUID, kind: str) -> HttpResponse:
    """The number as a picture: `bars` or `matrix`."""
    code = getattr(Wristband(get_object_or_404(Patient, pk=pk).current), kind)
    return HttpResponse(code.svg, content_type="image/svg+xml")

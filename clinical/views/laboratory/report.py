"""The laboratory's report of a visit or a period: on a page, on paper and as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.lab_report import LabReport, pdf_of, report_of
from clinical.models import Patient, Visit
from clinical.reports.period import PRESETS, Period, chosen
from hospital.http import Request
from hospital.permits import permit

READ = "clinical.view_results"


def of_visit(pk: UUID) -> tuple[LabReport, Visit]:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    patient = open_chart(visit.patient, page="laboratory report")
    return report_of(patient, visit.lab_orders.all(), f"visit {visit.number}"), visit


def of_period(request: Request, pk: UUID) -> tuple[LabReport, Period]:
    period, _, _ = chosen(request.GET)
    patient: Patient = open_chart(pk, page="laboratory report")
    return report_of(patient, patient.lab_orders.filter(period.has("ordered_at")), period.words), period


@permit(READ)
def visit_report(request: Request, pk: UUID) -> HttpResponse:
    report, visit = of_visit(pk)
    context = {
        "report": report,
        "patient": report.patient,
        "pdf": reverse("clinical:lab_report_pdf", args=[pk]),
        "back": f"{visit.get_absolute_url()}#laboratory",
    }
    return render(request, "clinical/laboratory/report.html", context)


@permit(READ)
def visit_report_pdf(request: Request, pk: UUID) -> HttpResponse:
    report, visit = of_visit(pk)
    return as_pdf(report, f"laboratory-{visit.number}")


@permit(READ)
def patient_report(request: Request, pk: UUID) -> HttpResponse:
    """Of a period, which the address names as the analytics do."""
    report, period = of_period(request, pk)
    context = {
        "report": report,
        "patient": report.patient,
        "presets": PRESETS,
        "form": chosen(request.GET)[2],
        "pdf": f"{reverse('clinical:patient_lab_report_pdf', args=[pk])}?first={period.first}&last={period.last}",
        "back": reverse("clinical:chart_results", args=[pk]),
    }
    return render(request, "clinical/laboratory/report.html", context)


@permit(READ)
def patient_report_pdf(request: Request, pk: UUID) -> HttpResponse:
    report, period = of_period(request, pk)
    return as_pdf(report, f"laboratory-{report.patient.number}-{period.first}-{period.last}")


def as_pdf(report: LabReport, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(pdf_of(report), content_type="application/pdf", headers=headers)

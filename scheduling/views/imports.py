"""Appointments from a file: uploaded, looked at, imported in the background, and found again."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header

from clinical.filing import clean_name
from hospital.http import Request
from hospital.permits import permit
from scheduling import importing
from scheduling.forms.imports import Upload
from scheduling.imports import COLUMNS, NEEDED
from scheduling.models import AppointmentImport, ImportLine

MANAGE = "scheduling.manage"
PAGE, LATEST = 50, 20
Status = AppointmentImport.Status


@permit(MANAGE, "GET", "POST")
def imports(request: Request) -> HttpResponse:
    form = Upload(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        name = clean_name(said["file"].name or "")
        made = importing.look_through(name, form.table, outside=said["outside"], by=request.acting.person)
        return redirect(made)
    context = {
        "form": form,
        "imports": AppointmentImport.objects.select_related("uploaded_by")[:LATEST],
        "columns": [
            (name, [other for other in others if other != name.replace("_", " ")], name in NEEDED)
            for name, others in COLUMNS.items()
        ],
    }
    return render(request, "scheduling/imports/list.html", context, status=422 if request.method == "POST" else 200)


@permit(MANAGE)
def import_template(request: Request) -> HttpResponse:
    return as_file(importing.template(), "appointments.csv")


@permit(MANAGE)
def one_import(request: Request, pk: UUID) -> HttpResponse:
    run = the_import(pk)
    tally = run.tally()
    verdicts = run.status in (Status.CHECKED, Status.DISCARDED)
    kinds = ImportLine.Verdict if verdicts else ImportLine.Outcome
    column = "verdict" if verdicts else "outcome"
    lines = run.lines.select_related("appointment", "patient")
    shown = request.GET.get("show", "")
    if shown in kinds.values:
        lines = lines.filter(**{column: shown})
    context = {
        "run": run,
        "tally": tally,
        "good": tally["ok"] + tally["warning"],
        "pills": [
            {"value": "", "label": "All", "count": run.total},
            *({"value": kind.value, "label": kind.label, "count": tally[kind.value]} for kind in kinds),
        ],
        "page": Paginator(lines, PAGE).get_page(request.GET.get("page")),
        "verdicts": verdicts,
    }
    return render(request, "scheduling/imports/page.html", context)


@permit(MANAGE, "POST")
def import_start(request: Request, pk: UUID) -> HttpResponse:
    run = the_import(pk)
    importing.begin(run, by=request.acting.person)
    return redirect(run)


@permit(MANAGE, "POST")
def import_discard(request: Request, pk: UUID) -> HttpResponse:
    the_import(pk).discard(by=request.acting.person)
    return redirect("scheduling:imports")


@permit(MANAGE)
def import_result(request: Request, pk: UUID) -> HttpResponse:
    run = the_import(pk)
    return as_file(importing.result_of(run), f"result of {run.name}")


def the_import(pk: UUID) -> AppointmentImport:
    return get_object_or_404(AppointmentImport.objects.select_related("uploaded_by"), pk=pk)


def as_file(content: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": content_disposition_header(True, name)}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)

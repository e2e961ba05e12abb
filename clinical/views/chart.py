"""The chart: what is known about a patient, what was measured, and the whole life in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import models
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.courses import course_of, courses_of, plotted, vitals_of
from clinical.models import Allergy, Immunization, Medicine, Patient, Prescription, PrescriptionLine
from clinical.timeline import KINDS, Entry, Timeline, by_year
from clinical.together import together
from hospital.http import Request
from hospital.permits import permit

FEW = 8
ENTRIES = 40
READ = "clinical.view_chart"
CATEGORIES = {"vital-signs": "Vital signs", "laboratory": "Laboratory"}


@permit(READ)
def summary(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="chart")
    return render(
        request, "clinical/chart/summary.html", {"patient": patient, "here": "summary", **known(request, patient)}
    )


@permit(READ)
def results(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="results")
    courses = courses_of(patient)
    kind, query = request.GET.get("kind", ""), request.GET.get("q", "").strip()
    shown = [one for one in courses if named(one, query) and (not kind or group(one.category) == kind)]
    chosen = request.GET.get("of", "")
    course = course_of(patient, chosen) if chosen else course_of(patient, shown[0].key) if shown else None
    if chosen and course is None:
        raise Http404
    context = {
        "patient": patient,
        "here": "results",
        "courses": shown,
        "course": course,
        "plot": plotted(course),
        "pills": course_pills([one for one in courses if named(one, query)]),
        "query": query,
    }
    return render(request, "clinical/chart/results.html", context)


@permit(READ)
def timeline(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="timeline")
    kind, query = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:100]
    line = Timeline(patient, request.acting, kind=kind if kind in KINDS else "", query=query.replace("\0", ""))
    page: Page = Paginator(cast(list[Entry], line), ENTRIES).get_page(request.GET.get("page"))
    context = {
        "patient": patient,
        "here": "timeline",
        "page": page,
        "years": list(by_year(list(page.object_list))),
        "pills": line.pills,
        "query": query,
        "kind": kind,
    }
    return render(request, "clinical/chart/timeline.html", context)


@permit(READ)
def paper(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="printed chart")
    context = {
        "patient": patient,
        "back": reverse("clinical:chart", args=[patient.pk]),
        "courses": courses_of(patient)[: 4 * FEW],
        "vitals": vitals_of(patient),
        **known(request, patient),
    }
    return render(request, "clinical/chart/paper.html", context)


def known(request: Request, patient: Patient) -> dict[str, Any]:
    """What the summary and its print show: one query, however much is known."""
    found = together(**sections(patient), **(prescribed(patient) if may_read_lines(request) else {}))
    problems, medicines = found.pop("all_problems"), found.pop("all_medicines")
    taken, lines = [one for one in medicines if one.is_active], with_names(found)
    active = {problem.pk for problem in problems if problem.clinical_status in ("active", "recurrence", "relapse")}
    return {
        **found,
        "problems": [one for one in problems if one.pk in active],
        "past_problems": [one for one in problems if one.pk not in active],
        "medicines": taken,
        "past_medicines": [one for one in medicines if not one.is_active],
        "prescribed": lines,
        "current": len(taken) + len(lines),
        "vaccines": vaccines(found.pop("doses")),
    }


def sections(patient: Patient) -> dict[str, models.QuerySet]:
    encounters = patient.encounters.annotate(by_name=F("practitioner__name")).order_by("-started_at")
    diagnoses = patient.diagnoses.standing().annotate(by_name=F("recorded_by__name")).order_by("-recorded_at")
    mistaken = {"status": "entered-in-error"}
    return {
        "all_problems": patient.problems.true(),
        "all_medicines": patient.medication_statements.exclude(**mistaken),
        "past_allergies": Allergy.objects.true().filter(patient=patient).exclude(clinical_status="active"),
        "doses": patient.immunizations.exclude(**mistaken),
        "procedures": patient.procedures.exclude(**mistaken)[: FEW + 1],
        "encounters": encounters[:FEW],
        "visits": patient.visits.annotate(by_name=F("doctor__name"))[:FEW],
        "diagnoses": diagnoses[:FEW],
    }


@dataclass(frozen=True)
class Vaccine:
    """All doses of one vaccine, the latest first."""

    name: str
    doses: list[Immunization]


def vaccines(doses: list[Immunization]) -> list[Vaccine]:
    found: dict[str, list[Immunization]] = {}
    for row in doses:
        found.setdefault(row.text, []).append(row)
    return [Vaccine(name, doses) for name, doses in found.items()]


def may_read_lines(request: Request) -> bool:
    return request.acting.may("clinical.view_prescription")


def prescribed(patient: Patient) -> dict[str, models.QuerySet]:
    """The last lines, and what they name."""
    given = PrescriptionLine.objects.filter(prescription__patient=patient)
    given = given.exclude(prescription__status__in=("draft", "cancelled"))
    lines = given.order_by("-prescription__prescribed_at", "position")[: 2 * FEW]
    return {
        "lines": lines,
        "named": Medicine.objects.filter(pk__in=lines.values("medicine")),
        "signed": Prescription.objects.filter(pk__in=lines.values("prescription")),
    }


def with_names(found: dict[str, list[Any]]) -> list[PrescriptionLine]:
    lines = found.pop("lines", [])
    medicines = {one.pk: one for one in found.pop("named", [])}
    prescriptions = {one.pk: one for one in found.pop("signed", [])}
    for line in lines:
        line.medicine, line.prescription = medicines[line.medicine_id], prescriptions[line.prescription_id]
    return lines


def named(course: Any, query: str) -> bool:
    return all(word in f"{course.name} {course.code}".lower() for word in query.lower().split())


def group(category: str) -> str:
    return category if category in CATEGORIES else "other"


def course_pills(courses: list[Any]) -> list[dict[str, Any]]:
    counted = {kind: sum(group(one.category) == kind for one in courses) for kind in (*CATEGORIES, "other")}
    pills = [{"value": kind, "label": CATEGORIES.get(kind, "Other"), "count": count} for kind, count in counted.items()]
    return [{"value": "", "label": "Everything", "count": len(courses)}, *pills]

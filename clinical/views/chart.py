"""The chart: what is known about a patient, what was measured, and the whole life in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.courses import course_of, courses_of, plotted, vitals_of
from clinical.models import Immunization, Patient, PrescriptionLine
from clinical.timeline import KINDS, Entry, Timeline, by_year
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
    """What the summary and its print show."""
    problems, medicines = (
        list(patient.problems.true()),
        list(patient.medication_statements.exclude(status="entered-in-error")),
    )
    taken, lines = [one for one in medicines if one.is_active], prescribed(request, patient)
    active = {problem.pk for problem in problems if problem.clinical_status in ("active", "recurrence", "relapse")}
    return {
        "problems": [one for one in problems if one.pk in active],
        "past_problems": [one for one in problems if one.pk not in active],
        "past_allergies": list(
            patient.allergies.model.objects.true().filter(patient=patient).exclude(clinical_status="active")
        ),
        "medicines": taken,
        "past_medicines": [one for one in medicines if not one.is_active],
        "prescribed": lines,
        "current": len(taken) + len(lines),
        "vaccines": vaccines(patient),
        "procedures": list(patient.procedures.exclude(status="entered-in-error")[: FEW + 1]),
        "encounters": list(
            patient.encounters.select_related("practitioner", "organisation").order_by("-started_at")[:FEW]
        ),
        "visits": list(patient.visits.select_related("doctor")[:FEW]),
        "diagnoses": list(patient.diagnoses.standing().select_related("recorded_by").order_by("-recorded_at")[:FEW]),
    }


@dataclass(frozen=True)
class Vaccine:
    """All doses of one vaccine, the latest first."""

    name: str
    doses: list[Immunization]


def vaccines(patient: Patient) -> list[Vaccine]:
    found: dict[str, list[Immunization]] = {}
    for row in patient.immunizations.exclude(status="entered-in-error"):
        found.setdefault(row.text, []).append(row)
    return [Vaccine(name, doses) for name, doses in found.items()]


def prescribed(request: Request, patient: Patient) -> list[PrescriptionLine]:
    if not request.acting.may("clinical.view_prescription"):
        return []
    lines = PrescriptionLine.objects.filter(prescription__patient=patient).exclude(
        prescription__status__in=("draft", "cancelled")
    )
    return list(lines.select_related("medicine", "prescription").order_by("-prescription__prescribed_at")[: 2 * FEW])


def named(course: Any, query: str) -> bool:
    return all(word in f"{course.name} {course.code}".lower() for word in query.lower().split())


def group(category: str) -> str:
    return category if category in CATEGORIES else "other"


def course_pills(courses: list[Any]) -> list[dict[str, Any]]:
    counted = {kind: sum(group(one.category) == kind for one in courses) for kind in (*CATEGORIES, "other")}
    pills = [{"value": kind, "label": CATEGORIES.get(kind, "Other"), "count": count} for kind, count in counted.items()]
    return [{"value": "", "label": "Everything", "count": len(courses)}, *pills]

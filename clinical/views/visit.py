"""Visits: opened, followed, ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from clinical.chart import open_chart
from clinical.forms.visit import Assign, EndVisit, Reason, VisitForm
from clinical.models import Patient, Visit
from clinical.models.ending import UnderWay
from clinical.steps import way_of
from clinical.views.answers import answered, close
from clinical.vital_strip import strip
from hospital.http import Request
from hospital.permits import permit

VIEW, CREATE, CLOSE = "clinical.view_visit", "clinical.create_visit", "clinical.close_visit"


@permit(CREATE, "GET", "POST")
def visit_new(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(get_object_or_404(Patient, pk=pk), page="new visit", at_work=True)
    form = VisitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        visit = Visit.register(patient, by=request.acting.person, **form.cleaned_data)
        messages.success(request, f"{visit.number} is open. The token is {visit.token}.")
        return answered(request, visit.get_absolute_url())
    context = {"patient": patient, "form": form, "open_visits": patient.visits.filter(ended_at=None).shown()}
    template = "clinical/visit/_new.html" if request.htmx.target == "panel" else "clinical/visit/new.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(VIEW)
def visit(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown().select_related("registered_by", "gate_override_by"), pk=pk)
    patient = open_chart(visit.patient, page="visit", at_work=True)
    places = list(visit.places.order_by("entered_at"))
    context = {"visit": visit, "patient": patient, "places": places, "stops": way_of(visit, places)}
    if request.acting.may("clinical.view_chart"):
        context |= {
            "examination": visit.examinations.select_related("examined_by").first(),
            "vitals": strip(visit.observations.all()),
        }
    return render(request, "clinical/visit/page.html", context)


@permit(CREATE)
def token(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    return render(
        request,
        "clinical/visit/token.html",
        {"visit": visit, "printed_at": timezone.now(), "back": visit.get_absolute_url()},
    )


@permit(CLOSE, "GET", "POST")
def visit_cancel(request: Request, pk: UUID) -> HttpResponse:
    words = {"title": "Cancel the visit", "submit": "Cancel the visit", "danger": True}
    return end(request, pk, Visit.cancel, words)


@permit(CLOSE, "GET", "POST")
def visit_leave(request: Request, pk: UUID) -> HttpResponse:
    words = {"title": "The patient has left", "submit": "Mark as left", "danger": True}
    return end(request, pk, Visit.leave, words)


def end(request: Request, pk: UUID, verb: Callable, words: dict[str, Any]) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    form = EndVisit(request.POST or None, under_way=UnderWay.of(visit))
    if request.method == "POST" and form.is_valid():
        verb(visit, form.cleaned_data["reason"], by=request.acting.person, knowing=form.cleaned_data["knowing"])
        return close(request, visit.get_absolute_url())
    return small_form(request, visit, form, words)


@permit("clinical.reopen_visit", "GET", "POST")
def visit_reopen(request: Request, pk: UUID) -> HttpResponse:
    words = {"title": "Reopen the visit", "submit": "Reopen"}
    return with_reason(request, pk, lambda visit, why, by: visit.reopen(why, by=by), words)


@permit("clinical.override_payment", "GET", "POST")
def visit_override(request: Request, pk: UUID) -> HttpResponse:
    words = {
        "title": "Emergency: go on before the payment",
        "submit": "Let the patient pass",
        "text": "What is due stays due. Your name and the reason are kept.",
    }
    then = reverse("clinical:examine", args=[pk]) if request.acting.may("clinical.examine") else ""
    return with_reason(request, pk, lambda visit, why, by: visit.override_gate(why, by=by), words, then)


def with_reason(request: Request, pk: UUID, verb: Callable, words: dict[str, Any], then: str = "") -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verb(visit, form.cleaned_data["reason"], request.acting.person)
        return close(request, then or visit.get_absolute_url())
    return small_form(request, visit, form, words)


@permit("clinical.call_patient", "GET", "POST")
def visit_assign(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    form = Assign(request.POST or None, initial={"checker": visit.checker_id, "doctor": visit.doctor_id})
    if request.method == "POST" and form.is_valid():
        by = request.acting.person
        if "checker" in form.changed_data:
            visit.assign_checker(form.cleaned_data["checker"], by=by)
        if "doctor" in form.changed_data:
            visit.assign_doctor(form.cleaned_data["doctor"], by=by)
        return close(request, visit.get_absolute_url())
    return small_form(request, visit, form, {"title": "Assign", "submit": "Assign"})


def small_form(request: Request, visit: Visit, form: forms.Form, words: dict[str, Any]) -> HttpResponse:
    """A form of one or two fields: in the dialog over the page, or on a page of its own."""
    over = request.htmx.target == "dialog"
    context = {
        "visit": visit,
        "patient": open_chart(visit.patient, page=words["title"].lower(), at_work=True),
        "form": form,
        "cancel": visit.get_absolute_url(),
        "over": over,
        **words,
    }
    template = "_small_form.html" if over else "clinical/visit/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)

"""Each step of a biopsy, one at a time: who, when, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from clinical.forms.biopsy import AddPhotos, AtPlace, Failed, Identify, MakePart, TakeTimeOut
from clinical.forms.visit import Reason
from clinical.models import Biopsy, BiopsyPart, RebiopsyTask, Visit
from clinical.models.biopsy import COLLECT, ORDER, REVIEW
from clinical.views.answers import answered
from clinical.views.biopsy import PAGE, found
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused


@dataclass(frozen=True)
class Step:
    title: str
    submit: str
    where: str
    verb: Callable[..., None]
    place: Callable[[Biopsy], str] = lambda biopsy: ""


STEPS = {
    "send": Step("Send", "Sent", "Who carries it", Biopsy.send),
    "receive": Step("Receive", "Received", "Where", Biopsy.receive, lambda biopsy: str(biopsy.laboratory)),
    "process": Step("Begin processing", "Begin", "Where", Biopsy.process, lambda biopsy: str(biopsy.laboratory)),
}


def ask(request: Request, biopsy: Biopsy, form: forms.Form, words: dict[str, Any]) -> HttpResponse:
    over = request.htmx.target == "dialog"
    patient = open_chart(biopsy.patient, page=PAGE, at_work=request.acting.may(COLLECT))
    context = {"form": form, "over": over, "patient": patient, "visit": biopsy.visit}
    context |= {"cancel": biopsy.get_absolute_url(), **words}
    template = "_small_form.html" if over else "clinical/specimen/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


def done(request: Request, biopsy: Biopsy, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return answered(request, biopsy.get_absolute_url())


@permit(COLLECT, "GET", "POST")
def biopsy_step(request: Request, pk: UUID, step: str) -> HttpResponse:
    row, one = found(pk), STEPS[step]
    form = AtPlace(request.POST or None, label=one.where, initial={"place": one.place(row)})
    if request.method == "POST" and form.is_valid():
        one.verb(row, form.cleaned_data["place"], by=request.acting.person)
        return done(request, row, f"{row.number}: {row.get_status_display().lower()}.")
    return ask(request, row, form, {"title": f"{one.title} {row.number}", "submit": one.submit})


@permit(ORDER, "GET", "POST")
def biopsy_cancel(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.cancel(form.cleaned_data["reason"], by=request.acting.person)
        return done(request, row, f"{row.number} is cancelled.")
    return ask(request, row, form, {"title": f"Cancel {row.number}", "submit": "Cancel the biopsy", "danger": True})


@permit(COLLECT, "GET", "POST")
def biopsy_fail(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = Failed(request.POST or None, biopsy=row)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        row.fail(said["status"], said["reason"], by=request.acting.person)
        return done(request, row, f"{row.number}: {row.get_status_display().lower()}. A doctor decides what follows.")
    text = "A doctor is told, and decides whether it is taken again."
    words = {"title": f"{row.number} came to nothing", "submit": "Record it", "text": text, "danger": True}
    return ask(request, row, form, words)


@permit(COLLECT, "GET", "POST")
def biopsy_photos(request: Request, pk: UUID) -> HttpResponse:
    """Pictures of the place: taken now, or among the patient's documents."""
    row = found(pk)
    files = request.FILES if request.method == "POST" else None
    may_upload = request.acting.may("clinical.upload_document")
    form = AddPhotos(request.POST or None, files, biopsy=row, may_upload=may_upload)
    if request.method == "POST" and form.is_valid():
        form.add(request.acting.person)
        return done(request, row, f"The photos are with {row.number}.")
    text = "" if form.fields else "No picture is on file, and your role files none."
    return ask(request, row, form, {"title": f"Photos of {row.number}", "submit": "Add", "text": text})


# --- whether it is taken again -------------------------------------------------------------------


def task_of(pk: UUID) -> RebiopsyTask:
    return get_object_or_404(RebiopsyTask.objects.shown().select_related("biopsy__visit"), pk=pk)


@permit(COLLECT, "GET", "POST")
def rebiopsy_found(request: Request, pk: UUID) -> HttpResponse:
    task = task_of(pk)
    form = AtPlace(request.POST or None, label="Where it was found")
    if request.method == "POST" and form.is_valid():
        task.found(form.cleaned_data["place"], by=request.acting.person)
        return done(request, task.biopsy, f"{task.biopsy.number} is found, and can be sent again.")
    return ask(request, task.biopsy, form, {"title": f"{task.biopsy.number} is found", "submit": "Found"})


@permit(REVIEW, "GET", "POST")
def rebiopsy_decline(request: Request, pk: UUID) -> HttpResponse:
    task = task_of(pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        task.decline(form.cleaned_data["reason"], by=request.acting.person)
        return done(request, task.biopsy, "It is not taken again.")
    words = {"title": "Not taken again", "submit": "Decide", "text": "Say why, and that the patient knows."}
    return ask(request, task.biopsy, form, words)


@permit(ORDER, "POST")
def rebiopsy_order(request: Request, pk: UUID) -> HttpResponse:
    """In the visit that is open now: of a patient who went home there is none yet."""
    task = task_of(pk)
    open_chart(task.biopsy.patient, page=PAGE)
    visit = Visit.objects.here(task.biopsy.patient_id)
    if visit is None:
        raise Refused("The patient has no open visit. Register one, then order the biopsy again in it.")
    return done(request, again := task.order_again(visit, by=request.acting.person), f"{again.number} is ordered.")


# --- at the patient ----------------------------------------------------------------------------------


@permit(COLLECT, "GET", "POST")
def biopsy_take(request: Request, pk: UUID) -> HttpResponse:
    """Identified, time-out, labelled, taken: one after the other, on one page that stands beside the patient."""
    row = found(pk)
    patient = open_chart(row.patient, page="biopsy taken", at_work=True)
    do = request.POST.get("do", "")
    form_of: dict[str, forms.Form] = {
        "identify": Identify(request.POST if do == "identify" else None, biopsy=row),
        "time_out": TakeTimeOut(request.POST if do == "time_out" else None),
        "collect": AtPlace(request.POST if do == "collect" else None, label="Where it was taken"),
    }
    form, refused = form_of.get(do), ""
    if form is not None and form.is_valid():
        try:
            take(row, do, form.cleaned_data, by=request.acting.person)
        except Refused as problem:
            refused = str(problem)
            form.add_error(None, refused)
        else:
            if do == "collect":
                messages.success(request, f"{row.number} is collected.")
                return redirect(row.get_absolute_url())
            return redirect("clinical:biopsy_take", pk=pk)
    context = {"biopsy": row, "patient": patient, "visit": row.visit, "refused": refused, "parts": row.specimens}
    status = 422 if form is not None and form.errors else 200
    return render(request, "clinical/biopsy/take.html", {**context, **form_of}, status=status)


def take(row: Biopsy, do: str, said: dict[str, Any], *, by: Any) -> None:
    if do == "identify":
        row.identify(said["number"], said["second"], by=by)
    elif do == "time_out":
        row.take_time_out(said["items"], together_with=said["together_with"], by=by)
    else:
        row.collect(said["place"], by=by)


# --- blocks and slides -----------------------------------------------------------------------------------


@permit(COLLECT, "GET", "POST")
def part_make(request: Request, pk: UUID) -> HttpResponse:
    above = get_object_or_404(BiopsyPart.objects.shown().select_related("biopsy__visit"), pk=pk)
    form = MakePart(request.POST or None, kind=above.below)
    if request.method == "POST" and form.is_valid():
        made = above.make(by=request.acting.person, **form.cleaned_data)
        return done(request, above.biopsy, f"{made} of {above.biopsy.number} is made.")
    words = {"title": f"A {above.below} of {above.name}", "submit": "Make it"}
    return ask(request, above.biopsy, form, words)

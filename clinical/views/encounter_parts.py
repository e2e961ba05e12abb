"""What stands beside the words of a note: its plan, its lesions, and one's quick texts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.forms.encounter import LesionForm, PlanForm, QuickTextForm
from clinical.models import Encounter, Lesion, PlanItem, QuickText
from clinical.models.encounter import WRITE
from clinical.views.answers import answered, close
from clinical.views.encounter import found
from hospital.http import Request
from hospital.permits import permit


def note_form(
    request: Request, note: Encounter, form: forms.BaseForm, words: dict[str, Any], status: int | None = None
) -> HttpResponse:
    """In the dialog over the note, or on a page of its own."""
    over = request.htmx.target == "dialog"
    context = {"patient": open_chart(note.patient, page="note"), "visit": note.visit, "form": form, "over": over}
    context |= {"note": note, "cancel": note.get_absolute_url(), **words}
    template = words.get("over_template", "_small_form.html") if over else "clinical/encounter/small_form.html"
    return render(request, template, context, status=status or (422 if form.is_bound else 200))


@permit(WRITE, "POST")
def plan_add(request: Request, pk: UUID) -> HttpResponse:
    note = found(pk)
    form = PlanForm(request.POST)
    if not form.is_valid():
        context = {"note": note, "plan_form": form}
        template = "clinical/encounter/_plan_form.html"
        if request.htmx:
            return render(request, template, context, status=422)
        return note_form(request, note, form, {"title": "Plan", "submit": "Add"}, 422)
    open_chart(note.patient, page="note", typing=True)
    PlanItem.put(note, by=request.acting.person, **form.cleaned_data)
    if request.htmx:
        return render(
            request, "clinical/encounter/_plan_form.html", {"note": note, "plan_form": PlanForm(), "again": True}
        )
    return answered(request, note.get_absolute_url())


@permit(WRITE, "POST")
def plan_remove(request: Request, pk: UUID) -> HttpResponse:
    item = get_object_or_404(PlanItem.objects.select_related("encounter__patient"), pk=pk)
    open_chart(item.encounter.patient, page="note", typing=True)
    item.remove(by=request.acting.person)
    return close(request, item.encounter.get_absolute_url())


@permit(WRITE, "GET", "POST")
def lesion_new(request: Request, pk: UUID) -> HttpResponse:
    note = found(pk)
    asked = {name: request.GET[name] for name in ("site", "laterality", "x", "y") if request.GET.get(name)}
    form = LesionForm(request.POST or None, note=note, asked=asked)
    if request.method == "POST" and form.is_valid():
        open_chart(note.patient, page="note", typing=True)
        Lesion.put(note, by=request.acting.person, **form.cleaned_data)
        return close(request, note.get_absolute_url())
    return note_form(request, note, form, {"title": "A lesion", "submit": "Place it"})


@permit(WRITE, "GET", "POST")
def lesion_edit(request: Request, pk: UUID) -> HttpResponse:
    lesion = the_lesion(pk)
    note = lesion.encounter
    if request.method == "POST":
        open_chart(note.patient, page="note", typing=True)
        note.lock_open(request.acting.person)  # before the lesion, as everybody who writes in a note does
    form = LesionForm(request.POST or None, note=note, instance=lesion)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            lesion.refresh_from_db()
            lesion.change(by=request.acting.person, **form.changes)
        return close(request, note.get_absolute_url())
    words = {"title": f"Lesion {lesion.number}", "submit": "Save"}
    return note_form(request, note, form, words, form.status if form.is_bound else 200)


@permit(WRITE, "POST")
def lesion_remove(request: Request, pk: UUID) -> HttpResponse:
    lesion = the_lesion(pk)
    open_chart(lesion.encounter.patient, page="note", typing=True)
    lesion.remove(by=request.acting.person)
    return close(request, lesion.encounter.get_absolute_url())


def the_lesion(pk: UUID) -> Lesion:
    return get_object_or_404(Lesion.objects.select_related("encounter__patient", "encounter__visit"), pk=pk)


# --- quick texts ------------------------------------------------------------------------------


@permit(WRITE)
def quick_texts(request: Request) -> HttpResponse:
    rows = QuickText.objects.for_person(request.acting.person)
    return render(request, "clinical/encounter/quick_texts.html", {"texts": list(rows)})


@permit(WRITE, "GET", "POST")
def quick_text_new(request: Request) -> HttpResponse:
    return quick_text_form(request, QuickText(person=request.acting.person), "A quick text of your own")


@permit(WRITE, "GET", "POST")
def quick_text_edit(request: Request, pk: UUID) -> HttpResponse:
    return quick_text_form(request, mine(request, pk), "Change the quick text")


@permit(WRITE, "POST")
def quick_text_remove(request: Request, pk: UUID) -> HttpResponse:
    mine(request, pk).delete()
    return answered(request, reverse("clinical:quick_texts"))


def mine(request: Request, pk: UUID) -> QuickText:
    return get_object_or_404(QuickText, pk=pk, person=request.acting.person)


def quick_text_form(request: Request, row: QuickText, title: str) -> HttpResponse:
    form = QuickTextForm(request.POST or None, instance=row, person=request.acting.person)
    back = reverse("clinical:quick_texts")
    if request.method == "POST" and form.is_valid():
        form.save()
        return answered(request, back)
    over = request.htmx.target == "dialog"
    context = {"form": form, "title": title, "submit": "Save", "cancel": back, "over": over}
    template = "_small_form.html" if over else "clinical/encounter/small_form.html"
    return render(request, template, context, status=form.status if form.is_bound else 200)

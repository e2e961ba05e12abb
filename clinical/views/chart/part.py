"""One part of a chart: its list, and what colleagues write into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical.changes import history_of
from clinical.chart import open_chart
from clinical.described import CURRENT, MISTAKES, PAST, Item
from clinical.forms.chart import EndForm, MistakeForm
from clinical.models import Allergy, Icd10Code, Patient
from clinical.models.of_chart import Recorded
from clinical.partial import stored
from clinical.parts import ALLERGIES, Part, Written, items_of
from clinical.views.answers import answered
from clinical.views.chart.frame import EDIT, READ, Opened, opened
from hospital.http import Request
from hospital.permits import permit

A_PAGE = 50
STATES = {CURRENT: "Current", PAST: "Past", MISTAKES: "Mistakes"}


@permit(READ)
def part(request: Request, pk: UUID, part: Part) -> HttpResponse:
    chart = opened(request, pk, part.name.lower())
    items = items_of(chart.patient, (part,), request.acting, chart.at)[part.key] if chart.known else []
    return render(request, "clinical/chart/part.html", {**chart.context, **listed(request, part, items, chart)})


@dataclass(frozen=True)
class Listed:
    """The lines that have the words that were asked for, and of these the ones in the state that was."""

    query: str
    state: str
    said: list[Item]

    @classmethod
    def of(cls, request: Request, items: list[Item]) -> Listed:
        query = request.GET.get("q", "").strip()[:100]
        said = [item for item in items if item.says(query.lower().split())]
        return cls(query, request.GET.get("state", ""), said)

    @property
    def shown(self) -> list[Item]:
        if self.state not in STATES:
            return without_mistakes(self.said)
        return [item for item in self.said if item.state == self.state]


def listed(request: Request, part: Part, items: list[Item], chart: Opened) -> dict[str, Any]:
    found = Listed.of(request, items)
    said = found.said
    counts = {one: sum(item.state == one for item in said) for one in STATES}
    pills = [{"value": "", "label": "All", "count": len(without_mistakes(said))}]
    pills += [{"value": one, "label": STATES[one], "count": counts[one]} for one in (*part.states, MISTAKES)]
    return {
        "part": part,
        "here": part.key,
        "page": Paginator(found.shown, A_PAGE).get_page(request.GET.get("page")),
        "pills": pills,
        "query": found.query,
        "state": found.state,
        "writes": part.is_written and chart.at is None and request.acting.may(EDIT),
        "asks_allergies": part is ALLERGIES and not any(item.state == CURRENT for item in items),
    }


def without_mistakes(items: list[Item]) -> list[Item]:
    return [item for item in items if item.state != MISTAKES]


@permit(EDIT, "GET", "POST")
def part_new(request: Request, pk: UUID, part: Written) -> HttpResponse:
    patient = open_chart(get_object_or_404(Patient, pk=pk), page=part.name.lower())
    form = part.form(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        row = part.model.record(patient, by=request.acting.person, **form.columns(form.cleaned_data))
        messages.success(request, f"{row} is recorded.")
        return answered(request, address(part, patient))
    return form_page(request, patient, part, form, f"Record {article(part.one)} {part.one}", "Record")


@permit(EDIT, "GET", "POST")
def part_edit(request: Request, pk: UUID, part: Written) -> HttpResponse:
    row, patient = row_of(part, pk)
    row.refuse_mistake()
    form = part.form(request.POST or None, instance=get_object_or_404(part.model, pk=pk), patient=patient)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            row.change(by=request.acting.person, **form.columns(form.changes))
            messages.success(request, f"{row} is saved.")
        return answered(request, address(part, patient))
    status = form.status if form.is_bound else 200
    return form_page(request, patient, part, form, f"Change the {part.one}", "Save", status)


@permit(EDIT, "GET", "POST")
def part_end(request: Request, pk: UUID, part: Written) -> HttpResponse:
    row, patient = row_of(part, pk)
    form = EndForm(request.POST or None, needs_reason=part.end_needs_reason, has_day=bool(row.END_DAY))
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data.get("on", "")
        began = stored(day)
        on = (began[0], day) if began[0] else None
        row.end(by=request.acting.person, because=form.cleaned_data["because"], on=on)
        messages.success(request, f"{row} stands among the past ones.")
        return answered(request, address(part, patient))
    return small_page(request, patient, part, form, f"{part.end}: {row}", part.end)


@permit(EDIT, "GET", "POST")
def part_mistake(request: Request, pk: UUID, part: Written) -> HttpResponse:
    row, patient = row_of(part, pk)
    form = MistakeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.take_back(by=request.acting.person, because=form.cleaned_data["because"])
        messages.success(request, f"{row} is marked as a mistake.")
        return answered(request, address(part, patient))
    return small_page(request, patient, part, form, f"Entered in error: {row}", "Mark as a mistake", danger=True)


@permit(READ)
def part_history(request: Request, pk: UUID, part: Written) -> HttpResponse:
    """Who changed what of this row, and when."""
    row, patient = row_of(part, pk)
    context = {"patient": patient, "part": part, "row": row, "lines": history_of(row), "back": address(part, patient)}
    template = "_history.html" if request.htmx.target == "panel" else "history.html"
    return render(request, f"clinical/chart/{template}", {**context, "over": request.htmx.target})


@permit(EDIT, "POST")
def none_known(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="allergies")
    Allergy.none_is_known(patient, by=request.acting.person)
    messages.success(request, f"{patient.name} knows of no allergies. That is recorded, with your name and the day.")
    return answered(request, reverse("clinical:chart_allergies", args=[patient.pk]))


@permit(EDIT)
def codes(request: Request) -> HttpResponse:
    """ICD-10-CM, while a problem is typed."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = Icd10Code.objects.look_up(query) if query else []
    return render(request, "clinical/chart/_codes.html", {"codes": found, "query": query})


# --- what they have in common -----------------------------------------------------------------


def row_of(part: Written, pk: UUID) -> tuple[Recorded, Patient]:
    row = get_object_or_404(part.model.objects.select_related("patient"), pk=pk)
    return row, open_chart(row.patient, page=part.name.lower())


def address(part: Part, patient: Patient) -> str:
    return reverse(part.url, args=[patient.pk])


def article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def form_page(
    request: Request, patient: Patient, part: Part, form: forms.BaseForm, title: str, submit: str, status: int = 0
) -> HttpResponse:
    context = {"patient": patient, "part": part, "form": form, "title": title, "submit": submit}
    context |= {"back": address(part, patient), "over": request.htmx.target}
    template = "_form.html" if request.htmx.target == "panel" else "form.html"
    return render(request, f"clinical/chart/{template}", context, status=status or (422 if form.is_bound else 200))


def small_page(
    request: Request, patient: Patient, part: Part, form: forms.Form, title: str, submit: str, *, danger: bool = False
) -> HttpResponse:
    over = request.htmx.target == "dialog"
    context = {"patient": patient, "form": form, "title": title, "submit": submit, "danger": danger}
    context |= {"cancel": address(part, patient), "over": over}
    template = "_small_form.html" if over else "clinical/chart/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)

"""A step that needs words: in the dialog over the page, or on a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from clinical.chart import open_chart
from clinical.models import Patient
from clinical.views.answers import answered
from hospital.http import Request
from hospital.panel import beside_its_field


@dataclass(frozen=True)
class About:
    """What the words are about: whose chart it opens, under which name, and where it goes back to."""

    patient: Patient
    page: str
    template: str
    address: str
    shown: dict[str, Any]


def step(request: Request, about: About, form: forms.Form, verb: Callable[..., Any], **words: Any) -> HttpResponse:
    """What the form says goes to the verb by the names of its fields."""
    if request.method == "POST" and form.is_valid():
        with beside_its_field(form):
            verb(**form.cleaned_data, by=request.acting.person)
            return answered(request, about.address)
    return ask(request, about, form, **words)


def ask(request: Request, about: About, form: forms.Form, **words: Any) -> HttpResponse:
    over = request.htmx.target == "dialog"
    patient = open_chart(about.patient, page=about.page, at_work=True)
    context = {**about.shown, "patient": patient, "form": form, "cancel": about.address, "over": over, **words}
    template = "_small_form.html" if over else about.template
    return render(request, template, context, status=422 if form.is_bound else 200)

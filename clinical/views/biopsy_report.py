"""The report on biopsies, on a page and as tables for a spreadsheet."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from clinical.models import Biopsy, PathologyLab
from clinical.models.biopsy import VIEW
from clinical.reports.asking import NarrowForm, context_of, table_as_file
from clinical.reports.biopsies import Asked, report
from clinical.reports.period import chosen
from hospital.choices import offer
from hospital.http import Request
from hospital.models import Person
from hospital.permits import permit


class Narrow(NarrowForm):
    laboratory: forms.ModelChoiceField[PathologyLab] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All laboratories"
    )
    doctor: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All doctors", label="Ordered by"
    )

    def prepare(self) -> None:
        offer(self, "laboratory", PathologyLab.objects.order_by("name"))
        doctors = Biopsy.objects.order_by().values("ordered_by")
        offer(self, "doctor", Person.objects.filter(pk__in=doctors).order_by("name"))


def asked_for(request: Request) -> tuple[Asked, Narrow]:
    narrow = Narrow(request.GET)
    reads = request.acting.may("clinical.view_results")
    return Asked(chosen(request.GET)[0], **narrow.cleaned_data, reads_results=reads), narrow


@permit(VIEW)
def biopsy_report(request: Request) -> HttpResponse:
    asked, narrow = asked_for(request)
    context = context_of(request.GET, report(asked))
    wrong = narrow.errors or context["is_wrong"]
    context |= {"narrow": narrow, "download": "clinical/biopsy/_download.html"}
    return render(request, "clinical/biopsy/report.html", context, status=422 if wrong else 200)


@permit(VIEW)
def biopsy_report_csv(request: Request, table: str) -> HttpResponse:
    asked = asked_for(request)[0]
    return table_as_file("biopsies", table, asked.period, report(asked))

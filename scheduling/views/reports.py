"""The reports on appointments, on a page and as tables for a spreadsheet."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from clinical.reports.asking import NarrowForm, context_of, table_as_file
from clinical.reports.period import chosen
from hospital.choices import offer
from hospital.http import Request
from hospital.permits import permit
from scheduling.models import Location, Provider
from scheduling.reports import Asked, report

VIEW = "scheduling.view_reports"


class Narrow(NarrowForm):
    location: forms.ModelChoiceField[Location] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All locations"
    )
    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All providers"
    )

    def prepare(self) -> None:
        offer(self, "location", Location.objects.filter(is_active=True))
        offer(self, "provider", Provider.objects.select_related("person"))


def asked_for(request: Request) -> tuple[Asked, Narrow]:
    narrow = Narrow(request.GET)
    return Asked(chosen(request.GET)[0], **narrow.cleaned_data), narrow


@permit(VIEW)
def reports(request: Request) -> HttpResponse:
    asked, narrow = asked_for(request)
    context = context_of(request.GET, report(asked))
    wrong = narrow.errors or context["is_wrong"]
    return render(request, "scheduling/reports/page.html", context | {"narrow": narrow}, status=422 if wrong else 200)


@permit(VIEW)
def reports_csv(request: Request, table: str) -> HttpResponse:
    asked = asked_for(request)[0]
    return table_as_file("appointments", table, asked.period, report(asked))

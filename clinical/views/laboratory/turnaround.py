"""The report on turnaround, on a page and as tables for a spreadsheet."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from clinical.models import LabOrder, LabTest
from clinical.reports.asking import NarrowForm, context_of, table_as_file
from clinical.reports.period import chosen
from clinical.reports.turnaround import Asked, report
from hospital.choices import offer
from hospital.http import Request
from hospital.models import Membership, Person
from hospital.permits import permit

PROCESS = "clinical.process_lab"


class Narrow(NarrowForm):
    test: forms.ModelChoiceField[LabTest] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All tests"
    )
    bench = forms.ChoiceField(required=False)
    priority = forms.ChoiceField(required=False, choices=[("", "All priorities"), *LabOrder.Priority.choices])
    technician: forms.ModelChoiceField[Person] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Everybody", label="Released by"
    )

    def prepare(self) -> None:
        offer(self, "test", LabTest.objects.order_by("name"))
        offer(self, "technician", Person.objects.filter(pk__in=Membership.objects.values("person_id")).order_by("name"))
        benches = LabTest.objects.exclude(bench="").order_by("bench").values_list("bench", flat=True).distinct()
        self.fields["bench"] = forms.ChoiceField(
            required=False, choices=[("", "All benches"), *((name, name) for name in benches)]
        )


def asked_for(request: Request) -> tuple[Asked, Narrow]:
    narrow = Narrow(request.GET)
    return Asked(chosen(request.GET)[0], **narrow.cleaned_data), narrow


@permit(PROCESS)
def turnaround(request: Request) -> HttpResponse:
    asked, narrow = asked_for(request)
    context = context_of(request.GET, report(asked))
    wrong = narrow.errors or context["is_wrong"]
    context |= {"narrow": narrow, "download": "clinical/laboratory/_download.html"}
    return render(request, "clinical/laboratory/turnaround.html", context, status=422 if wrong else 200)


@permit(PROCESS)
def turnaround_csv(request: Request, table: str) -> HttpResponse:
    asked = asked_for(request)[0]
    return table_as_file("turnaround", table, asked.period, report(asked))

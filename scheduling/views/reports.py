"""The reports on appointments, on a page and as tables for a spreadsheet."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render

from clinical.reports.period import PRESETS, Choice, chosen
from hospital.choices import offer
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from scheduling.models import Location, Provider
from scheduling.reports import Asked, report

VIEW = "scheduling.view_reports"


class Narrow(forms.Form):
    location: forms.ModelChoiceField[Location] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All locations"
    )
    provider: forms.ModelChoiceField[Provider] = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All providers"
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        offer(self, "location", Location.objects.filter(is_active=True))
        offer(self, "provider", Provider.objects.select_related("person"))


def asked_for(request: Request) -> tuple[Asked, str, Choice, Narrow]:
    """What is asked for, the preset of its period, and the forms that show both."""
    period, preset, form = chosen(request.GET)
    narrow = Narrow(request.GET)
    narrow.is_valid()
    return Asked(period, **narrow.cleaned_data), preset, form, narrow


@permit(VIEW)
def reports(request: Request) -> HttpResponse:
    asked, preset, form, narrow = asked_for(request)
    context = {
        "report": report(asked),
        "period": asked.period,
        "presets": PRESETS,
        "preset": preset,
        "form": form,
        "narrow": narrow,
        "query": request.GET.urlencode(),
        "kept": urlencode({name: row.pk for name, row in narrow.cleaned_data.items() if row is not None}),
    }
    wrong = narrow.errors or (form.is_bound and form.errors)
    return render(request, "scheduling/reports/page.html", context, status=422 if wrong else 200)


@permit(VIEW)
def reports_csv(request: Request, table: str) -> HttpResponse:
    """One table as CSV. Who took which figures out of the house is noted."""
    asked = asked_for(request)[0]
    found = report(asked).table(table)
    if found is None:
        raise Http404
    first, last = str(asked.period.first), str(asked.period.last)
    detail = {"report": "appointments", "table": table, "first": first, "last": last, "rows": len(found.rows)}
    AuditEntry.note("export", detail=detail)
    return HttpResponse(
        found.csv(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="appointments-{table}-{first}-{last}.csv"'},
    )

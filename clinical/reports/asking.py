"""How a report is asked for by its page, and taken out of the house as a table."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpResponse, QueryDict

from clinical.reports.parts import Report
from clinical.reports.period import PRESETS, Period, chosen
from hospital.models import AuditEntry


class NarrowForm(forms.Form):
    """What a report is narrowed to."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.prepare()
        self.is_valid()

    def prepare(self) -> None:
        """Where a form of rows offers them; fixed choices need nothing."""

    @property
    def kept(self) -> str:
        """For the address of another period."""
        return urlencode({name: self.data[name] for name in self.fields if self.data.get(name)})


def context_of(query: QueryDict, report: Report) -> dict[str, Any]:
    """What each page of a report shows beside its figures; `is_wrong` if the period typed is none."""
    period, preset, form = chosen(query)
    return {
        "report": report,
        "period": period,
        "presets": PRESETS,
        "preset": preset,
        "form": form,
        "is_wrong": form.is_bound and bool(form.errors),
        "query": query.urlencode(),
    }


def table_as_file(name: str, key: str, period: Period, report: Report) -> HttpResponse:
    """One table as CSV. Who took which figures out of the house is noted."""
    table = report.table(key)
    if table is None:
        raise Http404
    first, last = str(period.first), str(period.last)
    detail = {"report": name, "table": key, "first": first, "last": last, "rows": len(table.rows)}
    AuditEntry.note("export", detail=detail)
    return HttpResponse(
        table.csv(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{key}-{first}-{last}.csv"'},
    )

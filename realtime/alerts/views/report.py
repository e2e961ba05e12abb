from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from realtime.alerts.models import ACKNOWLEDGE
from realtime.alerts.report import COLUMNS, csv_of, seen_by, tables

PERIODS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"))
USUAL = "90"


@permit(ACKNOWLEDGE)
def report(request: Request) -> HttpResponse:
    rows, whose = seen_by(request.acting)
    days = chosen(request)
    context = {
        "tables": tables(rows, int(days)),
        "columns": COLUMNS,
        "whose": whose,
        "days": days,
        "periods": PERIODS,
        "open": rows.open().order_by("raised_at")[:50],
    }
    return render(request, "realtime/alerts/report.html", context)


@permit(ACKNOWLEDGE)
def download(request: Request) -> HttpResponse:
    """Who took which figures out of the house is noted."""
    rows, whose = seen_by(request.acting)
    days = chosen(request)
    AuditEntry.note("export", detail={"report": "alerts", "of": whose, "days": days})
    return HttpResponse(
        csv_of(tables(rows, int(days))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="alerts-{days}-days.csv"'},
    )


def chosen(request: Request) -> str:
    days = request.GET.get("days", "")
    return days if days in dict(PERIODS) else USUAL

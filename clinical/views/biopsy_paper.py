"""Biopsies on paper: the history of one, and the specimens of a day."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical import days
from clinical.biopsy_history import as_they_came, readers, story
from clinical.biopsy_opening import open_biopsy
from clinical.biopsy_readers import HISTORY
from clinical.models import Biopsy, BiopsyPart
from clinical.models.biopsy import COLLECT, VIEW
from clinical.views.biopsy_log import READS_RESULTS
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit
from hospital.workflow import allow

MOST = 400


@permit(VIEW)
def biopsy_history(request: Request, pk: UUID) -> HttpResponse:
    allow(READS_RESULTS, request.acting.person)
    biopsy = get_object_or_404(
        Biopsy.objects.shown().select_related("rebiopsy_of", "report__biopsy", "report__document"), pk=pk
    )
    patient = open_biopsy(biopsy, page=HISTORY)
    lines = story(biopsy)
    context = {
        "biopsy": biopsy,
        "patient": patient,
        "custody": [line for line in lines if line.kind == "custody"],
        "said": [line for line in lines if line.kind == "said"],
        "told": [line for line in lines if line.kind == "told"],
        "readers": readers(biopsy),
        "parts": biopsy.parts.select_related("biopsy", "parent", "received_by", "labelled_by").order_by("name"),
        "reports": as_they_came(biopsy),
        "rebiopsies": biopsy.rebiopsies.all(),
        "back": biopsy.get_absolute_url(),
    }
    return render(request, "clinical/biopsy/history.html", context)


@permit(COLLECT)
def biopsies_day(request: Request) -> HttpResponse:
    """What was taken on one day, laboratory by laboratory, with room to sign. Who printed it is noted."""
    day = day_of(request.GET.get("day", ""))
    start, end = days.bounds(day)
    parts = list(
        BiopsyPart.objects.specimens()
        .filter(biopsy__collected_at__gte=start, biopsy__collected_at__lt=end)
        .select_related("biopsy__patient", "biopsy__laboratory", "biopsy__ordered_by", "biopsy__collected_by")
        .order_by("biopsy__laboratory__name", "biopsy__serial", "position")[:MOST]
    )
    AuditEntry.note("export", detail={"report": "biopsies of a day", "day": str(day), "rows": len(parts)})
    context = {
        "day": day,
        "laboratories": by_laboratory(parts),
        "count": len(parts),
        "most": MOST,
        "back": reverse("clinical:biopsies"),
    }
    return render(request, "clinical/biopsy/day.html", context)


def day_of(text: str) -> date:
    """Today, where nothing is asked for that can be read."""
    try:
        chosen = date.fromisoformat(text)
    except ValueError:
        return days.today()
    return chosen if 2000 <= chosen.year <= 2200 else days.today()


def by_laboratory(parts: list[BiopsyPart]) -> list[dict[str, Any]]:
    found: dict[str, list[BiopsyPart]] = {}
    for part in parts:
        found.setdefault(part.biopsy.laboratory.name, []).append(part)
    return [{"name": name, "parts": rows} for name, rows in found.items()]

"""The board of the front desk: everybody who has an appointment at this house today, and where they are."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render

from clinical.models import Patient
from hospital.http import Request
from hospital.permits import permit
from scheduling.board import STAGES, Stage, of_today, stage_of
from scheduling.models import Appointment, Location, Provider

VIEW = "scheduling.view_calendar"


@dataclass(frozen=True)
class Lane:
    """A stage with those who are in it. While somebody is searched for, no pushed row comes in (`name` is empty)."""

    stage: Stage
    name: str
    rows: list[Appointment]


@permit(VIEW)
def desk(request: Request) -> HttpResponse:
    places = list(Location.objects.filter(is_active=True))
    at = chosen_place(request, places)
    if at is None:
        return render(request, "scheduling/desk/nowhere.html")
    query = request.GET.get("q", "").replace("\0", "").strip()
    rows = list(of_today(at).shown().order_by("begins_at", "serial"))
    providers = Provider.objects.filter(pk__in={row.provider_id for row in rows}).select_related("person")
    provider = next((one for one in providers if str(one.pk) == request.GET.get("provider")), None)
    context = {
        "at": at,
        "places": places,
        "query": query,
        "provider": provider,
        "pills": [{"value": "", "label": "Everyone"}, *({"value": one.pk, "label": one} for one in providers)],
        "lanes": lanes(narrowed(rows, provider, query), at, provider, live=not query),
        "today": at.today(),
    }
    return render(request, "scheduling/desk/page.html", context)


def chosen_place(request: Request, places: list[Location]) -> Location | None:
    """Asked for, or where this person was last, or the first."""
    known = request.session.get("desk", "")
    by_key = {str(place.pk): place for place in places}
    at = by_key.get(request.GET.get("location", "")) or by_key.get(known) or next(iter(places), None)
    if at is not None and str(at.pk) != known:
        request.session["desk"] = str(at.pk)
    return at


def narrowed(rows: list[Appointment], provider: Provider | None, query: str) -> list[Appointment]:
    if provider is not None:
        rows = [row for row in rows if row.provider_id == provider.pk]
    if query:
        patients = Patient.objects.filter(pk__in={row.patient_id for row in rows})
        found = set(patients.search(query).values_list("pk", flat=True))
        rows = [row for row in rows if row.patient_id in found]
    return rows


def lanes(rows: list[Appointment], at: Location, provider: Provider | None, *, live: bool) -> list[Lane]:
    ends = f"-{at.pk}-{provider.pk}" if provider else f"-{at.pk}"
    stages = {row.pk: stage_of(row) for row in rows}
    return [
        Lane(stage, f"{stage.key}{ends}" if live else "", [row for row in rows if stages[row.pk] == stage.key])
        for stage in STAGES
    ]
